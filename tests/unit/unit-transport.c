/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-transport.c: addresses, connections over every transport, whole messages, and the hello with peers of all kinds. */
#include "src/core/util.h"
#include "tests/unit/speak.h"
#include "transport/transport.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct {
    const char *text, *canonical; /* NULL: refused, with what the message has to contain in `says` */
    const char *says;
} texts[] = {
    {"tcp:127.0.0.1:9000", "tcp:127.0.0.1:9000", NULL},
    {"tcp:localhost", "tcp:localhost:9000", NULL},
    {"tls:localhost", "tls:localhost:9000", NULL},
    {"tls:[::1]:1", "tls:[::1]:1", NULL},
    {"tls:h:65536", NULL, "\"tls:h:65536\": the port"},
    {"tls:::1", NULL, "tls:[ADDRESS]:PORT"},
    {"tcp:[::1]:1", "tcp:[::1]:1", NULL},
    {"tcp:[::1]", "tcp:[::1]:9000", NULL},
    {"tcp:h:0", "tcp:h:0", NULL},
    {"tcp:h:65535", "tcp:h:65535", NULL},
    {"tcp:h:65536", NULL, "0 to 65535"},
    {"tcp:h:", NULL, "port"},
    {"tcp:h:-1", NULL, "port"},
    {"tcp:h: 1", NULL, "port"},
    {"tcp:h:000001", NULL, "port"},
    {"tcp:[::1]9", NULL, "port"},
    {"tcp:::1", NULL, "brackets"},
    {"tcp:[::1", NULL, "]"},
    {"tcp:[]:1", NULL, "host"},
    {"tcp:[localhost]:1", NULL, "IPv6"},
    {"tcp::1", NULL, "host"},
    {"tcp:", NULL, "host"},
    {"vsock:host:9000", "vsock:host:9000", NULL},
    {"vsock:host", "vsock:host:9000", NULL},
    {"vsock:local:1", "vsock:local:1", NULL},
    {"vsock:9001", "vsock:9001", NULL},
    {"vsock:0", "vsock:0", NULL},
    {"vsock:3:9001", "vsock:3:9001", NULL},
    {"vsock:4294967294:4294967294", "vsock:4294967294:4294967294", NULL},
    {"vsock:4294967295:1", NULL, "context id"},
    {"vsock:4294967295", NULL, "0 to 4294967294"},
    {"vsock:18446744073709551618", NULL, "port"},
    {"vsock:0:1", NULL, "context id"},
    {"vsock::1", NULL, "context id"},
    {"vsock:", NULL, "context id"},
    {"vsock:here:1", NULL, "\"host\" or \"local\""},
    {"vsock:-1:1", NULL, "context id"},
    {"vsock:3:", NULL, "port"},
    {"vsock:3:1:1", NULL, "port"},
    {"vsock:9000x", NULL, "port"},
    {"unix:/tmp/x", "unix:/tmp/x", NULL},
    {"unix:", NULL, "path"},
    {"embedded:7", "embedded:7", NULL},
    {"embedded:", NULL, "number"},
    {"embedded:7x", NULL, "number"},
    {"embedded:-1", NULL, "number"},
    {"", NULL, "tcp:HOST:PORT"},
    {"localhost:9000", NULL, "tcp:HOST:PORT, tls:HOST:PORT, vsock:CID:PORT or unix:PATH"},
    {"tcpx:h:1", NULL, "tcp:HOST:PORT"},
};

START_TEST(address_texts)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(texts); i++) {
        RSYS_AUTO_ERROR err = NULL;
        struct rsys_address *address = rsys_address_parse(texts[i].text, &err);
        if (texts[i].canonical != NULL) {
            ck_assert_msg(address != NULL, "%s: %s", texts[i].text, rsys_error_text(err));
            ck_assert_str_eq(rsys_address_text(address), texts[i].canonical);
        } else {
            ck_assert_msg(address == NULL, "%s was taken", texts[i].text);
            ck_assert_msg(strstr(rsys_error_text(err), texts[i].says) != NULL, "%s: %s", texts[i].text, rsys_error_text(err));
        }
        rsys_address_free(address);
    }
    char text[300] = "unix:/";
    memset(text + 6, 'x', 200);
    RSYS_AUTO_ERROR err = NULL;
    ck_assert_ptr_null(rsys_address_parse(text, &err));
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err), "longer than 107"));
}
END_TEST

START_TEST(public)
{
    static const struct {
        const char *text;
        bool public;
    } cases[] = {
        {"tcp:127.0.0.1", false}, {"tcp:127.9.9.9", false}, {"tcp:[::1]", false},           {"tcp:[::ffff:127.0.0.1]", false},
        {"tcp:0.0.0.0", true},    {"tcp:[::]", true},       {"tcp:[::ffff:10.0.0.1]", true}, {"tcp:10.1.2.3", true},
        {"unix:/x", false},       {"embedded:3", false},    {"vsock:9000", false},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(cases); i++) {
        struct rsys_address *address = parse(cases[i].text);
        ck_assert_msg(rsys_address_is_public(address) == cases[i].public, "%s", cases[i].text);
        rsys_address_free(address);
    }
}
END_TEST

START_TEST(tcp)
{
    speak("tcp:127.0.0.1:0", NULL);
    speak("tcp:localhost:0", NULL);
}
END_TEST

static char directory[] = "/tmp/rsys-unit-XXXXXX";
static char socket_path[64], socket_text[72];

static void make_directory(void)
{
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(socket_path, sizeof socket_path, "%s/s", directory);
    snprintf(socket_text, sizeof socket_text, "unix:%s", socket_path);
}

static void remove_directory(void)
{
    unlink(socket_path);
    rmdir(directory);
}

START_TEST(unix_names)
{
    RSYS_AUTO_ERROR err = NULL;
    struct stat status;
    speak(socket_text, NULL);
    ck_assert_int_lt(lstat(socket_path, &status), 0); /* rsys_address_unlisten took it away */

    struct rsys_address *address = parse(socket_text);
    RSYS_AUTO_FD first = rsys_address_listen(address, &err);
    ck_assert_msg(first >= 0, "%s", rsys_error_text(err));
    ck_assert_int_eq(lstat(socket_path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    /* In use: refused, and the name stays. */
    struct rsys_address *other = parse(socket_text);
    ck_assert_int_eq(rsys_address_listen(other, &err), -1);
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err), "in use"));
    rsys_address_unlisten(other);
    ck_assert_int_eq(lstat(socket_path, &status), 0);
    /* Its listener died: replaced. */
    rsys_close(rsys_fd_steal(&first));
    RSYS_AUTO_ERROR err2 = NULL;
    RSYS_AUTO_FD second = rsys_address_listen(other, &err2);
    ck_assert_msg(second >= 0, "%s", rsys_error_text(err2));
    rsys_address_unlisten(address); /* is not the first one's to take away */
    ck_assert_int_eq(lstat(socket_path, &status), 0);
    rsys_address_unlisten(other);
    ck_assert_int_lt(lstat(socket_path, &status), 0);
    /* A file that is no socket stays what it is. */
    RSYS_AUTO_FD file = open(socket_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    RSYS_AUTO_ERROR err3 = NULL;
    ck_assert_int_eq(rsys_address_listen(address, &err3), -1);
    ck_assert_int_eq(lstat(socket_path, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
    rsys_address_free(other);
    rsys_address_free(address);
}
END_TEST

/* The mode is the name's, whatever the umask, and the kernel tells who connects. */
START_TEST(unix_mode)
{
    RSYS_AUTO_ERROR err = NULL;
    struct stat status;
    struct rsys_peer peer;
    struct rsys_address *address = parse(socket_text);
    mode_t before = umask(077);
    rsys_address_set_mode(address, 0666);
    RSYS_AUTO_FD listener = rsys_address_listen(address, &err);
    ck_assert_msg(listener >= 0, "%s", rsys_error_text(err));
    ck_assert_uint_eq(umask(before), 077);
    ck_assert_int_eq(lstat(socket_path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0666);
    RSYS_AUTO_FD one = rsys_address_connect(address, 5000, &err);
    wait_for(listener);
    RSYS_AUTO_FD two = rsys_address_accept(address, listener, &peer);
    ck_assert_int_ge(two, 0);
    ck_assert_int_eq(peer.kind, RSYS_PEER_UID);
    ck_assert_uint_eq(peer.id, geteuid());
    rsys_address_unlisten(address);
    rsys_address_free(address);
}
END_TEST

START_TEST(embedded)
{
    int pair[2];
    char listen_text[32], connect_text[32];
    struct rsys_peer peer;
    RSYS_AUTO_ERROR err = NULL;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    snprintf(listen_text, sizeof listen_text, "embedded:%d", pair[0]);
    snprintf(connect_text, sizeof connect_text, "embedded:%d", pair[1]);
    speak(listen_text, connect_text);
    /* A message that carries no descriptor, then the end. */
    struct rsys_address *address = parse(listen_text);
    RSYS_AUTO_FD listener = rsys_address_listen(address, &err);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(send(pair[1], "x", 1, 0), 1);
    ck_assert_int_eq(rsys_address_accept(address, listener, &peer), -1);
    ck_assert_int_eq(errno, EPROTO);
    close(pair[1]);
    ck_assert_int_eq(rsys_address_accept(address, listener, &peer), -1);
    ck_assert_int_eq(errno, EPIPE);
    rsys_address_free(address);
    close(pair[0]);
}
END_TEST

START_TEST(refused)
{
    RSYS_AUTO_ERROR err = NULL;
    RSYS_AUTO_ERROR err2 = NULL;
    RSYS_AUTO_ERROR err3 = NULL;
    /* A port that is bound and not listened on: nobody else can take it meanwhile. */
    RSYS_AUTO_FD bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof name;
    ck_assert_int_eq(bind(bound, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(getsockname(bound, (struct sockaddr *)&name, &size), 0);
    char text[64], expected[200];
    snprintf(text, sizeof text, "tcp:127.0.0.1:%u", ntohs(name.sin_port));
    struct rsys_address *address = parse(text);
    ck_assert_int_eq(rsys_address_connect(address, 5000, &err), -1);
    snprintf(expected, sizeof expected, "connect to %s: Connection refused (is rsys-sandboxd running there?)", text);
    ck_assert_str_eq(rsys_error_text(err), expected);
    ck_assert_int_eq(err->code, ECONNREFUSED);
    rsys_address_free(address);

    address = parse(socket_text);
    ck_assert_int_eq(rsys_address_connect(address, 5000, &err2), -1);
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err2), "No such file or directory (is rsys-sandboxd running there?)"));
    rsys_address_free(address);

    address = parse("tcp:rsys-no-such-name.invalid:1");
    ck_assert_int_eq(rsys_address_connect(address, 5000, &err3), -1);
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err3), "look up \"rsys-no-such-name.invalid\""));
    rsys_address_free(address);
}
END_TEST

/* A listener whose backlog is full and that never accepts. */
START_TEST(connect_timeout)
{
    struct rsys_address *address = parse(socket_text);
    RSYS_AUTO_ERROR err = NULL;
    RSYS_AUTO_FD listener = rsys_address_listen(address, &err);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    int fds[8], count = 0;
    while (count < 8 && (fds[count] = rsys_address_connect(address, 50, &err)) >= 0)
        count++;
    ck_assert_int_lt(count, 8);
    ck_assert_int_eq(err->code, ETIMEDOUT);
    while (count > 0)
        close(fds[--count]);
    rsys_address_unlisten(address);
    rsys_address_free(address);
}
END_TEST

/* ---- messages ---- */

START_TEST(timeouts)
{
    int pair[2];
    char buffer[4] = "";
    static char large[1 << 20];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(rsys_receive_all(pair[0], buffer, 4, 20), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_eq(rsys_receive_all(pair[0], buffer, 4, 0), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_eq(rsys_send_all(pair[1], "ab", 2, 0), 0);
    ck_assert_int_eq(rsys_receive_all(pair[0], buffer, 4, 20), -1); /* half a message */
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_eq(rsys_send_all(pair[1], large, sizeof large, 20), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    close(pair[0]);
    ck_assert_int_eq(rsys_send_all(pair[1], "ab", 2, -1), -1); /* and no SIGPIPE */
    ck_assert_int_eq(errno, EPIPE);
    close(pair[1]);
}
END_TEST

/* More than the socket holds, in pieces, against a reader in another process; both kinds of descriptor. */
START_TEST(large_messages)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    speak_large(pair[0], pair[1], _i);
}
END_TEST

/* ---- the hello ---- */

#define REPLY(status_, version_, size_) &(struct rsys_hello_reply){.magic = RSYS_WIRE_MAGIC, .version = version_, .status = status_, .size = size_}, 12

static void hello(const void *answer, size_t n, const void *more, size_t more_n, bool closed, const char *says)
{
    int pair[2];
    void *payload = NULL;
    size_t size = 0;
    RSYS_AUTO_ERROR err = NULL;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(rsys_send_all(pair[1], answer, n, 0), 0);
    ck_assert_int_eq(rsys_send_all(pair[1], more, more_n, 0), 0);
    if (closed)
        shutdown(pair[1], SHUT_WR);
    int result = rsys_hello_session(pair[0], 0, 100, &payload, &size, &err);
    if (says == NULL) {
        ck_assert_msg(result == 0, "%s", rsys_error_text(err));
        ck_assert_uint_eq(size, more_n);
        ck_assert_mem_eq(payload, more, more_n);
        struct rsys_hello got;
        ck_assert_int_eq(rsys_receive_all(pair[1], &got, sizeof got, 100), 0);
        ck_assert_uint_eq(got.magic, RSYS_WIRE_MAGIC);
        ck_assert_uint_eq(got.kind, RSYS_HELLO_SESSION);
    } else {
        ck_assert_int_eq(result, -1);
        ck_assert_ptr_null(payload);
        ck_assert_msg(strstr(rsys_error_text(err), says) != NULL, "\"%s\" does not say \"%s\"", rsys_error_text(err), says);
    }
    free(payload);
    close(pair[0]);
    close(pair[1]);
}

START_TEST(hellos)
{
    struct rsys_welcome welcome = {.nofile = 7};
    hello(REPLY(RSYS_HELLO_OK, RSYS_WIRE_VERSION, sizeof welcome), &welcome, sizeof welcome, false, NULL);
    hello("SSH-2.0-OpenSSH_9.2\r\n", 21, "", 0, false, "does not speak rsys (its answer begins with \"SSH-\")");
    hello("\1\2\3\4", 4, "", 0, false, "begins with \"????\"");
    hello("", 0, "", 0, true, "closed the connection without an answer");
    hello("RS", 2, "", 0, true, "closed the connection");
    hello("", 0, "", 0, false, "no answer within 0.1 seconds");
    hello(REPLY(RSYS_HELLO_OK, RSYS_WIRE_VERSION, sizeof welcome), &welcome, 10, false, "no answer");
    hello(REPLY(RSYS_HELLO_OK, RSYS_WIRE_VERSION, 4), "abcd", 4, false, "impossible size");
    hello(REPLY(RSYS_HELLO_OK, RSYS_WIRE_VERSION, RSYS_WELCOME_MAX + 1), "", 0, false, "impossible size");
    hello(REPLY(RSYS_HELLO_FAILED, RSYS_WIRE_VERSION, 0xffffffff), "", 0, false, "impossible size");
    hello(REPLY(RSYS_HELLO_BAD_VERSION, 9, 0), "", 0, false, "version 9 of the protocol and this client version 3");
    hello(REPLY(RSYS_HELLO_OK, 9, sizeof welcome), &welcome, sizeof welcome, false, "version 9");
    hello(REPLY(RSYS_HELLO_REFUSED, RSYS_WIRE_VERSION, 8), "too many", 8, false, "refused the session: too many");
    hello(REPLY(RSYS_HELLO_FAILED, RSYS_WIRE_VERSION, 8), "no\033[2J\nx", 8, false, "could not make the sandbox: no?[2J x");
    hello(REPLY(RSYS_HELLO_FAILED, RSYS_WIRE_VERSION, 0), "", 0, false, "could not make the sandbox");
}
END_TEST

START_TEST(channel_hello)
{
    int pair[2];
    struct rsys_hello got;
    uint8_t token[RSYS_TOKEN_SIZE] = "0123456789abcde";
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(rsys_hello_channel(pair[0], token, 0), 0);
    ck_assert_int_eq(rsys_receive_all(pair[1], &got, sizeof got, 1000), 0);
    ck_assert_uint_eq(got.kind, RSYS_HELLO_CHANNEL);
    ck_assert_mem_eq(got.token, token, sizeof token);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport");
    TCase *tests = tcase_create("transport");
    tcase_add_checked_fixture(tests, make_directory, remove_directory);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, address_texts);
    tcase_add_test(tests, public);
    tcase_add_test(tests, tcp);
    tcase_add_test(tests, unix_names);
    tcase_add_test(tests, unix_mode);
    tcase_add_test(tests, embedded);
    tcase_add_test(tests, refused);
    tcase_add_test(tests, connect_timeout);
    tcase_add_test(tests, timeouts);
    tcase_add_loop_test(tests, large_messages, 0, 3);
    tcase_add_test(tests, hellos);
    tcase_add_test(tests, channel_hello);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

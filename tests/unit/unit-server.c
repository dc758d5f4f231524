/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-server.c: rsys-sandboxd from outside: hellos, sessions, limits and ends, for each kind of user that may run it. */
#include "src/core/util.h"
#include "tests/unit/server-client.h"
#include "tests/unit/who.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Whatever ends, everything of it is gone after this time (ms). */
#define GONE 2000

START_TEST(one_session)
{
    enum who who = (enum who)_i;
    struct server server;
    struct client client;
    server_start(&server, who, NULL, NULL);
    client_open(&client, &server);
    ck_assert_uint_gt(client.welcome.nofile, 0);
    int pager = client_spawn(&client, 2, true), guest = client_spawn(&client, 300, false);
    ck_assert_int_eq(client_call(&client, guest, SYS_getpid, 0, 0), 300);
    ck_assert_int_eq(client_call(&client, pager, SYS_getpid, 0, 0), 2);
    ck_assert_int_eq(client_call(&client, guest, SYS_getuid, 0, 0), client.welcome.uid);
    ck_assert_int_ge(client_open_file(&client, guest, "/etc/passwd", O_RDONLY), 0);
    ck_assert_int_ge(client_open_file(&client, guest, "/tmp/new", O_WRONLY | O_CREAT), 0);
    ck_assert_int_eq(client_open_file(&client, guest, "/does/not/exist", O_RDONLY), -ENOENT);
    client_close(&client);
    server_stop(&server, 0);
}
END_TEST

START_TEST(bulk)
{
    struct server server;
    struct client client;
    server_start(&server, (enum who)_i, NULL, NULL);
    client_open(&client, &server);
    int busy = client_spawn(&client, 300, false), other = client_spawn(&client, 301, false);
    client_bulk(&client, busy, 16);
    ck_assert_int_eq(client_call(&client, other, SYS_getpid, 0, 0), 301);
    client_close(&client);
    server_stop(&server, 0);
}
END_TEST

START_TEST(two_sessions)
{
    enum who who = (enum who)_i;
    struct server server;
    struct client a, b;
    server_start(&server, who, NULL, NULL);
    client_open(&a, &server);
    client_open(&b, &server);
    ck_assert_int_ne(memcmp(a.welcome.token, b.welcome.token, RSYS_TOKEN_SIZE), 0);
    int guest_a = client_spawn(&a, 300, false), guest_b = client_spawn(&b, 301, false);
    ck_assert_int_ge(client_open_file(&a, guest_a, "/tmp/of-a", O_WRONLY | O_CREAT), 0);
    ck_assert_int_eq(client_open_file(&b, guest_b, "/tmp/of-a", O_RDONLY), -ENOENT);
    ck_assert_int_ge(client_open_file(&a, guest_a, "/proc/300/stat", O_RDONLY), 0);
    ck_assert_int_eq(client_open_file(&b, guest_b, "/proc/300/stat", O_RDONLY), -ENOENT);
    if (who == WHO_ROOT && geteuid() == 0) {
        /* Neither acts as root on the server, nor as the other. */
        pid_t init_a = child_of(server_child(&server, 0)), init_b = child_of(server_child(&server, 1));
        struct stat of_a, of_b;
        char path[64];
        snprintf(path, sizeof path, "/proc/%d", init_a);
        ck_assert_int_eq(stat(path, &of_a), 0);
        snprintf(path, sizeof path, "/proc/%d", init_b);
        ck_assert_int_eq(stat(path, &of_b), 0);
        ck_assert_uint_ne(of_a.st_uid, 0);
        ck_assert_uint_ne(of_a.st_uid, of_b.st_uid);
    }
    client_close(&a);
    ck_assert_int_eq(client_call(&b, guest_b, SYS_getpid, 0, 0), 301);
    client_close(&b);
    server_stop(&server, 0);
}
END_TEST

/* Open a session with a guest, do something, and see the session's processes gone. */
enum ending { CLOSE, RESET, HALF_CLOSE, KILL_SESSION, KILL_DAEMON, INT_DAEMON, ENDINGS };

START_TEST(ends)
{
    enum ending ending = (enum ending)(_i % ENDINGS);
    enum who who = (enum who)(_i / ENDINGS);
    struct server server;
    struct client client;
    server_start(&server, who, NULL, NULL);
    client_open(&client, &server);
    int guest = client_spawn(&client, 300, false);
    pid_t session = server_child(&server, 0), init = child_of(session);
    RSYS_AUTO_FD session_fd = (int)syscall(SYS_pidfd_open, session, 0), init_fd = (int)syscall(SYS_pidfd_open, init, 0);
    ck_assert_int_ge(session_fd, 0);
    ck_assert_int_ge(init_fd, 0);
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    switch (ending) {
    case CLOSE: close(rsys_fd_steal(&client.control)); break;
    case RESET:
        ck_assert_int_eq(setsockopt(client.control, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
        close(rsys_fd_steal(&client.control));
        break;
    case HALF_CLOSE: shutdown(client.control, SHUT_WR); break;
    case KILL_SESSION: kill(session, SIGKILL); break;
    case KILL_DAEMON: kill(server.pid, SIGKILL); break;
    default: kill(server.pid, SIGINT); break;
    }
    ck_assert_msg(becomes_readable(init_fd, GONE), "ending %d as %s: pid 1 is there", ending, who_names[who]);
    ck_assert_msg(becomes_readable(session_fd, GONE), "ending %d as %s: the session's process is there", ending, who_names[who]);
    ck_assert_int_eq(client_hung_up(client.channels[guest], GONE), true);
    client_close(&client);
    if (ending == KILL_DAEMON)
        ck_assert_int_eq(server_wait(&server), SIGKILL);
    else
        server_stop(&server, 0);
}
END_TEST

START_TEST(bad_hellos)
{
    struct server server;
    server_start(&server, WHO_ROOT, "--hello-timeout=1", NULL);
    struct rsys_hello good = {.magic = RSYS_WIRE_MAGIC, .version = RSYS_WIRE_VERSION, .kind = RSYS_HELLO_SESSION};
    struct rsys_hello cases[] = {good, good, good, good, good, good};
    cases[0].magic = 0x20544547; /* "GET " */
    cases[1].kind = 0;
    cases[2].kind = 5;
    cases[3].reserved[2] = 1;
    cases[4].token[7] = 1;
    cases[5].kind = RSYS_HELLO_CHANNEL; /* the token of no session */
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(cases); i++) {
        RSYS_AUTO_FD fd = server_connect(&server);
        ck_assert_int_eq(write(fd, &cases[i], sizeof cases[i]), sizeof cases[i]);
        ck_assert_msg(client_hung_up(fd, GONE), "case %zu", i);
    }
    /* A part of a hello, and then nothing. */
    RSYS_AUTO_FD slow = server_connect(&server);
    ck_assert_int_eq(write(slow, &good, 39), 39);
    ck_assert_int_eq(client_hung_up(slow, 1000 + GONE), true);
    /* Another version is told ours. */
    struct rsys_hello old = good;
    struct rsys_hello_reply reply;
    old.version = RSYS_WIRE_VERSION + 1;
    RSYS_AUTO_FD fd = server_connect(&server);
    ck_assert_int_eq(write(fd, &old, sizeof old), sizeof old);
    ck_assert_int_eq(rsys_receive_all(fd, &reply, sizeof reply, GONE), 0);
    ck_assert_uint_eq(reply.status, RSYS_HELLO_BAD_VERSION);
    ck_assert_uint_eq(reply.version, RSYS_WIRE_VERSION);
    char text[200] = "";
    ck_assert_uint_lt(reply.size, sizeof text);
    ck_assert_int_eq(rsys_receive_all(fd, text, reply.size, GONE), 0);
    ck_assert_ptr_nonnull(strstr(text, "speaks version"));
    server_stop(&server, 0);
}
END_TEST

/* A connection to the server from another address of the loopback's. */
static int connect_from(const struct server *server, const char *address)
{
    const char *port = strrchr(server->address, ':');
    struct sockaddr_in own = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port + 1))};
    inet_pton(AF_INET, address, &own.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

START_TEST(a_crowd_without_hellos)
{
    struct server server;
    server_start(&server, WHO_ROOT, "--hello-timeout=60", NULL);
    RSYS_AUTO_FD other = connect_from(&server, "127.0.0.9");
    int crowd[600];
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(crowd); i++)
        crowd[i] = server_connect(&server);
    struct client client;
    client_open(&client, &server);
    ck_assert_int_eq(client_call(&client, client_spawn(&client, 5, false), SYS_getpid, 0, 0), 5);
    ck_assert_msg(client_hung_up(crowd[0], GONE), "the oldest goes");
    ck_assert_msg(!becomes_readable(other, 0), "but not whoever is no part of the crowd");
    client_close(&client);
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(crowd); i++)
        close(crowd[i]);
    server_stop(&server, 0);
}
END_TEST

START_TEST(as_many_as_it_may)
{
    struct server server;
    struct client one, two;
    server_start(&server, WHO_ROOT, "--max-sessions=1", NULL);
    client_open(&one, &server);
    RSYS_AUTO_FD fd = server_connect(&server);
    RSYS_AUTO_ERROR err = NULL;
    void *payload = NULL;
    size_t size;
    ck_assert_int_lt(rsys_hello_session(fd, 0, GONE, &payload, &size, &err), 0);
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err), "--max-sessions"));
    RSYS_AUTO_FD session_fd = (int)syscall(SYS_pidfd_open, server_child(&server, 0), 0);
    client_close(&one);
    ck_assert(becomes_readable(session_fd, GONE));
    /* Its end frees its place: the daemon's signal may come after the next hello by a moment, so a refusal is asked again. */
    for (int i = 0; !client_try_open(&two, &server); i++)
        ck_assert_int_lt(i, 1000);
    client_close(&two);
    server_stop(&server, 0);
}
END_TEST

/* Nobody has all places: the last are for others. */
START_TEST(one_peer_has_not_all)
{
    struct server server;
    struct client one, two;
    server_start(&server, WHO_ROOT, "--max-sessions=3", "--max-sessions-per-peer=1");
    client_open(&one, &server);
    ck_assert(!client_try_open(&two, &server));
    RSYS_AUTO_FD fd = connect_from(&server, "127.0.0.9");
    RSYS_AUTO_ERROR err = NULL;
    RSYS_AUTO_FREE void *payload = NULL;
    size_t size;
    ck_assert_msg(rsys_hello_session(fd, 0, GONE, &payload, &size, &err) == 0, "%s", rsys_error_text(err));
    close(rsys_fd_steal(&fd));
    client_close(&one);
    server_stop(&server, 0);
}
END_TEST

/* A client that lies, on its own channels: it ends its executor at most. */
START_TEST(lies)
{
    struct server server;
    struct client liar, other;
    server_start(&server, WHO_ROOT, NULL, NULL);
    client_open(&liar, &server);
    client_open(&other, &server);
    int guest = client_spawn(&other, 300, false);
    struct rsys_wire_request cases[] = {
        {.seq = 1, .nr = SYS_read, .relocs = 0xffff},
        {.seq = 1, .nr = SYS_read, .outs = 0xffff},
        {.seq = 1, .nr = SYS_read, .in_size = 0xffffffff, .arena = 0xffffffff},
        {.seq = 1, .nr = SYS_read, .in_size = 100, .arena = 1},
        {.seq = 1, .nr = SYS_read, .flags = 0x8000},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(cases); i++) {
        int channel = client_spawn(&liar, 400 + (int)i, false);
        ck_assert_int_eq(write(liar.channels[channel], &cases[i], sizeof cases[i]), sizeof cases[i]);
        ck_assert_msg(client_hung_up(liar.channels[channel], GONE), "case %zu", i);
    }
    /* Results of requests that there cannot have been, in arguments that there are not. */
    const struct rsys_wire_reloc relocs[] = {{RSYS_RELOC_RESULT, 0}, {RSYS_RELOC_RESULT, RSYS_RESULTS}, {RSYS_RELOC_RESULT + 6, 1}, {0xffffffff, 1}};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(relocs); i++) {
        int channel = client_spawn(&liar, 500 + (int)i, false);
        struct rsys_wire_request request = {.seq = 1, .nr = SYS_getpid, .relocs = 1};
        struct iovec iov[] = {{&request, sizeof request}, {(void *)&relocs[i], sizeof relocs[i]}};
        ck_assert_int_eq(rsys_send_iov(liar.channels[channel], iov, 2, GONE), 0);
        ck_assert_msg(client_hung_up(liar.channels[channel], GONE), "relocation %zu", i);
    }
    /* A plain number as a pointer, its own fixed descriptors, a signal to its pid 1: errors or its own end. */
    int channel = client_spawn(&liar, 500, false);
    ck_assert_int_lt(client_call(&liar, channel, SYS_openat, (uint64_t)-100, 0xdead0000), 0);
    ck_assert_int_eq(client_call(&liar, channel, SYS_kill, 1, 9), 0); /* pid 1 ignores its own namespace's signals */
    ck_assert_int_eq(client_call(&liar, channel, SYS_getpid, 0, 0), 500);
    /* On the control connection: pid 1 ends, and its session with it. */
    ck_assert_int_eq(write(liar.control, &cases[0], sizeof cases[0]), sizeof cases[0]);
    ck_assert(client_hung_up(liar.channels[channel], GONE));
    ck_assert_int_eq(client_call(&other, guest, SYS_getpid, 0, 0), 300);
    client_close(&liar);
    client_close(&other);
    server_stop(&server, 0);
}
END_TEST

/* A channel over TCP is a socket of the server's network.  Disconnected, it is nobody's, and cannot be made to reach anything else there. */
START_TEST(turned_channel)
{
    enum who who = (enum who)_i;
    struct server server;
    struct client client;
    server_start(&server, who, NULL, NULL);
    client_open(&client, &server);
    int first = client_spawn(&client, 300, false), second = client_sharer(&client, first, 301);
    const uint64_t victim = client.welcome.nofile + RSYS_FD_CHANNEL;
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof name;
    RSYS_AUTO_FD listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&name, &size), 0);
    const uint64_t to_nowhere[6] = {victim, 0, sizeof nowhere}, to_listener[6] = {victim, 0, sizeof name};
    const uint64_t detach[6] = {victim, SOL_SOCKET, SO_DETACH_FILTER, 0, 4};
    if (client_call_data(&client, second, SYS_setsockopt, detach, 3, "\0\0\0", 4) != -EPERM) {
        /* The daemon could not pin it, and relays it: the channel is a unix socket, which stays what it is. */
        ck_assert(who != WHO_ROOT || geteuid() != 0);
        ck_assert_int_eq(client_call_data(&client, second, SYS_connect, to_nowhere, 1, &nowhere, sizeof nowhere), -EINVAL);
        ck_assert_int_eq(client_call(&client, first, SYS_getpid, 0, 0), 300);
        client_close(&client);
        server_stop(&server, 0);
        return;
    }
    ck_assert_int_eq(client_call_data(&client, second, SYS_connect, to_nowhere, 1, &nowhere, sizeof nowhere), 0);
    ck_assert(client_hung_up(client.channels[first], GONE));
    const uint64_t nonblocking[6] = {victim, FIONBIO, 0};
    const int on = 1;
    ck_assert_int_eq(client_call_data(&client, second, SYS_ioctl, nonblocking, 2, &on, sizeof on), 0);
    ck_assert_int_eq(client_call_data(&client, second, SYS_connect, to_listener, 1, &name, sizeof name), -EINPROGRESS);
    /* Its SYN has arrived: the listener's end waits for the last step of the handshake, which never comes. */
    ck_assert_int_eq(becomes_readable(listener, 500), false);
    client_close(&client);
    server_stop(&server, 0);
}
END_TEST

START_TEST(command_line)
{
    static const struct {
        const char *argument[3];
        int status;
        const char *text;
    } cases[] = {
        {{"--help"}, 0, "Usage: rsys-sandboxd"},
        {{"--version"}, 0, PACKAGE_VERSION},
        {{"--nonsense"}, 2, "nonsense"},
        {{"word"}, 2, "no argument is expected"},
        {{"--max-sessions=many"}, 2, "expected a number"},
        {{"--listen=tcp:0.0.0.0:0"}, 1, "--insecure"},
        {{"--listen=carrier-pigeon:1"}, 1, "carrier-pigeon"},
        {{"--listen=unix:/does/not/exist/socket"}, 1, "/does/not/exist/socket"},
        {{"--policy=/does/not/exist.json"}, 1, "/does/not/exist.json"},
        {{"--check=/does/not/exist.json"}, 1, "/does/not/exist.json"},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(cases); i++) {
        char text[8192];
        int status = server_say(text, sizeof text, cases[i].argument[0]);
        ck_assert_msg(status == cases[i].status && strstr(text, cases[i].text) != NULL, "%s: status %d: %s", cases[i].argument[0], status, text);
    }
}
END_TEST

/* A root directory that never answers: the session is given up, and the daemon goes on. */
START_TEST(hung_root)
{
    if (geteuid() != 0)
        return; /* mounting takes root */
    char hung[] = "/tmp/rsys-unit-server-XXXXXX", policy[64], options[128], option[128], text[512];
    ck_assert_ptr_nonnull(mkdtemp(hung));
    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    /* A FUSE file system whose server never reads a request. */
    RSYS_AUTO_FD fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fuse, 0);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    ck_assert_int_eq(mount("hung", hung, "fuse", 0, options), 0);
    snprintf(policy, sizeof policy, "%s.json", hung);
    int length = snprintf(text, sizeof text, "{\"defaultAction\": \"allow\", \"sandbox\": {\"root\": {\"path\": \"%s/root\", \"mode\": \"ro\"}}}", hung);
    RSYS_AUTO_FD file = open(policy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(file, text, (size_t)length), length);
    snprintf(option, sizeof option, "--policy=%s", policy);
    struct server server;
    server_start(&server, WHO_ROOT, option, "--start-timeout=1");
    RSYS_AUTO_FD control = server_connect(&server);
    RSYS_AUTO_ERROR err = NULL;
    void *payload = NULL;
    size_t size;
    ck_assert_int_lt(rsys_hello_session(control, 0, 1000 + GONE, &payload, &size, &err), 0);
    ck_assert(client_hung_up(control, GONE));
    server_stop(&server, 0);
    unlink(policy);
    umount2(hung, MNT_DETACH);
    rmdir(hung);
}
END_TEST

START_TEST(unix_socket)
{
    struct server server;
    struct client client;
    char option[128], path[64];
    snprintf(path, sizeof path, "/tmp/rsys-unit-server-%d", getpid());
    snprintf(option, sizeof option, "--listen=unix:%s", path);
    server_start(&server, WHO_ROOT, option, NULL);
    ck_assert_int_eq(strncmp(server.address, "unix:", 5), 0);
    client_open(&client, &server);
    ck_assert_int_eq(client_call(&client, client_spawn(&client, 7, false), SYS_getpid, 0, 0), 7);
    client_close(&client);
    server_stop(&server, 0);
    ck_assert_int_eq(access(path, F_OK), -1); /* as if it had not been */
}
END_TEST

START_TEST(embedded)
{
    enum who who = (enum who)_i;
    struct server server;
    struct client client;
    server_start_embedded(&server, who);
    client_open(&client, &server);
    ck_assert_int_eq(client_call(&client, client_spawn(&client, 7, false), SYS_getpid, 0, 0), 7);
    /* rsys-jail is gone: the private daemon and its session too. */
    pid_t init = child_of(server_child(&server, 0));
    RSYS_AUTO_FD init_fd = (int)syscall(SYS_pidfd_open, init, 0);
    close(rsys_fd_steal(&server.embedded_fd));
    ck_assert(becomes_readable(init_fd, GONE));
    ck_assert_int_eq(server_wait(&server), 0);
    client_close(&client);
}
END_TEST

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    Suite *suite = suite_create("server");
    TCase *tests = tcase_create("server");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, one_session, 0, who_count());
    tcase_add_loop_test(tests, bulk, 0, who_count());
    tcase_add_loop_test(tests, two_sessions, 0, who_count());
    tcase_add_loop_test(tests, ends, 0, ENDINGS * who_count());
    tcase_add_loop_test(tests, embedded, 0, who_count());
    tcase_add_test(tests, bad_hellos);
    tcase_add_test(tests, a_crowd_without_hellos);
    tcase_add_test(tests, as_many_as_it_may);
    tcase_add_test(tests, one_peer_has_not_all);
    tcase_add_test(tests, lies);
    tcase_add_loop_test(tests, turned_channel, 0, who_count());
    tcase_add_test(tests, command_line);
    tcase_add_test(tests, unix_socket);
    tcase_add_test(tests, hung_root);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

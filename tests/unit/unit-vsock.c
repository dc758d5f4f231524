/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-vsock.c: the transport vsock, over a virtual machine's own loopback.  Not among `make check`'s tests: tests/vsock/run runs it in a machine of its own, which has
 * the module, and where no id leads to anybody else. */
#include "src/core/util.h"
#include "tests/unit/speak.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

START_TEST(vsock)
{
    speak("vsock:local:0", NULL);
    static const struct {
        const char *text;
        int code;
        const char *says;
    } cases[] = {
        {"vsock:local:4242", ECONNRESET, "Connection reset by peer (is rsys-sandboxd listening there?)"},
        {"vsock:77:4242", ENODEV, "No such device (nothing leads there"},
        {"vsock:4242", 0, "write vsock:CID:PORT"},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(cases); i++) {
        RSYS_AUTO_ERROR err = NULL;
        struct rsys_address *address = parse(cases[i].text);
        ck_assert_int_eq(rsys_address_connect(address, 5000, &err), -1);
        ck_assert_msg(strstr(rsys_error_text(err), cases[i].says) != NULL, "%s", rsys_error_text(err));
        ck_assert_int_eq(err->code, cases[i].code);
        rsys_address_free(address);
    }
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_address *address = parse("vsock:4242"), *again = parse("vsock:4242"), *other = parse("vsock:99:4243");
    RSYS_AUTO_FD listener = rsys_address_listen(address, &err);
    ck_assert_msg(listener >= 0, "%s", rsys_error_text(err));
    struct rsys_address *adopted = rsys_address_adopt(listener, &err);
    ck_assert_msg(adopted != NULL, "%s", rsys_error_text(err));
    ck_assert_str_eq(rsys_address_text(adopted), "vsock:4242");
    ck_assert(!rsys_address_is_public(adopted));
    rsys_address_free(adopted);
    ck_assert_int_eq(rsys_address_listen(again, &err), -1);
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err), "listen on vsock:4242: Address already in use"));
    RSYS_AUTO_ERROR err2 = NULL;
    ck_assert_int_eq(rsys_address_listen(other, &err2), -1);
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err2), "has not got this id"));
    rsys_address_free(address);
    rsys_address_free(again);
    rsys_address_free(other);
}
END_TEST

/* A socket by hand: what connect(2) says of it, with the family that disconnects and to somebody else who listens. */
static void cannot_reconnect(int fd, const struct sockaddr_vm *elsewhere, int code)
{
    static const struct sockaddr nothing = {.sa_family = AF_UNSPEC};
    ck_assert_int_eq(connect(fd, &nothing, sizeof nothing), -1);
    ck_assert_int_eq(errno, code);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)elsewhere, sizeof *elsewhere), -1);
    ck_assert_int_eq(errno, code);
    ck_assert_int_eq(listen(fd, 1), -1);
}

/* What an executor could do with its channel: nothing makes an accepted vsock stream anybody else's (sandbox/pin.c relies on it). */
START_TEST(vsock_stays_connected)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_address *here = parse("vsock:local:4244"), *there = parse("vsock:local:4245");
    RSYS_AUTO_FD listener = rsys_address_listen(here, &err), elsewhere = rsys_address_listen(there, &err);
    struct sockaddr_vm name = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = 4245};
    struct rsys_peer peer;
    char byte;
    for (int how = 0; how < 3; how++) {
        RSYS_AUTO_FD one = rsys_address_connect(here, 5000, &err);
        ck_assert_msg(one >= 0, "%s", rsys_error_text(err));
        wait_for(listener);
        RSYS_AUTO_FD two = rsys_address_accept(here, listener, &peer);
        ck_assert_int_eq(peer.kind, RSYS_PEER_CID);
        ck_assert_uint_eq(peer.id, VMADDR_CID_LOCAL);
        cannot_reconnect(two, &name, EISCONN);
        if (how == 1) {
            ck_assert_int_eq(shutdown(two, SHUT_RDWR), 0);
            cannot_reconnect(two, &name, EINVAL);
        } else if (how == 2) {
            rsys_close(rsys_fd_steal(&one));
            ck_assert_int_eq(rsys_receive_all(two, &byte, 1, 5000), -1);
            cannot_reconnect(two, &name, EISCONN);
        }
    }
    ck_assert_int_eq(rsys_address_accept(there, elsewhere, &peer), -1);
    ck_assert_int_eq(errno, EAGAIN);
    rsys_address_free(here);
    rsys_address_free(there);
}
END_TEST

/* More than the receive buffer holds, for which vsock refuses MSG_WAITALL. */
START_TEST(vsock_large)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_address *here = parse("vsock:local:4247");
    struct rsys_peer peer;
    RSYS_AUTO_FD listener = rsys_address_listen(here, &err);
    int one = rsys_address_connect(here, 5000, &err);
    ck_assert_msg(one >= 0, "%s", rsys_error_text(err));
    wait_for(listener);
    speak_large(one, rsys_address_accept(here, listener, &peer), _i);
    rsys_address_free(here);
}
END_TEST

/* Why executors may not set this family's options: what one socket may make the kernel keep has no bound. */
START_TEST(vsock_buffers)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_address *here = parse("vsock:local:4246");
    RSYS_AUTO_FD listener = rsys_address_listen(here, &err);
    ck_assert_msg(listener >= 0, "%s", rsys_error_text(err));
    uint64_t want = UINT64_C(1) << 31, got = 0;
    socklen_t size = sizeof got;
    ck_assert_int_eq(setsockopt(listener, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &want, sizeof want), 0);
    ck_assert_int_eq(setsockopt(listener, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &want, sizeof want), 0);
    ck_assert_int_eq(getsockopt(listener, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &got, &size), 0);
    ck_assert_uint_eq(got, want);
    rsys_address_free(here);
}
END_TEST

int main(void)
{
    const char *alone = getenv("RSYS_TEST_VSOCK");
    if (alone == NULL || strcmp(alone, "1") != 0) {
        fprintf(stderr, "unit-vsock: to be run in a virtual machine of its own, with RSYS_TEST_VSOCK=1\n");
        return 77;
    }
    Suite *suite = suite_create("vsock");
    TCase *tests = tcase_create("vsock");
    tcase_add_test(tests, vsock);
    tcase_add_test(tests, vsock_stays_connected);
    tcase_add_loop_test(tests, vsock_large, 0, 3);
    tcase_add_test(tests, vsock_buffers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

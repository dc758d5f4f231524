/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-wait.c: poll and select over local and remote descriptors. */
#include "src/core/util.h"
#include "tests/unit/fake-jail.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define A FAKE_ARG

static int here[2], there[2]; /* a local and a remote pipe */

static void setup(void)
{
    ck_assert_int_eq(pipe2(here, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(there, O_CLOEXEC), 0);
    fake_local(here[0], true);
    fake_local(here[1], true);
    fake_cancel_at = 0;
}

static void teardown(void) { fake_free(); }

static int64_t do_poll(struct pollfd *fds, unsigned n, int timeout) { return fake_call(SYS_poll, A(fds), n, (uint64_t)timeout, 0, 0, 0); }

/* Somebody writes to fd in a while. */
static pid_t later(int fd)
{
    pid_t child = fork();
    if (child == 0) {
        usleep(30000);
        _exit(write(fd, "x", 1) == 1 ? 0 : 1);
    }
    return child;
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

START_TEST(local_alone)
{
    struct pollfd fds[2] = {{.fd = here[1], .events = POLLOUT}, {.fd = -1, .events = POLLIN, .revents = 9}};
    ck_assert_int_eq(do_poll(fds, 2, 0), 1);
    ck_assert(fake_continued);
    ck_assert_int_eq(do_poll(fds, 0, 1), 0);
    ck_assert(fake_continued);
}
END_TEST

START_TEST(remote_alone)
{
    struct pollfd fds[3] = {{.fd = there[0], .events = POLLIN, .revents = 77}, {.fd = there[1], .events = POLLOUT | POLLIN}, {.fd = -5, .events = POLLIN}};
    ck_assert_int_eq(do_poll(fds, 3, -1), 1);
    ck_assert_uint_eq(fake_requests, 1);
    ck_assert_int_eq(fds[0].revents, 0);
    ck_assert_int_eq(fds[1].revents, POLLOUT);
    ck_assert_int_eq(do_poll(fds, 1, 10), 0);
    pid_t child = later(there[1]);
    ck_assert_int_eq(do_poll(fds, 1, 10000), 1);
    ck_assert_int_eq(fds[0].revents, POLLIN);
    waitpid(child, NULL, 0);
    fds[0].fd = 999;
    ck_assert_int_eq(do_poll(fds, 1, -1), 1);
    ck_assert_int_eq(fds[0].revents, POLLNVAL);
    ck_assert_int_eq(do_poll(fds, 1025, -1), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_poll, 8, 1, 0, 0, 0, 0), -EFAULT);
    fake_cancel_at = 1;
    ck_assert_int_eq(do_poll(fds, 1, -1), -512);
}
END_TEST

START_TEST(both)
{
    unsigned open_before = 0;
    for (int round = 0; round < 3; round++) {
        struct pollfd fds[3] = {{.fd = here[0], .events = POLLIN}, {.fd = there[0], .events = POLLIN}, {.fd = here[1], .events = 0}};
        char byte;
        ck_assert_int_eq(do_poll(fds, 3, 10), 0);
        if (round == 0)
            open_before = open_descriptors(); /* the loop's own is there to stay */
        pid_t child = later(here[1]);
        ck_assert_int_eq(do_poll(fds, 3, -1), 1);
        ck_assert_int_eq(fds[0].revents, POLLIN);
        ck_assert_int_eq(fds[1].revents, 0);
        waitpid(child, NULL, 0);
        ck_assert_int_eq(read(here[0], &byte, 1), 1);
        child = later(there[1]);
        ck_assert_int_eq(do_poll(fds, 3, 10000), 1);
        ck_assert_int_eq(fds[0].revents, 0);
        ck_assert_int_eq(fds[1].revents, POLLIN);
        waitpid(child, NULL, 0);
        ck_assert_int_eq(write(here[1], "x", 1), 1); /* both: told of at once */
        ck_assert_int_eq(do_poll(fds, 3, -1), 2);
        ck_assert_int_eq(fds[0].revents, POLLIN);
        ck_assert_int_eq(fds[1].revents, POLLIN);
        ck_assert_int_eq(read(here[0], &byte, 1), 1);
        ck_assert_int_eq(read(there[0], &byte, 1), 1);
        fake_cancel_at = 1; /* a signal */
        ck_assert_int_eq(do_poll(fds, 3, -1), -512);
        fake_cancel_at = 0;
        ck_assert_uint_eq(open_descriptors(), open_before);
    }
    /* The user's file as standard input: always ready; and a hang-up that nobody asked for. */
    RSYS_AUTO_FD file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fake_local(file, true);
    struct pollfd fds[2] = {{.fd = file, .events = POLLIN}, {.fd = there[0], .events = POLLIN}};
    ck_assert_int_eq(do_poll(fds, 2, -1), 1);
    fake_local(file, false);
    close(here[1]);
    fds[0] = (struct pollfd){.fd = here[0]};
    ck_assert_int_eq(do_poll(fds, 2, -1), 1);
    ck_assert_int_eq(fds[0].revents, POLLHUP);
}
END_TEST

START_TEST(ppolls)
{
    struct pollfd fds[2] = {{.fd = here[0], .events = POLLIN}, {.fd = there[1], .events = POLLIN}};
    struct timespec limit = {0, 20000000};
    uint64_t mask = 0x1234;
    ck_assert_int_eq(fake_call(SYS_ppoll, A(fds), 2, A(&limit), A(&mask), 8, 0), 0);
    ck_assert_uint_eq(fake_mask, 0x1234);
    ck_assert(limit.tv_sec == 0 && limit.tv_nsec == 0);
    limit = (struct timespec){100, 5};
    fds[1].events = POLLOUT;
    ck_assert_int_eq(fake_call(SYS_ppoll, A(fds), 2, A(&limit), 0, 8, 0), 1);
    ck_assert(limit.tv_sec == 99 && limit.tv_nsec < 1000000000);
    limit = (struct timespec){0, 1000000000};
    ck_assert_int_eq(fake_call(SYS_ppoll, A(fds), 2, A(&limit), 0, 8, 0), -EINVAL);
    limit = (struct timespec){-1, 0};
    ck_assert_int_eq(fake_call(SYS_ppoll, A(fds), 2, A(&limit), 0, 8, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_ppoll, A(fds), 2, 8, 0, 8, 0), -EFAULT);
    limit = (struct timespec){INT64_MAX, 0};
    ck_assert_int_eq(fake_call(SYS_ppoll, A(fds), 2, A(&limit), 0, 8, 0), 1);
}
END_TEST

static int64_t do_select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *limit)
{
    return fake_call(SYS_select, (uint64_t)n, A(r), A(w), A(e), A(limit), 0);
}

START_TEST(selects)
{
    fd_set r, w, e;
    struct timeval limit = {0, 20000};
    int n = RSYS_MAX(here[1], there[1]) + 1;
    char byte;
    FD_ZERO(&r);
    FD_ZERO(&e);
    FD_SET(here[0], &r);
    ck_assert_int_eq(do_select(n, &r, NULL, NULL, &limit), 0);
    ck_assert(fake_continued);

    FD_SET(here[0], &r);
    FD_SET(there[0], &r);
    FD_SET(there[0], &e);
    limit = (struct timeval){0, 20000};
    ck_assert_int_eq(do_select(n, &r, NULL, &e, &limit), 0);
    ck_assert(limit.tv_sec == 0 && limit.tv_usec == 0);
    ck_assert(!FD_ISSET(here[0], &r) && !FD_ISSET(there[0], &r) && !FD_ISSET(there[0], &e));

    FD_SET(here[0], &r);
    FD_SET(there[0], &r);
    FD_ZERO(&w);
    FD_SET(there[1], &w);
    FD_SET(here[1], &w);
    limit = (struct timeval){10, 0};
    ck_assert_int_eq(do_select(n, &r, &w, NULL, &limit), 2);
    ck_assert(limit.tv_sec == 9);
    ck_assert(FD_ISSET(there[1], &w) && FD_ISSET(here[1], &w) && !FD_ISSET(here[0], &r) && !FD_ISSET(there[0], &r));

    pid_t child = later(here[1]);
    FD_SET(here[0], &r);
    FD_SET(there[0], &r);
    ck_assert_int_eq(do_select(n, &r, NULL, NULL, NULL), 1);
    ck_assert(FD_ISSET(here[0], &r) && !FD_ISSET(there[0], &r));
    waitpid(child, NULL, 0);
    ck_assert_int_eq(read(here[0], &byte, 1), 1);

    ck_assert_int_eq(do_select(-1, &r, NULL, NULL, NULL), -EINVAL);
    FD_ZERO(&r);
    FD_SET(900, &r);
    ck_assert_int_eq(do_select(901, &r, NULL, NULL, NULL), -EBADF);
    limit = (struct timeval){0, -1};
    ck_assert_int_eq(do_select(901, &r, NULL, NULL, &limit), -EINVAL);
    ck_assert_int_eq(do_select(901, (fd_set *)8, NULL, NULL, NULL), -EFAULT);

    /* A hang-up is nothing that the set of exceptions is told of: the wait goes on. */
    close(there[1]);
    FD_ZERO(&e);
    FD_SET(there[0], &e);
    limit = (struct timeval){0, 30000};
    ck_assert_int_eq(do_select(n, NULL, NULL, &e, &limit), 0);
    ck_assert_uint_le(fake_requests, 2);

    uint64_t mask = 77, pair[2] = {A(&mask), 8};
    struct timespec rest = {5, 0};
    FD_ZERO(&r);
    FD_SET(there[0], &r);
    ck_assert_int_eq(fake_call(SYS_pselect6, (uint64_t)n, A(&r), 0, 0, A(&rest), A(pair)), 1);
    ck_assert_uint_eq(fake_mask, 0); /* what is ready is told without it */
    ck_assert(rest.tv_sec == 4);
}
END_TEST

START_TEST(epolls)
{
    RSYS_AUTO_FD epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcull}, got[4] = {{0}};
    uint64_t mask = 5;
    ck_assert_int_eq(fake_call(SYS_epoll_ctl, (uint64_t)epoll, EPOLL_CTL_ADD, (uint64_t)there[0], A(&event), 0, 0), 0);
    ck_assert_int_eq(fake_call(SYS_epoll_wait, (uint64_t)epoll, A(got), 4, 0, 0, 0), 0);
    ck_assert_int_eq(write(there[1], "x", 1), 1);
    ck_assert_int_eq(fake_call(SYS_epoll_wait, (uint64_t)epoll, A(got), 4, (uint64_t)-1, 0, 0), 1);
    ck_assert_uint_eq(got[0].data.u64, 0x123456789abcull);
    ck_assert_int_eq(fake_call(SYS_epoll_pwait, (uint64_t)epoll, A(got), 4, (uint64_t)-1, A(&mask), 8), 1);
    ck_assert_uint_eq(fake_mask, 0); /* what is ready is told without it */
    ck_assert_int_eq(fake_call(SYS_epoll_ctl, (uint64_t)epoll, EPOLL_CTL_DEL, (uint64_t)there[0], 0, 0, 0), 0);
}
END_TEST

static int64_t control(int epoll, int op, int fd, struct epoll_event *event)
{
    return fake_call(SYS_epoll_ctl, (uint64_t)epoll, (uint64_t)op, (uint64_t)fd, A(event), 0, 0);
}

static int64_t wait_for(int epoll, struct epoll_event *got, int max, int timeout)
{
    return fake_call(SYS_epoll_wait, (uint64_t)epoll, A(got), (uint64_t)max, (uint64_t)timeout, 0, 0);
}

START_TEST(epolls_of_both)
{
    RSYS_AUTO_FD epoll = epoll_create1(EPOLL_CLOEXEC);
    RSYS_AUTO_FD file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    struct epoll_event local = {.events = EPOLLIN, .data.u64 = 111}, remote = {.events = EPOLLIN, .data.u64 = 222}, got[4] = {{0}};
    struct timespec limit = {0, 20000000};
    char byte;
    fake_local(file, true);
    ck_assert_int_eq(control(999, EPOLL_CTL_ADD, here[0], &local), -EBADF);
    ck_assert_int_eq(control(there[0], EPOLL_CTL_ADD, here[0], &local), -EINVAL);
    ck_assert_int_eq(control(epoll, EPOLL_CTL_DEL, here[0], NULL), -ENOENT);
    ck_assert_int_eq(control(epoll, EPOLL_CTL_ADD, file, &local), -EPERM);
    ck_assert_int_eq(control(epoll, EPOLL_CTL_ADD, here[0], &local), 0);
    ck_assert_int_eq(control(epoll, EPOLL_CTL_ADD, here[0], &local), -EEXIST);
    ck_assert_int_eq(control(epoll, EPOLL_CTL_ADD, there[0], &remote), 0);
    unsigned before = open_descriptors();
    ck_assert_int_eq(wait_for(epoll, got, 4, 20), 0);
    for (int round = 0; round < 2; round++) {
        pid_t child = later(here[1]);
        ck_assert_int_eq(wait_for(epoll, got, 4, -1), 1);
        ck_assert_uint_eq(got[0].data.u64, 111);
        waitpid(child, NULL, 0);
        ck_assert_int_eq(read(here[0], &byte, 1), 1);
        child = later(there[1]);
        ck_assert_int_eq(wait_for(epoll, got, 4, 10000), 1);
        ck_assert_uint_eq(got[0].data.u64, 222);
        waitpid(child, NULL, 0);
        ck_assert_int_eq(write(here[1], "x", 1), 1);
        ck_assert_int_eq(wait_for(epoll, got, 4, 0), 2);
        ck_assert_uint_eq(got[0].data.u64, 222);
        ck_assert_uint_eq(got[1].data.u64, 111);
        ck_assert_int_eq(wait_for(epoll, got, 1, 0), 1);
        ck_assert_int_eq(read(here[0], &byte, 1), 1);
        ck_assert_int_eq(read(there[0], &byte, 1), 1);
    }
    ck_assert_int_eq(fake_call(SYS_epoll_pwait2, (uint64_t)epoll, A(got), 4, A(&limit), 0, 0), 0);
    fake_cancel_at = 1;
    ck_assert_int_eq(wait_for(epoll, got, 4, -1), -512);
    fake_cancel_at = 0;
    ck_assert_int_eq(wait_for(epoll, got, 0, -1), -EINVAL);
    ck_assert_uint_le(open_descriptors(), before + 1); /* the loop's own */
    local.events = 0;
    ck_assert_int_eq(control(epoll, EPOLL_CTL_MOD, here[0], &local), 0);
    ck_assert_int_eq(write(here[1], "x", 1), 1);
    ck_assert_int_eq(wait_for(epoll, got, 4, 10), 0);
    ck_assert_int_eq(control(epoll, EPOLL_CTL_DEL, here[0], NULL), 0);
    ck_assert_int_eq(wait_for(epoll, got, 4, 10), 0);
    fake_guest.process->fds->epoll_ops->freed(fake_guest.process->fds);
    ck_assert_ptr_null(fake_guest.process->fds->epolls);
    fake_guest.process->fds->epoll_ops = NULL;
    fake_local(file, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wait");
    TCase *tests = tcase_create("wait");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, local_alone);
    tcase_add_test(tests, remote_alone);
    tcase_add_test(tests, both);
    tcase_add_test(tests, ppolls);
    tcase_add_test(tests, selects);
    tcase_add_test(tests, epolls);
    tcase_add_test(tests, epolls_of_both);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

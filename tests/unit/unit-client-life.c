/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-client-life.c: librsys over the lives of threads, processes and servers, and under signals. */
#include "tests/unit/library.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- threads ---- */

static int shared_pipe[2];

static void *read_pipe(void *argument)
{
    char byte;
    return (void *)(intptr_t)rsys_read(session, shared_pipe[0], &byte, 1);
}

static void *open_a_file(void *argument)
{
    int fd = -1;
    for (int i = 0; i < 50; i++) {
        fd = rsys_open(session, "/etc/passwd", O_RDONLY);
        if (fd < 0 || (i < 49 && rsys_close(session, fd) != 0))
            return (void *)(intptr_t)-1;
    }
    return (void *)(intptr_t)fd;
}

START_TEST(threads)
{
    enum { COUNT = 8 };
    pthread_t readers[COUNT], openers[COUNT];
    void *result;
    struct stat st;
    start(_i);
    ck_assert_int_eq(rsys_pipe2(session, shared_pipe, 0), 0);
    int before = entries_of("/proc/self/task");
    for (int i = 0; i < COUNT; i++)
        pthread_create(&readers[i], NULL, read_pipe, NULL);
    for (int i = 0; i < COUNT; i++)
        pthread_create(&openers[i], NULL, open_a_file, NULL);
    /* All threads have one table of descriptors, and who waits keeps nobody from calling. */
    for (int i = 0; i < COUNT; i++) {
        pthread_join(openers[i], &result);
        ck_assert_int_ge((int)(intptr_t)result, 3);
        ck_assert_int_eq(rsys_fstat(session, (int)(intptr_t)result, &st), 0);
        ck_assert_int_eq(rsys_close(session, (int)(intptr_t)result), 0);
    }
    ck_assert_int_eq(rsys_write(session, shared_pipe[1], "12345678", COUNT), COUNT);
    for (int i = 0; i < COUNT; i++) {
        pthread_join(readers[i], &result);
        ck_assert_int_eq((int)(intptr_t)result, 1);
    }
    ck_assert_int_eq(entries_of("/proc/self/task"), before); /* a thread's end is its executor's */
    stop();
}
END_TEST

/* ---- fork ---- */

START_TEST(forks)
{
    int pair[2], status;
    char byte = 0, parent[16] = "", child[16] = "";
    start(_i);
    ck_assert_int_eq(rsys_pipe2(session, pair, 0), 0);
    int file = rsys_open(session, "/etc/passwd", O_RDONLY);
    ck_assert_int_gt(rsys_readlink(session, "/proc/self", parent, sizeof parent - 1), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int failed = 0;
        /* An executor of its own: another process, with what was open. */
        failed |= rsys_readlink(session, "/proc/self", child, sizeof child - 1) <= 0 || strcmp(parent, child) == 0 ? 1 : 0;
        failed |= rsys_close(session, pair[0]) != 0 ? 2 : 0;
        failed |= rsys_lseek(session, file, 5, SEEK_SET) != 5 ? 4 : 0;
        failed |= rsys_write(session, pair[1], "x", 1) != 1 ? 8 : 0;
        rsys_disconnect(session);
        _exit(failed);
    }
    /* The pipe's end that the child has, and the offset that both share. */
    ck_assert_int_eq(rsys_close(session, pair[1]), 0);
    ck_assert_int_eq(rsys_read(session, pair[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    ck_assert_int_eq(rsys_read(session, pair[0], &byte, 1), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(rsys_lseek(session, file, 0, SEEK_CUR), 5);
    stop();
}
END_TEST

/* Threads of both processes go on, and a child of the child.  Not with AddressSanitizer, whose allocator (GCC 12) is not made ready for a fork: a child of a process in which
 * another thread was allocating waits for that thread's lock for ever. */
#ifndef __SANITIZE_ADDRESS__
START_TEST(forks_of_many)
{
    pthread_t thread;
    void *result;
    int status;
    start(_i);
    for (int round = 0; round < 3; round++) {
        pthread_create(&thread, NULL, open_a_file, NULL);
        pid_t pid = fork();
        if (pid == 0) {
            pid_t grandchild = fork();
            if (grandchild == 0)
                _exit((intptr_t)open_a_file(NULL) >= 3 ? 0 : 1);
            pthread_create(&thread, NULL, open_a_file, NULL);
            bool fine = (intptr_t)open_a_file(NULL) >= 3;
            pthread_join(thread, &result);
            fine &= (intptr_t)result >= 3 && waitpid(grandchild, &status, 0) == grandchild && status == 0;
            _exit(fine ? 0 : 2);
        }
        ck_assert_int_ge((int)(intptr_t)open_a_file(NULL), 3);
        pthread_join(thread, &result);
        ck_assert_int_ge((int)(intptr_t)result, 3);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
    }
    stop();
}
END_TEST
#endif

/* The session is its last process's. */
START_TEST(parent_goes_first)
{
    int gone[2], told[2], status;
    char byte;
    start(_i);
    ck_assert_int_eq(pipe(gone), 0);
    ck_assert_int_eq(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(gone[1]);
        ck_assert_int_eq(read(gone[0], &byte, 1), 0);
        _exit(rsys_open(session, "/etc/passwd", O_RDONLY) >= 3 ? 0 : 1);
    }
    rsys_disconnect(session);
    close(gone[1]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    server_stop(&server, 0);
}
END_TEST

START_TEST(no_fork)
{
    struct rsys_connect_options options = {.size = sizeof options, .flags = RSYS_CONNECT_NO_FORK};
    int status;
    server_start(&server, (enum who)_i, NULL, NULL);
    session = open_session(&options);
    ck_assert_int_ge(rsys_open(session, "/etc/passwd", O_RDONLY), 3);
    pid_t pid = fork();
    if (pid == 0)
        _exit(rsys_open(session, "/etc/passwd", O_RDONLY) == -ECONNRESET ? 0 : 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    /* A child that fork(2)'s handlers do not know of. */
    pid = (pid_t)syscall(SYS_fork);
    if (pid == 0)
        _exit(rsys_open(session, "/etc/passwd", O_RDONLY) == -ECONNRESET ? 0 : 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_ge(rsys_open(session, "/etc/passwd", O_RDONLY), 3);
    stop();
}
END_TEST

/* ---- signals ---- */

static atomic_int handled;
static void on_signal(int signal) { handled++; }

static void handle(int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(SIGALRM, &action, NULL);
}

static void alarm_every(int milliseconds)
{
    struct itimerval timer = {{0, milliseconds * 1000}, {0, milliseconds * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void *write_after_signals(void *argument)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (handled < 5)
        usleep(1000);
    return (void *)(intptr_t)rsys_write(session, shared_pipe[1], "y", 1);
}

START_TEST(signals)
{
    char byte = 0;
    pthread_t thread;
    start(_i);
    ck_assert_int_eq(rsys_pipe2(session, shared_pipe, 0), 0);
    /* Without SA_RESTART a call that waits ends, and nothing is lost. */
    handle(0);
    alarm_every(20);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(rsys_read(session, shared_pipe[0], &byte, 1), -EINTR);
    ck_assert_int_ge(handled, 5);
    /* What does not wait is never interrupted. */
    for (int i = 0; i < 100; i++) {
        int fd = rsys_open(session, "/etc/passwd", O_RDONLY);
        ck_assert_int_ge(fd, 3);
        ck_assert_int_eq(rsys_close(session, fd), 0);
    }
    /* In a batch it is the call that waits which ends. */
    struct rsys_batch *calls = rsys_batch_new(session);
    struct stat st;
    ck_assert_int_eq(rsys_batch_add(calls, SYS_read, (long)shared_pipe[0], &byte, 1l), 0);
    ck_assert_int_eq(rsys_batch_add(calls, SYS_stat, "/etc/passwd", &st), 1);
    ck_assert_int_eq(rsys_batch_run(calls, 0), 0);
    ck_assert_int_eq(rsys_batch_result(calls, 0), -EINTR);
    ck_assert_int_eq(rsys_batch_result(calls, 1), 0);
    ck_assert_int_eq(rsys_batch_run(calls, RSYS_BATCH_STOP), 0);
    ck_assert_int_eq(rsys_batch_result(calls, 1), -ECANCELED);
    rsys_batch_free(calls);
    /* With it the call goes on behind the handler; poll(2) never does. */
    handle(SA_RESTART);
    struct pollfd poll = {.fd = shared_pipe[0], .events = POLLIN};
    ck_assert_int_eq(rsys_poll(session, &poll, 1, -1), -EINTR);
    handled = 0;
    pthread_create(&thread, NULL, write_after_signals, NULL);
    ck_assert_int_eq(rsys_read(session, shared_pipe[0], &byte, 1), 1);
    ck_assert_int_ge(handled, 5);
    pthread_join(thread, NULL);
    ck_assert_int_eq(byte, 'y');
    alarm_every(0);
    stop();
}
END_TEST

/* ---- ends ---- */

static void *wait_for_ever(void *argument)
{
    char byte;
    return (void *)(intptr_t)rsys_read(session, shared_pipe[0], &byte, 1);
}

START_TEST(server_killed)
{
    pthread_t waiting[4];
    void *result;
    char byte;
    start(_i);
    ck_assert_int_eq(rsys_pipe2(session, shared_pipe, 0), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_create(&waiting[i], NULL, wait_for_ever, NULL);
    while (entries_of("/proc/self/task") < 6) /* the leader, this thread, four more */
        usleep(1000);
    kill(server.pid, SIGKILL);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(waiting[i], &result);
        ck_assert_int_eq((int)(intptr_t)result, -ECONNRESET);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(rsys_read(session, shared_pipe[0], &byte, 1), -ECONNRESET);
    ck_assert_int_eq(rsys_open(session, "/etc/passwd", O_RDONLY), -ECONNRESET);
    pid_t pid = fork();
    if (pid == 0)
        _exit(rsys_close(session, 3) == -ECONNRESET ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    rsys_disconnect(session);
    ck_assert_int_eq(server_wait(&server), SIGKILL);
}
END_TEST

START_TEST(two_sessions)
{
    start(_i);
    struct rsys_session *other = open_session(NULL), *first = session;
    ck_assert_int_ge(rsys_open(first, "/tmp/of-first", O_WRONLY | O_CREAT, 0600), 3);
    ck_assert_int_eq(rsys_open(other, "/tmp/of-first", O_RDONLY), -ENOENT);
    rsys_disconnect(first);
    ck_assert_int_eq(rsys_open(other, "/tmp/of-first", O_RDONLY), -ENOENT);
    session = open_session(NULL);
    ck_assert_int_eq(rsys_open(session, "/tmp/of-first", O_RDONLY), -ENOENT);
    rsys_disconnect(other);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client-life");
    TCase *tcase = tcase_create("client");
    tcase_set_timeout(tcase, 60);
    int kinds = who_count();
    tcase_add_loop_test(tcase, threads, 0, kinds);
    tcase_add_loop_test(tcase, forks, 0, kinds);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_loop_test(tcase, forks_of_many, 0, kinds);
#endif
    tcase_add_loop_test(tcase, parent_goes_first, 0, kinds);
    tcase_add_loop_test(tcase, no_fork, 0, kinds);
    tcase_add_loop_test(tcase, signals, 0, kinds);
    tcase_add_loop_test(tcase, server_killed, 0, kinds);
    tcase_add_loop_test(tcase, two_sessions, 0, kinds);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

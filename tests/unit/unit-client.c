/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-client.c: librsys, as programs link it, against a real server of each kind of user. */
#include "src/client/rsys.h"
#include "tests/unit/server-client.h"
#include "tests/unit/who.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEBIBYTE (1u << 20)

static struct server server;
static struct rsys_session *session;

static struct rsys_session *open_session(const struct rsys_connect_options *options)
{
    struct rsys_error *error = NULL;
    struct rsys_session *opened = rsys_connect(server.address, options, &error);
    ck_assert_msg(opened != NULL, "%s", rsys_error_text(error));
    return opened;
}

static void start(int who)
{
    server_start(&server, (enum who)who, NULL, NULL);
    session = open_session(NULL);
}

static void stop(void)
{
    rsys_disconnect(session);
    server_stop(&server, 0);
}

/* How many entries a directory has, "." and ".." not counted. */
static int entries_of(const char *path)
{
    struct rsys_dir *dir;
    struct dirent64 *entry;
    int count = 0, got;
    ck_assert_int_eq(rsys_opendir(session, path, &dir), 0);
    while ((got = rsys_readdir(dir, &entry)) == 1)
        count += entry->d_name[0] != '.';
    ck_assert_int_eq(got, 0);
    ck_assert_int_eq(rsys_closedir(dir), 0);
    return count;
}

/* ---- calls ---- */

START_TEST(files)
{
    char text[64] = "";
    struct stat st;
    start(_i);
    errno = 77;
    ck_assert_int_eq(rsys_open(session, "/does/not/exist", O_RDONLY), -ENOENT);
    int fd = rsys_open(session, "/tmp/file", O_RDWR | O_CREAT | O_EXCL, 0640);
    ck_assert_int_ge(fd, 3);
    ck_assert_int_eq(rsys_write(session, fd, "hello, world", 12), 12);
    ck_assert_int_eq(rsys_lseek(session, fd, 7, SEEK_SET), 7);
    ck_assert_int_eq(rsys_read(session, fd, text, sizeof text), 5);
    ck_assert_str_eq(text, "world");
    ck_assert_int_eq(rsys_pread(session, fd, text, 5, 0), 5);
    ck_assert_str_eq(text, "hello");
    ck_assert_int_eq(rsys_fstat(session, fd, &st), 0);
    ck_assert_int_eq(st.st_size, 12);
    ck_assert_int_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(rsys_ftruncate(session, fd, 5), 0);
    ck_assert_int_eq(rsys_fsync(session, fd), 0);
    ck_assert_int_eq(rsys_rename(session, "/tmp/file", "/tmp/other"), 0);
    ck_assert_int_eq(rsys_stat(session, "/tmp/file", &st), -ENOENT);
    ck_assert_int_eq(rsys_stat(session, "/tmp/other", &st), 0);
    ck_assert_int_eq(st.st_size, 5);
    ck_assert_int_eq(rsys_symlink(session, "other", "/tmp/link"), 0);
    ck_assert_int_eq(rsys_readlink(session, "/tmp/link", text, sizeof text), 5);
    ck_assert_int_eq(memcmp(text, "other", 5), 0);
    ck_assert_int_eq(rsys_mkdir(session, "/tmp/dir", 0700), 0);
    ck_assert_int_eq(entries_of("/tmp"), 3);
    ck_assert_int_eq(rsys_fcntl(session, fd, F_GETFL) & O_ACCMODE, O_RDWR);
    int copy = rsys_fcntl(session, fd, F_DUPFD_CLOEXEC, 40);
    ck_assert_int_eq(copy, 40);
    ck_assert_int_eq(rsys_dup2(session, fd, 41), 41);
    ck_assert_int_eq(rsys_syscall(session, SYS_close_range, 40l, ~0l, 0l), 0);
    ck_assert_int_eq(rsys_close(session, 41), -EBADF);
    ck_assert_int_eq(rsys_close(session, fd), 0);
    ck_assert_int_eq(rsys_close(session, fd), -EBADF);
    ck_assert_int_eq(rsys_unlink(session, "/tmp/other"), 0);
    ck_assert_int_eq(rsys_rmdir(session, "/tmp/dir"), 0);
    ck_assert_int_eq(errno, 77);
    stop();
}
END_TEST

/* What one request holds is 1 MiB. */
START_TEST(large)
{
    size_t size = 5 * MEBIBYTE + 12345;
    uint32_t *data = malloc(size + 4), *back = malloc(size + 4);
    start(_i);
    for (size_t i = 0; i < size / 4 + 1; i++)
        data[i] = (uint32_t)(i * 2654435761u);
    int fd = rsys_open(session, "/tmp/large", O_RDWR | O_CREAT, 0600);
    struct iovec vector[2] = {{data, MEBIBYTE + 1}, {(char *)data + MEBIBYTE + 1, size - MEBIBYTE - 1}};
    ck_assert_int_eq(rsys_writev(session, fd, vector, 2), (ssize_t)size);
    ck_assert_int_eq(rsys_pread(session, fd, back, size + 4, 0), (ssize_t)size);
    ck_assert_int_eq(memcmp(data, back, size), 0);
    memset(back, 0, size);
    ck_assert_int_eq(rsys_lseek(session, fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(rsys_read(session, fd, back, size), (ssize_t)size);
    ck_assert_int_eq(memcmp(data, back, size), 0);
    stop();
    free(data);
    free(back);
}
END_TEST

/* What cannot be done is told; nothing of it ends the program. */
START_TEST(refusals)
{
    char byte = 0;
    int pair[2];
    start(_i);
    int fd = rsys_open(session, "/etc/passwd", O_RDONLY);
    ck_assert_int_eq(rsys_read(session, fd, NULL, 10), -EFAULT);
    ck_assert_int_eq(rsys_read(session, fd, (void *)16, 10), -EFAULT);
    ck_assert_int_eq(rsys_open(session, (const char *)16, O_RDONLY), -EFAULT);
    ck_assert_int_eq(rsys_pipe2(session, pair, 0), 0);
    ck_assert_int_eq(rsys_write(session, pair[1], (void *)16, 10), -EFAULT);
    ck_assert_int_eq(rsys_close(session, pair[0]), 0);
    ck_assert_int_eq(rsys_write(session, pair[1], &byte, 1), -EPIPE); /* and no SIGPIPE */
    ck_assert_int_eq(rsys_syscall(session, SYS_fork), -ENOSYS);
    ck_assert_int_eq(rsys_syscall(session, SYS_mmap), -ENOSYS);
    ck_assert_int_eq(rsys_syscall(session, SYS_getpid), -ENOSYS);
    ck_assert_int_eq(rsys_syscall(session, SYS_exit_group), -ENOSYS);
    ck_assert_int_eq(rsys_syscall(session, SYS_ptrace), -EPERM);
    ck_assert_int_eq(rsys_syscall(session, SYS_io_uring_setup), -ENOSYS);
    ck_assert_int_eq(rsys_syscall(session, 100000), -ENOSYS);
    ck_assert_int_eq(rsys_syscall(session, SYS_getuid), 0);
    /* The executor's own numbers cannot be named. */
    for (int own = 1024; own < 1040; own++) {
        struct pollfd poll = {.fd = own, .events = POLLIN};
        ck_assert_int_eq(rsys_close(session, own), -EBADF);
        ck_assert_int_eq(rsys_write(session, own, "x", 1), -EBADF);
        ck_assert_int_eq(rsys_dup2(session, fd, own), -EBADF);
        ck_assert_int_eq(rsys_poll(session, &poll, 1, 0), 1);
        ck_assert_int_eq(poll.revents, POLLNVAL);
    }
    ck_assert_int_eq(rsys_fcntl(session, fd, F_SETOWN, 1), -EINVAL);
    ck_assert_int_eq(rsys_ioctl(session, fd, TIOCSTI, &byte), -EPERM);
    ck_assert_int_eq(rsys_pread(session, fd, &byte, 1, 0), 1);
    stop();
}
END_TEST

START_TEST(addresses)
{
    struct rsys_error *error = NULL;
    struct rsys_connect_options wrong = {.size = sizeof wrong, .flags = 1u << 31};
    ck_assert_ptr_null(rsys_connect(NULL, NULL, &error));
    ck_assert_ptr_nonnull(strstr(rsys_error_text(error), "address"));
    rsys_error_free(error);
    ck_assert_ptr_null(rsys_connect("tcp:127.0.0.1:1", NULL, &error));
    ck_assert_ptr_nonnull(strstr(rsys_error_text(error), "tcp:127.0.0.1:1"));
    rsys_error_free(error);
    ck_assert_ptr_null(rsys_connect("tcp:127.0.0.1:1", &wrong, &error));
    rsys_error_free(error);
    ck_assert_ptr_null(rsys_connect("nonsense", NULL, NULL));
    rsys_disconnect(NULL);
}
END_TEST

/* A server of one's own is nobody's child. */
START_TEST(private_server)
{
    struct rsys_connect_options options = {.size = sizeof options, .flags = RSYS_CONNECT_PRIVATE};
    struct rsys_error *error = NULL;
    char path[4096];
    ck_assert_ptr_nonnull(getcwd(path, sizeof path - 32));
    strcat(path, "/rsys-sandboxd");
    setenv("RSYS_SANDBOXD", path, 1);
    session = rsys_connect(NULL, &options, &error);
    ck_assert_msg(session != NULL, "%s", rsys_error_text(error));
    ck_assert_int_lt(waitpid(-1, NULL, WNOHANG), 0);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_ge(rsys_open(session, "/etc/passwd", O_RDONLY), 3);
    rsys_disconnect(session);
}
END_TEST

START_TEST(sockets)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, peer;
    socklen_t size = sizeof address;
    char text[32] = "";
    int value = 0;
    start(_i);
    int listener = rsys_socket(session, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(rsys_bind(session, listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(rsys_listen(session, listener, 5), 0);
    ck_assert_int_eq(rsys_getsockname(session, listener, (struct sockaddr *)&address, &size), 0);
    int one = rsys_socket(session, AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(rsys_connect_socket(session, one, (struct sockaddr *)&address, sizeof address), 0);
    size = sizeof peer;
    int two = rsys_accept4(session, listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
    ck_assert_int_ge(two, 0);
    ck_assert_uint_eq(size, sizeof peer);
    struct pollfd poll[2] = {{.fd = one, .events = POLLIN}, {.fd = two, .events = POLLIN}};
    ck_assert_int_eq(rsys_poll(session, poll, 2, 0), 0);
    ck_assert_int_eq(rsys_send(session, one, "hello", 5, 0), 5);
    ck_assert_int_eq(rsys_poll(session, poll, 2, 5000), 1);
    ck_assert_int_eq(poll[0].revents, 0);
    ck_assert_int_eq(poll[1].revents, POLLIN);
    ck_assert_int_eq(rsys_recv(session, two, text, sizeof text, 0), 5);
    ck_assert_str_eq(text, "hello");
    size = sizeof value;
    ck_assert_int_eq(rsys_getsockopt(session, one, SOL_SOCKET, SO_TYPE, &value, &size), 0);
    ck_assert_int_eq(value, SOCK_STREAM);
    value = 1;
    ck_assert_int_eq(rsys_setsockopt(session, one, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value), 0);
    int set = rsys_epoll_create1(session, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 42}, got;
    ck_assert_int_eq(rsys_epoll_ctl(session, set, EPOLL_CTL_ADD, two, &event), 0);
    ck_assert_int_eq(rsys_shutdown(session, one, SHUT_WR), 0);
    ck_assert_int_eq(rsys_epoll_wait(session, set, &got, 1, 5000), 1);
    ck_assert_uint_eq(got.data.u64, 42);
    ck_assert_int_eq(rsys_recv(session, two, text, sizeof text, 0), 0);
    stop();
}
END_TEST

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

/* Threads of both processes go on, and a child of the child. */
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

START_TEST(denied)
{
    char path[] = "/tmp/rsys-unit-client-XXXXXX", option[64];
    static const char policy[] = "{\"defaultAction\": \"allow\", \"syscalls\": [{\"names\": [\"unlink\"], \"action\": \"deny\", \"errnoRet\": 95},"
                                 "{\"names\": [\"socket\"], \"action\": \"deny\", \"errnoRet\": 97, \"args\": [{\"index\": 0, \"value\": 2, \"op\": \"SCMP_CMP_EQ\"}]},"
                                 "{\"names\": [\"rmdir\"], \"action\": \"SCMP_ACT_KILL_PROCESS\"}, {\"names\": [\"uname\"], \"action\": \"local\"}],"
                                 "\"sandbox\": {\"root\": {\"mode\": \"rw\"}, \"mounts\": [{\"type\": \"tmpfs\", \"target\": \"/tmp\"}]}}";
    struct utsname name;
    int file = mkstemp(path);
    ck_assert_int_eq(write(file, policy, strlen(policy)), (ssize_t)strlen(policy));
    ck_assert_int_eq(fchmod(file, 0644), 0);
    close(file);
    snprintf(option, sizeof option, "--policy=%s", path);
    server_start(&server, (enum who)_i, option, NULL);
    session = open_session(NULL);
    ck_assert_int_eq(rsys_unlink(session, "/tmp/x"), -95);
    ck_assert_int_eq(rsys_socket(session, AF_INET, SOCK_STREAM, 0), -97);
    ck_assert_int_ge(rsys_socket(session, AF_UNIX, SOCK_STREAM, 0), 3);
    ck_assert_int_eq(rsys_rmdir(session, "/tmp/x"), -EPERM);
    ck_assert_int_eq(rsys_uname(session, &name), -ENOSYS);
    ck_assert_int_eq(rsys_mkdir(session, "/tmp/x", 0700), 0);
    stop();
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *tcase = tcase_create("client");
    tcase_set_timeout(tcase, 60);
    int kinds = who_count();
    tcase_add_loop_test(tcase, files, 0, kinds);
    tcase_add_loop_test(tcase, large, 0, kinds);
    tcase_add_loop_test(tcase, refusals, 0, kinds);
    tcase_add_test(tcase, addresses);
    tcase_add_test(tcase, private_server);
    tcase_add_loop_test(tcase, sockets, 0, kinds);
    tcase_add_loop_test(tcase, threads, 0, kinds);
    tcase_add_loop_test(tcase, forks, 0, kinds);
    tcase_add_loop_test(tcase, forks_of_many, 0, kinds);
    tcase_add_loop_test(tcase, parent_goes_first, 0, kinds);
    tcase_add_loop_test(tcase, no_fork, 0, kinds);
    tcase_add_loop_test(tcase, signals, 0, kinds);
    tcase_add_loop_test(tcase, server_killed, 0, kinds);
    tcase_add_loop_test(tcase, two_sessions, 0, kinds);
    tcase_add_loop_test(tcase, denied, 0, kinds);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-client.c: librsys, as programs link it, against a real server of each kind of user: calls and batches. */
#include "tests/unit/library.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

static int shared_socket;

static void *receive_all(void *to)
{
    return (void *)(intptr_t)rsys_recv(session, shared_socket, to, 3 * MEBIBYTE + 5, MSG_WAITALL);
}

/* Messages: with a descriptor, with an address, and with more than one request holds. */
START_TEST(messages)
{
    enum { SIZE = 3 * MEBIBYTE + 5 };
    char *data = malloc(SIZE), *back = calloc(1, SIZE), text[8] = "";
    int pair[2];
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    start(_i);
    memset(data, 'x', SIZE);
    int file = rsys_open(session, "/etc/passwd", O_RDONLY), got = -1;
    ck_assert_int_eq(rsys_socketpair(session, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    memcpy(CMSG_DATA(&control.head), &file, sizeof file);
    struct iovec vector[2] = {{"he", 2}, {"llo", 3}};
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control};
    ck_assert_int_eq(rsys_sendmsg(session, pair[0], &message, 0), 5);
    memset(&control, 0, sizeof control);
    vector[0] = (struct iovec){text, 5};
    message.msg_iovlen = 1;
    ck_assert_int_eq(rsys_recvmsg(session, pair[1], &message, MSG_CMSG_CLOEXEC), 5);
    ck_assert_str_eq(text, "hello");
    ck_assert_int_eq(control.head.cmsg_type, SCM_RIGHTS);
    memcpy(&got, CMSG_DATA(&control.head), sizeof got);
    ck_assert_int_ge(got, 3);
    ck_assert_int_ne(got, file);
    ck_assert_int_eq(rsys_fcntl(session, got, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(rsys_sendmsg(session, pair[0], (void *)16, 0), -EFAULT);
    /* What does not fit the socket waits for its reader. */
    shared_socket = pair[1];
    pthread_t reader;
    pthread_create(&reader, NULL, receive_all, back);
    ck_assert_int_eq(rsys_send(session, pair[0], data, SIZE, 0), SIZE);
    pthread_join(reader, NULL);
    ck_assert_int_eq(memcmp(data, back, SIZE), 0);
    stop();
    free(data);
    free(back);
}
END_TEST

/* ---- batches ---- */

START_TEST(batch)
{
    struct stat st = {0}, other = {0};
    char text[16] = "";
    start(_i);
    struct rsys_batch *calls = rsys_batch_new(session);
    /* open, write, fstat, lseek, read, close of a file that nobody knows the number of. */
    int opened = rsys_batch_add(calls, SYS_openat, (long)AT_FDCWD, "/tmp/batch", (long)(O_RDWR | O_CREAT | O_EXCL), 0600l);
    ck_assert_int_eq(opened, 0);
    int written = rsys_batch_add(calls, SYS_write, 0l, "hello, world", 12l);
    int told = rsys_batch_add(calls, SYS_fstat, 0l, &st);
    int sought = rsys_batch_add(calls, SYS_lseek, 0l, 7l, (long)SEEK_SET);
    int was_read = rsys_batch_add(calls, SYS_read, 0l, text, (long)sizeof text);
    int cut = rsys_batch_add(calls, SYS_ftruncate, 0l, 0l);
    int missing = rsys_batch_add(calls, SYS_stat, "/tmp/missing", &other);
    int closed = rsys_batch_add(calls, SYS_close, 0l);
    for (int i = written; i <= cut; i++)
        ck_assert_int_eq(rsys_batch_use(calls, i, 0, opened), 0);
    ck_assert_int_eq(rsys_batch_use(calls, cut, 1, sought), 0);
    ck_assert_int_eq(rsys_batch_use(calls, closed, 0, opened), 0);
    ck_assert_int_eq(rsys_batch_result(calls, opened), -ENODATA);
    ck_assert_int_eq(rsys_batch_run(calls, 0), 0);
    ck_assert_int_ge(rsys_batch_result(calls, opened), 3);
    ck_assert_int_eq(rsys_batch_result(calls, written), 12);
    ck_assert_int_eq(rsys_batch_result(calls, told), 0);
    ck_assert_int_eq(st.st_size, 12);
    ck_assert_int_eq(rsys_batch_result(calls, sought), 7);
    ck_assert_int_eq(rsys_batch_result(calls, was_read), 5);
    ck_assert_str_eq(text, "world");
    ck_assert_int_eq(rsys_batch_result(calls, cut), 0);
    ck_assert_int_eq(rsys_batch_result(calls, missing), -ENOENT);
    ck_assert_int_eq(rsys_batch_result(calls, closed), 0);
    ck_assert_int_eq(rsys_stat(session, "/tmp/batch", &st), 0);
    ck_assert_int_eq(st.st_size, 7);
    /* The same once more: the file is there, so what uses its descriptor is not made. */
    ck_assert_int_eq(rsys_batch_run(calls, 0), 0);
    ck_assert_int_eq(rsys_batch_result(calls, opened), -EEXIST);
    for (int i = written; i <= cut; i++)
        ck_assert_int_eq(rsys_batch_result(calls, i), -ECANCELED);
    ck_assert_int_eq(rsys_batch_result(calls, missing), -ENOENT);
    ck_assert_int_eq(rsys_batch_result(calls, closed), -ECANCELED);
    /* Nor anything else, when that is asked for. */
    ck_assert_int_eq(rsys_batch_run(calls, RSYS_BATCH_STOP), 0);
    ck_assert_int_eq(rsys_batch_result(calls, missing), -ECANCELED);
    rsys_batch_clear(calls);
    ck_assert_int_eq(rsys_batch_run(calls, 0), 0);
    rsys_batch_free(calls);
    stop();
}
END_TEST

START_TEST(batch_refusals)
{
    char byte;
    start(_i);
    struct rsys_batch *calls = rsys_batch_new(session);
    ck_assert_int_eq(rsys_batch_add(calls, SYS_mmap), -ENOSYS);
    ck_assert_int_eq(rsys_batch_add(calls, SYS_readv), -ENOSYS);
    ck_assert_int_eq(rsys_batch_add(calls, SYS_unlink, (char *)16), -EFAULT);
    ck_assert_int_eq(rsys_batch_add(calls, SYS_write, 0l, &byte, 2l * MEBIBYTE), -E2BIG);
    int first = rsys_batch_add(calls, SYS_read, 0l, &byte, 1l), second = rsys_batch_add(calls, SYS_read, 0l, &byte, 1l);
    ck_assert_int_eq(rsys_batch_use(calls, second, 2, first), -EINVAL); /* the length of what comes back */
    ck_assert_int_eq(rsys_batch_use(calls, second, 1, first), -EINVAL); /* an address */
    ck_assert_int_eq(rsys_batch_use(calls, second, 3, first), -EINVAL);
    ck_assert_int_eq(rsys_batch_use(calls, second, -1, first), -EINVAL);
    ck_assert_int_eq(rsys_batch_use(calls, second, 0, second), -EINVAL);
    ck_assert_int_eq(rsys_batch_use(calls, first, 0, second), -EINVAL);
    ck_assert_int_eq(rsys_batch_use(calls, 9, 0, first), -EINVAL);
    for (int i = 2; i <= 256; i++)
        ck_assert_int_eq(rsys_batch_add(calls, SYS_close, 0l), i);
    ck_assert_int_eq(rsys_batch_use(calls, 255, 0, 0), 0);
    ck_assert_int_eq(rsys_batch_use(calls, 256, 0, 0), -EINVAL);
    ck_assert_int_eq(rsys_batch_run(calls, 2), -EINVAL);
    rsys_batch_free(calls);
    stop();
}
END_TEST

/* More than what is on the way holds, in both directions. */
START_TEST(batch_of_many)
{
    enum { COUNT = 40 };
    char *data = malloc(COUNT * MEBIBYTE), *back = malloc(COUNT * MEBIBYTE);
    start(_i);
    for (size_t i = 0; i < COUNT * (size_t)MEBIBYTE / 4; i++)
        ((uint32_t *)(void *)data)[i] = (uint32_t)(i * 2654435761u);
    int fd = rsys_open(session, "/tmp/many", O_RDWR | O_CREAT, 0600);
    struct rsys_batch *calls = rsys_batch_new(session);
    for (long i = 0; i < COUNT; i++) {
        ck_assert_int_eq(rsys_batch_add(calls, SYS_pwrite64, (long)fd, data + i * MEBIBYTE, (long)MEBIBYTE, i * MEBIBYTE), 2 * i);
        ck_assert_int_eq(rsys_batch_add(calls, SYS_pread64, (long)fd, back + i * MEBIBYTE, (long)MEBIBYTE, i * MEBIBYTE), 2 * i + 1);
    }
    ck_assert_int_eq(rsys_batch_run(calls, RSYS_BATCH_STOP), 0);
    for (int i = 0; i < 2 * COUNT; i++)
        ck_assert_int_eq(rsys_batch_result(calls, i), MEBIBYTE);
    ck_assert_int_eq(memcmp(data, back, COUNT * (size_t)MEBIBYTE), 0);
    rsys_batch_free(calls);
    free(data);
    free(back);
    stop();
}
END_TEST

/* ---- the policy ---- */

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
    tcase_add_loop_test(tcase, messages, 0, kinds);
    tcase_add_loop_test(tcase, batch, 0, kinds);
    tcase_add_loop_test(tcase, batch_refusals, 0, kinds);
    tcase_add_test(tcase, batch_of_many);
    tcase_add_loop_test(tcase, denied, 0, kinds);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

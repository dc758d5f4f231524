/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-msg.c: sendmsg and recvmsg with names, vectors, control data and descriptors; recvfrom; socket options. */
#include "src/core/util.h"
#include "src/jail/rights.h"
#include "tests/unit/fake-jail.h"

#include <check.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

bool rsys_is_supervisor(uint64_t pid) { return pid == 1; }

#define A FAKE_ARG
#define MIB (1u << 20)

static int pair[2];

static void setup(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fake_cancel_at = 0;
}

static void teardown(void)
{
    rsys_rights_free(fake_guest.process->jail);
    fake_free();
}

static int64_t send_message(int fd, const struct msghdr *message, int flags) { return fake_call(SYS_sendmsg, (uint64_t)fd, A(message), (uint64_t)flags, 0, 0, 0); }
static int64_t receive(int fd, struct msghdr *message, int flags) { return fake_call(SYS_recvmsg, (uint64_t)fd, A(message), (uint64_t)flags, 0, 0, 0); }

START_TEST(plain)
{
    char one[3] = "", two[8] = "";
    struct iovec out[3] = {{"abc", 3}, {NULL, 0}, {"def", 3}}, in[2] = {{one, 2}, {two, 8}};
    struct msghdr to = {.msg_iov = out, .msg_iovlen = 3}, from = {.msg_iov = in, .msg_iovlen = 2, .msg_flags = 99, .msg_controllen = 77};
    ck_assert_int_eq(send_message(pair[0], &to, 0), 6);
    ck_assert_int_eq(receive(pair[1], &from, 0), 6);
    ck_assert_str_eq(one, "ab");
    ck_assert_str_eq(two, "cdef");
    ck_assert_int_eq(from.msg_flags, 0);
    ck_assert_uint_eq(from.msg_controllen, 0);
    ck_assert_int_eq(receive(pair[1], &from, MSG_DONTWAIT), -EAGAIN);
    to.msg_iovlen = 1025;
    ck_assert_int_eq(send_message(pair[0], &to, 0), -EMSGSIZE);
    ck_assert_int_eq(send_message(pair[0], (struct msghdr *)8, 0), -EFAULT);
    to = (struct msghdr){.msg_iov = out, .msg_iovlen = 1, .msg_name = "x", .msg_namelen = (socklen_t)-1};
    ck_assert_int_eq(send_message(pair[0], &to, 0), -EINVAL);
    out[0].iov_base = (void *)8;
    to = (struct msghdr){.msg_iov = out, .msg_iovlen = 1};
    ck_assert_int_eq(send_message(pair[0], &to, 0), -EFAULT);
    ck_assert_int_eq(send_message(999, &(struct msghdr){0}, 0), -EBADF);
}
END_TEST

START_TEST(descriptors)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {.bytes = {0}}, got = {.bytes = {0}};
    char byte = 0;
    struct iovec out = {"x", 1}, in = {&byte, 1};
    struct msghdr to = {.msg_iov = &out, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct msghdr from = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = &got, .msg_controllen = sizeof got};
    struct cmsghdr *header = CMSG_FIRSTHDR(&to);
    RSYS_AUTO_FD file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fds[2] = {file, pair[0]};
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fds), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), fds, sizeof fds);
    ck_assert_int_eq(send_message(pair[0], &to, 0), 1);
    ck_assert_int_eq(receive(pair[1], &from, MSG_CMSG_CLOEXEC), 1);
    header = CMSG_FIRSTHDR(&from);
    ck_assert_ptr_nonnull(header);
    ck_assert_uint_eq(header->cmsg_len, CMSG_LEN(sizeof fds));
    memcpy(fds, CMSG_DATA(header), sizeof fds);
    struct stat one, two;
    ck_assert_int_eq(fstat(file, &one), 0);
    ck_assert_int_eq(fstat(fds[0], &two), 0);
    ck_assert_uint_eq(one.st_rdev, two.st_rdev);
    close(fds[0]);
    close(fds[1]);
    /* Malformed control data is the kernel's to refuse. */
    header = CMSG_FIRSTHDR(&to);
    header->cmsg_len = 3;
    ck_assert_int_eq(send_message(pair[1], &to, 0), -EINVAL);
    header->cmsg_len = SIZE_MAX;
    ck_assert_int_eq(send_message(pair[1], &to, 0), -EINVAL);
    /* No room for what comes. */
    header->cmsg_len = CMSG_LEN(sizeof fds);
    ck_assert_int_eq(send_message(pair[0], &to, 0), 1);
    from.msg_controllen = 8;
    ck_assert_int_eq(receive(pair[1], &from, 0), 1);
    ck_assert_int_eq(from.msg_flags, MSG_CTRUNC);
    ck_assert_uint_eq(from.msg_controllen, 0);
}
END_TEST

START_TEST(local_descriptors)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {.bytes = {0}}, got = {.bytes = {0}};
    char byte = 0;
    struct iovec out = {"x", 1}, in = {&byte, 1};
    struct msghdr to = {.msg_iov = &out, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct msghdr from = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = &got, .msg_controllen = sizeof got};
    RSYS_AUTO_FD file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fds[2];
    struct stat one, two;
    ck_assert_int_eq(fstat(file, &one), 0);
    *CMSG_FIRSTHDR(&to) = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fds), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    /* A local one travels as a token and comes home again. */
    fake_local(file, true);
    fds[0] = file, fds[1] = pair[0];
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&to)), fds, sizeof fds);
    ck_assert_int_eq(send_message(pair[0], &to, 0), 1);
    ck_assert_uint_eq(fake_requests, 3);
    ck_assert(fake_numbers[0] == SYS_memfd_create && fake_numbers[1] == SYS_fstat);
    ck_assert_uint_eq(fake_posts, 1); /* the token is closed */
    ck_assert_mem_eq(CMSG_DATA(CMSG_FIRSTHDR(&to)), fds, sizeof fds); /* and the guest's memory as it was */
    ck_assert(rsys_rights_any(fake_guest.process->jail));
    from.msg_controllen = sizeof got;
    ck_assert_int_eq(receive(pair[1], &from, MSG_CMSG_CLOEXEC), 1);
    ck_assert(!rsys_rights_any(fake_guest.process->jail));
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&from)), sizeof fds);
    ck_assert(rsys_fd_is_local(fake_guest.process->fds, fds[0]) && !rsys_fd_is_local(fake_guest.process->fds, fds[1]));
    ck_assert_int_eq(fstat(fds[0], &two), 0);
    ck_assert_uint_eq(one.st_rdev, two.st_rdev);
    fake_local(fds[0], false);
    close(fds[0]);
    close(fds[1]);
    /* What is not sent after all is not kept. */
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&to)), (int[2]){file, 9999}, sizeof fds);
    ck_assert_int_eq(send_message(pair[0], &to, 0), -EBADF);
    ck_assert(!rsys_rights_any(fake_guest.process->jail));
    fake_local(file, false);
}
END_TEST

START_TEST(datagrams)
{
    struct sockaddr_un names[2] = {{.sun_family = AF_UNIX}, {.sun_family = AF_UNIX}}, who = {0};
    int fds[2];
    char buffer[4] = "";
    for (int i = 0; i < 2; i++) {
        fds[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        snprintf(names[i].sun_path + 1, sizeof names[i].sun_path - 1, "rsys-unit-%d-%d", getpid(), i);
        ck_assert_int_eq(bind(fds[i], (struct sockaddr *)&names[i], sizeof names[i]), 0);
    }
    struct iovec out = {"abcdef", 6}, in = {buffer, 3};
    struct msghdr to = {.msg_name = &names[1], .msg_namelen = sizeof names[1], .msg_iov = &out, .msg_iovlen = 1};
    struct msghdr from = {.msg_name = &who, .msg_namelen = sizeof who, .msg_iov = &in, .msg_iovlen = 1};
    ck_assert_int_eq(send_message(fds[0], &to, 0), 6);
    ck_assert_int_eq(send_message(fds[0], &to, 0), 6);
    ck_assert_int_eq(receive(fds[1], &from, MSG_TRUNC), 6);
    ck_assert_str_eq(buffer, "abc");
    ck_assert_int_eq(from.msg_flags, MSG_TRUNC);
    ck_assert_uint_eq(from.msg_namelen, sizeof names[0]);
    ck_assert_mem_eq(&who, &names[0], sizeof who);
    memset(&who, 0, sizeof who);
    from.msg_namelen = 4; /* less room than the name needs: cut, and told of */
    ck_assert_int_eq(receive(fds[1], &from, 0), 3);
    ck_assert_uint_eq(from.msg_namelen, sizeof names[0]);
    ck_assert_mem_eq(&who, &names[0], 4);
    ck_assert_int_eq(who.sun_path[3], 0);

    /* Many at once. */
    struct mmsghdr many[4];
    struct iovec vectors[4];
    char buffers[4][4];
    for (int i = 0; i < 4; i++) {
        memset(buffers[i], 'a' + i, 4);
        vectors[i] = (struct iovec){buffers[i], (size_t)i + 1};
        many[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &names[1], .msg_namelen = sizeof names[1], .msg_iov = &vectors[i], .msg_iovlen = 1}};
    }
    ck_assert_int_eq(fake_call(SYS_sendmmsg, (uint64_t)fds[0], A(many), 3, 0, 0, 0), 3);
    ck_assert(many[0].msg_len == 1 && many[2].msg_len == 3);
    memset(buffers, 0, sizeof buffers);
    for (int i = 0; i < 4; i++)
        many[i].msg_hdr.msg_name = NULL, vectors[i].iov_len = 4, many[i].msg_len = 0;
    ck_assert_int_eq(fake_call(SYS_recvmmsg, (uint64_t)fds[1], A(many), 4, MSG_WAITFORONE, 0, 0), 3);
    ck_assert(many[0].msg_len == 1 && many[2].msg_len == 3);
    ck_assert_str_eq(buffers[2], "ccc");
    struct timespec limit = {0, 0};
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(sendto(fds[0], "x", 1, 0, (struct sockaddr *)&names[1], sizeof names[1]), 1);
    ck_assert_int_eq(fake_call(SYS_recvmmsg, (uint64_t)fds[1], A(many), 4, 0, A(&limit), 0), 1);
    ck_assert_int_eq(fake_call(SYS_recvmmsg, (uint64_t)fds[1], A(many), 4, MSG_DONTWAIT, 0, 0), 1);
    ck_assert_int_eq(fake_call(SYS_recvmmsg, (uint64_t)fds[1], A(many), 4, MSG_DONTWAIT, 0, 0), -EAGAIN);
    ck_assert_int_eq(fake_call(SYS_recvmmsg, (uint64_t)fds[1], A(many), 0, 0, 0, 0), 0);
}
END_TEST

/* A stream's large messages go in pieces. */
START_TEST(large)
{
    size_t total = 2 * MIB + 5;
    uint8_t *data = malloc(total), *back = calloc(1, total);
    for (size_t i = 0; i < total; i++)
        data[i] = (uint8_t)(i * 13 + i / 999);
    struct iovec vector[2] = {{data, MIB + 100}, {data + MIB + 100, total - MIB - 100}};
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = 2};
    pid_t child = fork();
    if (child == 0)
        _exit(recv(pair[1], back, total, MSG_WAITALL) == (ssize_t)total && memcmp(back, data, total) == 0 ? 0 : 1);
    ck_assert_int_eq(send_message(pair[0], &message, 0), (int64_t)total);
    ck_assert_uint_eq(fake_requests, 3);
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);

    child = fork();
    if (child == 0)
        _exit(recv(pair[1], back, total, MSG_WAITALL) == (ssize_t)total && memcmp(back, data, total) == 0 ? 0 : 1);
    ck_assert_int_eq(fake_call(SYS_sendto, (uint64_t)pair[0], A(data), total, 0, 0, 0), (int64_t)total);
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(fake_call(SYS_sendto, (uint64_t)pair[0], A("abc"), 3, 0, 0, 0), 3);
    ck_assert_int_eq(recv(pair[1], back, 3, 0), 3);

    child = fork();
    if (child == 0)
        _exit(send(pair[1], data, total, 0) == (ssize_t)total ? 0 : 1);
    vector[0].iov_base = back;
    vector[1].iov_base = back + MIB + 100;
    ck_assert_int_eq(receive(pair[0], &message, MSG_WAITALL), (int64_t)total);
    ck_assert_int_eq(memcmp(back, data, total), 0);
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    free(data);
    free(back);
}
END_TEST

/* Options whose values hold pointers, or are counted in instructions. */
START_TEST(options)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 2)}, back[4];
    struct sock_fprog program = {1, code}, wild = {1, (void *)8};
    socklen_t length = 4, room = 0;
    int fds[2], number = 0;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    uint64_t fd = (uint64_t)fds[1];
    ck_assert_int_eq(fake_call(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, A(&wild), sizeof wild, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, 8, sizeof wild, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, A(&program), 5, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, A(&program), sizeof program, 0), 0);
    ck_assert_int_eq(send(fds[0], "long", 4, 0), 4);
    ck_assert_int_eq(recv(fds[1], back, sizeof back, 0), 2);
    ck_assert_int_eq(fake_call(SYS_getsockopt, fd, SOL_SOCKET, SO_GET_FILTER, A(back), A(&length), 0), 0);
    ck_assert_uint_eq(length, 1);
    ck_assert_mem_eq(back, code, sizeof code);
    ck_assert_int_eq(fake_call(SYS_getsockopt, fd, SOL_SOCKET, SO_GET_FILTER, 0, A(&room), 0), 0);
    ck_assert_uint_eq(room, 1);
    ck_assert_int_eq(fake_call(SYS_setsockopt, fd, SOL_SOCKET, SO_ZEROCOPY, A(&number), 4, 0), -EOPNOTSUPP);
    ck_assert_int_eq(fake_call(SYS_getsockopt, fd, SOL_SOCKET, 77 /* SO_PEERPIDFD */, A(&number), A(&length), 0), -ENOPROTOOPT);
    ck_assert_int_eq(fake_call(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDBUF, A(&number), (uint64_t)-1, 0), -EINVAL);
    length = sizeof number;
    ck_assert_int_eq(fake_call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, A(&number), A(&length), 0), 0);
    ck_assert_int_eq(number, SOCK_DGRAM);
    length = (socklen_t)-1;
    ck_assert_int_eq(fake_call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, A(&number), A(&length), 0), -EINVAL);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* MSG_TRUNC throws a stream's bytes away, and the buffer stays what it was; MSG_WAITALL for more than a request. */
START_TEST(received)
{
    char kept[4] = "abc";
    size_t total = 2 * MIB + 5;
    char *data = malloc(total);
    memset(data, 'x', total);
    pid_t child = fork();
    if (child == 0)
        _exit(send(pair[1], data, total, 0) == (ssize_t)total ? 0 : 1);
    memset(data, 0, total);
    ck_assert_int_eq(fake_call(SYS_recvfrom, (uint64_t)pair[0], A(data), total, MSG_WAITALL, 0, 0), (int64_t)total);
    ck_assert(data[0] == 'x' && data[total - 1] == 'x');
    int status, one = 1;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    free(data);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(l, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(l, 1), 0);
    ck_assert_int_eq(getsockname(l, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    ck_assert_int_eq(connect(c, (struct sockaddr *)&address, size), 0);
    int s = accept(l, NULL, NULL);
    ck_assert_int_eq(send(c, "12345", 5, 0), 5);
    ck_assert_int_eq(fake_call(SYS_recvfrom, (uint64_t)s, A(kept), 3, MSG_TRUNC, 0, 0), 3);
    ck_assert_str_eq(kept, "abc");
    ck_assert_int_eq(fake_call(SYS_recvfrom, (uint64_t)s, A(kept), 3, 0, 0, 0), 2);
    ck_assert_str_eq(kept, "45c");
    close(s);
    close(c);
    close(l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("msg");
    TCase *tests = tcase_create("msg");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, plain);
    tcase_add_test(tests, descriptors);
    tcase_add_test(tests, local_descriptors);
    tcase_add_test(tests, datagrams);
    tcase_add_test(tests, large);
    tcase_add_test(tests, options);
    tcase_add_test(tests, received);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

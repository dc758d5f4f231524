// SPDX-License-Identifier: GPL-2.0-only
/* socketpair.c: stream and datagram pairs, shutdown, between processes, descriptors passed */
#include "guest.h"

int main(void)
{
    int s[2];
    char text[16] = "";
    TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    TRY(write(s[0], "hello", 5));
    TRY(read(s[1], text, sizeof text));
    say("%s", text);
    TRY(shutdown(s[0], SHUT_WR));
    TRY(read(s[1], text, sizeof text));
    TRY(write(s[1], "back", 4));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(recv(s[0], text, sizeof text, 0));
        _exit(0);
    }
    say_end("child", child);
    TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    TRY(send(s[0], "one", 3, 0));
    TRY(send(s[0], "three", 5, 0));
    TRY(recv(s[1], text, 2, 0));
    TRY(recv(s[1], text, sizeof text, MSG_TRUNC));
    TRY(recv(s[1], text, sizeof text, MSG_DONTWAIT));
    make_file("f", "passed");
    int fd = (int)MUST(open("f", O_RDONLY));
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {"x", 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memset(&control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    TRY(sendmsg(s[0], &message, 0));
    close(fd);
    iov.iov_base = text;
    message.msg_controllen = sizeof control;
    TRY(recvmsg(s[1], &message, 0));
    c = CMSG_FIRSTHDR(&message);
    CHECK(c != NULL && c->cmsg_type == SCM_RIGHTS);
    if (c != NULL) {
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
        TRY(read(fd, text, sizeof text));
    }
    return 0;
}

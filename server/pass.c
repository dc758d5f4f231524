/* SPDX-License-Identifier: GPL-2.0-only */
/* pass.c: one descriptor over a SOCK_SEQPACKET socket. */
#include "server/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int server_send_fd(int socket, enum server_pass what, int fd, int flags)
{
    union control control = {.bytes = {0}};
    char byte = (char)what;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    return sendmsg(socket, &message, flags | MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int server_receive_fd(int socket, enum server_pass *ret_what)
{
    union control control;
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return -1;
    /* There is room for one descriptor only: the kernel drops what else was sent. */
    struct cmsghdr *head = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(int))) {
        errno = n == 0 ? EPIPE : EPROTO;
        return -1;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(head), sizeof fd);
    *ret_what = (enum server_pass)byte;
    return fd;
}

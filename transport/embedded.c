/* SPDX-License-Identifier: GPL-2.0-only */
/* embedded.c: the transport embedded:FD, between rsys-jail and the private rsys-sandboxd that it started.
 *
 * FD is one end of a SOCK_SEQPACKET pair.  To connect is to make a stream socketpair and to send one end of it over FD (SCM_RIGHTS); to
 * accept is to receive it.  So there is no name and no port that anybody else could find. */
#include "transport/ops.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int embedded_parse(struct rsys_address *address, const char *rest, struct rsys_error **err)
{
    char *end;
    errno = 0;
    long fd = strtol(rest, &end, 10);
    if (end == rest || *end != 0 || errno != 0 || fd < 0 || fd > 1 << 20)
        return rsys_error_make(err, 0, "address \"embedded:%s\": expected a descriptor's number", rest);
    address->fd = (int)fd;
    if (asprintf(&address->text, "embedded:%ld", fd) < 0) {
        address->text = NULL;
        return rsys_error_make(err, ENOMEM, "address \"embedded:%s\"", rest);
    }
    return 0;
}

static bool embedded_is_public(const struct rsys_address *address) { return false; }

static int embedded_listen(const struct rsys_address *address, struct rsys_error **err)
{
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(address->fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return rsys_error_make(err, errno, "listen on %s", address->text);
    if (type != SOCK_SEQPACKET)
        return rsys_error_make(err, EPROTOTYPE, "listen on %s", address->text);
    int fd = fcntl(address->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return rsys_error_make(err, errno, "listen on %s", address->text);
    return fd;
}

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static int embedded_accept(const struct rsys_address *address, int listener, struct rsys_peer *peer)
{
    char byte;
    union control control;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(listener, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return -1;
    if (got == 0) {
        errno = EPIPE; /* the client is gone, and nobody else will ever connect */
        return -1;
    }
    /* The control buffer has room for one descriptor, so the kernel drops what else was sent. */
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
        errno = EPROTO;
        return -1;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    snprintf(peer->text, sizeof peer->text, "embedded");
    return fd;
}

static int embedded_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return rsys_connect_failed(address, errno, err);
    RSYS_AUTO_FD ours = pair[0];
    RSYS_AUTO_FD theirs = pair[1];
    char byte = 'c';
    union control control = {.bytes = {0}};
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &theirs, sizeof theirs);
    int64_t deadline = rsys_deadline(timeout_ms);
    while (sendmsg(address->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        if ((errno != EAGAIN && errno != EINTR) || (errno == EAGAIN && rsys_wait_fd(address->fd, POLLOUT, deadline) < 0))
            return rsys_error_make(err, errno, "connect to the private rsys-sandboxd");
    return rsys_fd_steal(&ours);
}

static int embedded_name(const struct rsys_address *address, int listener, char *text, size_t size)
{
    snprintf(text, size, "%s", address->text);
    return 0;
}

const struct rsys_transport_ops rsys_transport_embedded = {
    .scheme = "embedded",
    .form = "embedded:FD",
    .parse = embedded_parse,
    .is_public = embedded_is_public,
    .listen = embedded_listen,
    .accept = embedded_accept,
    .connect = embedded_connect,
    .name = embedded_name,
};

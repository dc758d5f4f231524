/* SPDX-License-Identifier: GPL-2.0-only */
/* frames.c: whole messages on a connected socket, with a limit of time. */
#include "transport/ops.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

int64_t rsys_deadline(int timeout_ms)
{
    struct timespec now;
    if (timeout_ms < 0)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000 + timeout_ms;
}

int rsys_deadline_left(int64_t deadline)
{
    if (deadline < 0)
        return -1;
    int64_t left = deadline - rsys_deadline(0);
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int rsys_wait_fd(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = events};
        int ready = poll(&wait, 1, rsys_deadline_left(deadline));
        if (ready > 0)
            return 0; /* errors too: the next call on the socket tells which */
        if (ready == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (errno != EINTR)
            return -1;
    }
}

int rsys_socket_connect(int fd, const void *name, unsigned size, int64_t deadline)
{
    int code = 0, flags;
    socklen_t code_size = sizeof code;
    /* A full backlog of a unix socket is EAGAIN: that connect has not begun, and there is nothing to poll for. */
    if (connect(fd, name, size) < 0) {
        if (errno != EINPROGRESS)
            return -1;
        if (rsys_wait_fd(fd, POLLOUT, deadline) < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &code_size) < 0)
            return -1;
        if (code != 0) {
            errno = code;
            return -1;
        }
    }
    flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -1 : 0;
}

static int failed(const char *what, const struct rsys_address *address, int code, const char *hint, struct rsys_error **err)
{
    if (hint != NULL)
        rsys_error_make(err, 0, "%s %s: %s (%s)", what, address->text, strerror(code), hint);
    else
        rsys_error_make(err, 0, "%s %s: %s", what, address->text, strerror(code));
    if (err != NULL && *err != NULL)
        (*err)->code = code;
    errno = code;
    return -1;
}

static const char *own_hint(const struct rsys_address *address, int code)
{
    return address->ops->hint != NULL ? address->ops->hint(code) : NULL;
}

int rsys_transport_failed(const char *what, const struct rsys_address *address, int code, struct rsys_error **err)
{
    return failed(what, address, code, own_hint(address, code), err);
}

int rsys_connect_failed(const struct rsys_address *address, int code, struct rsys_error **err)
{
    const char *hint = own_hint(address, code);
    if (hint == NULL)
        switch (code) {
        case ECONNREFUSED:
        case ENOENT:
        case EAGAIN:
            hint = "is rsys-sandboxd running there?";
            break;
        case ETIMEDOUT:
        case EHOSTUNREACH:
        case ENETUNREACH:
            hint = "can this machine reach that one?";
            break;
        case EACCES:
        case EPERM:
            hint = "is it another user's?";
            break;
        }
    return failed("connect to", address, code, hint, err);
}

/* ---- messages ---- */

int rsys_receive_all(int fd, void *buffer, size_t n, int timeout_ms)
{
    int64_t deadline = rsys_deadline(timeout_ms);
    int flags = timeout_ms < 0 ? MSG_WAITALL : MSG_DONTWAIT;
    for (size_t done = 0; done < n;) {
        ssize_t got = recv(fd, (char *)buffer + done, RSYS_MIN(n - done, (size_t)RSYS_RECEIVE_MAX), flags);
        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0) {
            errno = EPIPE;
            return -1;
        } else if (errno == EAGAIN) {
            if (rsys_wait_fd(fd, POLLIN, deadline) < 0)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int rsys_send_iov(int fd, struct iovec *iov, int count, int timeout_ms)
{
    int64_t deadline = rsys_deadline(timeout_ms);
    int flags = MSG_NOSIGNAL | (timeout_ms < 0 ? 0 : MSG_DONTWAIT);
    for (;;) {
        while (count > 0 && iov->iov_len == 0)
            iov++, count--;
        if (count == 0)
            return 0;
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
        ssize_t sent = sendmsg(fd, &message, flags);
        if (sent < 0 && errno == EAGAIN) {
            if (rsys_wait_fd(fd, POLLOUT, deadline) < 0)
                return -1;
        } else if (sent < 0 && errno != EINTR) {
            return -1;
        }
        while (sent > 0) {
            size_t step = RSYS_MIN((size_t)sent, iov->iov_len);
            iov->iov_base = (char *)iov->iov_base + step;
            iov->iov_len -= step;
            sent -= (ssize_t)step;
            if (iov->iov_len == 0)
                iov++, count--;
        }
    }
}

int rsys_send_all(int fd, const void *buffer, size_t n, int timeout_ms)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = n};
    return rsys_send_iov(fd, &iov, 1, timeout_ms);
}

int rsys_backlog_send(struct rsys_backlog *backlog, int fd, const void *data, size_t size)
{
    ssize_t n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return -1;
    size_t sent = n < 0 ? 0 : (size_t)n;
    if (sent == size)
        return 0;
    uint8_t *bytes = malloc(size - sent);
    if (bytes == NULL)
        return -1;
    memcpy(bytes, (const uint8_t *)data + sent, size - sent);
    *backlog = (struct rsys_backlog){.bytes = bytes, .size = size - sent};
    return 0;
}

int rsys_backlog_push(struct rsys_backlog *backlog, int fd)
{
    ssize_t n = send(fd, backlog->bytes + backlog->at, backlog->size - backlog->at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    backlog->at += (size_t)n;
    if (backlog->at == backlog->size)
        free(rsys_steal(&backlog->bytes));
    return 0;
}

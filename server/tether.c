/* SPDX-License-Identifier: GPL-2.0-only */
/* tether.c: the connection by whose end a session that can be resumed knows that its client has gone, or is cut off.
 *
 * An orderly end is the client's: the kernel of a client that was killed says so, too.  Any other (a reset, a timeout of the transport's) is a cut, and the client may come
 * back with the session's token.  A client that ends also bids farewell.  What it sends is sent back, so that it hears whether we are there; we look for the farewell alone, and keep nothing. */
#include "server/tether.h"

#include "server/log.h"
#include "server/session.h"
#include "src/core/util.h"
#include "transport/transport.h"

#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool tether_is(const struct tether *tether) { return tether->had; }

/* The daemon may have its descriptor still: closing ours alone would not take it out of epoll. */
static void drop(struct tether *tether)
{
    (void)epoll_ctl(tether->epoll_fd, EPOLL_CTL_DEL, tether->fd, NULL);
    close(rsys_fd_steal(&tether->fd));
}

static void cut(struct tether *tether, int code)
{
    drop(tether);
    tether->cut = now();
    server_log(LOG_LEVEL_INFO, "its client is cut off (%s): it may come back within %u seconds", strerror(code), tether->seconds);
}

void tether_take(struct tether *tether, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tether};
    /* The client knows why it wants another.  If we have only been slow, the old one's answer is to be there before the new one's. */
    if (tether->fd >= 0) {
        (void)tether_ready(tether);
        if (tether->fd >= 0)
            drop(tether);
    }
    if (epoll_ctl(tether->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 || server_hello_reply(fd, RSYS_HELLO_OK, NULL, 0, 0) < 0) {
        close(fd);
        tether->cut = now();
        return;
    }
    if (tether->had && tether->cut != 0)
        server_log(LOG_LEVEL_INFO, "its client is back after %lld ms", (long long)(now() - tether->cut));
    else if (tether->had)
        server_log(LOG_LEVEL_DEBUG, "its client has another tether");
    tether->fd = fd;
    tether->had = true;
    tether->cut = 0;
}

bool tether_ready(struct tether *tether)
{
    char bytes[64];
    ssize_t n = recv(tether->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n > 0 && memchr(bytes, RSYS_TETHER_BYE, (size_t)n) != NULL))
        return false;
    /* What it does not take is lost: so much is never under way honestly.  A reset is told once, to whoever comes first: the next receive would say that it has ended orderly. */
    if (n > 0)
        n = send(tether->fd, bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        cut(tether, errno);
    return true;
}

void tether_end(struct tether *tether, const char *why)
{
    struct rsys_wire_reply end = {.seq = RSYS_SEQ_END, .size = (uint32_t)RSYS_MIN(strlen(why), (size_t)RSYS_END_MAX)};
    struct iovec iov[2] = {{&end, sizeof end}, {(void *)(uintptr_t)why, end.size}};
    if (tether->fd >= 0)
        (void)rsys_send_iov(tether->fd, iov, end.size != 0 ? 2 : 1, 0);
}

int tether_timeout(const struct tether *tether)
{
    if (tether->cut == 0)
        return -1;
    int64_t left = tether->cut + 1000 * (int64_t)tether->seconds - now();
    return left < 0 ? 0 : (int)RSYS_MIN(left + 1, (int64_t)INT_MAX);
}

bool tether_is_over(const struct tether *tether)
{
    return tether->cut != 0 && now() >= tether->cut + 1000 * (int64_t)tether->seconds;
}

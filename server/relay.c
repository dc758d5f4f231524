/* SPDX-License-Identifier: GPL-2.0-only */
/* relay.c: carries bytes between the client's connections and the sandbox.
 *
 * Both ends are hostile.  It is safe because the bytes are only carried: nothing in them is looked at, and what waits for a slow end is at most one
 * buffer a direction, since an end is not read while the other one has something waiting; and a small one, when much is waiting in all. */
#include "server/relay.h"

#include "src/core/util.h"
#include "transport/transport.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BUFFER (256u << 10)
#define BUFFER_SMALL (4u << 10)
#define WAITING_MUCH (16u << 20) /* bytes; with RELAYS_MAX small buffers in both directions, as much again is the most */

/* One end of a relay. */
struct side {
    struct relay *relay;
    int fd;
    unsigned watched;         /* epoll's events; 0: not in it */
    bool ended;               /* nothing more comes from it */
    struct rsys_backlog waiting; /* to be sent to it */
};

struct relay {
    struct relays *all;
    struct side side[2];
};

struct relays {
    int epoll_fd;
    unsigned count;
    size_t waiting;           /* bytes, of all sides */
    uint8_t buffer[BUFFER];   /* one event at a time uses it */
};

struct relays *relays_new(int epoll_fd)
{
    struct relays *relays = calloc(1, sizeof *relays);
    if (relays != NULL)
        relays->epoll_fd = epoll_fd;
    return relays;
}

static struct side *other(struct side *side)
{
    return &side->relay->side[side == &side->relay->side[0]];
}

static void end_relay(struct relays *relays, struct relay *relay)
{
    for (int i = 0; i < 2; i++) {
        /* Closing alone would not take it out of epoll while another descriptor of the same socket is open. */
        if (relay->side[i].watched != 0)
            (void)epoll_ctl(relays->epoll_fd, EPOLL_CTL_DEL, relay->side[i].fd, NULL);
        rsys_close(relay->side[i].fd);
        if (relay->side[i].waiting.bytes != NULL)
            relays->waiting -= relay->side[i].waiting.size;
        free(relay->side[i].waiting.bytes);
    }
    free(relay);
    relays->count--;
}

/* Read from a side unless the other has something waiting; write to it when it has. */
static int watch(struct relays *relays, struct side *side)
{
    unsigned events = (side->ended || other(side)->waiting.bytes != NULL ? 0 : (unsigned)EPOLLIN) | (side->waiting.bytes != NULL ? (unsigned)EPOLLOUT : 0);
    if (events == side->watched)
        return 0;
    struct epoll_event event = {.events = events, .data.ptr = side};
    /* Without events it is taken out: an end of file would be told again and again. */
    int how = events == 0 ? EPOLL_CTL_DEL : side->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    side->watched = events;
    return epoll_ctl(relays->epoll_fd, how, side->fd, &event);
}

/* Send to a side as much as it takes; the rest waits.  -1: it is gone. */
static int put(struct side *side, const uint8_t *data, size_t size)
{
    if (rsys_backlog_send(&side->waiting, side->fd, data, size) < 0)
        return -1;
    if (side->waiting.bytes != NULL)
        side->relay->all->waiting += side->waiting.size;
    return 0;
}

/* -1: the side is gone. */
static int put_waiting(struct side *side)
{
    if (rsys_backlog_push(&side->waiting, side->fd) < 0)
        return -1;
    if (side->waiting.bytes == NULL)
        side->relay->all->waiting -= side->waiting.size;
    return 0;
}

int relays_add(struct relays *relays, int connection, int *ret_fd)
{
    RSYS_AUTO_FD taken = connection;
    int pair[2];
    if (relays->count >= RELAYS_MAX) {
        errno = EMFILE;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    struct relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        close(pair[0]);
        close(pair[1]);
        return -1;
    }
    relay->all = relays;
    relay->side[0] = (struct side){.relay = relay, .fd = rsys_fd_steal(&taken)};
    relay->side[1] = (struct side){.relay = relay, .fd = pair[0]};
    relays->count++;
    if (watch(relays, &relay->side[0]) < 0 || watch(relays, &relay->side[1]) < 0) {
        end_relay(relays, relay);
        close(pair[1]);
        return -1;
    }
    *ret_fd = pair[1];
    return 0;
}

void relays_ready(struct relays *relays, void *pointer, unsigned events)
{
    struct side *side = pointer, *peer = other(side);
    struct relay *relay = side->relay;
    bool gone = side->waiting.bytes != NULL && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0 && put_waiting(side) < 0;
    if (!gone && !side->ended && peer->waiting.bytes == NULL && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        ssize_t n = recv(side->fd, relays->buffer, relays->waiting < WAITING_MUCH ? sizeof relays->buffer : BUFFER_SMALL, MSG_DONTWAIT);
        if (n > 0)
            gone = put(peer, relays->buffer, (size_t)n) < 0;
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            side->ended = true;
    }
    /* An end that is over takes the other with it, when that has been sent all there was. */
    for (int i = 0; i < 2; i++)
        gone = gone || (relay->side[i].ended && relay->side[!i].waiting.bytes == NULL);
    if (gone || watch(relays, side) < 0 || watch(relays, peer) < 0)
        end_relay(relays, relay);
}

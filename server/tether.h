/* SPDX-License-Identifier: GPL-2.0-only */
/* tether.h: the connection by whose end a session that can be resumed knows that its client has gone, or is cut off. */
#ifndef RSYS_SERVER_TETHER_H
#define RSYS_SERVER_TETHER_H

#include <stdbool.h>
#include <stdint.h>

struct tether {
    int fd;            /* owned; -1: none, or cut */
    int epoll_fd;      /* waits for it, with data.ptr == the tether */
    unsigned seconds;  /* how long the session waits for another one */
    bool had;          /* there has been one */
    int64_t cut;       /* monotonic ms; 0: it is not */
};

/* Whether there is or has been one: the client's other connections tell nothing of its end then. */
bool tether_is(const struct tether *tether);
/* A new connection, whose hello was read, takes the place of the one that there is.  Takes fd; answers the hello. */
void tether_take(struct tether *tether, int fd);
/* Its event.  False: the client has ended. */
bool tether_ready(struct tether *tether);
/* The session has ended: tell the client, if it can hear of it at once, and why (may be ""). */
void tether_end(struct tether *tether, const char *why);
/* Milliseconds for epoll_wait until tether_is_over() may have become true; -1: never. */
int tether_timeout(const struct tether *tether);
bool tether_is_over(const struct tether *tether);

#endif

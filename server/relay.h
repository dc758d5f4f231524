/* SPDX-License-Identifier: GPL-2.0-only */
/* relay.h: carries bytes between the client's connections and the sandbox, for connections that are not to be handed into it.
 *
 * A TCP connection that cannot be pinned (sandbox/pin.c) stays with the session process; the sandbox gets one end of a unix socket pair. */
#ifndef RSYS_SERVER_RELAY_H
#define RSYS_SERVER_RELAY_H

#include <stdbool.h>

/* The most connections of one session. */
#define RELAYS_MAX 2048

struct relays;

/* epoll_fd: where the relays are waited for, with data.ptr == relay_ready's argument. */
struct relays *relays_new(int epoll_fd);
/* Make a relay for a connection (taken, also on failure): *ret_fd is the sandbox's end, the caller's.  0, or -1 with errno. */
int relays_add(struct relays *relays, int connection, int *ret_fd);
/* An event of a relay (never of anything else). */
void relays_ready(struct relays *relays, void *side, unsigned events);

#endif

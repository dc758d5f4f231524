/* SPDX-License-Identifier: GPL-2.0-only */
/* connector.h: a thread of the parent that makes connections for the cage.
 *
 * Connecting blocks, and it needs the user's network and names of files: so it is done outside of the cage.  Who wants a connection asks with one byte on a SOCK_SEQPACKET
 * socket; the answer is one message: a struct rsys_connector_news, with the connection as SCM_RIGHTS. */
#ifndef RSYS_JAIL_CONNECTOR_H
#define RSYS_JAIL_CONNECTOR_H

#include <stdbool.h>

/* What is wished for, by one byte. */
#define RSYS_WISH_SPARE 's'
#define RSYS_WISH_TETHER 't'
#define RSYS_WISH_CONTROL 'c' /* a tether, and pid 1 is to take another control channel */
#define RSYS_WISH_VIEW 'v'    /* a channel for the view's executor alone */
#define RSYS_WISH_DROP 'V'    /* the same, and that one may not know that it needs it */

struct rsys_connector_news {
    char wish;
    bool refused;      /* by the server, for good */
    char message[254]; /* why there is no connection; "" when there is one */
};

/* Receive an answer: *ret_fd is the connection, or -1.  0, or -1 with errno (EPIPE: the connector has ended). */
int rsys_connector_receive(int from, int flags, struct rsys_connector_news *news, int *ret_fd);
/* For the view's thread: ask for a connection, with its hello sent, for the view's executor alone (drop: which may not know that it needs one).  0; -EPIPE: the connector has ended. */
int rsys_connector_view_ask(int connector, bool drop);
/* What has been asked for.  Waits, for as long as the socket's SO_RCVTIMEO says.  The descriptor; -EAGAIN: not yet; -ENOTCONN: there is none at present; -EPIPE: the connector has
 * ended. */
int rsys_connector_view_take(int connector);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* control.h: the socket where a running daemon says what it does (rsys-sandboxd --status).
 *
 * Only its own user and root are answered.  A connection says with one byte in which form it wants the answer, gets it, and is closed. */
#ifndef RSYS_SERVER_CONTROL_H
#define RSYS_SERVER_CONTROL_H

#include "server/daemon.h"

#include <stdio.h>

#define CONTROL_TEXT 't'
#define CONTROL_JSON 'j'

/* Listen where the options say.  Where they say nothing and the usual place cannot be had, the daemon does without. */
int control_open(struct daemon *daemon, struct rsys_error **err);
void control_close(struct daemon *daemon);
/* A child of the daemon has ended that is no session: one of those that answer? */
void control_reaped(struct daemon *daemon, pid_t pid);
/* rsys-sandboxd --status.  Returns the exit status. */
int control_ask(const struct options *options);

/* status.c: write the answer to a stream.  In a process of its own, which may take its time; daemon is its copy. */
void status_write(const struct daemon *daemon, bool json, FILE *out);

#endif

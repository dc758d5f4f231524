/* SPDX-License-Identifier: GPL-2.0-only */
/* chosen.h: guests of which only chosen calls go to the server: the supervisor's part.  doc/design.md, "Chosen calls". */
#ifndef RSYS_JAIL_CHOSEN_H
#define RSYS_JAIL_CHOSEN_H

#include "src/jail/jail.h"

struct rsys_session;

/* ---- placement (chosen.c) ---- */

/* Do a call that is neither denied nor fatal. */
enum verdict rsys_chosen_place(struct call *call);
/* Whether the guest's filter tells of such a call. */
bool rsys_chosen_is_seen(const struct rsys_session *session, const struct rsys_call *row, const uint64_t args[6]);

/* ---- descriptors (chosen-fds.c) ---- */

/* Ahead of all calls of the first guest: its executor leaves its numbers to us.  0 or -ENOMEM. */
int rsys_chosen_start(struct guest *first);
/* A call that was made on the server is done (VERDICT_DONE): what descriptor it has made, gets a number of the guest's. */
enum verdict rsys_chosen_result(struct call *call);
/* A descriptor that has been received on the executor's side gets a number of the guest's, which is returned; or -errno (then it is closed); -ERESTARTSYS: the guest is not there for it, and
 * will make its call again.  What has to be done on the server is on its way. */
int rsys_chosen_receive(struct call *call, int32_t made, bool cloexec);
/* The calls, of which a remote descriptor is among those named. */
enum verdict rsys_chosen_close(struct call *call);
enum verdict rsys_chosen_close_range(struct call *call);
enum verdict rsys_chosen_dup(struct call *call);
enum verdict rsys_chosen_fcntl(struct call *call);
/* The guest has executed, and its executor will: what is close-on-exec, goes. */
void rsys_chosen_exec(struct guest *guest);

/* ---- the place of guests (beside.c) ---- */

/* In the supervisor, when the first guest has been forked: what the user has left open for the program is the program's alone. */
void rsys_beside_let_go(void);

#endif

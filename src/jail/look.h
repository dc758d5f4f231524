/* SPDX-License-Identifier: GPL-2.0-only */
/* look.h: what a server's reply to an open has told of the file, for the calls that follow. */
#ifndef RSYS_JAIL_LOOK_H
#define RSYS_JAIL_LOOK_H

#include "src/jail/jail.h"

/* A call begins: what was told of files may not hold any more. */
void rsys_look_call_begins(struct call *call);
/* A call has come to its end, or is given up: the same. */
void rsys_look_call_ends(const struct call *call);
/* An open is about to be sent: ask for a look, when it is one for reading.  The request is complete but for that. */
void rsys_look_ask(struct call *call);
/* A call on a remote descriptor: answer it from what is known.  False: it has to be asked. */
bool rsys_look_answer(struct call *call, enum verdict *ret_verdict);
/* The status of the guest's remote descriptor, open for reading, if it is known. */
bool rsys_look_status(const struct call *call, int fd, struct stat *ret_st);
/* Somebody else comes to share the guest's descriptors. */
void rsys_look_forget(struct guest *guest);
void rsys_look_free(struct guest *guest);

#endif

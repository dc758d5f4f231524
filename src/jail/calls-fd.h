/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-fd.h: local descriptors among remote ones, for the handlers that make or drop them. */
#ifndef RSYS_JAIL_CALLS_FD_H
#define RSYS_JAIL_CALLS_FD_H

#include "src/core/subcalls.h"
#include "src/jail/jail.h"

/* Use the call's row without its BLOCKS flag for the rest of this call: what it does now is short, and goes on after its reply with what needs
 * the guest's notification. */
void rsys_call_is_short(struct call *call);

/* flags: enum rsys_fd_flag. */

/* The number of `fd`, a descriptor of ours, has been given by the executor (result of a placeholder or of a duplicate of one): make it the guest's
 * local descriptor there.  The call's result is set: the number, or an error after which the number is free again.  Takes fd. */
enum verdict rsys_call_place_local(struct call *call, int64_t number, int fd, unsigned flags);

/* The same for a number at which the executor has opened something, whose place a placeholder takes.  Takes fd. */
enum verdict rsys_call_replace(struct call *call, int64_t number, int fd, unsigned flags);

/* Close a number on the executor, behind what it does now. */
void rsys_call_post_close(struct call *call, int64_t fd);

/* The number is remote from now on: whatever local descriptor was there is closed, in the guest too.  0 or -errno (the guest was interrupted). */
int rsys_call_drop_local(struct call *call, int fd);

/* Give the guest a new local descriptor at the lowest free number: a duplicate of fd, which is taken. */
enum verdict rsys_call_bring_home(struct call *call, int fd, unsigned flags);

/* Close a number on the executor, behind what it does now.  Numbers that no guest can have are left alone. */
void rsys_call_post_close(struct call *call, int64_t fd);

/* Set or clear FD_CLOEXEC of args[0], a local descriptor: its placeholder's, ours and, by letting the call through, its own. */
enum verdict rsys_call_set_cloexec(struct call *call, bool cloexec);

/* Of a remote descriptor that raises signals: whether pid (negative: a process group) may be told of it, and whether by this signal.  0 or -errno. */
int64_t rsys_call_owner(int32_t pid);
int64_t rsys_call_owner_signal(uint64_t signal);

/* Send an ioctl or fcntl whose third argument is as sub says. */
enum verdict rsys_call_subcall(struct call *call, const struct rsys_subcall *sub);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* intercept.h: how guests' calls come to the supervisor, and the answers back.
 *
 * Two backends: seccomp's user notifications (intercept-notify.c, the default), and seccomp's trace verdict with ptrace stops (intercept-ptrace.c), where the former cannot be had.
 * Both tell of a call by rsys_call_arrives().  What the rest of the supervisor relies on, whichever it is: a guest that waits for an answer and is woken, by a signal or by
 * interrupt(), stops for its tracer with rax = -ERESTARTSYS and the call's number in orig_rax; let go on as it is, it makes the same call again. */
#ifndef RSYS_JAIL_INTERCEPT_H
#define RSYS_JAIL_INTERCEPT_H

#include "src/jail/internal.h"

#include <linux/filter.h>

struct rsys_intercept {
    /* An answer that was accepted may not have been taken (notify.c, "answers that were not taken"), and a guest may be woken in a call that has not been told of yet. */
    bool loses_answers;
    /* Whether the guest still waits for the answer to its call, as far as we know. */
    bool (*valid)(const struct call *call);
    /* Tell it the result, or (pass) let its own kernel make the call.  False: it has been interrupted or killed; nothing has been told. */
    bool (*answer)(struct call *call, int64_t result, bool pass);
    /* rsys_call_add_fd(), rsys_call_drop_fd(): jail.h. */
    int (*add_fd)(struct call *call, int fd, int at, bool cloexec);
    int (*drop_fd)(struct call *call, int fd);
    /* Have it stop by itself, with PTRACE_EVENT_STOP, in the call that it waits in. */
    void (*interrupt)(struct guest *guest);
};

extern const struct rsys_intercept rsys_intercept_notify, rsys_intercept_ptrace;

/* ---- notifications ---- */

/* 0 or -1: the kernel has none. */
int rsys_notify_prepare(struct jail *jail, struct rsys_error **err);
/* The first guest stands behind the installation of its filter; number: its descriptor of the listener.  0 or -errno. */
int rsys_notify_start(struct guest *first, int number);
void rsys_notify_event(struct jail *jail);

/* ---- ptrace ---- */

/* What the first guest needs: made by the supervisor before it forks it. */
struct rsys_ptrace_filter {
    struct sock_filter *filter; /* owned */
    unsigned count;
    int hand_fd;                /* through which descriptors will be handed to guests; owned */
    int number;                 /* where guests have it: above all that they can name */
};
/* From the filter for notifications.  0 or -1. */
int rsys_ptrace_prepare(struct jail *jail, const struct sock_filter *filter, unsigned count, struct rsys_ptrace_filter *ret, struct rsys_error **err);
/* In the first guest, ahead of the filter.  0 or -errno. */
int rsys_ptrace_take_hand(const struct rsys_ptrace_filter *trace);
/* The first guest stands behind the installation of its filter.  options: ptrace's so far.  0 or -errno. */
int rsys_ptrace_start(struct guest *first, uint32_t options);
/* A ptrace stop; true: it was ours, and all is done. */
bool rsys_ptrace_stop(struct guest *guest, int status);
/* A stop or an end that was waited for in the midst of something else, and has not been looked at yet: its tid, or 0. */
pid_t rsys_ptrace_kept(struct jail *jail, int *ret_status);
/* Some time has gone by since a call began that may wait. */
void rsys_ptrace_tick(struct jail *jail);
void rsys_trap_free(struct guest *guest);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* trap.h: a traced guest's stop (intercept-ptrace.c), and what it can be made to do in it (trap.c). */
#ifndef RSYS_JAIL_TRAP_H
#define RSYS_JAIL_TRAP_H

#include "src/jail/intercept.h"

enum trap_state {
    TRAP_NONE,   /* it runs, or stands in a stop that is not ours */
    TRAP_ENTRY,  /* before its call */
    TRAP_EXIT,   /* behind a call that it was made to do in its place */
    TRAP_AGAIN,  /* on its way back from there to its call, with its signals blocked */
    TRAP_PARKED, /* in pause */
    TRAP_WOKEN,  /* on its way from one of these into a stop, where the call is an interrupted one */
};

struct trap {
    uint8_t state, age;
    bool masked;
    uint64_t mask;                /* its own, while masked */
    struct user_regs_struct regs; /* before its call */
    int kept;                     /* a status that has not been looked at yet, or 0 */
};

/* A session's. */
struct tracing {
    uint64_t cookies[2]; /* for the session's filter, and for guests' own */
    int hand, theirs; /* our end, and the guests' */
    int number;       /* theirs, in every guest */
    int timer;
    bool ticking;
    unsigned kept;    /* guests with a status that has not been looked at */
};

static inline struct tracing *rsys_tracing_of(const struct guest *guest)
{
    return guest->process->jail->tracing;
}

/* Go on from its stop by this request of ptrace's. */
void rsys_trap_go(struct guest *guest, int request);
/* It has its own mask again. */
void rsys_trap_unmask(struct guest *guest);
/* Bring it out of pause, into a stop.  False: something else was first. */
bool rsys_trap_unpark(struct guest *guest);
/* Bring it before its call.  False: it is not to be had. */
bool rsys_trap_at_entry(struct guest *guest);
/* Put another call into its registers, in its call's place. */
void rsys_trap_replace(struct guest *guest, uint64_t nr, const uint64_t args[4]);
/* Have it make another call: its result; -ERESTARTSYS: the guest is not there for it any more, but will make its own call again. */
int64_t rsys_trap_inject(struct guest *guest, uint64_t nr, const uint64_t args[4]);
/* rsys_call_add_fd(). */
int rsys_trap_add_fd(struct call *call, int fd, int at, bool cloexec);
/* Whether a call installs a filter of the guest's own, and to have it installed: the call's result. */
bool rsys_trap_is_filter(const struct call *call);
int64_t rsys_trap_install_filter(struct call *call);

#endif

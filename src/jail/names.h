/* SPDX-License-Identifier: GPL-2.0-only */
/* names.h: the names that mean something on the client, and what each kind of them does for the calls that take a name. */
#ifndef RSYS_JAIL_NAMES_H
#define RSYS_JAIL_NAMES_H

#include "src/jail/jail.h"

enum rsys_name_kind {
    NAME_TERMINAL,   /* /dev/tty, /dev/console, /dev/ptmx, /dev/pts and what is in it (terminal.h) */
    NAME_DESCRIPTOR, /* a local descriptor of the caller, by /dev/stdin, /dev/fd/N or /proc/PID/fd/N: `number` */
    NAME_EXE,        /* /proc/PID/exe: what `process` executes (its executor executes something else) */
    NAME_PROC,       /* /proc/PID/REST, /proc/PID/task/TID/REST of a guest (`number`: its tid), or /proc/REST (`process` NULL), as the client tells it */
    NAME_PROGRAM,    /* the client's own program, by its name in the view */
    NAME_NOBODY,     /* the view's executor in /proc: no guest */
    NAME_KINDS
};

/* A name as it was judged.  Valid until the request is started anew: path and rest lie in its copy. */
struct rsys_name {
    enum rsys_name_kind kind;
    bool follow;             /* a symbolic link at its end is followed by this call */
    const char *path, *rest;
    struct process *process; /* whose, or the caller's */
    int number;
    bool of_task;            /* by .../task/TID or thread-self: of one thread */
};

/* What a kind does for the calls with such a name, as a handler does.  call->request is the encoded call; rsys_call_send() has the sandbox's own
 * file of that name do.  NULL: so it is. */
struct rsys_name_calls {
    enum verdict (*open)(struct call *call, const struct rsys_name *name, uint64_t flags); /* without O_PATH, unless opens_paths */
    enum verdict (*stat)(struct call *call, const struct rsys_name *name);
    enum verdict (*access)(struct call *call, const struct rsys_name *name, int mode);
    enum verdict (*readlink)(struct call *call, const struct rsys_name *name);
    enum verdict (*xattr)(struct call *call, const struct rsys_name *name);  /* to get or list extended attributes */
    enum verdict (*change)(struct call *call, const struct rsys_name *name); /* mode, owner, times, extended attributes, length */
    bool opens_paths;
};
extern const struct rsys_name_calls rsys_name_terminal, rsys_name_descriptor, rsys_name_exe, rsys_name_proc, rsys_name_nobody, rsys_name_program;
/* Whether the path is that of the client's program (calls-program.c). */
bool rsys_program_is(const struct call *call, const char *path);

#define RSYS_PAGER_NAME "2" /* launch.c spawns it with that pid */

/* The encoded call is about to be sent: when its name means something on the client, do what its kind does.  False: it is the sandbox's. */
bool rsys_name_take(struct call *call, enum verdict *ret_verdict);
/* The same as if this were its name. */
bool rsys_name_take_as(struct call *call, const char *path, enum verdict *ret_verdict);
/* Whether the path names something on the client; ret_name is filled in, but for `follow`. */
bool rsys_name_judge(const struct call *call, const char *path, struct rsys_name *ret_name);

/* The index of the call's first PATH, or -1. */
int rsys_name_argument(const struct rsys_call *row);
/* The in-data that args[arg] of the call's request points at, or NULL. */
void *rsys_call_in_data(const struct call *call, uint32_t arg);
/* The flags of an open call, from the request's own copy. */
uint64_t rsys_call_open_flags(const struct call *call);
/* The same call on another path of the sandbox. */
enum verdict rsys_call_instead(struct call *call, const char *path);

/* Answers, stored where the call's row has them: of a descriptor of ours, which stays the caller's; a link's text. */
enum verdict rsys_call_tell_stat(struct call *call, int fd);
enum verdict rsys_call_tell_link(struct call *call, const char *text, size_t size);

#endif

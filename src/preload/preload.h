/* SPDX-License-Identifier: GPL-2.0-only */
/* preload.h: what rsys-preload, its agent and librsys-preload.so say to one another.
 *
 * rsys-preload opens the session, leaves it to a process of its own, the agent, and executes the program with the library in LD_PRELOAD.  The agent
 * holds all that needs a C library or that several processes share: addresses and keys, the control connection, each process's first executor thread
 * (the leader, of which others are cloned).  It ends with the last process.  The library has a connection to the agent for its process, and a channel
 * for each thread that makes remote calls. */
#ifndef RSYS_PRELOAD_PRELOAD_H
#define RSYS_PRELOAD_PRELOAD_H

#include "src/core/spec.h"
#include "src/core/table.h"
#include "src/core/wire.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The library finds its descriptors by this variable: "CONFIG:STATE". */
#define PRELOAD_VARIABLE "RSYS_PRELOAD"
/* Descriptors of ours are this close below the limit of open files when the program starts: out of the way of the program's. */
#define PRELOAD_FDS 128u

/* ---- configuration: one memory file for all processes of a session, mapped by each ---- */

#define PRELOAD_PATHS_MAX 32768u
struct preload_config {
    struct rsys_welcome welcome;
    struct rsys_wire_rule_head {
        uint8_t default_action;
        uint8_t reserved;
        uint16_t default_error;
        uint32_t count;
    } rules;                                /* the rules lie behind this struct */
    uint64_t chosen[RSYS_CALLS_MAX / 64];   /* a bit for each call that --calls names */
    uint32_t paths_size;                    /* of paths: the patterns, each terminated, in the order of the command line; "!PATTERN" leaves out */
    uint32_t paths_given;                   /* there is one that does not begin with ! */
    atomic_uint told;                       /* the session's end has been told on standard error, once for all processes */
    char library[4096];                     /* this library, for LD_PRELOAD */
    char paths[PRELOAD_PATHS_MAX];
};

/* Whether an absolute path without "." and ".." is the server's: the last pattern that matches says it. */
bool path_chosen(const struct preload_config *config, const char *path);

/* ---- a process's state, handed on by execve in a memory file ---- */

struct preload_home {
    int32_t fd;   /* the program's number, which has a placeholder */
    int32_t home; /* the executor's number */
};
struct preload_state {
    int32_t agent;       /* the connection to the agent, -1: the session is lost */
    int32_t placeholder; /* the descriptor that placeholders are duplicates of */
    int32_t channel;     /* of the thread that called execve; -1: none */
    int32_t tid;
    uint32_t seq;
    uint32_t cwd_remote, cwd_same; /* where the working directory is; whether the one here has the same name */
    uint64_t mask;       /* the signal mask to begin with */
    uint32_t homes;      /* how many struct preload_home follow */
    uint32_t lost;       /* the session is */
};

/* ---- requests to the agent, on a SOCK_SEQPACKET pair ---- */

enum preload_op {
    PRELOAD_THREAD = 1, /* an executor thread: its channel is with the answer, its tid the result */
    PRELOAD_PROCESS,    /* an executor process that has what the caller's has open now: a connection to the agent for it is with the answer */
    PRELOAD_CANCEL,     /* interrupt request seq of tid */
    PRELOAD_GONE,       /* executor thread tid has ended */
    PRELOAD_EXIT,       /* end the executor process; answered when it has */
};
struct preload_request {
    uint32_t op;
    int32_t tid;
    uint32_t seq;
};
struct preload_answer {
    int64_t result; /* or -errno */
};

#endif

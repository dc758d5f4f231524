/* SPDX-License-Identifier: GPL-2.0-only */
/* table.h: what a system call is.  One row for every x86-64 call, expanded from syscalls.def. */
#ifndef RSYS_CORE_TABLE_H
#define RSYS_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a call may run. */
enum rsys_where {
    RSYS_LOCAL,   /* only on the client: memory, threads, signals, timers, the process tree.  Goes through the guest's filter without a stop */
    RSYS_REMOTE,  /* only on the server (or, with EITHER or PLACEABLE, locally when the policy says so) */
    RSYS_BY_FD,   /* where the descriptor in its first FD argument is at home */
    RSYS_SPECIAL, /* its handler decides (mmap, clone, execve, poll, ...): both sides may take part */
    RSYS_NEVER,   /* refused: with row->refusal (an errno), for the reason in row->note */
};

/* Flags of a row. */
enum rsys_call_flag {
    RSYS_CALL_BLOCKS = 1 << 0,      /* may sleep for as long as the world likes: cancelled when a signal comes */
    RSYS_CALL_NORESTART = 1 << 1,   /* interrupted, it fails with EINTR whatever SA_RESTART says (signal(7)) */
    RSYS_CALL_MAKES_FD = 1 << 2,    /* its result is a new descriptor */
    RSYS_CALL_NOFAIL = 1 << 3,      /* cannot fail with valid arguments, and its result is known beforehand */
    RSYS_CALL_EITHER = 1 << 4,      /* a remote call that a policy may also place locally: the guest's own kernel makes it, without a stop */
    RSYS_CALL_PLACEABLE = 1 << 5,   /* the same, but its handler makes it: it makes descriptors, whose numbers the executor gives (calls-ipc.c) */
};

/* Shapes of arguments.  `len` fields name another argument by index. */
enum rsys_shape {
    RSYS_ARG_NONE,      /* behind the last argument */
    RSYS_ARG_INT,       /* a number as it is (show: decimal) */
    RSYS_ARG_HEX,       /* a number as it is (show: flags, hexadecimal) */
    RSYS_ARG_MODE,      /* a number as it is (show: octal) */
    RSYS_ARG_FD,        /* a descriptor */
    RSYS_ARG_DIRFD,     /* a descriptor or AT_FDCWD */
    RSYS_ARG_ADDRESS,   /* a guest address that never leaves the client (local rows) */
    RSYS_ARG_PATH,      /* a terminated string of at most PATH_MAX bytes */
    RSYS_ARG_STRING,    /* a terminated string of at most `size` bytes */
    RSYS_ARG_IN,        /* `size` bytes that the call reads */
    RSYS_ARG_IN_LEN,    /* args[len] * size bytes that the call reads (size: the element, 1 for bytes) */
    RSYS_ARG_OUT,       /* `size` bytes that the call writes when it succeeds */
    RSYS_ARG_OUT_ALWAYS,/* `size` bytes that the call may write also when it fails (nanosleep's rest) */
    RSYS_ARG_OUT_LEN,   /* args[len] * size bytes that the call writes when it succeeds */
    RSYS_ARG_OUT_RESULT,/* a buffer of args[len] * size bytes; result * size of them are written */
    RSYS_ARG_INOUT,     /* `size` bytes that the call reads and writes */
    RSYS_ARG_OUT_VALUE, /* a buffer whose length is the u32 that args[len] points at (value-result, as getsockname's) */
    RSYS_ARG_VALUE,     /* that u32: in and out */
};

struct rsys_arg {
    uint8_t shape; /* enum rsys_shape */
    uint8_t len;   /* index of the argument that holds the length */
    uint16_t size;
};

/* Who turns a call into requests: REGULAR rows are done by their shapes alone; the others by one handler each in src/jail. */
enum rsys_handler {
    RSYS_HANDLER_REGULAR = 0,
#define RSYS_HANDLER(name) RSYS_HANDLER_##name,
#include "src/core/handlers.def"
#undef RSYS_HANDLER
    RSYS_HANDLERS
};

/* A row.  Static data, never freed. */
struct rsys_call {
    const char *name;    /* NULL: no such number */
    uint16_t nr;
    uint8_t where;       /* enum rsys_where */
    uint8_t nargs;
    uint16_t flags;      /* enum rsys_call_flag */
    uint8_t handler;     /* enum rsys_handler */
    uint16_t refusal;    /* RSYS_NEVER: the errno */
    uint64_t groups;     /* bit per enum rsys_group */
    const char *note;    /* partial support or the reason of a refusal, for the support table; "" when there is nothing to say */
    struct rsys_arg args[6];
};

/* systemd's groups (systemd.exec(5), SystemCallFilter=), in groups.def. */
enum rsys_group {
#define RSYS_GROUP(id, text, about) RSYS_GROUP_##id,
#include "src/core/groups.def"
#undef RSYS_GROUP
    RSYS_GROUPS
};

/* A remote call that a policy may place locally. */
#define RSYS_CALL_MAY_BE_LOCAL (RSYS_CALL_EITHER | RSYS_CALL_PLACEABLE)

/* execveat(2), Linux 6.14: check alone.  Newer than Debian 12's headers. */
#define RSYS_AT_EXECVE_CHECK 0x10000

#define RSYS_CALLS_MAX 512 /* numbers are below this */

/* The row of a number, or NULL when the table has none (then the kernel's answer is ENOSYS). */
const struct rsys_call *rsys_call_by_number(uint64_t nr);
/* The row of a name, or NULL. */
const struct rsys_call *rsys_call_by_name(const char *name);
/* The group of a name with its @ ("@file-system"), or -1. */
int rsys_group_by_name(const char *name);
const char *rsys_group_name(int group);  /* with its @ */
const char *rsys_group_about(int group); /* one line */

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* guests.h: how many processes sessions have, as the kernel's own list of processes tells. */
#ifndef RSYS_SERVER_GUESTS_H
#define RSYS_SERVER_GUESTS_H

#include <stddef.h>
#include <sys/types.h>

struct guests {
    pid_t session;  /* a session's process */
    unsigned count; /* what guests_count says: executors that are guests', without the sandbox's pid 1 and the view's pager */
};

/* Count for all sessions at once.  It reads each process's entry in /proc: for a process that may take its time.  0, or -1 with errno. */
int guests_count(struct guests *sessions, size_t count);

#endif

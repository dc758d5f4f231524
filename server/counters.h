/* SPDX-License-Identifier: GPL-2.0-only */
/* counters.h: what is counted of a session, and by whom.
 *
 * The executor's program includes this too: nothing of libc but the fixed-width types. */
#ifndef RSYS_SERVER_COUNTERS_H
#define RSYS_SERVER_COUNTERS_H

#include <stdint.h>

/* By the session's executors, in a page that all of them map (RSYS_FD_COUNTERS).  They are hostile: a client that lies can have any numbers written there, its
 * file shortened, and holes punched into it.  So it informs, and nothing is decided by it; and it is read with pread(2), never mapped by the daemon, so that no such trick can
 * make that hurt.  An executor thread adds to the slot that its tid names, so that those of different CPUs seldom meet. */
#define COUNTERS_SLOTS 64u
struct executor_counters {
    struct {
        uint64_t calls;      /* requests of the guests' executors */
        uint64_t in, out;    /* bytes of all requests and replies, the view's pager's too */
        uint64_t reserved[5]; /* to a cache line */
    } slot[COUNTERS_SLOTS];
};

/* By the session process, in memory that it shares with the daemon alone: to be trusted as the daemon is.  Add with counters_add(). */
struct session_counters {
    uint64_t denied; /* calls that the policy denied */
};

static inline void counters_add(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* The sums, for people to read. */
struct counters_sum {
    uint64_t calls, in, out, denied;
};

static inline void counters_sum_add(struct counters_sum *to, const struct counters_sum *sum)
{
    to->calls += sum->calls;
    to->in += sum->in;
    to->out += sum->out;
    to->denied += sum->denied;
}

/* counters.c.  A file with an executors' page, close-on-exec; -1 when there can be none (a limit of file sizes): then nothing is counted. */
int counters_new_page(void);
/* A session process's counters; NULL: no memory.  Freed with counters_free(), which takes NULL too. */
struct session_counters *counters_new(void);
void counters_free(struct session_counters *counters);
/* fd: the page's file; -1: there is none.  counters: NULL: none either. */
void counters_read(int fd, const struct session_counters *counters, struct counters_sum *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* pager.h: calls on the view's pager executor, made from one thread at a time.
 *
 * Several calls may be under way: the executor answers in order.  Its descriptor numbers are predictable (lowest free first, and nobody else opens any there),
 * so that a call that uses the descriptor of the call before need not wait for it. */
#ifndef RSYS_JAIL_PAGER_H
#define RSYS_JAIL_PAGER_H

#include "src/core/encode.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define PAGER_BATCH 12

/* A descriptor that was closed without waiting. */
struct pager_closing {
    uint32_t seq;
    int fd;
};

/* Calls that nobody waits for any more, though their replies have not come. */
struct pager_abandoned {
    struct rsys_request request[PAGER_BATCH];
    int64_t result[PAGER_BATCH];
    uint32_t first;             /* the number of the first one */
    unsigned count, next;       /* replies received */
    int *closing;               /* descriptors to close behind them; owned */
    uint32_t closings, closing_room;
};

struct pager {
    int fd;                     /* the channel; owned; -1: it is cut */
    int connector;              /* where another channel comes from when that is cut (rsys_connector_view_ask), or -1 */
    unsigned resume;            /* for how many seconds there may be none */
    bool silent;                /* nothing came when we waited last */
    bool asked_for_channel;     /* and it has not come yet */
    int64_t cut_since;          /* monotonic ms; 0: it is not */
    unsigned tries;             /* to get another one, since then */
    bool (*hopeless)(void *of); /* whether to wait for the server has no sense any more for whoever this is done for; or NULL */
    void *hopeless_of;
    bool gave_up;               /* it had not */
    bool clean;                 /* nothing of the next reply has been received */
    struct pager_abandoned abandoned;
    uint32_t ack;               /* the last reply received */
    struct pager_closing *closing; /* requests to close that the executor may not have received; owned */
    uint32_t closings, closing_room;
    uint32_t seq;               /* of the last request sent */
    uint32_t nofile;
    bool lost;                  /* the channel has failed: every call is -EIO */
    uint64_t *used;             /* bitmap of the executor's descriptors; owned */
    struct rsys_request request[PAGER_BATCH];
    int64_t result[PAGER_BATCH];
    unsigned queued;            /* requests built, not yet sent */
    uint8_t *data;              /* a reply's payload; owned */
    size_t room;
    unsigned long calls, trips; /* for --stats */
    void (*asked)(const struct rsys_wire_request *head); /* is told of each request, or NULL (--learn) */
};

int pager_start(struct pager *pager, int fd, uint32_t seq, uint32_t nofile); /* 0 or -ENOMEM; owns fd from then on */
/* From now on another channel comes from the connector when the channel is cut, or nothing is heard on it for long; for so many seconds there may be none.  While nothing comes,
 * hopeless(of) (may be NULL) is asked some times a second whether to give up. */
void pager_resumes_by(struct pager *pager, int connector, unsigned seconds, bool (*hopeless)(void *of), void *of);
void pager_end(struct pager *pager);

/* Queue calls (at most PAGER_BATCH), then send them together and wait for all: results in pager->result[], in order.  Strings and buffers are copied
 * at queueing; what comes back is stored at pager_run().  Each returns its index. */
unsigned pager_queue_open(struct pager *pager, int dirfd, const char *path, int flags);
unsigned pager_queue_stat(struct pager *pager, int fd, struct stat *ret_st);                       /* fstat; O_PATH too */
unsigned pager_queue_stat_at(struct pager *pager, int dirfd, const char *path, int flags, struct stat *ret_st);
unsigned pager_queue_readlink(struct pager *pager, int dirfd, const char *path, char *buffer, size_t size);
unsigned pager_queue_call(struct pager *pager, uint16_t nr, const uint64_t args[6]);                /* then add what it points at to pager->request[index] */
/* 0; -EIO when the channel is lost for good, -EINTR when it was given up: then that is every result. */
int pager_run(struct pager *pager);

/* The number that the next open will get. */
int pager_next_fd(const struct pager *pager);
void pager_took_fd(struct pager *pager, int fd);
/* Close without waiting. */
void pager_close(struct pager *pager, int fd);

/* pread/pwrite of up to RSYS_ARENA_SIZE bytes: the count or -errno. */
int64_t pager_read(struct pager *pager, int fd, void *buffer, size_t n, uint64_t offset);
int64_t pager_write(struct pager *pager, int fd, const void *buffer, size_t n, uint64_t offset);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* sent.h: the requests of a channel that its executor may not have received: they are sent again when the channel is resumed. */
#ifndef RSYS_JAIL_SENT_H
#define RSYS_JAIL_SENT_H

#include "src/core/encode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised: none. */
struct rsys_sent {
    uint8_t *bytes;            /* owned: entries, one behind the other */
    size_t at, have, room;
    const struct rsys_request *live; /* the request of the entry whose in-data is not copied, or NULL */
    uint32_t live_seq;
};

/* Numbers go round: whether a was given after b. */
static inline bool rsys_seq_after(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }

/* Keep a request that is laid out in iov (rsys_request_frame).  live: this is the request, whose `in` stays as it is until its reply has come or rsys_sent_settle(); or NULL: all of
 * it is copied.  0 or -ENOMEM. */
int rsys_sent_add(struct rsys_sent *sent, const struct rsys_request *live, uint32_t seq, const struct iovec *iov, int count, size_t size);
/* Copy what is not copied yet.  0 or -ENOMEM. */
int rsys_sent_settle(struct rsys_sent *sent);
/* The executor has received all requests up to seq. */
void rsys_sent_received(struct rsys_sent *sent, uint32_t seq);
/* Walk over what is kept: *at is 0 at first.  False: that was all.  A part may be of no bytes. */
struct rsys_sent_part {
    uint32_t seq;
    struct iovec iov[2];
};
bool rsys_sent_next(const struct rsys_sent *sent, size_t *at, struct rsys_sent_part *ret);
/* How many bytes are kept. */
static inline size_t rsys_sent_size(const struct rsys_sent *sent) { return sent->have - sent->at; }
/* Forget all. */
void rsys_sent_clear(struct rsys_sent *sent);
void rsys_sent_free(struct rsys_sent *sent);

#endif

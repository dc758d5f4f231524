/* SPDX-License-Identifier: GPL-2.0-only */
/* sent.c: the requests of a channel that its executor may not have received.
 *
 * A reply tells that its request and all before it have been received, so there is seldom more than one kept, and the buffer begins anew with each call.  In-data of a call that is
 * large stays where it is, in the call's own request, as long as that is under way. */
#include "src/jail/sent.h"

#include "src/core/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SMALL 4096u /* in-data up to this size is copied */

/* An entry's head; its frame follows, without the in-data when that is live. */
struct entry {
    uint32_t seq;
    uint32_t size; /* of the frame's bytes here, padded to 8 for the next entry */
};

static size_t padded(size_t size) { return (size + 7) & ~(size_t)7; }

static int make_room(struct rsys_sent *sent, size_t more)
{
    if (sent->at == sent->have)
        sent->at = sent->have = 0;
    if (sent->room - sent->have >= more)
        return 0;
    size_t room = RSYS_MAX(sent->have + more, (size_t)1024);
    uint8_t *grown = realloc(sent->bytes, room);
    if (grown == NULL)
        return -ENOMEM;
    sent->bytes = grown;
    sent->room = room;
    return 0;
}

int rsys_sent_add(struct rsys_sent *sent, const struct rsys_request *live, uint32_t seq, const struct iovec *iov, int count, size_t size)
{
    bool is_live = live != NULL && live->head.in_size > SMALL && rsys_sent_settle(sent) == 0;
    if (is_live) {
        size -= iov[--count].iov_len; /* the in-data is the last */
        sent->live = live;
        sent->live_seq = seq;
    }
    struct entry entry = {seq, (uint32_t)size};
    if (make_room(sent, sizeof entry + padded(size)) < 0)
        return -ENOMEM;
    uint8_t *to = sent->bytes + sent->have;
    memcpy(to, &entry, sizeof entry);
    to += sizeof entry;
    for (int i = 0; i < count; i++) {
        memcpy(to, iov[i].iov_base, iov[i].iov_len);
        to += iov[i].iov_len;
    }
    sent->have += sizeof entry + padded(size);
    return 0;
}

int rsys_sent_settle(struct rsys_sent *sent)
{
    const struct rsys_request *live = sent->live;
    struct entry entry;
    if (live == NULL)
        return 0;
    size_t more = padded(live->head.in_size) + 8;
    if (make_room(sent, more) < 0)
        return -ENOMEM;
    for (size_t at = sent->at; at < sent->have; at += sizeof entry + padded(entry.size)) {
        memcpy(&entry, sent->bytes + at, sizeof entry);
        if (entry.seq != sent->live_seq)
            continue;
        size_t end = at + sizeof entry + entry.size, next = at + sizeof entry + padded(entry.size);
        entry.size += live->head.in_size;
        size_t new_next = at + sizeof entry + padded(entry.size);
        memmove(sent->bytes + new_next, sent->bytes + next, sent->have - next);
        memcpy(sent->bytes + at, &entry, sizeof entry);
        memcpy(sent->bytes + end, live->in, live->head.in_size);
        sent->have += new_next - next;
        break;
    }
    sent->live = NULL;
    return 0;
}

void rsys_sent_received(struct rsys_sent *sent, uint32_t seq)
{
    struct entry entry;
    while (sent->at < sent->have) {
        memcpy(&entry, sent->bytes + sent->at, sizeof entry);
        if (rsys_seq_after(entry.seq, seq))
            break;
        sent->at += sizeof entry + padded(entry.size);
    }
    if (sent->live != NULL && !rsys_seq_after(sent->live_seq, seq))
        sent->live = NULL;
}

bool rsys_sent_next(const struct rsys_sent *sent, size_t *at, struct rsys_sent_part *ret)
{
    struct entry entry;
    size_t from = RSYS_MAX(*at, sent->at);
    if (from >= sent->have)
        return false;
    memcpy(&entry, sent->bytes + from, sizeof entry);
    ret->seq = entry.seq;
    ret->iov[0] = (struct iovec){sent->bytes + from + sizeof entry, entry.size};
    ret->iov[1] = (struct iovec){NULL, 0};
    if (sent->live != NULL && sent->live_seq == entry.seq)
        ret->iov[1] = (struct iovec){sent->live->in, sent->live->head.in_size};
    *at = from + sizeof entry + padded(entry.size);
    return true;
}

void rsys_sent_clear(struct rsys_sent *sent)
{
    sent->at = sent->have = 0;
    sent->live = NULL;
}

void rsys_sent_free(struct rsys_sent *sent)
{
    free(sent->bytes);
    *sent = (struct rsys_sent){.bytes = NULL};
}

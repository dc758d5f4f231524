/* SPDX-License-Identifier: GPL-2.0-only */
/* transfer.c: read and write, plain, positioned and vectored, in requests that fit the arena. */
#include "src/core/transfer.h"

#include <asm/unistd.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "src/core/util.h"

#define PIECE RSYS_ARENA_SIZE

enum how { PLAIN, POSITIONED, FLAGGED };

static bool is_read(uint64_t nr) { return nr == __NR_read || nr == __NR_pread64 || nr == __NR_readv || nr == __NR_preadv || nr == __NR_preadv2; }

static bool is_single(uint64_t nr) { return nr == __NR_read || nr == __NR_pread64 || nr == __NR_write || nr == __NR_pwrite64; }

static enum how how_of(uint64_t nr)
{
    if (nr == __NR_preadv2 || nr == __NR_pwritev2)
        return FLAGGED;
    return nr == __NR_pread64 || nr == __NR_pwrite64 || nr == __NR_preadv || nr == __NR_pwritev ? POSITIONED : PLAIN;
}

int64_t rsys_transfer_entries(uint64_t nr, const uint64_t args[6])
{
    if (is_single(nr))
        return 1;
    return args[2] <= UIO_MAXIOV ? (int64_t)args[2] : -EINVAL;
}

int64_t rsys_transfer_start(struct rsys_transfer *t, struct iovec *vector, uint64_t nr, const uint64_t args[6], struct rsys_memory *memory,
                            struct rsys_request *request)
{
    *t = (struct rsys_transfer){.vector = vector, .fd = (int32_t)args[0], .reads = is_read(nr), .how = how_of(nr), .position = UINT64_MAX};
    if (!is_single(nr)) {
        int64_t count = rsys_vector_read(memory, args[1], args[2], vector, &t->total);
        if (count < 0)
            return count;
        t->count = (uint16_t)count;
        t->flags = t->how == FLAGGED ? (int32_t)args[5] : 0;
    } else if (rsys_address_is_wild(args[1], args[2]) || (t->reads && args[1] == 0 && args[2] > 0)) {
        /* A null pointer is the commonest bad address: known before anything has been read for it. */
        const uint64_t wild[6] = {args[0], args[1] == 0 ? 0 : UINT64_MAX, args[2], args[3]};
        rsys_request_start(request, (uint16_t)nr, wild);
        return 1;
    } else {
        t->total = RSYS_MIN(args[2], (uint64_t)RSYS_RW_MAX);
        t->count = 1;
        *vector = (struct iovec){(void *)(uintptr_t)args[1], t->total};
    }
    if (t->how != PLAIN)
        t->position = args[3]; /* a vector's high half, args[4], is of no meaning in 64 bits */
    return 0;
}

/* ---- the vector's use, piece by piece ---- */

/* The rest of the vector: drop what is used up. */
static struct iovec *rest(struct rsys_transfer *t)
{
    while (t->at < t->count && t->skip >= t->vector[t->at].iov_len) {
        t->skip -= t->vector[t->at].iov_len;
        t->at++;
    }
    if (t->at < t->count && t->skip > 0) {
        t->vector[t->at].iov_base = (char *)t->vector[t->at].iov_base + t->skip;
        t->vector[t->at].iov_len -= t->skip;
        t->skip = 0;
    }
    return t->vector + t->at;
}

/* The file's own position moves with a transfer that has none of its own. */
static bool is_at_own(const struct rsys_transfer *t) { return t->how != POSITIONED && t->position == UINT64_MAX; }

static void moved(struct rsys_transfer *t, uint64_t n)
{
    t->done += n;
    t->skip += n;
    t->position += t->how == PLAIN || t->position == UINT64_MAX ? 0 : n;
}

/* The request of a piece of at most n bytes, up to its buffer.  A FLAGGED one has its vector of one entry at the arena's start. */
static int64_t begin(struct rsys_transfer *t, struct rsys_request *request, uint64_t n)
{
    static const uint16_t numbers[2][3] = {{__NR_write, __NR_pwrite64, __NR_pwritev2}, {__NR_read, __NR_pread64, __NR_preadv2}};
    uint64_t args[6] = {(uint64_t)(int64_t)t->fd, 0, n, t->how == PLAIN ? 0 : t->position, 0, t->how == FLAGGED ? (uint32_t)t->flags : 0};
    uint64_t one[2] = {0, n};
    t->piece = (uint32_t)n;
    rsys_request_start(request, numbers[t->reads][t->how], args);
    if (t->how != FLAGGED)
        return 0;
    request->head.args[2] = 1;
    return rsys_request_in(request, 1, one, sizeof one);
}

/* ---- write ---- */

static int64_t write_piece(struct rsys_transfer *t, struct rsys_request *request, struct rsys_memory *memory)
{
    struct iovec *vector = rest(t);
    uint64_t n = RSYS_MIN(t->total - t->done, (uint64_t)PIECE);
    if (begin(t, request, n) < 0)
        return -ENOMEM;
    /* Straight from the guest's memory into what is sent. */
    int64_t at = rsys_request_in_room(request, n);
    if (at < 0)
        return at;
    uint64_t got = rsys_vector_gather(memory, vector, (uint32_t)(t->count - t->at), request->in + at, n);
    /* When none of it can be read, the kernel is asked with an address that it cannot read either: it says EFAULT, or what comes
     * before (EBADF), or takes it where it does not look (/dev/null).  When a part can be read, that is written, as the kernel has it. */
    if (got == 0 && n > 0 && t->done > 0)
        return -EFAULT;
    if (got > 0 || n == 0) {
        t->piece = (uint32_t)got;
        if (t->how == FLAGGED)
            memcpy(request->in + 8, &(uint64_t){got}, 8);
        else
            request->head.args[2] = got;
        at = rsys_request_in_taken(request, t->how == FLAGGED ? -1 : 1, (uint32_t)at, got);
        if (at < 0 || (t->how == FLAGGED && rsys_request_pointer(request, 0, (uint32_t)at) < 0))
            return -ENOMEM;
    }
    return 0;
}

static enum rsys_transfer_step write_reply(struct rsys_transfer *t, int64_t result)
{
    uint64_t written = RSYS_MIN((uint64_t)result, (uint64_t)t->piece);
    moved(t, written);
    return written < PIECE || t->done >= t->total ? RSYS_TRANSFER_OVER : RSYS_TRANSFER_MORE;
}

/* ---- read ---- */

static int64_t read_piece(struct rsys_transfer *t, struct rsys_request *request)
{
    uint64_t n = RSYS_MIN(t->total - t->done, (uint64_t)PIECE);
    int64_t at = begin(t, request, n);
    if (at >= 0)
        at = rsys_request_out(request, t->how == FLAGGED ? -1 : 1, n, RSYS_OUT_RESULT, 1, (struct rsys_out_target){0});
    if (at >= 0 && t->how == FLAGGED && rsys_request_pointer(request, 0, (uint32_t)at) < 0)
        at = -ENOMEM;
    return at < 0 ? at : 0;
}

/* data: the one out-range's. */
static enum rsys_transfer_step read_reply(struct rsys_transfer *t, struct rsys_request *request, const uint8_t *data, struct rsys_memory *memory,
                                          int64_t *ret_error)
{
    uint64_t got = request->targets[0].got;
    struct iovec *vector = rest(t);
    uint64_t stored = rsys_vector_scatter(memory, vector, (uint32_t)(t->count - t->at), data + 4, got);
    moved(t, stored);
    if (stored < got) {
        /* The guest cannot take what was read: as if the kernel had stopped where its memory ends. */
        *ret_error = -EFAULT;
        if (!is_at_own(t))
            return RSYS_TRANSFER_OVER;
        rsys_request_start(request, __NR_lseek, (uint64_t[6]){(uint64_t)(int64_t)t->fd, stored - got, SEEK_CUR});
        return RSYS_TRANSFER_BACK;
    }
    return got < PIECE || t->done >= t->total ? RSYS_TRANSFER_OVER : RSYS_TRANSFER_MORE;
}

/* ---- both ---- */

int64_t rsys_transfer_request(struct rsys_transfer *t, struct rsys_request *request, struct rsys_memory *memory)
{
    if (!t->reads)
        return write_piece(t, request, memory);
    /* Where a read stands: a descriptor that cannot seek gives what it has. */
    t->asks = t->done > 0 && is_at_own(t) && !t->seeks;
    if (!t->asks)
        return read_piece(t, request);
    rsys_request_start(request, __NR_lseek, (uint64_t[6]){(uint64_t)(int64_t)t->fd, 0, SEEK_CUR});
    return 0;
}

enum rsys_transfer_step rsys_transfer_reply(struct rsys_transfer *t, struct rsys_request *request, const struct rsys_wire_reply *reply,
                                            const uint8_t *data, struct rsys_memory *memory, int64_t *ret_error)
{
    *ret_error = 0;
    if (t->asks) {
        t->seeks = reply->result >= 0;
        return t->seeks ? RSYS_TRANSFER_MORE : RSYS_TRANSFER_OVER;
    }
    if (rsys_request_finish(request, reply, data, memory) < 0)
        *ret_error = -EIO;
    else if (reply->result < 0)
        *ret_error = reply->result;
    if (*ret_error < 0)
        return RSYS_TRANSFER_OVER;
    return t->reads ? read_reply(t, request, data, memory, ret_error) : write_reply(t, reply->result);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-io.c: read and write, plain, positioned and vectored.
 *
 * A remote transfer is one request while it fits the arena (1 MiB).  A vector is gathered into one buffer, and what comes back is scattered from the
 * receive buffer straight into the guest.  What is larger than the arena is cut into several requests:
 *
 *   write  goes on after each full piece until everything is written, as the kernel does for files, pipes and stream sockets
 *   pread  goes on after each full piece
 *   read   goes on after a full piece only when the descriptor can seek: a pipe or a socket gives what it has, and waiting for more of it
 *          after the first piece would be wrong
 *
 * An error or a signal after the first piece makes the result what has been done so far.  Between two pieces another
 * process may read or write the same file: a single transfer above 1 MiB is not atomic as it is on one machine. */
#include "src/core/util.h"
#include "src/jail/calls-io.h"
#include "src/jail/view.h"

#include <asm/unistd.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define RW_MAX 0x7ffff000u /* the kernel's MAX_RW_COUNT */
#define PIECE RSYS_ARENA_SIZE
#define USER_END UINT64_C(0x7ffffffff000) /* TASK_SIZE_MAX with four-level page tables, which is all that mmap gives without asking for more */

/* What is kept between pieces, in call->own. */
struct transfer {
    uint64_t done;     /* bytes so far */
    uint64_t total;
    uint64_t position; /* of a positioned transfer */
    uint32_t count;    /* of the vector, in call->scratch */
    uint32_t at;       /* first vector entry that is not used up */
    uint64_t skip;     /* bytes of it that are used up */
    uint32_t piece;    /* asked for in the request under way */
    int32_t flags;     /* preadv2's */
    uint8_t how;       /* enum how */
    bool reads, known_to_seek;
};
enum how { PLAIN, POSITIONED, FLAGGED };
_Static_assert(sizeof(struct transfer) <= sizeof(((struct call *)NULL)->own), "a transfer has to fit the call");

static struct transfer *transfer_of(struct call *call) { return (struct transfer *)(void *)&call->own; }

void *rsys_call_scratch(struct call *call, size_t n)
{
    if (n > call->scratch_room) {
        void *room = malloc(n);
        if (room == NULL)
            return NULL;
        free(call->scratch);
        call->scratch = room;
        call->scratch_room = n;
    }
    return call->scratch;
}

int64_t rsys_call_vector(struct call *call, uint64_t address, uint64_t count, uint64_t *ret_total)
{
    uint64_t total = 0;
    if (count > UIO_MAXIOV)
        return -EINVAL;
    struct iovec *vector = rsys_call_scratch(call, count * sizeof *vector + 1);
    if (vector == NULL)
        return -ENOMEM;
    int failed = rsys_memory_read(rsys_guest_memory(call->guest), address, vector, count * sizeof *vector);
    if (failed < 0)
        return failed;
    for (uint64_t i = 0; i < count; i++) {
        if (vector[i].iov_len > SSIZE_MAX)
            return -EINVAL;
        if (rsys_address_is_wild((uintptr_t)vector[i].iov_base, vector[i].iov_len))
            return -EFAULT;
        if (vector[i].iov_len > RW_MAX - total)
            vector[i].iov_len = RW_MAX - total;
        total += vector[i].iov_len;
    }
    *ret_total = total;
    return (int64_t)count;
}

uint64_t rsys_call_gather(struct call *call, const struct iovec *vector, uint32_t count, void *buffer, uint64_t room)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    uint64_t done = 0;
    for (uint32_t i = 0; i < count && done < room; i++) {
        uint64_t n = RSYS_MIN((uint64_t)vector[i].iov_len, room - done);
        int64_t got = n == 0 ? 0 : memory->read(memory, (uintptr_t)vector[i].iov_base, (char *)buffer + done, n);
        done += got > 0 ? (uint64_t)got : 0;
        if (got < 0 || (uint64_t)got < n)
            break;
    }
    return done;
}

uint64_t rsys_call_scatter(struct call *call, const struct iovec *vector, uint32_t count, const void *data, uint64_t n)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    uint64_t done = 0;
    for (uint32_t i = 0; i < count && done < n; i++) {
        uint64_t step = RSYS_MIN((uint64_t)vector[i].iov_len, n - done);
        int64_t put = step == 0 ? 0 : memory->write(memory, (uintptr_t)vector[i].iov_base, (const char *)data + done, step);
        done += put > 0 ? (uint64_t)put : 0;
        if (put < 0 || (uint64_t)put < step)
            break;
    }
    return done;
}

bool rsys_address_is_wild(uint64_t address, uint64_t n) { return n > USER_END || address > USER_END - n; }

/* ---- the vector's use, piece by piece ---- */

/* The rest of the vector: drop what is used up. */
static struct iovec *rest(struct call *call)
{
    struct transfer *t = transfer_of(call);
    struct iovec *vector = call->scratch;
    while (t->at < t->count && t->skip >= vector[t->at].iov_len) {
        t->skip -= vector[t->at].iov_len;
        t->at++;
    }
    if (t->at < t->count && t->skip > 0) {
        vector[t->at].iov_base = (char *)vector[t->at].iov_base + t->skip;
        vector[t->at].iov_len -= t->skip;
        t->skip = 0;
    }
    return vector + t->at;
}

/* The call's end: what has been done, or why nothing was. */
static enum verdict end(struct call *call, int64_t error)
{
    struct transfer *t = transfer_of(call);
    if (!t->reads && t->done > 0)
        return rsys_view_changed(call, (int)call->args[0], (int64_t)t->done);
    return rsys_call_done(call, t->done > 0 ? (int64_t)t->done : error);
}

/* The request of a piece of at most n bytes, up to its buffer.  A FLAGGED one has its vector of one entry at the arena's start. */
static int64_t begin(struct call *call, uint64_t n)
{
    static const uint16_t numbers[2][3] = {{__NR_write, __NR_pwrite64, __NR_pwritev2}, {__NR_read, __NR_pread64, __NR_preadv2}};
    struct transfer *t = transfer_of(call);
    uint64_t args[6] = {call->args[0], 0, n, t->how == PLAIN ? 0 : t->position, 0, t->how == FLAGGED ? (uint32_t)t->flags : 0};
    uint64_t one[2] = {0, n};
    t->piece = (uint32_t)n;
    rsys_request_start(&call->request, numbers[t->reads][t->how], args);
    if (t->how != FLAGGED)
        return 0;
    call->request.head.args[2] = 1;
    return rsys_request_in(&call->request, 1, one, sizeof one);
}

/* ---- write ---- */

static enum verdict on_write(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);

static enum verdict write_piece(struct call *call)
{
    struct transfer *t = transfer_of(call);
    struct rsys_request *request = &call->request;
    struct iovec *vector = rest(call);
    uint64_t n = RSYS_MIN(t->total - t->done, (uint64_t)PIECE);
    if (begin(call, n) < 0)
        return end(call, -ENOMEM);
    /* Straight from the guest's memory into what is sent. */
    int64_t at = rsys_request_in_room(request, n);
    if (at < 0)
        return end(call, at);
    uint64_t got = rsys_call_gather(call, vector, t->count - t->at, request->in + at, n);
    /* When none of it can be read, the kernel is asked with an address that it cannot read either: it says EFAULT, or what comes
     * before (EBADF), or takes it where it does not look (/dev/null).  When a part can be read, that is written, as the kernel has it. */
    if (got == 0 && n > 0 && t->done > 0)
        return end(call, -EFAULT);
    if (got > 0 || n == 0) {
        t->piece = (uint32_t)got;
        if (t->how == FLAGGED)
            memcpy(request->in + 8, &(uint64_t){got}, 8);
        else
            request->head.args[2] = got;
        at = rsys_request_in_taken(request, t->how == FLAGGED ? -1 : 1, (uint32_t)at, got);
        if (at < 0 || (t->how == FLAGGED && rsys_request_pointer(request, 0, (uint32_t)at) < 0))
            return end(call, -ENOMEM);
    }
    call->on_reply = on_write;
    return rsys_call_send(call);
}

static enum verdict on_write(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct transfer *t = transfer_of(call);
    if (rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return end(call, -EIO);
    if (reply->result < 0)
        return end(call, reply->result);
    uint64_t written = RSYS_MIN((uint64_t)reply->result, (uint64_t)t->piece);
    t->done += written;
    t->skip += written;
    t->position += t->how == PLAIN || t->position == UINT64_MAX ? 0 : written;
    if (written < PIECE || t->done >= t->total)
        return end(call, 0);
    return write_piece(call);
}

/* ---- read ---- */

static enum verdict on_read(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);

static enum verdict read_piece(struct call *call)
{
    struct transfer *t = transfer_of(call);
    uint64_t n = RSYS_MIN(t->total - t->done, (uint64_t)PIECE);
    int64_t at = begin(call, n);
    if (at >= 0)
        at = rsys_request_out(&call->request, t->how == FLAGGED ? -1 : 1, n, RSYS_OUT_RESULT, 1, (struct rsys_out_target){0});
    if (at >= 0 && t->how == FLAGGED && rsys_request_pointer(&call->request, 0, (uint32_t)at) < 0)
        at = -ENOMEM;
    if (at < 0)
        return end(call, at);
    call->on_reply = on_read;
    return rsys_call_send(call);
}

/* The answer to where a read stands: a descriptor that cannot seek gives what it has. */
static enum verdict on_seek(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct transfer *t = transfer_of(call);
    if (reply->result < 0)
        return end(call, 0);
    t->known_to_seek = true;
    return read_piece(call);
}

/* The guest cannot take what was read: put the file's position back to where its memory ends, as if the kernel had stopped there. */
static void put_back(struct call *call, uint64_t n)
{
    struct transfer *t = transfer_of(call);
    if (t->how == POSITIONED || (t->how == FLAGGED && t->position != UINT64_MAX))
        return;
    rsys_request_start(&call->request, __NR_lseek, (uint64_t[6]){call->args[0], -n, SEEK_CUR});
    rsys_guest_post(call->guest, &call->request);
}

static enum verdict on_read(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct transfer *t = transfer_of(call);
    if (rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return end(call, -EIO);
    if (reply->result < 0)
        return end(call, reply->result);
    uint64_t got = call->request.targets[0].got;
    struct iovec *vector = rest(call);
    uint64_t stored = rsys_call_scatter(call, vector, t->count - t->at, data + 4, got);
    t->done += stored;
    t->skip += stored;
    t->position += t->how == PLAIN || t->position == UINT64_MAX ? 0 : stored;
    if (stored < got) {
        put_back(call, got - stored);
        return end(call, -EFAULT);
    }
    if (got < PIECE || t->done >= t->total)
        return end(call, 0);
    if (t->how != POSITIONED && t->position == UINT64_MAX && !t->known_to_seek) {
        rsys_request_start(&call->request, __NR_lseek, (uint64_t[6]){call->args[0], 0, SEEK_CUR});
        call->on_reply = on_seek;
        return rsys_call_send(call);
    }
    return read_piece(call);
}

/* ---- the handlers ---- */

/* An address that no process can have: sent as it is, for the kernel to refuse. */
static enum verdict forward_wild(struct call *call)
{
    uint64_t args[6] = {call->args[0], call->args[1] == 0 ? 0 : UINT64_MAX, call->args[2], call->args[3]};
    rsys_request_start(&call->request, (uint16_t)call->nr, args);
    call->on_reply = NULL;
    return rsys_call_send(call);
}

static enum verdict single(struct call *call, bool reads, bool positioned)
{
    struct transfer *t = transfer_of(call);
    if (rsys_fd_is_local(call->guest->process->fds, (int64_t)call->args[0]))
        return VERDICT_CONTINUE;
    /* A null pointer is the commonest bad address: known before anything has been read for it. */
    if (rsys_address_is_wild(call->args[1], call->args[2]) || (reads && call->args[1] == 0 && call->args[2] > 0))
        return forward_wild(call);
    struct iovec *vector = rsys_call_scratch(call, sizeof *vector);
    if (vector == NULL)
        return rsys_call_done(call, -ENOMEM);
    uint64_t total = RSYS_MIN(call->args[2], (uint64_t)RW_MAX);
    *vector = (struct iovec){(void *)(uintptr_t)call->args[1], total};
    *t = (struct transfer){.total = total, .count = 1, .reads = reads, .how = positioned ? POSITIONED : PLAIN};
    t->position = positioned ? call->args[3] : UINT64_MAX;
    return rsys_view_settle(call, (int)call->args[0], !reads, reads ? read_piece : write_piece);
}

static enum verdict vectored(struct call *call, bool reads, enum how how)
{
    struct transfer *t = transfer_of(call);
    uint64_t total = 0;
    if (rsys_fd_is_local(call->guest->process->fds, (int64_t)call->args[0]))
        return VERDICT_CONTINUE;
    int64_t count = rsys_call_vector(call, call->args[1], call->args[2], &total);
    if (count < 0)
        return rsys_call_done(call, count);
    *t = (struct transfer){.total = total, .count = (uint32_t)count, .reads = reads, .how = how, .flags = how == FLAGGED ? (int32_t)call->args[5] : 0};
    t->position = how == PLAIN ? UINT64_MAX : call->args[3]; /* its high half, args[4], is of no meaning in 64 bits */
    return rsys_view_settle(call, (int)call->args[0], !reads, reads ? read_piece : write_piece);
}

enum verdict rsys_handle_READ(struct call *call) { return single(call, true, call->nr == __NR_pread64); }
enum verdict rsys_handle_WRITE(struct call *call) { return single(call, false, call->nr == __NR_pwrite64); }

enum verdict rsys_handle_READV(struct call *call)
{
    return vectored(call, true, call->nr == __NR_readv ? PLAIN : call->nr == __NR_preadv ? POSITIONED : FLAGGED);
}

enum verdict rsys_handle_WRITEV(struct call *call)
{
    return vectored(call, false, call->nr == __NR_writev ? PLAIN : call->nr == __NR_pwritev ? POSITIONED : FLAGGED);
}

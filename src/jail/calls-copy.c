/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-copy.c: sendfile, splice, tee, copy_file_range and vmsplice: data that moves between two descriptors.
 *
 * Both on the server: one remote call, and the data never crosses the wire.  Both local: the guest's own kernel's.  One on each side:
 *
 *   sendfile, splice   go through the supervisor, piece by piece (calls-across.c)
 *   tee                the same from a local pipe to a remote one; the other way a remote pipe would have to be read without taking anything: EINVAL
 *   copy_file_range    is refused as the kernel refuses files that it cannot pair, with the error that tells programs to read and write: EXDEV */
#include "src/core/util.h"
#include "src/jail/calls-io.h"
#include "src/jail/internal.h"
#include "src/jail/view.h"

#include <asm/unistd.h>
#include <fcntl.h>

/* ---- vmsplice ----
 *
 * The pages of an executor's buffer are used again for its next request, so they must not become a pipe's: a copy is written to the pipe, or read
 * from it, which is what vmsplice(2) does without SPLICE_F_GIFT as far as a program can see.  A pipe's end tells by EBADF which way it goes. */

static enum verdict on_vmsplice_in(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0)
        return rsys_call_done(call, -EIO);
    if (reply->result <= 0)
        return rsys_call_done(call, reply->result);
    uint64_t got = call->request.targets[0].got;
    uint64_t stored = rsys_vector_scatter(rsys_guest_memory(call->guest), call->scratch, (uint32_t)call->own.word[0], data + 4, got);
    return rsys_call_done(call, stored > 0 ? (int64_t)stored : -EFAULT);
}

/* A vector of one entry at the arena's start, which points behind itself. */
static int vmsplice_start(struct call *call, uint16_t nr, uint64_t n)
{
    uint64_t one[2] = {0, n};
    int flags = call->args[3] & SPLICE_F_NONBLOCK ? RWF_NOWAIT : 0;
    rsys_request_start(&call->request, nr, (uint64_t[6]){call->args[0], 0, 1, UINT64_MAX, 0, (uint64_t)flags});
    return rsys_request_in(&call->request, 1, one, sizeof one) < 0 ? -ENOMEM : 0;
}

static enum verdict vmsplice_in(struct call *call)
{
    int64_t at = vmsplice_start(call, __NR_preadv2, call->own.word[1]);
    if (at == 0)
        at = rsys_request_out(&call->request, -1, call->own.word[1], RSYS_OUT_RESULT, 1, (struct rsys_out_target){0});
    if (at < 0 || rsys_request_pointer(&call->request, 0, (uint32_t)at) < 0)
        return rsys_call_done(call, -ENOMEM);
    call->on_reply = on_vmsplice_in;
    return rsys_call_send(call);
}

static enum verdict on_vmsplice_out(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    return reply->result == -EBADF ? vmsplice_in(call) : rsys_call_done(call, reply->result);
}

static enum verdict vmsplice_remote(struct call *call)
{
    uint64_t total = 0;
    int64_t count = rsys_call_vector(call, call->args[1], call->args[2], &total);
    if (count < 0)
        return rsys_call_done(call, count);
    total = RSYS_MIN(total, (uint64_t)RSYS_ARENA_SIZE); /* as with a pipe that is full: the rest is the program's to try again */
    call->own.word[0] = (uint64_t)count;
    call->own.word[1] = total;
    if (vmsplice_start(call, __NR_pwritev2, total) < 0)
        return rsys_call_done(call, -ENOMEM);
    int64_t at = rsys_request_in_room(&call->request, total);
    if (at < 0)
        return rsys_call_done(call, at);
    uint64_t got = rsys_vector_gather(rsys_guest_memory(call->guest), call->scratch, (uint32_t)count, call->request.in + at, total);
    if (got < total)
        return vmsplice_in(call); /* it may be a buffer to read into; of a writing end it is EBADF then, as of any bad call */
    at = rsys_request_in_taken(&call->request, -1, (uint32_t)at, total);
    if (at < 0 || rsys_request_pointer(&call->request, 0, (uint32_t)at) < 0)
        return rsys_call_done(call, -ENOMEM);
    call->on_reply = on_vmsplice_out;
    return rsys_call_send(call);
}

/* ---- the rest ----
 *
 * What guests have mapped of either file is written back before, and looks again after (coherence.c). */

static int from_fd(const struct call *call) { return (int)call->args[call->nr == __NR_sendfile ? 1 : 0]; }
static int to_fd(const struct call *call) { return (int)call->args[call->nr == __NR_sendfile ? 0 : call->nr == __NR_tee ? 1 : 2]; }

static enum verdict on_copied(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int failed = rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest));
    int64_t result = failed < 0 ? failed : reply->result;
    return reply->result > 0 ? rsys_view_changed(call, to_fd(call), result) : rsys_call_done(call, result);
}

static enum verdict copy_remote(struct call *call)
{
    call->on_reply = on_copied;
    return rsys_call_forward(call);
}

static enum verdict settle_to(struct call *call) { return rsys_view_settle(call, to_fd(call), true, copy_remote); }

enum verdict rsys_handle_SENDFILE(struct call *call)
{
    const struct fdtable *fds = call->guest->process->fds;
    bool from_local = rsys_fd_is_local(fds, from_fd(call)), to_local = rsys_fd_is_local(fds, to_fd(call));
    if (call->nr == __NR_vmsplice)
        return rsys_fd_is_local(fds, (int64_t)call->args[0]) ? VERDICT_CONTINUE : vmsplice_remote(call);
    if (from_local && to_local)
        return VERDICT_CONTINUE;
    if (from_local != to_local && call->nr == __NR_copy_file_range)
        return rsys_call_done(call, -EXDEV);
    if (call->nr == __NR_tee) /* pipes */
        return from_local != to_local ? rsys_call_across(call) : rsys_call_forward(call);
    if (from_local)
        return rsys_view_settle(call, to_fd(call), true, rsys_call_across);
    return rsys_view_settle(call, from_fd(call), false, to_local ? rsys_call_across : settle_to);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-io.c: read and write, plain, positioned and vectored: what src/core/transfer.h makes of them, request by request. */
#include "src/jail/calls-io.h"

#include "src/core/transfer.h"
#include "src/core/util.h"
#include "src/jail/view.h"

#include <asm/unistd.h>
#include <stdlib.h>

/* What is kept between pieces, in call->own; the vector is in call->scratch. */
_Static_assert(sizeof(struct rsys_transfer) <= sizeof(((struct call *)NULL)->own), "a transfer has to fit the call");

static struct rsys_transfer *transfer_of(struct call *call) { return (struct rsys_transfer *)(void *)&call->own; }

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
    if (count > UIO_MAXIOV)
        return -EINVAL;
    struct iovec *vector = rsys_call_scratch(call, count * sizeof *vector + 1);
    return vector == NULL ? -ENOMEM : rsys_vector_read(rsys_guest_memory(call->guest), address, count, vector, ret_total);
}

/* The call's end. */
static enum verdict end(struct call *call, int64_t error)
{
    struct rsys_transfer *t = transfer_of(call);
    if (!t->reads && t->done > 0)
        return rsys_view_changed(call, (int)call->args[0], (int64_t)t->done);
    return rsys_call_done(call, rsys_transfer_result(t, error));
}

static enum verdict on_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);

static enum verdict piece(struct call *call)
{
    int64_t failed = rsys_transfer_request(transfer_of(call), &call->request, rsys_guest_memory(call->guest));
    if (failed < 0)
        return end(call, failed);
    call->on_reply = on_reply;
    return rsys_call_send(call);
}

static enum verdict on_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int64_t error = 0;
    switch (rsys_transfer_reply(transfer_of(call), &call->request, reply, data, rsys_guest_memory(call->guest), &error)) {
    case RSYS_TRANSFER_MORE:
        return piece(call);
    case RSYS_TRANSFER_BACK:
        rsys_guest_post(call->guest, &call->request);
        break;
    case RSYS_TRANSFER_OVER:
        break;
    }
    return end(call, error);
}

static enum verdict transfer(struct call *call)
{
    if (rsys_fd_is_local(call->guest->process->fds, (int64_t)call->args[0]))
        return VERDICT_CONTINUE;
    int64_t entries = rsys_transfer_entries(call->nr, call->args);
    if (entries < 0)
        return rsys_call_done(call, entries);
    struct iovec *vector = rsys_call_scratch(call, (size_t)entries * sizeof *vector + 1);
    if (vector == NULL)
        return rsys_call_done(call, -ENOMEM);
    int64_t started = rsys_transfer_start(transfer_of(call), vector, call->nr, call->args, rsys_guest_memory(call->guest), &call->request);
    if (started < 0)
        return rsys_call_done(call, started);
    if (started > 0)
        return rsys_call_send(call);
    return rsys_view_settle(call, (int)call->args[0], !transfer_of(call)->reads, piece);
}

enum verdict rsys_handle_READ(struct call *call) { return transfer(call); }
enum verdict rsys_handle_WRITE(struct call *call) { return transfer(call); }
enum verdict rsys_handle_READV(struct call *call) { return transfer(call); }
enum verdict rsys_handle_WRITEV(struct call *call) { return transfer(call); }

/* SPDX-License-Identifier: GPL-2.0-only */
/* batch.c: several calls in one round trip.
 *
 * The requests are made when calls are added, laid one behind the other as they will be sent, and sent at once; their replies come in the same order.  What one uses of another's result, the
 * executor puts there (RSYS_RELOC_RESULT). */
#include "src/client/rsys.h"

#include "src/client/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t nr;
    uint64_t args[6];
    size_t frame;     /* where its bytes begin */
    size_t targets;   /* the first of its out-ranges' */
    int64_t result;
    uint8_t patience; /* enum channel_patience */
};

struct rsys_batch {
    struct rsys_session *session;
    uint8_t *frames;  /* owned, as all of them */
    size_t size, room;
    struct entry *entries;
    size_t count, entries_room;
    struct rsys_out_target *targets;
    size_t targets_count, targets_room;
    struct rsys_request request; /* the one that is made, or whose reply is taken */
};

/* Room for `more` elements behind `count` of them. */
static int grow(void *array, size_t *room, size_t count, size_t more, size_t size)
{
    void **at = array;
    if (more <= *room - count)
        return 0;
    size_t wanted = *room == 0 ? 16 : *room;
    while (wanted - count < more)
        wanted *= 2;
    void *grown = realloc(*at, wanted * size);
    if (grown == NULL)
        return -ENOMEM;
    *at = grown;
    *room = wanted;
    return 0;
}

struct rsys_batch *rsys_batch_new(struct rsys_session *session)
{
    int error = errno;
    struct rsys_batch *batch = calloc(1, sizeof *batch);
    errno = error;
    if (batch != NULL)
        batch->session = session;
    return batch;
}

void rsys_batch_free(struct rsys_batch *batch)
{
    if (batch == NULL)
        return;
    rsys_request_free(&batch->request);
    free(batch->frames);
    free(batch->entries);
    free(batch->targets);
    free(batch);
}

void rsys_batch_clear(struct rsys_batch *batch) { batch->size = batch->count = batch->targets_count = 0; }

/* ---- adding ---- */

/* Lay the request's bytes behind the others. */
static int append(struct rsys_batch *batch, struct entry *entry)
{
    struct rsys_request *request = &batch->request;
    struct iovec iov[4];
    size_t size;
    int count = rsys_request_frame(request, 0, 0, iov, &size);
    if (grow(&batch->frames, &batch->room, batch->size, size, 1) < 0 || grow(&batch->entries, &batch->entries_room, batch->count, 1, sizeof *entry) < 0 ||
        grow(&batch->targets, &batch->targets_room, batch->targets_count, RSYS_OUTS_MAX, sizeof *batch->targets) < 0)
        return -ENOMEM;
    entry->frame = batch->size;
    entry->targets = batch->targets_count;
    for (int i = 0; i < count; i++) {
        memcpy(batch->frames + batch->size, iov[i].iov_base, iov[i].iov_len);
        batch->size += iov[i].iov_len;
    }
    memcpy(batch->targets + batch->targets_count, request->targets, request->head.outs * sizeof *request->targets);
    batch->targets_count += request->head.outs;
    batch->entries[batch->count] = *entry;
    return (int)batch->count++;
}

static int add(struct rsys_batch *batch, uint64_t nr, const uint64_t args[6])
{
    struct entry entry = {.nr = nr, .result = -ENODATA};
    struct rsys_call scratch;
    int error = call_check(batch->session, nr, args);
    if (error < 0 || batch->count == INT32_MAX)
        return error < 0 ? error : -ENOMEM;
    const struct rsys_call *row = call_shapes(nr, args, &scratch, &error);
    if (row == NULL)
        return error;
    error = rsys_encode_call(&batch->request, row, args, &rsys_memory_own);
    if (error < 0)
        return error;
    rsys_request_fence(&batch->request, row, batch->session->welcome.nofile);
    memcpy(entry.args, args, sizeof entry.args);
    entry.patience = (uint8_t)channel_patience_of(row);
    return append(batch, &entry);
}

int rsys_batch_add(struct rsys_batch *batch, long nr, ...)
{
    uint64_t args[6];
    struct guard guard;
    va_list list;
    va_start(list, nr);
    for (int i = 0; i < 6; i++)
        args[i] = va_arg(list, uint64_t);
    va_end(list);
    guard_enter(&guard);
    int index = add(batch, (uint64_t)nr, args);
    guard_leave(&guard);
    return index;
}

/* Whether an argument is a number that nothing else in the request depends on. */
static bool may_use(const struct rsys_call *row, unsigned argument)
{
    if (argument >= row->nargs)
        return false;
    for (unsigned i = 0; i < row->nargs; i++) {
        uint8_t shape = row->args[i].shape;
        bool counted = shape == RSYS_ARG_IN_LEN || shape == RSYS_ARG_OUT_LEN || shape == RSYS_ARG_OUT_RESULT || shape == RSYS_ARG_OUT_VALUE;
        if (counted && row->args[i].len == argument)
            return false;
    }
    uint8_t shape = row->args[argument].shape;
    return shape == RSYS_ARG_INT || shape == RSYS_ARG_HEX || shape == RSYS_ARG_MODE || shape == RSYS_ARG_FD || shape == RSYS_ARG_DIRFD;
}

int rsys_batch_use(struct rsys_batch *batch, int index, int argument, int of)
{
    struct rsys_wire_reloc reloc = {RSYS_RELOC_RESULT + (uint32_t)argument, (uint32_t)(index - of)};
    struct rsys_wire_request head;
    struct rsys_call scratch;
    int error = errno, failed;
    if (index < 0 || (size_t)index >= batch->count || argument < 0 || of < 0 || of >= index || index - of >= (int)RSYS_RESULTS)
        return -EINVAL;
    struct entry *entry = &batch->entries[index];
    const struct rsys_call *row = call_shapes(entry->nr, entry->args, &scratch, &failed);
    if (row == NULL || !may_use(row, (unsigned)argument))
        return -EINVAL;
    memcpy(&head, batch->frames + entry->frame, sizeof head);
    if (head.relocs >= RSYS_RELOCS_MAX)
        return -E2BIG;
    failed = grow(&batch->frames, &batch->room, batch->size, sizeof reloc, 1);
    errno = error;
    if (failed < 0)
        return failed;
    size_t at = entry->frame + sizeof head + head.relocs * sizeof reloc;
    memmove(batch->frames + at + sizeof reloc, batch->frames + at, batch->size - at);
    memcpy(batch->frames + at, &reloc, sizeof reloc);
    head.relocs++;
    memcpy(batch->frames + entry->frame, &head, sizeof head);
    batch->size += sizeof reloc;
    for (size_t i = (size_t)index + 1; i < batch->count; i++)
        batch->entries[i].frame += sizeof reloc;
    return 0;
}

/* ---- running ---- */

static void number(struct rsys_batch *batch, struct channel *channel, unsigned flags)
{
    for (size_t i = 0; i < batch->count; i++) {
        uint8_t *frame = batch->frames + batch->entries[i].frame;
        uint32_t seq = channel_next_seq(channel);
        uint16_t after = (flags & RSYS_BATCH_STOP) != 0 && i > 0 ? RSYS_REQUEST_AFTER : 0;
        memcpy(frame + offsetof(struct rsys_wire_request, seq), &seq, sizeof seq);
        memcpy(frame + offsetof(struct rsys_wire_request, flags), &after, sizeof after);
    }
}

/* The reply to one of them, and what it stores. */
static int take(struct rsys_batch *batch, struct channel *channel, struct entry *entry)
{
    struct rsys_request *request = &batch->request;
    struct rsys_wire_reply reply;
    const uint8_t *data, *frame = batch->frames + entry->frame;
    memcpy(&request->head, frame, sizeof request->head);
    memcpy(request->outs, frame + sizeof request->head + request->head.relocs * sizeof(struct rsys_wire_reloc), request->head.outs * sizeof *request->outs);
    memcpy(request->targets, batch->targets + entry->targets, request->head.outs * sizeof *request->targets);
    int failed = channel_await(batch->session, channel, request->head.seq, (enum channel_patience)entry->patience, &reply, &data);
    entry->result = failed < 0 ? failed : call_finish(batch->session, request, &reply, data);
    return atomic_load(&batch->session->lost) != 0 ? -atomic_load(&batch->session->lost) : 0;
}

static int run(struct rsys_batch *batch, unsigned flags)
{
    struct channel *channel;
    if ((flags & ~(unsigned)RSYS_BATCH_STOP) != 0)
        return -EINVAL;
    for (size_t i = 0; i < batch->count; i++)
        batch->entries[i].result = -ECONNRESET;
    if (batch->count == 0)
        return 0;
    int failed = thread_channel(batch->session, &channel);
    if (failed < 0)
        return failed;
    number(batch, channel, flags);
    struct iovec all = {batch->frames, batch->size};
    if (channel_send(channel, &all, 1) < 0)
        return session_fail(batch->session, ECONNRESET);
    for (size_t i = 0; i < batch->count && failed == 0; i++)
        failed = take(batch, channel, &batch->entries[i]);
    return failed;
}

int rsys_batch_run(struct rsys_batch *batch, unsigned flags)
{
    struct guard guard;
    guard_enter(&guard);
    int failed = run(batch, flags);
    guard_leave(&guard);
    return failed;
}

int64_t rsys_batch_result(const struct rsys_batch *batch, int index)
{
    return index >= 0 && (size_t)index < batch->count ? batch->entries[index].result : -EINVAL;
}

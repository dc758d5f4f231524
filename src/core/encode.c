/* SPDX-License-Identifier: GPL-2.0-only */
/* encode.c: a call's arguments to a request's bytes, and a reply's bytes to results. */
#include "src/core/encode.h"

#include "src/core/util.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (RSYS_ARENA_SIZE + RSYS_ARENA_SLACK)

static inline uint32_t align8(uint32_t n) { return (n + 7u) & ~7u; }

void rsys_request_free(struct rsys_request *request)
{
    free(request->in);
    memset(request, 0, sizeof *request);
}

void rsys_request_start(struct rsys_request *request, uint16_t nr, const uint64_t args[6])
{
    request->head = (struct rsys_wire_request){.nr = nr};
    memcpy(request->head.args, args, sizeof request->head.args);
    request->out_size = 0;
    request->flags = 0;
}

int64_t rsys_request_in_room(struct rsys_request *request, size_t n)
{
    if (request->out_size != 0)
        return -EINVAL;
    uint32_t offset = align8(request->head.in_size);
    if (offset > ARENA_MAX || n > ARENA_MAX - offset)
        return -E2BIG;
    uint32_t end = offset + (uint32_t)n;
    if (end > request->in_room) {
        uint32_t room = request->in_room < 4096 ? 4096 : request->in_room;
        while (room < end)
            room *= 2;
        uint8_t *grown = realloc(request->in, room);
        if (grown == NULL)
            return -ENOMEM;
        request->in = grown;
        request->in_room = room;
    }
    return offset;
}

int64_t rsys_request_in_taken(struct rsys_request *request, int arg, uint32_t offset, size_t n)
{
    if (arg >= 0) {
        if (request->head.relocs >= RSYS_RELOCS_MAX)
            return -E2BIG;
        request->relocs[request->head.relocs++] = (struct rsys_wire_reloc){.at = (uint32_t)arg, .to = offset};
    }
    if (offset > request->head.in_size) /* nothing may be there at all yet */
        memset(request->in + request->head.in_size, 0, offset - request->head.in_size);
    request->head.in_size = offset + (uint32_t)n;
    request->head.arena = align8(request->head.in_size);
    if (request->head.arena > ARENA_MAX)
        request->head.arena = ARENA_MAX;
    return offset;
}

int64_t rsys_request_in(struct rsys_request *request, int arg, const void *data, size_t n)
{
    int64_t offset = rsys_request_in_room(request, n);
    if (offset < 0)
        return offset;
    if (n > 0 && data != NULL)
        memcpy(request->in + offset, data, n);
    else if (n > 0)
        memset(request->in + offset, 0, n);
    return rsys_request_in_taken(request, arg, (uint32_t)offset, n);
}

int64_t rsys_request_in_guest(struct rsys_request *request, int arg, struct rsys_memory *memory, uint64_t address, size_t n)
{
    int64_t offset = rsys_request_in_room(request, n);
    if (offset < 0)
        return offset;
    int failed = rsys_memory_read(memory, address, request->in + offset, n);
    if (failed < 0)
        return failed;
    return rsys_request_in_taken(request, arg, (uint32_t)offset, n);
}

int rsys_request_pointer(struct rsys_request *request, uint32_t at, uint32_t to)
{
    if (request->head.relocs >= RSYS_RELOCS_MAX)
        return -E2BIG;
    if (to > request->head.arena || request->head.arena < 8 || at > request->head.arena - 8)
        return -EINVAL;
    request->relocs[request->head.relocs++] = (struct rsys_wire_reloc){.at = at + 8, .to = to};
    return 0;
}

int64_t rsys_request_out_at(struct rsys_request *request, uint32_t offset, size_t n, enum rsys_out_how how, uint32_t at, struct rsys_out_target target)
{
    if (request->head.outs >= RSYS_OUTS_MAX)
        return -E2BIG;
    if (offset > request->head.arena || n > request->head.arena - offset)
        return -EINVAL;
    target.got = 0;
    request->targets[request->head.outs] = target;
    request->outs[request->head.outs++] =
        (struct rsys_wire_out){.offset = offset, .length = (uint32_t)n, .how = (uint16_t)how, .unit = 1, .at = at};
    return offset;
}

int64_t rsys_request_out(struct rsys_request *request, int arg, size_t n, enum rsys_out_how how, uint16_t unit, struct rsys_out_target target)
{
    uint32_t offset = align8(request->head.arena);
    if (offset > ARENA_MAX || n > ARENA_MAX - offset || request->head.outs >= RSYS_OUTS_MAX ||
        (arg >= 0 && request->head.relocs >= RSYS_RELOCS_MAX))
        return -E2BIG;
    if (arg >= 0)
        request->relocs[request->head.relocs++] = (struct rsys_wire_reloc){.at = (uint32_t)arg, .to = offset};
    request->head.arena = offset + (uint32_t)n;
    request->out_size += (uint32_t)n + 1; /* never 0 again: in-data is closed, also after an area of no bytes */
    rsys_request_out_at(request, offset, n, how, 0, target);
    request->outs[request->head.outs - 1].unit = unit;
    return offset;
}

/* ---- regular rows ---- */

static int encode_string(struct rsys_request *request, int arg, struct rsys_memory *memory, uint64_t address, size_t size, bool is_path)
{
    int64_t offset = rsys_request_in_room(request, size + 1);
    if (offset < 0)
        return (int)offset;
    int64_t length = rsys_memory_read_string(memory, address, (char *)request->in + offset, size);
    if (length == -ENAMETOOLONG && !is_path) {
        /* What a string that is too long means differs from call to call (ERANGE, EINVAL, E2BIG): let the kernel say it. */
        length = (int64_t)size;
        request->in[offset + length] = 0;
    }
    if (length < 0)
        return (int)length;
    offset = rsys_request_in_taken(request, arg, (uint32_t)offset, (size_t)length + 1);
    return offset < 0 ? (int)offset : 0;
}

static int encode_in_out(struct rsys_request *request, int arg, struct rsys_memory *memory, uint64_t address, size_t n, enum rsys_out_how how)
{
    int64_t offset = rsys_request_in_guest(request, arg, memory, address, n);
    if (offset < 0)
        return (int)offset;
    offset = rsys_request_out_at(request, (uint32_t)offset, n, how, 0, (struct rsys_out_target){.guest = address});
    return offset < 0 ? (int)offset : 0;
}

/* A value-result length.  The kernel takes it for the size of a buffer, which has to fit the arena; some options tell the length that they need when they fail. */
static int encode_value(struct rsys_request *request, int arg, struct rsys_memory *memory, uint64_t address)
{
    uint32_t value;
    int failed = rsys_memory_read(memory, address, &value, sizeof value);
    if (failed < 0)
        return failed;
    if (value > RSYS_ARENA_SLACK / 2 && value <= INT_MAX)
        value = RSYS_ARENA_SLACK / 2; /* no address or option is as large */
    int64_t offset = rsys_request_in(request, arg, &value, sizeof value);
    if (offset < 0)
        return (int)offset;
    offset = rsys_request_out_at(request, (uint32_t)offset, sizeof value, RSYS_OUT_ALWAYS, 0, (struct rsys_out_target){.guest = address});
    return offset < 0 ? (int)offset : 0;
}

/* What the call reads: everything that has to lie in the in-data.  path: instead of the guest's, or NULL. */
static int encode_in(struct rsys_request *request, const struct rsys_arg *shape, int arg, const uint64_t args[6], struct rsys_memory *memory,
                     const char *path)
{
    uint64_t address = args[arg];
    if (shape->shape == RSYS_ARG_PATH && path != NULL)
        return (int)RSYS_MIN(rsys_request_in(request, arg, path, strlen(path) + 1), INT64_C(0));
    switch (shape->shape) {
    case RSYS_ARG_ADDRESS:
        request->head.args[arg] = 0; /* says nothing to the server */
        return 0;
    case RSYS_ARG_PATH:
        return address == 0 ? 0 : encode_string(request, arg, memory, address, PATH_MAX, true);
    case RSYS_ARG_STRING:
        return address == 0 ? 0 : encode_string(request, arg, memory, address, shape->size, false);
    case RSYS_ARG_IN:
    case RSYS_ARG_IN_LEN: {
        if (address == 0)
            return 0;
        uint64_t n = shape->size;
        if (shape->shape == RSYS_ARG_IN_LEN && __builtin_mul_overflow(args[shape->len], (uint64_t)shape->size, &n))
            return -E2BIG;
        int64_t offset = rsys_request_in_guest(request, arg, memory, address, n);
        return offset < 0 ? (int)offset : 0;
    }
    case RSYS_ARG_INOUT:
        return address == 0 ? 0 : encode_in_out(request, arg, memory, address, shape->size, RSYS_OUT_SUCCESS);
    case RSYS_ARG_OUT_ALWAYS:
        /* The call may leave it alone: what comes back then is what was there. */
        return address == 0 ? 0 : encode_in_out(request, arg, memory, address, shape->size, RSYS_OUT_ALWAYS);
    case RSYS_ARG_VALUE:
        return address == 0 ? 0 : encode_value(request, arg, memory, address);
    default:
        return 0;
    }
}

/* Where the value-result length of args[arg] was laid: its offset, or -1. */
static int64_t offset_of(const struct rsys_request *request, uint32_t arg)
{
    for (uint32_t i = 0; i < request->head.relocs; i++)
        if (request->relocs[i].at == arg)
            return request->relocs[i].to;
    return -1;
}

static int encode_out_value(struct rsys_request *request, const struct rsys_arg *shape, int arg, uint64_t address)
{
    struct rsys_out_target target = {.guest = address};
    int64_t at = offset_of(request, shape->len), offset;
    uint32_t value = 0;
    if (at >= 0)
        memcpy(&value, request->in + at, sizeof value);
    if (at < 0 || value > INT_MAX)
        offset = rsys_request_out(request, arg, 0, RSYS_OUT_SUCCESS, 1, target); /* the kernel refuses it by itself */
    else
        offset = rsys_request_out(request, arg, value, RSYS_OUT_VALUE, 1, target);
    if (offset >= 0 && at >= 0)
        request->outs[request->head.outs - 1].at = (uint32_t)at;
    return offset < 0 ? (int)offset : 0;
}

/* Out-areas whose size is known: before those that take what room is left. */
static int encode_out_fixed(struct rsys_request *request, const struct rsys_arg *shape, int arg, const uint64_t args[6])
{
    uint64_t n = shape->size;
    if (args[arg] == 0)
        return 0;
    switch (shape->shape) {
    case RSYS_ARG_OUT_LEN:
        if (__builtin_mul_overflow(args[shape->len], (uint64_t)shape->size, &n))
            return -E2BIG;
        /* fallthrough */
    case RSYS_ARG_OUT: {
        int64_t offset = rsys_request_out(request, arg, n, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.guest = args[arg]});
        return offset < 0 ? (int)offset : 0;
    }
    case RSYS_ARG_OUT_VALUE:
        return encode_out_value(request, shape, arg, args[arg]);
    default:
        return 0;
    }
}

/* A buffer that the call fills as far as it can: when it is larger than the arena, the call is told of a smaller one. */
static int encode_out_result(struct rsys_request *request, const struct rsys_arg *shape, int arg, const uint64_t args[6])
{
    uint64_t count = args[shape->len], unit = shape->size == 0 ? 1 : shape->size;
    if (shape->shape != RSYS_ARG_OUT_RESULT || args[arg] == 0)
        return 0;
    if (count > INT_MAX) {
        /* Negative for calls that take an int.  With no buffer the kernel refuses the count, or else the address. */
        request->head.args[arg] = 0;
        return 0;
    }
    uint32_t used = align8(request->head.arena);
    uint64_t room = used < ARENA_MAX ? (ARENA_MAX - used) / unit : 0;
    if (count > room)
        request->head.args[shape->len] = count = room;
    int64_t offset = rsys_request_out(request, arg, count * unit, RSYS_OUT_RESULT, (uint16_t)unit, (struct rsys_out_target){.guest = args[arg]});
    return offset < 0 ? (int)offset : 0;
}

int rsys_encode_call(struct rsys_request *request, const struct rsys_call *call, const uint64_t args[6], struct rsys_memory *memory)
{
    return rsys_encode_call_on(request, call, args, memory, NULL);
}

int rsys_encode_call_on(struct rsys_request *request, const struct rsys_call *call, const uint64_t args[6], struct rsys_memory *memory, const char *path)
{
    int failed = 0;
    rsys_request_start(request, call->nr, args);
    for (int i = call->nargs; i < 6; i++)
        request->head.args[i] = 0; /* whatever the registers held */
    for (int i = 0; i < call->nargs && failed == 0; i++)
        failed = encode_in(request, &call->args[i], i, args, memory, path);
    for (int i = 0; i < call->nargs && failed == 0; i++)
        failed = encode_out_fixed(request, &call->args[i], i, args);
    for (int i = 0; i < call->nargs && failed == 0; i++)
        failed = encode_out_result(request, &call->args[i], i, args);
    return failed;
}

void rsys_request_fence(struct rsys_request *request, const struct rsys_call *call, uint32_t nofile)
{
    uint64_t *args = request->head.args;
    for (int i = 0; i < call->nargs; i++)
        if ((call->args[i].shape == RSYS_ARG_DIRFD || call->args[i].shape == RSYS_ARG_FD) && (uint32_t)args[i] >= nofile && (int32_t)args[i] >= 0)
            args[i] = UINT64_MAX;
}

/* ---- frames and replies ---- */

int rsys_request_frame(struct rsys_request *request, uint32_t seq, uint16_t flags, struct iovec iov[4], size_t *ret_size)
{
    int count = 0;
    request->head.seq = seq;
    request->head.flags = flags | request->flags;
    iov[count++] = (struct iovec){&request->head, sizeof request->head};
    if (request->head.relocs > 0)
        iov[count++] = (struct iovec){request->relocs, request->head.relocs * sizeof request->relocs[0]};
    if (request->head.outs > 0)
        iov[count++] = (struct iovec){request->outs, request->head.outs * sizeof request->outs[0]};
    if (request->head.in_size > 0)
        iov[count++] = (struct iovec){request->in, request->head.in_size};
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += iov[i].iov_len;
    *ret_size = size;
    return count;
}

/* The most that may come back for an out-range with this result. */
static uint64_t out_bound(const struct rsys_wire_out *out, int64_t result)
{
    if (out->how == RSYS_OUT_ALWAYS)
        return out->length;
    if (result < 0 && result >= -4095)
        return 0;
    uint64_t bytes;
    if (out->how == RSYS_OUT_RESULT && !__builtin_mul_overflow((uint64_t)result, (uint64_t)out->unit, &bytes) && bytes < out->length)
        return bytes;
    return out->length;
}

int rsys_request_finish(struct rsys_request *request, const struct rsys_wire_reply *reply, const uint8_t *data, struct rsys_memory *memory)
{
    /* The server is hostile here: nothing is stored before every length is known to be within what was asked for, and
     * all of them together are the frame's size. */
    uint32_t outs = request->head.outs, got[RSYS_OUTS_MAX];
    if (reply->seq != request->head.seq || reply->size < 4 * outs)
        return -EPROTO;
    uint64_t total = 4 * (uint64_t)outs;
    if (outs > 0)
        memcpy(got, data, 4 * outs);
    for (uint32_t i = 0; i < outs; i++) {
        uint64_t bound = out_bound(&request->outs[i], reply->result);
        /* Only a value tells less than there is room for; elsewhere a caller may take the result for what has come. */
        if (got[i] > bound || (got[i] < bound && request->outs[i].how != RSYS_OUT_VALUE))
            return -EPROTO;
        total += got[i];
    }
    if (total != reply->size)
        return -EPROTO;

    int failed = 0;
    const uint8_t *from = data == NULL ? NULL : data + 4 * outs;
    for (uint32_t i = 0; i < outs; i++) {
        struct rsys_out_target *target = &request->targets[i];
        target->got = got[i];
        if (got[i] > 0 && target->own != NULL)
            memcpy(target->own, from, got[i]);
        else if (got[i] > 0 && target->guest != 0) {
            int r = rsys_memory_write(memory, target->guest, from, got[i]);
            if (r < 0 && failed == 0)
                failed = r;
        }
        from = from == NULL ? NULL : from + got[i];
    }
    return failed;
}

size_t rsys_request_reply_max(const struct rsys_request *request)
{
    size_t size = 4 * (size_t)request->head.outs;
    for (uint32_t i = 0; i < request->head.outs; i++)
        size += request->outs[i].length;
    return size;
}

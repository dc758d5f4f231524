/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-structs.c: calls whose structs say their own size or hold pointers: name_to_handle_at, statmount, listmount, setxattrat, getxattrat.
 *
 * What a row's shapes can tell (descriptors, paths, names) is laid by them; the structs come behind.  What cannot be read from the guest goes over as a pointer to
 * nothing: the executor's kernel then refuses it, after what else it has to refuse. */
#include "src/core/util.h"
#include "src/jail/jail.h"

#include <asm/unistd.h>
#include <limits.h>
#include <linux/limits.h>
#include <string.h>

/* Newer than Debian 12's headers. */
#ifndef __NR_listmount
#define __NR_listmount 458
#endif
#ifndef __NR_getxattrat
#define __NR_getxattrat 464
#endif

#define STRUCT_MAX 4096u         /* the kernel takes no struct that is larger than a page */
#define HANDLE_MAX 128u          /* MAX_HANDLE_SZ */
#define MOUNT_ID_UNIQUE 1u       /* AT_HANDLE_MNT_ID_UNIQUE: the number of the mount has 64 bits */
#define MOUNT_REQUEST_MIN 24u    /* MNT_ID_REQ_SIZE_VER0 */
#define MOUNTS_MAX (100u << 10)  /* numbers of mounts that one answer holds */
#define MOUNTS_TOO_MANY 1000000u /* fs/namespace.c's own bound */
#define STATMOUNT_MAX (512u << 10)

/* struct xattr_args, newer than Debian 12's headers. */
struct xattr_value {
    uint64_t value;
    uint32_t size, flags;
};

static enum verdict sent(struct call *call, int64_t built) { return built < 0 ? rsys_call_done(call, built) : rsys_call_send(call); }

/* The row's shapes, and room behind them: more in-data may follow.  0 or the guest's result. */
static int begin(struct call *call)
{
    int failed = rsys_encode_call(&call->request, call->row, call->args, rsys_guest_memory(call->guest));
    if (failed == 0)
        rsys_call_fence(call);
    return failed;
}

/* ---- file handles ----
 *
 * A handle is a name that only open_by_handle_at takes, which no guest may call; programs compare them, and look at the mount's number. */

struct handle {
    uint32_t bytes;
    int32_t type;
    uint8_t handle[HANDLE_MAX];
};

enum verdict rsys_handle_HANDLE(struct call *call)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    struct rsys_request *request = &call->request;
    struct handle handle = {0};
    const uint32_t head = offsetof(struct handle, handle), id_size = (call->args[4] & MOUNT_ID_UNIQUE) != 0 ? 8 : 4;
    int64_t at = begin(call), id = at;
    if (at < 0)
        return rsys_call_done(call, at);
    bool readable = call->args[2] != 0 && rsys_memory_read(memory, call->args[2], &handle, head) == 0;
    uint32_t room = RSYS_MIN(handle.bytes, HANDLE_MAX);
    if (readable)
        at = rsys_request_in(request, 2, &handle, head + room);
    if (at >= 0 && call->args[3] != 0)
        id = rsys_request_in_guest(request, 3, memory, call->args[3], id_size);
    /* A handle that is too small is told its size, and the mount's number, although the call fails. */
    int64_t built = at;
    if (built >= 0 && readable)
        built = rsys_request_out_at(request, (uint32_t)at, head, RSYS_OUT_ALWAYS, 0, (struct rsys_out_target){.guest = call->args[2]});
    if (built >= 0 && readable)
        built = rsys_request_out_at(request, (uint32_t)at + head, room, RSYS_OUT_VALUE, (uint32_t)at, (struct rsys_out_target){.guest = call->args[2] + head});
    if (built >= 0 && call->args[3] != 0 && id >= 0)
        built = rsys_request_out_at(request, (uint32_t)id, id_size, RSYS_OUT_ALWAYS, 0, (struct rsys_out_target){.guest = call->args[3]});
    return sent(call, built);
}

/* ---- mounts ---- */

/* struct mnt_id_req, whose first word is its size. */
static int64_t add_mount_request(struct call *call)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    uint32_t size;
    int failed = rsys_memory_read(memory, call->args[0], &size, sizeof size);
    if (failed < 0)
        return failed;
    if (size > STRUCT_MAX)
        return -E2BIG;
    if (size < MOUNT_REQUEST_MIN)
        return -EINVAL;
    int64_t at = rsys_request_in_guest(&call->request, 0, memory, call->args[0], size);
    if (at >= 0) /* as it was looked at, whatever the guest has made of it since */
        memcpy(call->request.in + at, &size, sizeof size);
    return at;
}

static enum verdict statmount(struct call *call)
{
    struct rsys_request *request = &call->request;
    uint64_t room = RSYS_MIN(call->args[2], (uint64_t)STATMOUNT_MAX);
    int64_t at = add_mount_request(call);
    request->head.args[2] = room;
    if (at >= 0 && call->args[1] != 0) {
        /* The answer too begins with its size: what lies behind it is not touched. */
        at = rsys_request_out(request, 1, room, RSYS_OUT_VALUE, 1, (struct rsys_out_target){.guest = call->args[1]});
        if (at >= 0)
            request->outs[request->head.outs - 1].at = (uint32_t)at;
    }
    return sent(call, at);
}

static enum verdict listmount(struct call *call)
{
    struct rsys_request *request = &call->request;
    int64_t at = add_mount_request(call);
    if (at >= 0 && call->args[1] != 0 && call->args[2] <= MOUNTS_TOO_MANY) {
        request->head.args[2] = RSYS_MIN(call->args[2], (uint64_t)MOUNTS_MAX);
        at = rsys_request_out(request, 1, request->head.args[2] * sizeof(uint64_t), RSYS_OUT_RESULT, sizeof(uint64_t),
                              (struct rsys_out_target){.guest = call->args[1]});
    }
    return sent(call, at);
}

enum verdict rsys_handle_MOUNTS(struct call *call)
{
    int failed = begin(call);
    if (failed < 0)
        return rsys_call_done(call, failed);
    return call->nr == __NR_listmount ? listmount(call) : statmount(call);
}

/* ---- extended attributes ---- */

static int64_t add_value(struct call *call, struct xattr_value *args, int64_t at)
{
    struct rsys_request *request = &call->request;
    uint64_t address = args->value;
    int64_t value;
    args->size = RSYS_MIN(args->size, (uint32_t)XATTR_SIZE_MAX + 1); /* one more than there may be: the kernel says what it thinks of it */
    args->value = address != 0 && args->size > 0 ? UINT64_MAX : 0;
    memcpy(request->in + at, args, sizeof *args);
    if (args->value == 0)
        return 0;
    if (call->nr == __NR_getxattrat)
        value = rsys_request_out(request, -1, args->size, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.guest = address});
    else if (args->size > XATTR_SIZE_MAX)
        return 0;
    else
        value = rsys_request_in_guest(request, -1, rsys_guest_memory(call->guest), address, args->size);
    if (value == -EFAULT)
        return 0;
    return value < 0 ? value : rsys_request_pointer(request, (uint32_t)at + offsetof(struct xattr_value, value), (uint32_t)value);
}

enum verdict rsys_handle_XATTRAT(struct call *call)
{
    struct rsys_request *request = &call->request;
    struct xattr_value args;
    int64_t at = begin(call);
    if (at < 0)
        return rsys_call_done(call, at);
    if (call->args[5] < sizeof args || call->args[5] > STRUCT_MAX || call->args[4] == 0)
        return rsys_call_send(call); /* the kernel looks no further than at the size */
    at = rsys_request_in_guest(request, 4, rsys_guest_memory(call->guest), call->args[4], call->args[5]);
    if (at == -EFAULT)
        return rsys_call_send(call);
    if (at < 0)
        return rsys_call_done(call, at);
    memcpy(&args, request->in + at, sizeof args);
    return sent(call, add_value(call, &args, at));
}

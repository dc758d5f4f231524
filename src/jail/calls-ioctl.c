/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-ioctl.c: ioctl, by the list of requests in ioctls.def.
 *
 * A local descriptor is the user's terminal, pipe or file.  The request is a number in a register, so it is judged once and stays what it
 * is when the guest's own kernel makes the call; what its third argument points at is the guest's own memory. */
#include "src/core/util.h"
#include "src/jail/calls-fd.h"
#include "src/jail/terminal.h"
#include "src/jail/view.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/ipv6_route.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/syscall.h>

#define EXTENTS_MAX 8192 /* of one answer: less than half a request */
#define DEDUPE_MAX 4096

#define IFCONF_MAX 65536 /* bytes of addresses: more than a thousand interfaces */

/* struct ifconf as the kernel has it. */
struct ifconf_bytes {
    int32_t length;
    uint32_t padding;
    uint64_t buffer;
};

static enum verdict ifconf_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int failed = rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest));
    return rsys_call_done(call, failed < 0 ? failed : reply->result);
}

/* SIOCGIFCONF: a length, in and out, and a pointer to a list of that length. */
static enum verdict send_ifconf(struct call *call)
{
    struct ifconf_bytes conf;
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    int failed = rsys_memory_read(memory, call->args[2], &conf, sizeof conf);
    if (failed < 0)
        return rsys_call_done(call, failed);
    uint64_t buffer = conf.buffer;
    conf.buffer = 0;
    if (conf.length < 0)
        return rsys_call_done(call, -EINVAL);
    if (conf.length > IFCONF_MAX)
        conf.length = IFCONF_MAX;
    struct rsys_request *request = &call->request;
    rsys_request_start(request, call->row->nr, call->args);
    int64_t at = rsys_request_in(request, 2, &conf, sizeof conf);
    if (at < 0)
        return rsys_call_done(call, at);
    int64_t length = rsys_request_out_at(request, (uint32_t)at, sizeof conf.length, RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){.guest = call->args[2]});
    if (length >= 0 && buffer != 0) {
        int64_t list = rsys_request_out(request, -1, (size_t)conf.length, RSYS_OUT_VALUE, 1, (struct rsys_out_target){.guest = buffer});
        if (list >= 0) {
            request->outs[request->head.outs - 1].at = (uint32_t)at;
            length = rsys_request_pointer(request, (uint32_t)at + (uint32_t)offsetof(struct ifconf_bytes, buffer), (uint32_t)list);
        } else {
            length = list;
        }
    }
    call->on_reply = ifconf_reply;
    return length < 0 ? rsys_call_done(call, length) : rsys_call_send(call);
}

/* SIOCADDRT, SIOCDELRT: the interface's name is behind a pointer in struct rtentry.  An IPv6 socket takes struct in6_rtmsg, which ends before that
 * pointer: what is there then is looked at by nobody. */
static enum verdict send_route(struct call *call)
{
    struct rtentry route = {0};
    char name[IFNAMSIZ] = "";
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    struct rsys_request *request = &call->request;
    _Static_assert(offsetof(struct rtentry, rt_dev) >= sizeof(struct in6_rtmsg), "the pointer lies behind the other struct");
    int failed = rsys_memory_read(memory, call->args[2], &route, sizeof route);
    if (failed < 0)
        failed = rsys_memory_read(memory, call->args[2], &route, sizeof(struct in6_rtmsg));
    if (failed < 0)
        return rsys_call_done(call, failed);
    uint64_t address = (uint64_t)(uintptr_t)route.rt_dev;
    int64_t length = address != 0 ? rsys_memory_read_string(memory, address, name, sizeof name) : 0; /* cut, as the kernel does */
    bool known = address != 0 && (length >= 0 || length == -ENAMETOOLONG);
    name[sizeof name - 1] = 0;
    route.rt_dev = address != 0 ? (char *)UINTPTR_MAX : NULL; /* what cannot be read is the kernel's to refuse */
    rsys_request_start(request, call->row->nr, call->args);
    int64_t at = rsys_request_in(request, 2, &route, sizeof route);
    int64_t to = at >= 0 && known ? rsys_request_in(request, -1, name, sizeof name) : at;
    if (to >= 0 && known)
        to = rsys_request_pointer(request, (uint32_t)at + offsetof(struct rtentry, rt_dev), (uint32_t)to);
    return to < 0 ? rsys_call_done(call, to) : rsys_call_send(call);
}

/* FIOSETOWN, SIOCSPGRP. */
static enum verdict set_owner(struct call *call)
{
    int32_t pid;
    if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &pid, sizeof pid) < 0)
        return rsys_call_done(call, -EFAULT);
    int64_t failed = rsys_call_owner(pid);
    if (failed < 0)
        return rsys_call_done(call, failed);
    rsys_call_is_short(call);
    rsys_request_start(&call->request, SYS_ioctl, call->args);
    int64_t at = rsys_request_in(&call->request, 2, &pid, sizeof pid); /* as it was looked at */
    return at < 0 ? rsys_call_done(call, at) : rsys_call_send(call);
}

/* FS_IOC_FIEMAP: a header that says for how many extents there is room behind it, and then how many there are. */
static enum verdict fiemap_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    uint32_t room = (uint32_t)call->own.word[0];
    struct fiemap head;
    int failed = rsys_request_finish(&call->request, reply, data, memory);
    if (failed < 0)
        return rsys_call_done(call, failed);
    /* The header comes always, the extents on success; how many are told is bounded by how many were asked for. */
    memcpy(&head, data + 2 * sizeof(uint32_t), sizeof head);
    if (reply->result >= 0 && room > 0)
        failed = rsys_memory_write(memory, call->args[2] + sizeof head, data + 2 * sizeof(uint32_t) + sizeof head,
                                   RSYS_MIN(head.fm_mapped_extents, room) * sizeof(struct fiemap_extent));
    head.fm_extent_count = (uint32_t)call->own.word[1]; /* not ours to change */
    if (failed == 0)
        failed = rsys_memory_write(memory, call->args[2], &head, sizeof head);
    return rsys_call_done(call, failed < 0 ? failed : reply->result);
}

static enum verdict send_fiemap(struct call *call)
{
    struct rsys_request *request = &call->request;
    struct fiemap head;
    int failed = rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &head, sizeof head);
    if (failed < 0)
        return rsys_call_done(call, failed);
    call->own.word[1] = head.fm_extent_count;
    if (head.fm_extent_count > EXTENTS_MAX && head.fm_extent_count <= UINT32_MAX / sizeof(struct fiemap_extent))
        head.fm_extent_count = EXTENTS_MAX; /* whoever finds fewer than asked for, and none of them the last, asks on; more are the kernel's to refuse */
    uint32_t room = head.fm_extent_count <= EXTENTS_MAX ? head.fm_extent_count : 0;
    call->own.word[0] = room;
    rsys_request_start(request, call->row->nr, call->args);
    /* The extents lie right behind the header: in-data, of which the kernel reads nothing. */
    int64_t at = rsys_request_in_room(request, sizeof head + room * sizeof(struct fiemap_extent));
    if (at >= 0) {
        memset(request->in + at, 0, sizeof head + room * sizeof(struct fiemap_extent));
        memcpy(request->in + at, &head, sizeof head);
        at = rsys_request_in_taken(request, 2, (uint32_t)at, sizeof head + room * sizeof(struct fiemap_extent));
    }
    int64_t to = at < 0 ? at : rsys_request_out_at(request, (uint32_t)at, sizeof head, RSYS_OUT_ALWAYS, 0, (struct rsys_out_target){0});
    if (to >= 0)
        to = rsys_request_out_at(request, (uint32_t)at + sizeof head, room * sizeof(struct fiemap_extent), RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){0});
    call->on_reply = fiemap_reply;
    return to < 0 ? rsys_call_done(call, to) : rsys_call_send(call);
}

/* FIDEDUPERANGE: a header and a list of destinations, each of them a descriptor: a local one, or one that no guest has, is none there. */
static enum verdict dedupe_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    int failed = rsys_request_finish(&call->request, reply, data, memory);
    size_t size = call->request.targets[0].got;
    /* The numbers are as the guest gave them: only what came of each is written. */
    const size_t kept = offsetof(struct file_dedupe_range_info, bytes_deduped);
    for (size_t at = sizeof(struct file_dedupe_range); failed == 0 && at < size; at += sizeof(struct file_dedupe_range_info))
        failed = rsys_memory_write(memory, call->args[2] + at + kept, data + sizeof(uint32_t) + at + kept, sizeof(struct file_dedupe_range_info) - kept);
    return rsys_call_done(call, failed < 0 ? failed : reply->result);
}

static enum verdict send_dedupe(struct call *call)
{
    struct rsys_request *request = &call->request;
    struct file_dedupe_range head;
    struct file_dedupe_range_info info;
    int failed = rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &head, sizeof head);
    if (failed < 0)
        return rsys_call_done(call, failed);
    size_t size = sizeof head + head.dest_count * sizeof info;
    if (size > DEDUPE_MAX)
        return rsys_call_done(call, -ENOMEM); /* as the kernel has it for more than a page */
    rsys_request_start(request, call->row->nr, call->args);
    int64_t at = rsys_request_in_guest(request, 2, rsys_guest_memory(call->guest), call->args[2], size);
    if (at < 0)
        return rsys_call_done(call, at);
    memcpy(request->in + at, &head, sizeof head); /* as it was looked at, whatever the guest has made of it since */
    for (size_t i = sizeof head; i < size; i += sizeof info) {
        memcpy(&info, request->in + at + i, sizeof info);
        if (rsys_fd_is_beyond(call, (uint64_t)info.dest_fd) || rsys_fd_is_local(call->guest->process->fds, (int32_t)info.dest_fd))
            info.dest_fd = -1;
        memcpy(request->in + at + i, &info, sizeof info);
    }
    at = rsys_request_out_at(request, (uint32_t)at, size, RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){0});
    call->on_reply = dedupe_reply;
    return at < 0 ? rsys_call_done(call, at) : rsys_call_send(call);
}

/* FICLONE, FICLONERANGE: what guests have mapped of either file is written back before, and looks again after (coherence.c). */
static enum verdict cloned(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    return reply->result < 0 ? rsys_call_done(call, reply->result) : rsys_view_changed(call, (int)call->args[0], reply->result);
}

static enum verdict send_clone(struct call *call)
{
    call->on_reply = cloned;
    return rsys_call_subcall(call, rsys_ioctl_by_number(call->args[1]));
}

static enum verdict settle_clone(struct call *call) { return rsys_view_settle(call, (int)call->args[0], true, send_clone); }

static enum verdict clone_from(struct call *call, int64_t source) { return rsys_view_settle(call, (int)source, false, settle_clone); }

static enum verdict clone_file(struct call *call, bool local)
{
    if (rsys_fd_is_beyond(call, call->args[2]))
        return rsys_call_done(call, -EBADF);
    if (local != rsys_fd_is_local(call->guest->process->fds, (int64_t)call->args[2]))
        return rsys_call_done(call, -EXDEV);
    return local ? VERDICT_CONTINUE : clone_from(call, (int64_t)call->args[2]);
}

static enum verdict clone_range(struct call *call)
{
    struct file_clone_range range;
    int failed = rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &range, sizeof range);
    return failed < 0 ? rsys_call_done(call, failed) : clone_from(call, range.src_fd);
}

enum verdict rsys_handle_IOCTL(struct call *call)
{
    const struct rsys_subcall *sub = rsys_ioctl_by_number(call->args[1]);
    const struct fdtable *fds = call->guest->process->fds;
    if (sub == NULL || sub->refusal != 0)
        return rsys_call_done(call, sub == NULL ? -ENOTTY : -(int64_t)sub->refusal);
    bool local = rsys_fd_is_local(fds, (int64_t)call->args[0]);
    switch (sub->nr) {
    case FIOCLEX:
    case FIONCLEX:
        rsys_fd_marked(call->guest->process->fds, (int32_t)call->args[0], sub->nr == FIOCLEX);
        if (local)
            return rsys_call_set_cloexec(call, sub->nr == FIOCLEX);
        break;
    case FIOSETOWN:
    case SIOCSPGRP:
        if (!local)
            return set_owner(call);
        break;
    case FICLONE:
        return clone_file(call, local);
    case FICLONERANGE:
        if (!local)
            return clone_range(call);
        break;
    case TIOCGPTPEER:
        if (local)
            return rsys_terminal_peer(call);
        break;
    case FS_IOC_SETFLAGS:
    case FS_IOC_SETVERSION:
    case FS_IOC_FSSETXATTR:
    case FS_IOC_SETFSLABEL:
        /* An open descriptor is for its data: the file's own properties, and whether others may open the terminal, stay the user's. */
        if (local)
            return rsys_call_done(call, -EPERM);
        break;
    case TIOCEXCL:
        if (local)
            return rsys_fd_is_users(fds, (int64_t)call->args[0]) ? rsys_call_done(call, -EPERM) : rsys_terminal_exclusive(call);
        break;
    case SIOCGIFCONF:
        if (!local)
            return send_ifconf(call);
        break;
    case FS_IOC_FIEMAP:
        if (!local)
            return send_fiemap(call);
        break;
    case FIDEDUPERANGE:
        return local ? rsys_call_done(call, -EOPNOTSUPP) : send_dedupe(call);
    case SIOCADDRT:
    case SIOCDELRT:
        if (!local)
            return send_route(call);
        break;
    default:
        break;
    }
    return local ? VERDICT_CONTINUE : rsys_call_subcall(call, sub);
}

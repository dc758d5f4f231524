/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-fd.c: close, dup, fcntl's duplicates and flags: calls that drop and move descriptors of both homes.
 *
 * The executor's kernel gives all the numbers.  A local descriptor has a placeholder there (an O_PATH descriptor), so what
 * duplicates or closes it is done to the placeholder first, and then to the guest's own descriptor from outside: SECCOMP_IOCTL_NOTIF_ADDFD
 * puts a duplicate at the number that the executor's kernel gave, or a tombstone over the one that is to be closed.  A tombstone stays in the
 * guest's table without harm: the number is remote from then on, and nothing local is done with it.
 *
 * Nobody waits for a placeholder where nothing can fail and nobody but the caller can see the table: then the executor is told ahead of the
 * guest's next request, and the guest's own kernel closes, marks or duplicates its descriptor itself, by numbers in registers. */
#include "src/jail/calls-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/syscall.h>

#include "src/core/subcalls.h"
#include "src/core/util.h"
#include "src/jail/session.h"

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027 /* newer than Debian 12's headers */
#endif
#define ERESTARTSYS 512 /* of the kernel's own headers: it never reaches a program */

static struct fdtable *table_of(const struct call *call) { return call->guest->process->fds; }
static uint32_t limit_of(const struct call *call) { return rsys_jail_session(call->guest->process->jail)->welcome.nofile; }

void rsys_call_is_short(struct call *call)
{
    static struct rsys_call rows[32]; /* of the few calls that have a short side, as they are asked for */
    if (!(call->row->flags & RSYS_CALL_BLOCKS))
        return;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(rows); i++) {
        if (rows[i].name == NULL) {
            rows[i] = *call->row;
            rows[i].flags &= (uint16_t)~(RSYS_CALL_BLOCKS | RSYS_CALL_NORESTART);
        }
        if (rows[i].nr == call->row->nr) {
            call->row = &rows[i];
            return;
        }
    }
}

/* ---- both homes ---- */

void rsys_call_post_close(struct call *call, int64_t fd)
{
    struct rsys_request request = {0};
    const uint64_t args[6] = {(uint64_t)fd};
    if (fd < 0 || rsys_fd_is_beyond(call, (uint64_t)fd))
        return;
    rsys_request_start(&request, SYS_close, args);
    rsys_guest_post(call->guest, &request);
    rsys_request_free(&request);
}

/* Interrupted: there is no notification to act on, but the guest will make the call again. */
static int64_t interrupted(int error) { return error == -ENOENT || error == -ESRCH ? -ERESTARTSYS : error; }

int rsys_call_drop_local(struct call *call, int fd)
{
    int dropped = rsys_call_drop_fd(call, fd);
    if (dropped < 0)
        return dropped;
    rsys_fd_clear_local(table_of(call), fd);
    return 0;
}

enum verdict rsys_call_place_local(struct call *call, int64_t number, int fd, unsigned flags)
{
    RSYS_AUTO_FD own = fd;
    /* The number is the server's word.  One out of range could only hurt this guest, but it is a lie. */
    if (number < 0 || rsys_fd_is_beyond(call, (uint64_t)number))
        return rsys_call_done(call, number < 0 ? number : -EIO);
    int placed = rsys_call_add_fd(call, own, (int)number, flags & RSYS_FD_CLOEXEC);
    if (placed >= 0)
        placed = rsys_fd_set_local(table_of(call), (int)number, flags);
    if (placed >= 0)
        return rsys_call_done(call, number);
    rsys_call_post_close(call, number);
    return rsys_call_done(call, interrupted(placed));
}

enum verdict rsys_call_replace(struct call *call, int64_t number, int fd, unsigned flags)
{
    struct rsys_request request = {0};
    const uint64_t args[6] = {(uint64_t)number, flags & RSYS_FD_CLOEXEC ? O_CLOEXEC : 0, 1};
    if (number < 0 || rsys_fd_is_beyond(call, (uint64_t)number)) {
        rsys_close(fd);
        return rsys_call_done(call, number < 0 ? number : -EIO);
    }
    rsys_request_start(&request, RSYS_OP_PLACEHOLDER, args);
    rsys_guest_post(call->guest, &request);
    rsys_request_free(&request);
    return rsys_call_place_local(call, number, fd, flags);
}

static enum verdict home_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int own = (int)call->own.word[0];
    call->on_drop = NULL;
    if (reply->result >= 0)
        return rsys_call_place_local(call, reply->result, own, (unsigned)call->own.word[1]);
    rsys_close(own);
    return rsys_call_done(call, reply->result);
}

static void home_drop(struct call *call) { rsys_close((int)call->own.word[0]); }

enum verdict rsys_call_bring_home(struct call *call, int fd, unsigned flags)
{
    const uint64_t args[6] = {0, flags & RSYS_FD_CLOEXEC ? O_CLOEXEC : 0};
    rsys_call_is_short(call);
    call->own.word[0] = (uint64_t)fd;
    call->own.word[1] = flags;
    call->on_reply = home_reply;
    call->on_drop = home_drop;
    rsys_request_start(&call->request, RSYS_OP_PLACEHOLDER, args);
    enum verdict verdict = rsys_call_send(call);
    if (verdict != VERDICT_SENT) {
        call->on_drop = NULL;
        rsys_close(fd);
    }
    return verdict;
}

/* ---- without a round trip ---- */

/* Whether nobody but the call's own thread can see the descriptor table change. */
static bool table_is_private(const struct call *call) { return call->guest->process->threads == 1 && table_of(call)->users == 1; }

/* Have the executor do to placeholders what the guest's kernel is about to do to local descriptors. */
static bool post(struct call *call, uint16_t nr, const uint64_t args[6])
{
    rsys_request_start(&call->request, nr, args);
    return rsys_guest_post(call->guest, &call->request) == 0;
}

/* ---- close ---- */

enum verdict rsys_handle_CLOSE(struct call *call)
{
    rsys_fd_closed(table_of(call), (int)call->args[0]);
    if (rsys_fd_is_local(table_of(call), (int64_t)call->args[0])) {
        if (table_is_private(call) && post(call, SYS_close, (uint64_t[6]){(uint32_t)call->args[0]})) {
            rsys_fd_clear_local(table_of(call), (int)call->args[0]);
            return rsys_call_pass_once(call);
        }
        /* Here first: once the placeholder is closed, another thread of the guest may be given the number. */
        int failed = rsys_call_drop_local(call, (int)call->args[0]);
        if (failed < 0)
            return rsys_call_done(call, interrupted(failed));
    }
    return rsys_call_forward(call);
}

/* The executor has closed or marked its descriptors and placeholders in the range: the same for the local ones. */
static enum verdict range_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct process *process = call->guest->process;
    uint32_t first = (uint32_t)call->args[0], flags = (uint32_t)call->args[2];
    uint32_t last = RSYS_MIN((uint32_t)call->args[1], limit_of(call) - 1);
    bool native = false;
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    if ((flags & CLOSE_RANGE_UNSHARE) && process->fds->users > 1) {
        if (rsys_fdtable_unshare(&process->fds) < 0)
            return rsys_call_done(call, -ENOMEM);
        native = true; /* the guest's kernel has to unshare its table too */
    }
    for (uint32_t fd = first; fd <= last; fd++) {
        if (flags & CLOSE_RANGE_CLOEXEC)
            rsys_fd_marked(process->fds, fd, true);
        else
            rsys_fd_closed(process->fds, fd);
        if (!rsys_fd_is_local(process->fds, fd))
            continue;
        if (flags & CLOSE_RANGE_CLOEXEC) {
            rsys_fd_set_local(process->fds, (int)fd, rsys_fd_flags(process->fds, fd) | RSYS_FD_CLOEXEC);
            native = true;
        } else if (native) {
            rsys_fd_clear_local(process->fds, (int)fd);
        } else {
            int failed = rsys_call_drop_local(call, (int)fd);
            if (failed < 0)
                return rsys_call_done(call, interrupted(failed));
        }
    }
    if (native)
        return VERDICT_CONTINUE; /* numbers only: the guest's own kernel does to its table what has been done to the executor's */
    return rsys_call_done(call, 0);
}

enum verdict rsys_handle_CLOSE_RANGE(struct call *call)
{
    uint64_t args[6] = {(uint32_t)call->args[0], (uint32_t)call->args[1], (uint32_t)call->args[2]};
    struct process *process = call->guest->process;
    if (args[0] > args[1] || (args[2] & ~(uint64_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
        return rsys_call_done(call, -EINVAL);
    /* The table would become that of one thread, while tables are kept for processes. */
    if ((args[2] & CLOSE_RANGE_UNSHARE) && process->threads > 1)
        return rsys_call_done(call, -EINVAL);
    if (rsys_fd_is_beyond(call, args[0])) {
        if (!(args[2] & CLOSE_RANGE_UNSHARE))
            return rsys_call_done(call, 0);
        return rsys_call_done(call, -EINVAL);
    }
    args[1] = RSYS_MIN(args[1], (uint64_t)limit_of(call) - 1);
    call->on_reply = range_reply;
    return rsys_call_forward_args(call, args);
}

/* ---- fcntl and ioctl that go as they are ---- */

enum verdict rsys_call_subcall(struct call *call, const struct rsys_subcall *sub)
{
    struct rsys_call row = rsys_subcall_row(call->row, sub);
    if (!(sub->flags & RSYS_SUBCALL_BLOCKS))
        rsys_call_is_short(call);
    int failed = rsys_encode_call(&call->request, &row, call->args, rsys_guest_memory(call->guest));
    return failed < 0 ? rsys_call_done(call, failed) : rsys_call_send(call);
}

/* ---- dup ---- */

/* own.word: the old descriptor, whether the new one is close-on-exec. */
static enum verdict dup_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int64_t number = reply->result, old = (int64_t)call->own.word[0];
    if (number < 0 || number == old)
        return rsys_call_done(call, number);
    if (rsys_fd_is_beyond(call, (uint64_t)number))
        return rsys_call_done(call, -EIO);
    rsys_fd_closed(table_of(call), number); /* what was there */
    rsys_fd_duplicated(table_of(call), old, number, call->own.word[1] != 0);
    if (rsys_fd_is_local(table_of(call), old)) {
        int own = rsys_guest_get_fd(call->guest, (int)old);
        if (own >= 0)
            return rsys_call_place_local(call, number, own, (rsys_fd_flags(table_of(call), old) & RSYS_FD_SESSION) | (call->own.word[1] ? RSYS_FD_CLOEXEC : 0u));
        rsys_call_post_close(call, number);
        return rsys_call_done(call, interrupted(own));
    }
    if (!rsys_fd_is_local(table_of(call), number))
        return rsys_call_done(call, number);
    /* A remote one has taken the place of a local one. */
    int failed = rsys_call_drop_local(call, (int)number);
    return rsys_call_done(call, failed < 0 ? interrupted(failed) : number);
}

/* Duplicate `old` by the call's own means (fcntl's: sub), which give a new number; `over`: the number that it will be, or -1. */
static enum verdict duplicate(struct call *call, uint32_t old, int64_t over, bool cloexec, const struct rsys_subcall *sub)
{
    struct fdtable *fds = table_of(call);
    rsys_call_is_short(call);
    if (rsys_fd_is_local(fds, old) || (over >= 0 && rsys_fd_is_local(fds, over)) || fds->epoll_ops != NULL) {
        call->own.word[0] = old;
        call->own.word[1] = cloexec;
        call->on_reply = dup_reply;
    }
    return sub != NULL ? rsys_call_subcall(call, sub) : rsys_call_forward(call);
}

enum verdict rsys_handle_DUP(struct call *call)
{
    struct fdtable *fds = table_of(call);
    int64_t over = call->row->nr == SYS_dup ? -1 : (int64_t)(uint32_t)call->args[1];
    bool cloexec = call->row->nr == SYS_dup3 && (call->args[2] & O_CLOEXEC);
    /* Both are open, so it cannot fail: but for flags, for equal numbers, and for a limit that a guest has lowered since. */
    if (over >= 0 && rsys_fd_is_local(fds, over) && rsys_fd_is_local(fds, (int64_t)call->args[0]) && (uint32_t)call->args[0] != over &&
        (call->row->nr == SYS_dup2 || (call->args[2] & ~(uint64_t)O_CLOEXEC) == 0) && table_is_private(call) &&
        !rsys_jail_session(call->guest->process->jail)->nofile_differs && post(call, (uint16_t)call->nr, call->args)) {
        rsys_fd_closed(fds, over);
        rsys_fd_duplicated(fds, (int32_t)call->args[0], over, cloexec);
        rsys_fd_set_local(fds, (int)over, (rsys_fd_flags(fds, (int64_t)call->args[0]) & RSYS_FD_SESSION) | (cloexec ? RSYS_FD_CLOEXEC : 0u));
        return rsys_call_pass_once(call);
    }
    return duplicate(call, (uint32_t)call->args[0], over, cloexec, NULL);
}

/* ---- fcntl ---- */

static void mark(struct call *call, bool cloexec)
{
    struct fdtable *fds = table_of(call);
    unsigned flags = rsys_fd_flags(fds, (int64_t)call->args[0]) & ~(unsigned)RSYS_FD_CLOEXEC;
    rsys_fd_set_local(fds, (int)call->args[0], flags | (cloexec ? RSYS_FD_CLOEXEC : 0u)); /* it is in the table: nothing grows */
}

/* The placeholder has its flag: now the local descriptor. */
static enum verdict setfd_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    mark(call, call->own.word[0] != 0);
    return VERDICT_CONTINUE;
}

enum verdict rsys_call_set_cloexec(struct call *call, bool cloexec)
{
    const uint64_t args[6] = {(uint32_t)call->args[0], F_SETFD, cloexec ? FD_CLOEXEC : 0};
    rsys_call_is_short(call);
    if (table_is_private(call) && post(call, SYS_fcntl, args)) {
        mark(call, cloexec);
        return rsys_call_pass_once(call);
    }
    call->own.word[0] = cloexec;
    call->on_reply = setfd_reply;
    rsys_request_start(&call->request, SYS_fcntl, args);
    return rsys_call_send(call);
}

/* Executors have the guests' pids, but process groups are the client's alone. */
int64_t rsys_call_owner(int32_t pid)
{
    if (pid < 0)
        return -EINVAL;
    return rsys_is_supervisor((uint64_t)pid) ? -ESRCH : 0;
}

int64_t rsys_call_owner_signal(uint64_t signal)
{
    return signal == 0 || (signal <= 64 && (RSYS_SIGNALS_TOLD >> (signal - 1) & 1)) ? 0 : -EINVAL;
}

/* F_SETOWN, F_SETOWN_EX, F_SETSIG of a remote descriptor. */
static enum verdict set_owner(struct call *call, const struct rsys_subcall *sub)
{
    struct f_owner_ex owner = {.pid = (pid_t)call->args[2]};
    int64_t failed;
    if (sub->nr == F_SETOWN_EX && rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &owner, sizeof owner) < 0)
        return rsys_call_done(call, -EFAULT);
    if (sub->nr == F_SETSIG)
        failed = rsys_call_owner_signal((uint32_t)call->args[2]);
    else
        failed = owner.type == F_OWNER_PGRP ? -EINVAL : rsys_call_owner(owner.pid);
    if (failed < 0)
        return rsys_call_done(call, failed);
    if (sub->nr != F_SETOWN_EX)
        return rsys_call_subcall(call, sub);
    /* As it was looked at. */
    rsys_call_is_short(call);
    rsys_request_start(&call->request, SYS_fcntl, call->args);
    int64_t at = rsys_request_in(&call->request, 2, &owner, sizeof owner);
    return at < 0 ? rsys_call_done(call, at) : rsys_call_send(call);
}

enum verdict rsys_handle_FCNTL(struct call *call)
{
    const struct rsys_subcall *sub = rsys_fcntl_by_number(call->args[1]);
    struct fdtable *fds = table_of(call);
    if (sub == NULL || sub->refusal != 0)
        return rsys_call_done(call, sub == NULL ? -EINVAL : -(int64_t)sub->refusal);
    bool local = rsys_fd_is_local(fds, (int64_t)call->args[0]);
    switch (sub->nr) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(call, (uint32_t)call->args[0], -1, sub->nr == F_DUPFD_CLOEXEC, sub);
    case F_SETFD:
        rsys_fd_marked(fds, (int32_t)call->args[0], (call->args[2] & FD_CLOEXEC) != 0);
        if (local)
            return rsys_call_set_cloexec(call, (call->args[2] & FD_CLOEXEC) != 0);
        break;
    case F_SETOWN:
    case F_SETOWN_EX:
    case F_SETSIG:
        if (!local)
            return set_owner(call, sub);
        break;
    case F_DUPFD_QUERY:
        if (rsys_fd_is_beyond(call, call->args[2]))
            return rsys_call_done(call, -EBADF);
        if (local != rsys_fd_is_local(fds, (int64_t)call->args[2]))
            return rsys_call_done(call, 0); /* of different homes: not the same open file */
        break;
    default:
        break;
    }
    /* Local: the command is a number, and its third argument is for the guest's own descriptor alone. */
    return local ? VERDICT_CONTINUE : rsys_call_subcall(call, sub);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-ipc.c: pipe, pipe2, socketpair, eventfd, eventfd2, timerfd_create: descriptors of no name, on the server or, where the policy says so, here.
 *
 * Placed locally, the supervisor makes them and puts them into the guest's table at numbers that the executor gives (one round trip, also for a
 * pair), and keeps nothing: what closes an end is the guest's own kernel, and so are the end of file, SIGPIPE and whatever else follows. */
#include "src/jail/calls-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "src/core/util.h"

/* ---- remote pairs ---- */

static enum verdict pair_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int failed = rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)), pair[2];
    if (failed < 0 || reply->result < 0)
        return rsys_call_done(call, failed < 0 ? failed : reply->result);
    memcpy(pair, &call->own.word[0], sizeof pair);
    if (rsys_memory_write(rsys_guest_memory(call->guest), call->own.word[1], pair, sizeof pair) == 0)
        return rsys_call_done(call, reply->result);
    /* The guest has not been told of them, so it could never close them. */
    rsys_call_post_close(call, pair[0]);
    rsys_call_post_close(call, pair[1]);
    return rsys_call_done(call, -EFAULT);
}

static enum verdict pair_remote(struct call *call, int array)
{
    uint64_t args[6] = {0};
    memcpy(args, call->args, call->row->nargs * sizeof args[0]);
    call->own.word[0] = UINT64_MAX;
    call->own.word[1] = args[array];
    call->on_reply = pair_reply;
    rsys_request_start(&call->request, call->row->nr, args);
    int64_t at = rsys_request_out(&call->request, array, 2 * sizeof(int), RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = &call->own.word[0]});
    return at < 0 ? rsys_call_done(call, at) : rsys_call_send(call);
}

/* ---- local pairs: own.word has both ends, their flags and the address of the guest's array ---- */

static void local_pair_drop(struct call *call)
{
    rsys_close((int)call->own.word[0]);
    rsys_close((int)call->own.word[1]);
}

static enum verdict local_pair_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    /* The numbers are the server's word: rsys_call_place_local() refuses those that no guest can have. */
    const int32_t numbers[2] = {(int32_t)(reply->result & 0x7fffffff), (int32_t)(reply->result >> 32)};
    const unsigned flags = (unsigned)call->own.word[2];
    RSYS_AUTO_FD first = (int)call->own.word[0];
    RSYS_AUTO_FD second = (int)call->own.word[1];
    call->on_drop = NULL;
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    if (rsys_memory_write(rsys_guest_memory(call->guest), call->own.word[3], numbers, sizeof numbers) < 0) {
        rsys_call_post_close(call, numbers[0]);
        rsys_call_post_close(call, numbers[1]);
        return rsys_call_done(call, -EFAULT);
    }
    rsys_call_place_local(call, numbers[0], rsys_fd_steal(&first), flags);
    if (call->result < 0) {
        rsys_call_post_close(call, numbers[1]);
        return VERDICT_DONE;
    }
    rsys_call_place_local(call, numbers[1], rsys_fd_steal(&second), flags);
    if (call->result < 0) {
        int64_t failed = call->result;
        if (rsys_call_drop_local(call, numbers[0]) < 0) /* interrupted: the end stays in the guest's table, as a tombstone would */
            rsys_fd_clear_local(call->guest->process->fds, numbers[0]);
        rsys_call_post_close(call, numbers[0]);
        return rsys_call_done(call, failed);
    }
    return rsys_call_done(call, 0);
}

/* The call, made here.  0 or -errno. */
static int make_pair(const struct call *call, int ends[2])
{
    int flags = call->nr == SYS_pipe2 ? (int)call->args[1] : 0;
    switch (call->nr) {
    case SYS_socketpair:
        if ((int)call->args[0] != AF_UNIX) /* no other family that guests may use has pairs */
            return (int)call->args[0] == AF_INET || (int)call->args[0] == AF_INET6 || (int)call->args[0] == AF_NETLINK ? -EOPNOTSUPP : -EAFNOSUPPORT;
        return socketpair(AF_UNIX, (int)call->args[1] | SOCK_CLOEXEC, (int)call->args[2], ends) < 0 ? -errno : 0;
    default:
        if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) /* O_NOTIFICATION_PIPE tells of keys */
            return -EINVAL;
        return pipe2(ends, flags | O_CLOEXEC) < 0 ? -errno : 0;
    }
}

static enum verdict pair_local(struct call *call, int array)
{
    uint64_t asked = call->nr == SYS_pipe2 || call->nr == SYS_socketpair ? call->args[1] : 0; /* SOCK_CLOEXEC is O_CLOEXEC */
    unsigned flags = RSYS_FD_SESSION | (asked & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u);
    int ends[2], failed = make_pair(call, ends);
    if (failed < 0)
        return rsys_call_done(call, failed);
    call->own.word[0] = (uint64_t)ends[0];
    call->own.word[1] = (uint64_t)ends[1];
    call->own.word[2] = flags;
    call->own.word[3] = call->args[array];
    call->on_reply = local_pair_reply;
    call->on_drop = local_pair_drop;
    rsys_request_start(&call->request, RSYS_OP_PLACEHOLDER, (uint64_t[6]){0, asked & O_CLOEXEC, 2});
    enum verdict verdict = rsys_call_send(call);
    if (verdict != VERDICT_SENT) {
        call->on_drop = NULL;
        local_pair_drop(call);
    }
    return verdict;
}

enum verdict rsys_handle_SOCKETPAIR(struct call *call)
{
    int array = call->nr == SYS_socketpair ? 3 : 0;
    return call->placed == RSYS_ACTION_LOCAL ? pair_local(call, array) : pair_remote(call, array);
}

/* ---- one descriptor ---- */

enum verdict rsys_handle_NEWFD(struct call *call)
{
    int fd;
    uint64_t asked = call->nr == SYS_eventfd ? 0 : call->args[1]; /* EFD_CLOEXEC and TFD_CLOEXEC are O_CLOEXEC */
    if (call->placed != RSYS_ACTION_LOCAL)
        return rsys_call_forward(call);
    if (call->nr == SYS_timerfd_create)
        fd = timerfd_create((int)call->args[0], (int)asked | TFD_CLOEXEC);
    else
        fd = eventfd((unsigned)call->args[0], (int)asked | EFD_CLOEXEC);
    return fd < 0 ? rsys_call_done(call, -errno) : rsys_call_bring_home(call, fd, RSYS_FD_SESSION | (asked & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u));
}

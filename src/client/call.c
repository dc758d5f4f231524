/* SPDX-License-Identifier: GPL-2.0-only */
/* call.c: one call, by the table: whether it is made here at all, its requests, its result.
 *
 * Everything that a descriptor can be is on the server, so most of what rsys-jail has a handler for (to keep two homes in order) needs nothing here but its shapes. */
#include "src/client/internal.h"

#include "src/core/report.h"
#include "src/core/sockopts.h"
#include "src/core/subcalls.h"
#include "src/core/transfer.h"
#include "src/core/util.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Newer than Debian 12's headers. */
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027
#endif

/* How the calls of a handler are made. */
enum by {
    BY_NONE = 0,  /* not at all: they are about memory, processes and signals, which are the program's own, or have structs that no shape tells */
    BY_SHAPES,
    BY_TRANSFER,
    BY_SUBCALL,
    BY_OWN,       /* a function here */
};
static const uint8_t by[RSYS_HANDLERS] = {
    [RSYS_HANDLER_REGULAR] = BY_SHAPES, [RSYS_HANDLER_CLOSE] = BY_SHAPES, [RSYS_HANDLER_DUP] = BY_SHAPES, [RSYS_HANDLER_RESIZE] = BY_SHAPES,
    [RSYS_HANDLER_SYNC] = BY_SHAPES, [RSYS_HANDLER_EPOLL] = BY_SHAPES, [RSYS_HANDLER_CREDS] = BY_SHAPES, [RSYS_HANDLER_SETCREDS] = BY_SHAPES,
    [RSYS_HANDLER_SENDFILE] = BY_SHAPES, [RSYS_HANDLER_CWD] = BY_SHAPES, [RSYS_HANDLER_GETDENTS] = BY_SHAPES, [RSYS_HANDLER_MSG] = BY_TRANSFER,
    [RSYS_HANDLER_SOCKETPAIR] = BY_SHAPES, [RSYS_HANDLER_NEWFD] = BY_SHAPES, [RSYS_HANDLER_STATFD] = BY_SHAPES, [RSYS_HANDLER_CHROOT] = BY_SHAPES,
    [RSYS_HANDLER_CAPGET] = BY_SHAPES,
    [RSYS_HANDLER_READ] = BY_TRANSFER, [RSYS_HANDLER_WRITE] = BY_TRANSFER, [RSYS_HANDLER_READV] = BY_TRANSFER, [RSYS_HANDLER_WRITEV] = BY_TRANSFER,
    [RSYS_HANDLER_FCNTL] = BY_SUBCALL, [RSYS_HANDLER_IOCTL] = BY_SUBCALL,
    [RSYS_HANDLER_POLL] = BY_OWN, [RSYS_HANDLER_CLOSE_RANGE] = BY_OWN, [RSYS_HANDLER_SOCKOPT] = BY_OWN,
};

void guard_enter(struct guard *guard)
{
    guard->error = errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard->cancel);
}

void guard_leave(struct guard *guard)
{
    pthread_setcancelstate(guard->cancel, NULL);
    errno = guard->error;
}

int call_check(struct rsys_session *session, uint64_t nr, const uint64_t args[6])
{
    const struct rsys_call *row = rsys_call_by_number(nr);
    struct channel *channel;
    if (row == NULL || row->where == RSYS_LOCAL)
        return -ENOSYS;
    struct rsys_decision decision = rsys_rules_judge(&session->rules, nr, args);
    if (((decision.action >= RSYS_ACTION_DENY && !decision.table) || decision.logged) && thread_channel(session, &channel) == 0 &&
        rsys_report(&channel->request, session->reports, nr, args) && channel_post(channel, &channel->request) < 0)
        session_fail(session, ECONNRESET);
    switch (decision.action) {
    case RSYS_ACTION_REMOTE:
        return by[row->handler] != BY_NONE ? 0 : -ENOSYS;
    case RSYS_ACTION_DENY:
        return -(int)decision.error;
    case RSYS_ACTION_LOCAL:
        return -ENOSYS; /* the policy has it on the client, where a session has nothing */
    default:
        return -EPERM; /* a signal, or the end of all descriptors, is what a guest would get */
    }
}

static bool has_address(const struct rsys_call *row)
{
    for (unsigned i = 0; i < row->nargs; i++)
        if (row->args[i].shape == RSYS_ARG_ADDRESS)
            return true;
    return false;
}

/* Requests that rsys-jail has handlers for because descriptors have two homes there.  The others that it has are a matter of signals, or of structs with pointers. */
static bool is_plain(uint64_t nr, uint32_t request)
{
    static const uint32_t fcntls[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_DUPFD_QUERY, F_SETFD}, ioctls[] = {FIOCLEX, FIONCLEX, FICLONE};
    const uint32_t *list = nr == SYS_fcntl ? fcntls : ioctls;
    for (size_t i = 0; i < (nr == SYS_fcntl ? RSYS_ARRAY_SIZE(fcntls) : RSYS_ARRAY_SIZE(ioctls)); i++)
        if (list[i] == request)
            return true;
    return false;
}

const struct rsys_call *call_shapes(uint64_t nr, const uint64_t args[6], struct rsys_call *scratch, int *ret_error)
{
    const struct rsys_call *row = rsys_call_by_number(nr);
    const struct rsys_subcall *sub;
    *ret_error = -ENOSYS;
    switch (by[row->handler]) {
    case BY_SHAPES:
    case BY_TRANSFER: /* when it fits, which who asks has to see to */
        return has_address(row) ? NULL : row;
    case BY_SUBCALL:
        sub = nr == SYS_fcntl ? rsys_fcntl_by_number(args[1]) : rsys_ioctl_by_number(args[1]);
        if (sub == NULL || sub->refusal != 0 || ((sub->flags & RSYS_SUBCALL_HANDLED) != 0 && !is_plain(nr, sub->nr))) {
            *ret_error = sub != NULL && sub->refusal != 0 ? -(int)sub->refusal : nr == SYS_fcntl ? -EINVAL : -ENOTTY;
            return NULL;
        }
        *scratch = rsys_subcall_row(row, sub);
        return scratch;
    case BY_OWN: /* a value of bytes is told by the shapes; what is asked for is not, poll(2)'s array is not */
        return nr == SYS_setsockopt && rsys_sockopt_find(true, args[1], args[2]) == NULL && args[4] <= RSYS_SOCKOPT_MAX ? row : NULL;
    default:
        return NULL;
    }
}

/* The server's word for how much it has stored, against what there was room for: the program takes it for the length of what is in its buffer.  (None was asked for where the
 * room is 0, and a datagram's own length may be more.) */
static bool result_fits(const struct rsys_request *request, int64_t result)
{
    uint64_t nr = request->head.nr;
    if (result < -4095)
        return false;
    bool truncates = (nr == SYS_recvfrom && (request->head.args[3] & MSG_TRUNC) != 0) || (nr == SYS_recvmsg && (request->head.args[2] & MSG_TRUNC) != 0);
    for (uint32_t i = 0; i < request->head.outs && !truncates; i++)
        if (request->outs[i].how == RSYS_OUT_RESULT && request->outs[i].length > 0 && result > (int64_t)(request->outs[i].length / request->outs[i].unit))
            return false;
    return true;
}

int64_t call_finish(struct rsys_session *session, struct rsys_request *request, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int failed = result_fits(request, reply->result) ? rsys_request_finish(request, reply, data, &rsys_memory_own) : -EPROTO;
    if (failed == -EPROTO)
        return session_fail(session, EPROTO);
    return failed < 0 ? failed : reply->result;
}

int64_t call_exchange(struct rsys_session *session, struct channel *channel, enum channel_patience patience)
{
    struct rsys_wire_reply reply;
    const uint8_t *data;
    int failed = channel_exchange(session, channel, &channel->request, patience, &reply, &data);
    return failed < 0 ? failed : call_finish(session, &channel->request, &reply, data);
}

int64_t call_by_shapes(struct rsys_session *session, struct channel *channel, const struct rsys_call *row, const uint64_t args[6])
{
    int failed = rsys_encode_call(&channel->request, row, args, &rsys_memory_own);
    if (failed < 0)
        return failed;
    rsys_request_fence(&channel->request, row, session->welcome.nofile);
    return call_exchange(session, channel, channel_patience_of(row));
}

static int64_t make_transfer(struct rsys_session *session, struct channel *channel, const struct rsys_call *row, const uint64_t args[6])
{
    struct iovec few[8], *vector = few;
    struct rsys_transfer transfer;
    if ((uint32_t)args[0] >= session->welcome.nofile)
        return -EBADF;
    int64_t entries = rsys_transfer_entries(row->nr, args);
    if (entries < 0)
        return entries;
    if (entries > (int64_t)RSYS_ARRAY_SIZE(few) && (vector = malloc((size_t)entries * sizeof *vector)) == NULL)
        return -ENOMEM;
    int64_t error = rsys_transfer_start(&transfer, vector, row->nr, args, &rsys_memory_own, &channel->request);
    enum rsys_transfer_step step = error == 0 ? RSYS_TRANSFER_MORE : RSYS_TRANSFER_OVER;
    if (error > 0)
        error = call_exchange(session, channel, channel_patience_of(row));
    while (step == RSYS_TRANSFER_MORE) {
        struct rsys_wire_reply reply;
        const uint8_t *data;
        step = RSYS_TRANSFER_OVER;
        error = rsys_transfer_request(&transfer, &channel->request, &rsys_memory_own);
        if (error == 0)
            error = channel_exchange(session, channel, &channel->request, channel_patience_of(row), &reply, &data);
        if (error == 0)
            step = rsys_transfer_reply(&transfer, &channel->request, &reply, data, &rsys_memory_own, &error);
    }
    if (step == RSYS_TRANSFER_BACK && channel_post(channel, &channel->request) < 0)
        session_fail(session, ECONNRESET);
    if (vector != few)
        free(vector);
    return rsys_transfer_result(&transfer, error);
}

/* poll(2), and ppoll(2) without a mask: signals are the program's, and their mask cannot be swapped on the server. */
static int64_t make_poll(struct rsys_session *session, struct channel *channel, const struct rsys_call *row, const uint64_t args[6])
{
    struct rsys_request *request = &channel->request;
    uint64_t count = args[1];
    if (row->nr != SYS_poll)
        return -ENOSYS;
    if (count > session->welcome.nofile)
        return -EINVAL; /* as the kernel has it by RLIMIT_NOFILE */
    rsys_request_start(request, (uint16_t)row->nr, args);
    int64_t at = rsys_request_in_guest(request, 0, &rsys_memory_own, args[0], count * sizeof(struct pollfd));
    if (at < 0)
        return at;
    struct pollfd *fds = (struct pollfd *)(void *)(request->in + at);
    for (uint64_t i = 0; i < count; i++)
        if (fds[i].fd >= (int)session->welcome.nofile)
            fds[i].fd = INT32_MAX; /* no descriptor: not one of the executor's own either */
    for (uint64_t i = 0; i < count; i++) {
        /* revents alone come back. */
        fds[i].revents = 0;
    }
    at = rsys_request_out_at(request, (uint32_t)at, count * sizeof *fds, RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){0});
    struct rsys_wire_reply reply;
    const uint8_t *data;
    int64_t failed = at < 0 ? at : channel_exchange(session, channel, request, channel_patience_of(row), &reply, &data);
    if (failed == 0)
        failed = call_finish(session, request, &reply, data);
    for (uint64_t i = 0; i < count && failed >= 0; i++) {
        uint64_t to = args[0] + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents);
        if (rsys_memory_write(&rsys_memory_own, to, data + 4 + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents), sizeof(short)) < 0)
            return -EFAULT;
    }
    return failed;
}

/* What lies above the limit is the executor's own. */
static int64_t make_close_range(struct rsys_session *session, struct channel *channel, const struct rsys_call *row, const uint64_t args[6])
{
    uint64_t cut[6] = {(uint32_t)args[0], RSYS_MIN((uint64_t)(uint32_t)args[1], session->welcome.nofile - UINT64_C(1)), args[2]};
    if ((uint32_t)args[0] > (uint32_t)args[1] || (args[2] & ~(uint64_t)4) != 0) /* CLOSE_RANGE_CLOEXEC alone: threads share the table */
        return -EINVAL;
    if (cut[0] > cut[1])
        return 0;
    rsys_request_start(&channel->request, row->nr, cut);
    return call_exchange(session, channel, CHANNEL_PATIENT);
}

/* What has pointers in it would have the server's kernel follow the program's addresses in the memory of its executor. */
static int64_t make_sockopt(struct rsys_session *session, struct channel *channel, const struct rsys_call *row, const uint64_t args[6])
{
    const struct rsys_sockopt *option = rsys_sockopt_find(row->nr == SYS_setsockopt, args[1], args[2]);
    uint64_t cut[6];
    if (option != NULL)
        return -(int64_t)(option->refusal != 0 ? option->refusal : ENOPROTOOPT);
    if ((uint32_t)args[0] >= session->welcome.nofile)
        return -EBADF;
    if (row->nr == SYS_getsockopt && args[3] != 0 && args[4] != 0) {
        int64_t failed = rsys_encode_getsockopt(&channel->request, args, &rsys_memory_own);
        return failed < 0 ? failed : call_exchange(session, channel, CHANNEL_PATIENT);
    }
    if (row->nr == SYS_setsockopt && (int32_t)args[4] < 0)
        return -EINVAL;
    memcpy(cut, args, sizeof cut);
    cut[4] = RSYS_MIN((uint64_t)(uint32_t)args[4], (uint64_t)RSYS_SOCKOPT_MAX);
    return call_by_shapes(session, channel, row, row->nr == SYS_setsockopt ? cut : args);
}

int64_t call_make(struct rsys_session *session, uint64_t nr, const uint64_t args[6])
{
    const struct rsys_call *row = rsys_call_by_number(nr);
    struct rsys_call scratch;
    struct channel *channel;
    int64_t failed = call_check(session, nr, args);
    if (failed == 0)
        failed = thread_channel(session, &channel);
    if (failed < 0)
        return failed;
    if (row->handler == RSYS_HANDLER_MSG)
        return call_message(session, channel, row, args);
    if (by[row->handler] == BY_TRANSFER)
        return make_transfer(session, channel, row, args);
    if (row->handler == RSYS_HANDLER_POLL)
        return make_poll(session, channel, row, args);
    if (row->handler == RSYS_HANDLER_CLOSE_RANGE)
        return make_close_range(session, channel, row, args);
    if (row->handler == RSYS_HANDLER_SOCKOPT)
        return make_sockopt(session, channel, row, args);
    int error;
    row = call_shapes(nr, args, &scratch, &error);
    return row == NULL ? error : call_by_shapes(session, channel, row, args);
}

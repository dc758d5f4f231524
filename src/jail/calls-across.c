/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-across.c: sendfile, splice and tee between a local descriptor and a remote one, piece by piece through the supervisor.
 *
 * To the server, what a pipe or a socket holds is looked at first, written there, and taken out when it has been: a signal or an error in between
 * loses nothing.  (Another reader of the same pipe may get the same bytes in between.)  To the client, no more is read than there is room for; what another
 * writer has taken the room of meanwhile is owed, and the call goes on until it is delivered.
 *
 * The supervisor must not block: terminals and devices, which cannot be written to without that risk, are EINVAL, and programs read and write instead. */
#include "src/core/util.h"
#include "src/jail/calls-io.h"
#include "src/jail/internal.h"
#include "src/jail/view.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define ERESTARTSYS 512
#define PIECE 65536u
#define PAGE 4096u

/* In call->own; the first two words are wait.c's.  What is owed lies in call->scratch. */
struct across {
    uint64_t waits, hurried;
    uint64_t done;
    uint64_t position; /* of the file whose offset the guest gave */
    uint64_t address;  /* of that offset, 0: none */
    uint32_t mode;     /* of the local descriptor */
    int32_t local;     /* a duplicate of it */
    uint32_t owed;
    bool to_local, watched, remote_positioned, nowait;
};
_Static_assert(sizeof(struct across) <= sizeof(((struct call *)NULL)->own), "it has to fit the call");

static struct across *across_of(struct call *call) { return (struct across *)(void *)&call->own; }

/* ---- arguments ---- */

static bool is_sendfile(const struct call *call) { return call->nr == __NR_sendfile; }

static uint64_t remote_fd(const struct call *call, bool to_local)
{
    int in = is_sendfile(call) ? 1 : 0, out = is_sendfile(call) ? 0 : call->nr == __NR_tee ? 1 : 2;
    return call->args[to_local ? in : out];
}

static uint64_t length_of(const struct call *call)
{
    return RSYS_MIN(call->args[is_sendfile(call) ? 3 : call->nr == __NR_tee ? 2 : 4], (uint64_t)0x7ffff000);
}

static uint64_t flags_of(const struct call *call) { return is_sendfile(call) ? 0 : call->args[call->nr == __NR_tee ? 3 : 5]; }

/* ---- the end ---- */

static void drop(struct call *call)
{
    struct across *a = across_of(call);
    if (a->watched)
        rsys_wait_unwatch(call->guest, a->local);
    a->watched = false;
    rsys_close(a->local);
    a->local = -1;
    rsys_call_hurried_over(call);
}

static enum verdict end(struct call *call, int64_t error)
{
    struct across *a = across_of(call);
    int64_t result = a->done > 0 ? (int64_t)a->done : error;
    drop(call);
    call->on_drop = NULL;
    a->waits = 0;
    if (a->address != 0 && result >= 0 && rsys_memory_write(rsys_guest_memory(call->guest), a->address, &a->position, sizeof a->position) < 0)
        result = -EFAULT;
    return a->to_local || a->done == 0 ? rsys_call_done(call, result) : rsys_view_changed(call, (int)remote_fd(call, false), result);
}

static enum verdict send_on(struct call *call, enum verdict (*on_reply)(struct call *, const struct rsys_wire_reply *, const uint8_t *))
{
    call->on_reply = on_reply;
    call->on_drop = drop;
    enum verdict verdict = rsys_call_send(call);
    return verdict == VERDICT_SENT ? verdict : end(call, call->result);
}

static enum verdict go_on(struct call *call);

static void moved(struct across *a, uint64_t n)
{
    a->done += n;
    a->position += n;
}

/* ---- waiting for the local side ---- */

/* It is ready now, or a signal has come. */
static enum verdict on_ready(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct across *a = across_of(call);
    bool hurried = a->hurried;
    a->hurried = 0;
    rsys_call_hurried_over(call);
    rsys_wait_unwatch(call->guest, a->local);
    a->watched = false;
    return hurried || a->owed > 0 ? go_on(call) : end(call, -ERESTARTSYS);
}

/* A remote wait for nothing, which the loop cancels when the local side is ready, or a signal does. */
static enum verdict wait_local(struct call *call)
{
    struct across *a = across_of(call);
    if (a->done > 0 && a->owed == 0)
        return end(call, 0);
    if (a->owed == 0 && ((fcntl(a->local, F_GETFL) & O_NONBLOCK) || (flags_of(call) & SPLICE_F_NONBLOCK)))
        return end(call, -EAGAIN);
    if (rsys_wait_watch(call->guest, a->local, a->to_local ? EPOLLOUT : EPOLLIN) < 0)
        return end(call, -ENOMEM);
    a->watched = true;
    a->waits = RSYS_WAITS;
    rsys_request_start(&call->request, __NR_ppoll, (uint64_t[6]){0});
    return send_on(call, on_ready);
}

/* ---- local pipes ----
 *
 * Their descriptors may be set to block, and RWF_NOWAIT is refused once a pipe has been spliced: so data goes through a pipe of our own, by
 * calls that take SPLICE_F_NONBLOCK.  It is empty whenever none of these functions runs. */

static int between[2] = {-1, -1};

static int open_between(void) { return between[0] < 0 && pipe2(between, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0; }

/* The bytes written, or -errno. */
static int64_t pipe_write(int fd, const uint8_t *data, size_t n)
{
    uint8_t rest[PAGE];
    if (open_between() < 0)
        return -errno;
    ssize_t held = write(between[1], data, RSYS_MIN(n, (size_t)PIECE));
    if (held < 0)
        return -errno;
    ssize_t put = splice(between[0], NULL, fd, NULL, (size_t)held, SPLICE_F_NONBLOCK);
    int64_t result = put < 0 ? -errno : put;
    while (read(between[0], rest, sizeof rest) > 0)
        ;
    return result;
}

/* Look at what is there; or take it.  The bytes, 0 at the end of file, or -errno. */
static int64_t pipe_read(int fd, uint8_t *data, size_t n, bool taken)
{
    if (open_between() < 0)
        return -errno;
    ssize_t got = taken ? splice(fd, NULL, between[1], NULL, n, SPLICE_F_NONBLOCK) : tee(fd, between[1], n, SPLICE_F_NONBLOCK);
    if (got <= 0)
        return got < 0 ? -errno : 0;
    ssize_t have = 0, more = 1;
    for (; have < got && more > 0; have += more)
        more = read(between[0], data + have, (size_t)(got - have));
    return have == got ? got : -EIO;
}

/* ---- from the server ---- */

/* Write what there is room for: the bytes, or -errno (-EAGAIN: no room). */
static int64_t write_some(const struct across *a, const uint8_t *data, size_t n)
{
    struct iovec one = {.iov_base = (void *)(uintptr_t)data, .iov_len = n};
    off_t at = a->address != 0 && !a->remote_positioned ? (off_t)a->position : -1;
    ssize_t put;
    if (S_ISFIFO(a->mode))
        return pipe_write(a->local, data, n);
    if (S_ISSOCK(a->mode))
        put = send(a->local, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        put = pwritev2(a->local, &one, 1, at, 0);
    return put < 0 ? -errno : put;
}

/* Deliver n bytes of call->scratch; the rest of them stays there. */
static enum verdict deliver(struct call *call, uint32_t n)
{
    struct across *a = across_of(call);
    int64_t put = write_some(a, call->scratch, n);
    uint32_t written = put > 0 ? (uint32_t)put : 0;
    moved(a, written);
    a->owed = n - written;
    memmove(call->scratch, (char *)call->scratch + written, a->owed);
    if (put == -EPIPE)
        rsys_signal_raised(call->guest, UINT64_C(1) << (SIGPIPE - 1));
    if (is_sendfile(call) && a->owed > 0) { /* a file, whose own position goes back to what has been taken of it */
        rsys_request_start(&call->request, __NR_lseek, (uint64_t[6]){remote_fd(call, true), -(uint64_t)a->owed, SEEK_CUR});
        if (!a->remote_positioned)
            rsys_guest_post(call->guest, &call->request);
        a->owed = 0;
    }
    if (put < 0 && put != -EAGAIN) {
        a->owed = 0;
        return end(call, put);
    }
    if (a->owed > 0)
        return wait_local(call);
    /* splice is short rather than wait for what comes next; a sendfile goes on until nothing more fits. */
    return a->done > 0 && (!is_sendfile(call) || written < n) ? end(call, 0) : go_on(call);
}

static enum verdict on_read(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0)
        return end(call, -EIO);
    if (reply->result <= 0)
        return end(call, reply->result);
    uint32_t got = call->request.targets[0].got; /* <= what was asked for, which scratch has room for */
    memcpy(call->scratch, data + 4, got);
    return deliver(call, got);
}

/* How much the local side is sure to take. */
static uint32_t room(const struct call *call, const struct across *a, uint32_t n)
{
    int size = S_ISFIFO(a->mode) && !is_sendfile(call) ? fcntl(a->local, F_GETPIPE_SZ) : 0, held = 0;
    if (size <= 0 || ioctl(a->local, FIONREAD, &held) < 0)
        return n;
    return RSYS_MIN(n, held == 0 ? (uint32_t)size : PAGE); /* a page always fits while there is room at all */
}

static enum verdict read_piece(struct call *call, uint32_t n)
{
    struct across *a = across_of(call);
    struct pollfd ready = {.fd = a->local, .events = POLLOUT};
    if (poll(&ready, 1, 0) == 0)
        return wait_local(call);
    n = room(call, a, n);
    if (rsys_call_scratch(call, PIECE) == NULL)
        return end(call, -ENOMEM);
    uint64_t one[2] = {0, n}, fd = remote_fd(call, true);
    int64_t at = 0;
    if (a->nowait) {
        rsys_request_start(&call->request, __NR_preadv2, (uint64_t[6]){fd, 0, 1, UINT64_MAX, 0, RWF_NOWAIT});
        at = rsys_request_in(&call->request, 1, one, sizeof one);
    } else {
        rsys_request_start(&call->request, a->remote_positioned ? __NR_pread64 : __NR_read, (uint64_t[6]){fd, 0, n, a->remote_positioned ? a->position : 0});
    }
    if (at >= 0)
        at = rsys_request_out(&call->request, a->nowait ? -1 : 1, n, RSYS_OUT_RESULT, 1, (struct rsys_out_target){0});
    if (at < 0 || (a->nowait && rsys_request_pointer(&call->request, 0, (uint32_t)at) < 0))
        return end(call, -ENOMEM);
    return send_on(call, on_read);
}

/* ---- to the server ---- */

/* Look at what the local side has, without taking it: the bytes, 0 at its end, or -errno. */
static int64_t look(const struct across *a, uint8_t *data, uint32_t n)
{
    if (S_ISREG(a->mode)) {
        off_t at = a->address != 0 && !a->remote_positioned ? (off_t)a->position : lseek(a->local, 0, SEEK_CUR);
        ssize_t got = pread(a->local, data, n, at);
        return got < 0 ? -errno : got;
    }
    if (S_ISSOCK(a->mode)) {
        ssize_t got = recv(a->local, data, n, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 ? -errno : got;
    }
    return pipe_read(a->local, data, n, false);
}

/* What has been written is taken. */
static void take(const struct across *a, uint8_t *room, uint32_t n)
{
    if (S_ISREG(a->mode) && (a->address == 0 || a->remote_positioned))
        lseek(a->local, (off_t)n, SEEK_CUR); /* the duplicate's position is the guest's */
    else if (S_ISSOCK(a->mode))
        (void)!recv(a->local, room, n, MSG_DONTWAIT);
    else if (S_ISFIFO(a->mode))
        pipe_read(a->local, room, n, true);
}

static enum verdict on_write(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct across *a = across_of(call);
    if (reply->result < 0)
        return end(call, reply->result);
    /* Taken over the copy that was sent, which has its room. */
    uint64_t asked = a->owed, written = RSYS_MIN((uint64_t)reply->result, asked);
    a->owed = 0;
    if (call->nr != __NR_tee)
        take(a, call->scratch, (uint32_t)written);
    moved(a, written);
    return !is_sendfile(call) || written < asked ? end(call, 0) : go_on(call);
}

static enum verdict write_piece(struct call *call, uint32_t n)
{
    struct across *a = across_of(call);
    uint64_t fd = remote_fd(call, false);
    if (rsys_call_scratch(call, PIECE) == NULL)
        return end(call, -ENOMEM);
    int64_t got = look(a, call->scratch, n), at = 0;
    if (got == -EAGAIN)
        return wait_local(call);
    if (got <= 0)
        return end(call, got);
    uint64_t one[2] = {0, (uint64_t)got};
    if (a->nowait) {
        rsys_request_start(&call->request, __NR_pwritev2, (uint64_t[6]){fd, 0, 1, UINT64_MAX, 0, RWF_NOWAIT});
        at = rsys_request_in(&call->request, 1, one, sizeof one);
    } else {
        rsys_request_start(&call->request, a->remote_positioned ? __NR_pwrite64 : __NR_write,
                           (uint64_t[6]){fd, 0, (uint64_t)got, a->remote_positioned ? a->position : 0});
    }
    if (at >= 0)
        at = rsys_request_in(&call->request, a->nowait ? -1 : 1, call->scratch, (size_t)got);
    if (at < 0 || (a->nowait && rsys_request_pointer(&call->request, 0, (uint32_t)at) < 0))
        return end(call, -ENOMEM);
    enum verdict verdict = send_on(call, on_write);
    if (verdict == VERDICT_SENT)
        a->owed = (uint32_t)got; /* to the server, until it has said how much it took */
    return verdict;
}

/* ---- the way ---- */

static enum verdict go_on(struct call *call)
{
    struct across *a = across_of(call);
    if (a->to_local && a->owed > 0)
        return deliver(call, a->owed);
    uint32_t n = (uint32_t)RSYS_MIN(length_of(call) - a->done, (uint64_t)PIECE);
    if (n == 0)
        return end(call, 0);
    return a->to_local ? read_piece(call, n) : write_piece(call, n);
}

/* Whether the remote descriptor is a pipe. */
static enum verdict on_pipe_size(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct across *a = across_of(call);
    bool is_pipe = reply->result > 0;
    if (!is_pipe && (!S_ISFIFO(a->mode) || call->nr == __NR_tee))
        return end(call, reply->result == -ERESTARTSYS ? reply->result : -EINVAL);
    if (is_pipe && a->remote_positioned)
        return end(call, -ESPIPE);
    a->nowait = is_pipe && (flags_of(call) & SPLICE_F_NONBLOCK);
    return go_on(call);
}

/* The offset that the guest gave, if any.  0 or -errno. */
static int read_offset(struct call *call, struct across *a)
{
    uint64_t in = is_sendfile(call) ? call->args[2] : call->nr == __NR_tee ? 0 : call->args[1];
    uint64_t out = is_sendfile(call) || call->nr == __NR_tee ? 0 : call->args[3];
    a->address = in != 0 ? in : out;
    if (in != 0 && out != 0)
        return -ESPIPE; /* one of them has to be a pipe's */
    if (a->address == 0)
        return 0;
    a->remote_positioned = (in != 0) == a->to_local;
    if (!a->remote_positioned && S_ISFIFO(a->mode))
        return -ESPIPE;
    return rsys_memory_read(rsys_guest_memory(call->guest), a->address, &a->position, sizeof a->position) < 0 ? -EFAULT : 0;
}

enum verdict rsys_call_across(struct call *call)
{
    const struct fdtable *fds = call->guest->process->fds;
    bool first_local = rsys_fd_is_local(fds, (int64_t)call->args[0]), to_local = is_sendfile(call) ? first_local : !first_local;
    struct across a = {.to_local = to_local, .local = -1};
    struct stat status = {0};
    if ((flags_of(call) & ~(uint64_t)(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)) != 0 || (call->nr == __NR_tee && to_local))
        return rsys_call_done(call, -EINVAL);
    if (length_of(call) == 0)
        return rsys_call_done(call, 0);
    a.local = rsys_guest_get_fd(call->guest, (int)call->args[first_local ? 0 : is_sendfile(call) || call->nr == __NR_tee ? 1 : 2]);
    if (a.local < 0)
        return rsys_call_done(call, a.local);
    if (fstat(a.local, &status) < 0)
        status.st_mode = 0;
    a.mode = status.st_mode;
    int flags = fcntl(a.local, F_GETFL), failed = 0;
    bool can = S_ISREG(a.mode) || ((S_ISFIFO(a.mode) || S_ISSOCK(a.mode)) && (to_local || !is_sendfile(call)));
    if ((flags & O_ACCMODE) == (to_local ? O_RDONLY : O_WRONLY) || (flags & O_PATH))
        failed = -EBADF;
    else if (!can || (to_local && (flags & O_APPEND)) || (call->nr == __NR_tee && !S_ISFIFO(a.mode)))
        failed = -EINVAL;
    else
        failed = read_offset(call, &a);
    *across_of(call) = a;
    if (failed < 0) {
        rsys_close(a.local);
        return rsys_call_done(call, failed);
    }
    /* sendfile's source is a file; of splice's two, one has to be a pipe. */
    if (is_sendfile(call) || (S_ISFIFO(a.mode) && call->nr == __NR_splice && !(flags_of(call) & SPLICE_F_NONBLOCK)))
        return go_on(call);
    rsys_request_start(&call->request, __NR_fcntl, (uint64_t[6]){remote_fd(call, to_local), F_GETPIPE_SZ});
    return send_on(call, on_pipe_size);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-copy.c: sendfile, splice, tee, copy_file_range and vmsplice: data that moves between two descriptors.
 *
 * Both on the server: one remote call, and the data never crosses the wire.  Both local: the guest's own kernel's.  One on each side:
 *
 *   sendfile         goes through the supervisor, piece by piece, where the local descriptor is a file, a pipe or a socket
 *   the others       are refused as the kernel refuses descriptors that it cannot pair, with the errors that tell programs to read and write
 *                    instead: splice and tee EINVAL, copy_file_range EXDEV
 *
 * The supervisor must not block in a write: a terminal cannot be written to without that risk, so sendfile to one is EINVAL too. */
#include "src/core/util.h"
#include "src/jail/calls-io.h"
#include "src/jail/internal.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define ERESTARTSYS 512
#define PIECE 65536u

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
    uint64_t stored = rsys_call_scatter(call, call->scratch, (uint32_t)call->own.word[0], data + 4, got);
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
    uint64_t got = rsys_call_gather(call, call->scratch, (uint32_t)count, call->request.in + at, total);
    if (got < total)
        return vmsplice_in(call); /* it may be a buffer to read into; of a writing end it is EBADF then, as of any bad call */
    at = rsys_request_in_taken(&call->request, -1, (uint32_t)at, total);
    if (at < 0 || rsys_request_pointer(&call->request, 0, (uint32_t)at) < 0)
        return rsys_call_done(call, -ENOMEM);
    call->on_reply = on_vmsplice_out;
    return rsys_call_send(call);
}

/* ---- sendfile between the two sides ---- */

/* In call->own; the first two words are wait.c's. */
struct sending {
    uint64_t waits, hurried;
    uint64_t done;
    uint64_t position;  /* of the file that is read, when args[2] points at one */
    uint32_t mode;      /* of the local descriptor */
    int32_t local;      /* a duplicate of it */
    bool to_local, watched;
};
_Static_assert(sizeof(struct sending) <= sizeof(((struct call *)NULL)->own), "it has to fit the call");

static struct sending *sending_of(struct call *call) { return (struct sending *)(void *)&call->own; }

static void sending_drop(struct call *call)
{
    struct sending *s = sending_of(call);
    if (s->watched)
        rsys_wait_unwatch(call->guest, s->local);
    s->watched = false;
    rsys_close(s->local);
    s->local = -1;
    rsys_call_hurried_over(call);
}

static enum verdict sending_end(struct call *call, int64_t error)
{
    struct sending *s = sending_of(call);
    int64_t result = s->done > 0 ? (int64_t)s->done : error;
    sending_drop(call);
    call->on_drop = NULL;
    s->waits = 0;
    if (call->args[2] != 0 && result >= 0 && rsys_memory_write(rsys_guest_memory(call->guest), call->args[2], &s->position, sizeof s->position) < 0)
        result = -EFAULT;
    return rsys_call_done(call, result);
}

static enum verdict sending_send(struct call *call, enum verdict (*on_reply)(struct call *, const struct rsys_wire_reply *, const uint8_t *))
{
    call->on_reply = on_reply;
    call->on_drop = sending_drop;
    enum verdict verdict = rsys_call_send(call);
    return verdict == VERDICT_SENT ? verdict : sending_end(call, call->result);
}

static enum verdict sending_go_on(struct call *call);

/* Write what there is room for: the bytes, or -errno (-EAGAIN: no room). */
static int64_t write_some(const struct sending *s, const void *data, size_t n)
{
    struct iovec one = {.iov_base = (void *)(uintptr_t)data, .iov_len = n};
    ssize_t put;
    if (S_ISSOCK(s->mode))
        put = send(s->local, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        put = pwritev2(s->local, &one, 1, -1, S_ISFIFO(s->mode) ? RWF_NOWAIT : 0);
    return put < 0 ? -errno : put;
}

static enum verdict on_sending_read(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct sending *s = sending_of(call);
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0)
        return sending_end(call, -EIO);
    if (reply->result <= 0)
        return sending_end(call, reply->result);
    uint32_t got = call->request.targets[0].got;
    int64_t put = write_some(s, data + 4, got);
    uint64_t written = put > 0 ? (uint64_t)put : 0;
    s->done += written;
    s->position += written;
    if (call->args[2] == 0 && written < got) { /* the file's own position: back to what has been taken of it */
        rsys_request_start(&call->request, __NR_lseek, (uint64_t[6]){call->args[1], -(uint64_t)(got - written), SEEK_CUR});
        rsys_guest_post(call->guest, &call->request);
    }
    if (put == -EPIPE)
        rsys_signal_raised(call->guest, UINT64_C(1) << (SIGPIPE - 1));
    if (put < 0 && put != -EAGAIN)
        return sending_end(call, put == -EOPNOTSUPP ? -EINVAL : put); /* an older kernel's pipe: the program reads and writes instead */
    return s->done > 0 && written < got ? sending_end(call, 0) : sending_go_on(call);
}

/* There is room now, or a signal has come. */
static enum verdict on_sending_room(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct sending *s = sending_of(call);
    bool hurried = s->hurried;
    s->hurried = 0;
    rsys_call_hurried_over(call);
    rsys_wait_unwatch(call->guest, s->local);
    s->watched = false;
    return hurried ? sending_go_on(call) : sending_end(call, -ERESTARTSYS);
}

/* Wait for room: a remote wait for nothing, which the loop cancels when there is some, or a signal does. */
static enum verdict sending_wait(struct call *call)
{
    struct sending *s = sending_of(call);
    if (s->done > 0)
        return sending_end(call, 0);
    if (fcntl(s->local, F_GETFL) & O_NONBLOCK)
        return sending_end(call, -EAGAIN);
    if (rsys_wait_watch(call->guest, s->local, EPOLLOUT) < 0)
        return sending_end(call, -ENOMEM);
    s->watched = true;
    s->waits = RSYS_WAITS;
    rsys_request_start(&call->request, __NR_ppoll, (uint64_t[6]){0});
    return sending_send(call, on_sending_room);
}

static enum verdict sending_read(struct call *call, uint32_t n)
{
    struct sending *s = sending_of(call);
    struct pollfd room = {.fd = s->local, .events = POLLOUT};
    if (poll(&room, 1, 0) == 0)
        return sending_wait(call);
    bool positioned = call->args[2] != 0;
    rsys_request_start(&call->request, positioned ? __NR_pread64 : __NR_read, (uint64_t[6]){call->args[1], 0, n, positioned ? s->position : 0});
    if (rsys_request_out(&call->request, 1, n, RSYS_OUT_RESULT, 1, (struct rsys_out_target){0}) < 0)
        return sending_end(call, -ENOMEM);
    return sending_send(call, on_sending_read);
}

static enum verdict on_sending_write(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct sending *s = sending_of(call);
    if (reply->result < 0)
        return sending_end(call, reply->result);
    uint64_t n = call->request.head.args[2], written = RSYS_MIN((uint64_t)reply->result, n);
    s->done += written;
    s->position += written;
    if (call->args[2] == 0)
        lseek(s->local, (off_t)written, SEEK_CUR); /* the duplicate's position is the guest's */
    return written < n ? sending_end(call, 0) : sending_go_on(call);
}

static enum verdict sending_write(struct call *call, uint32_t n)
{
    struct sending *s = sending_of(call);
    off_t at = call->args[2] != 0 ? (off_t)s->position : lseek(s->local, 0, SEEK_CUR);
    rsys_request_start(&call->request, __NR_write, (uint64_t[6]){call->args[0]});
    int64_t offset = rsys_request_in_room(&call->request, n);
    ssize_t got = offset < 0 ? -1 : pread(s->local, call->request.in + offset, n, at);
    if (got <= 0)
        return sending_end(call, offset < 0 ? offset : got < 0 ? -errno : 0);
    call->request.head.args[2] = (uint64_t)got;
    rsys_request_in_taken(&call->request, 1, (uint32_t)offset, (size_t)got);
    return sending_send(call, on_sending_write);
}

static enum verdict sending_go_on(struct call *call)
{
    struct sending *s = sending_of(call);
    uint64_t left = RSYS_MIN(call->args[3], (uint64_t)0x7ffff000) - s->done;
    uint32_t n = (uint32_t)RSYS_MIN(left, (uint64_t)PIECE);
    if (n == 0)
        return sending_end(call, 0);
    return s->to_local ? sending_read(call, n) : sending_write(call, n);
}

static enum verdict sendfile_across(struct call *call, bool to_local)
{
    struct sending s = {.to_local = to_local};
    struct stat status;
    if (call->args[2] != 0 && rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &s.position, sizeof s.position) < 0)
        return rsys_call_done(call, -EFAULT);
    s.local = rsys_guest_get_fd(call->guest, (int)call->args[to_local ? 0 : 1]);
    if (s.local < 0)
        return rsys_call_done(call, s.local);
    if (fstat(s.local, &status) < 0)
        status.st_mode = 0;
    s.mode = status.st_mode;
    bool can = S_ISREG(s.mode) || (to_local && (S_ISFIFO(s.mode) || S_ISSOCK(s.mode)));
    if (!can || (to_local && (fcntl(s.local, F_GETFL) & O_APPEND))) {
        rsys_close(s.local);
        return rsys_call_done(call, -EINVAL);
    }
    *sending_of(call) = s;
    return sending_go_on(call);
}

enum verdict rsys_handle_SENDFILE(struct call *call)
{
    const struct fdtable *fds = call->guest->process->fds;
    int second = call->nr == __NR_sendfile || call->nr == __NR_tee ? 1 : 2; /* which argument is the second descriptor */
    bool local = rsys_fd_is_local(fds, (int64_t)call->args[0]);
    if (call->nr == __NR_vmsplice)
        return local ? VERDICT_CONTINUE : vmsplice_remote(call);
    if (local != rsys_fd_is_local(fds, (int64_t)call->args[second]) && call->nr == __NR_sendfile)
        return sendfile_across(call, local);
    if (local != rsys_fd_is_local(fds, (int64_t)call->args[second]))
        return rsys_call_done(call, call->nr == __NR_copy_file_range ? -EXDEV : -EINVAL);
    return local ? VERDICT_CONTINUE : rsys_call_forward(call);
}

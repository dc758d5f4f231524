/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-fd.c: calls that change the table of descriptors, which is one for both homes. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static int64_t do_close(int fd)
{
    int remote = fd_there(fd);
    if (remote < 0)
        return RAW(SYS_close, fd);
    /* In this order: once the number is free, another thread may be given it. */
    fd_set_home(fd, HOME_LOCAL);
    (void)RAW(SYS_close, fd);
    const uint64_t args[6] = {(uint64_t)remote};
    return remote_call(SYS_close, args);
}

/* One run of numbers that has none of ours in it. */
static int64_t close_run(unsigned first, unsigned last, unsigned flags)
{
    if (first > last)
        return 0;
    int64_t failed = RAW(SYS_close_range, first, last, flags);
    if (failed < 0 || (flags & CLOSE_RANGE_CLOEXEC) != 0)
        return failed;
    for (unsigned fd = first; fd <= last && (int)fd < atomic_load(&self->process->top); fd++) {
        int remote = fd_there((int)fd);
        if (remote >= 0) {
            fd_set_home((int)fd, HOME_LOCAL);
            remote_close(remote);
        }
    }
    return 0;
}

static int64_t do_close_range(const uint64_t args[6])
{
    unsigned first = (unsigned)args[0], last = (unsigned)args[1], flags = (unsigned)args[2], run = first;
    if (first > last || (flags & ~(unsigned)(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)) != 0)
        return -EINVAL;
    if ((flags & CLOSE_RANGE_UNSHARE) != 0)
        return atomic_load(&self->process->channels) > 1 ? -EINVAL : do_close_range((uint64_t[6]){first, last, flags & ~(unsigned)CLOSE_RANGE_UNSHARE});
    int64_t failed = 0;
    for (unsigned fd = first; fd <= last && (int)fd < atomic_load(&self->process->top) && failed == 0; fd++)
        if (fd_is_ours((int)fd)) {
            failed = fd > run ? close_run(run, fd - 1, flags) : 0;
            run = fd + 1;
        }
    return failed == 0 ? close_run(run, last, flags) : failed;
}

/* Another executor's number for what fd is. */
static int64_t dup_remote(int fd)
{
    const uint64_t args[6] = {(uint64_t)fd_there(fd)};
    int64_t copy = remote_call(SYS_dup, args);
    return copy < (int64_t)session.welcome.nofile ? copy : session_fail(&session, EPROTO);
}

/* What the home is of a copy of fd, whose executor's number is remote. */
static int32_t home_of_copy(int fd, int64_t remote) { return (int32_t)(remote + 1) | (fd_shadow(fd) >= 0 ? HOME_SHADOW : 0); }

static int64_t do_dup_onto(uint64_t nr, int from, int to, unsigned flags)
{
    int old = fd_there(to);
    if (fd_is_ours(from))
        return -EBADF;
    if (fd_is_ours(to))
        return -EBUSY;
    bool local = fd_there(from) < 0 || from == to;
    int64_t copy = local ? -1 : dup_remote(from);
    if (!local && copy < 0)
        return copy;
    int64_t result = RAW(nr, from, to, flags); /* a placeholder, perhaps, as any other */
    if (result < 0 || from == to) {
        if (copy >= 0)
            remote_close((int)copy);
        return result;
    }
    fd_set_home(to, copy >= 0 ? home_of_copy(from, copy) : HOME_LOCAL);
    if (old >= 0)
        remote_close(old);
    return result;
}

static int64_t do_dup(int fd, int least, bool cloexec)
{
    int64_t copy = dup_remote(fd), got;
    if (copy < 0 || fd_shadow(fd) < 0)
        return copy < 0 ? copy : fd_wrap(copy, least, cloexec);
    got = RAW(SYS_fcntl, fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, least);
    if (got >= 0)
        fd_set_home((int)got, home_of_copy(fd, copy));
    else
        remote_close((int)copy);
    return got;
}

static enum way do_fcntl(struct context *context, uint64_t args[6], int64_t *ret)
{
    int fd = (int)args[0];
    switch ((int)args[1]) {
    case F_GETFD: case F_SETFD:
        return WAY_LOCAL; /* the placeholder's */
    case F_DUPFD: case F_DUPFD_CLOEXEC:
        *ret = do_dup(fd, (int)args[2], (int)args[1] == F_DUPFD_CLOEXEC);
        return WAY_DONE;
    default:
        return call_generic(context, SYS_fcntl, args, ret);
    }
}

static enum way do_ioctl(struct context *context, uint64_t args[6], int64_t *ret)
{
    switch ((unsigned)args[1]) {
    case FIOCLEX: case FIONCLEX:
        *ret = RAW(SYS_fcntl, (int)args[0], F_SETFD, (unsigned)args[1] == FIOCLEX ? FD_CLOEXEC : 0);
        return WAY_DONE;
    case FICLONE:
        if (fd_remote((int)args[2]) < 0) {
            *ret = -EXDEV;
            return WAY_DONE;
        }
        args[2] = (uint64_t)fd_remote((int)args[2]);
        return call_generic(context, SYS_ioctl, args, ret);
    default:
        return call_generic(context, SYS_ioctl, args, ret);
    }
}

enum way call_fd(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    int fd = (int)args[0];
    *ret = -EBADF;
    if (nr == SYS_close_range) {
        *ret = do_close_range(args);
        return WAY_DONE;
    }
    if (nr == SYS_dup2 || nr == SYS_dup3) {
        *ret = do_dup_onto(nr, fd, (int)args[1], (unsigned)args[2]);
        return WAY_DONE;
    }
    if (fd_is_ours(fd))
        return WAY_DONE;
    if (fd_there(fd) < 0 || (nr == SYS_ioctl && fd_remote(fd) < 0))
        return nr == SYS_ioctl && (unsigned)args[1] == FICLONE && fd_remote((int)args[2]) >= 0 ? (*ret = -EXDEV, WAY_DONE) : WAY_LOCAL;
    switch (nr) {
    case SYS_close: *ret = do_close(fd); return WAY_DONE;
    case SYS_dup: *ret = do_dup(fd, 0, false); return WAY_DONE;
    case SYS_fcntl: return do_fcntl(context, args, ret);
    default: return do_ioctl(context, args, ret);
    }
}

/* ---- two at once ---- */

enum way call_pair(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    int pair[2];
    uint64_t theirs[6], place = args[nr == SYS_socketpair ? 3 : 0], flags = nr == SYS_pipe ? 0 : args[1];
    (void)context;
    if (!call_chosen(nr))
        return WAY_LOCAL;
    memcpy(theirs, args, sizeof theirs);
    theirs[nr == SYS_socketpair ? 3 : 0] = (uintptr_t)pair;
    *ret = remote_call(nr, theirs);
    if (*ret < 0)
        return WAY_DONE;
    int64_t first = fd_wrap(pair[0], 0, (flags & O_CLOEXEC) != 0), second = fd_wrap(pair[1], 0, (flags & O_CLOEXEC) != 0);
    pair[0] = (int)first;
    pair[1] = (int)second;
    *ret = first < 0 ? first : second < 0 ? second : poke(place, pair, sizeof pair);
    if (*ret < 0) {
        if (first >= 0)
            (void)do_close((int)first);
        if (second >= 0)
            (void)do_close((int)second);
    }
    return WAY_DONE;
}

/* ---- descriptors in messages ---- */

/* Each of the descriptors in control data (size bytes), to what `to` makes of it; the first error, or 0. */
static int64_t each_right(uint8_t *control, size_t size, int64_t (*to)(int fd))
{
    struct cmsghdr head;
    for (size_t at = 0; at + sizeof head <= size; at += CMSG_ALIGN(head.cmsg_len)) {
        memcpy(&head, control + at, sizeof head);
        if (head.cmsg_len < sizeof head || head.cmsg_len > size - at)
            return 0;
        if (head.cmsg_level != SOL_SOCKET || head.cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = at + sizeof head; i + sizeof(int) <= at + head.cmsg_len; i += sizeof(int)) {
            int fd;
            memcpy(&fd, control + i, sizeof fd);
            int64_t got = to(fd);
            if (got < 0)
                return got;
            memcpy(control + i, &(int){(int)got}, sizeof(int));
        }
    }
    return 0;
}

static int64_t must_be_remote(int fd) { return fd_remote(fd) >= 0 ? fd_remote(fd) : -EINVAL; }
static int64_t must_be_local(int fd) { return fd_remote(fd) >= 0 || fd_is_ours(fd) ? -EINVAL : fd; }
static int64_t received(int fd) { return fd_wrap(fd, 0, false); }
static int64_t received_cloexec(int fd) { return fd_wrap(fd, 0, true); }

/* Descriptors go to where the socket is, and only those that are at home there. */
enum way call_message_fds(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    struct msghdr message;
    uint8_t control[1024];
    bool remote = fd_remote((int)args[0]) >= 0;
    if ((nr == SYS_recvmsg && !remote) || peek(args[1], &message, sizeof message) < 0 || message.msg_control == NULL || message.msg_controllen == 0)
        return call_generic(context, nr, args, ret);
    if (nr == SYS_recvmsg) {
        bool cloexec = (args[2] & MSG_CMSG_CLOEXEC) != 0;
        enum way way = call_generic(context, nr, args, ret);
        if (*ret < 0 || peek(args[1], &message, sizeof message) < 0)
            return way;
        size_t size = RSYS_MIN(message.msg_controllen, sizeof control);
        if (peek((uintptr_t)message.msg_control, control, size) == 0 && each_right(control, size, cloexec ? received_cloexec : received) == 0)
            (void)poke((uintptr_t)message.msg_control, control, size);
        return way;
    }
    size_t size = message.msg_controllen;
    if (size > sizeof control || peek((uintptr_t)message.msg_control, control, size) < 0)
        return call_generic(context, nr, args, ret);
    *ret = each_right(control, size, remote ? must_be_remote : must_be_local);
    if (*ret < 0 || !remote)
        return *ret < 0 ? WAY_DONE : WAY_LOCAL;
    message.msg_control = control;
    uint64_t theirs[6];
    memcpy(theirs, args, sizeof theirs);
    theirs[1] = (uintptr_t)&message;
    return call_generic(context, nr, theirs, ret);
}

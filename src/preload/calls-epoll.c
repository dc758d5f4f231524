/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-epoll.c: epoll over descriptors of both homes.
 *
 * An epoll instance is always one of this machine's kernel.  What of its set is remote is in an instance on the server, its shadow, which goes with its number as a remote
 * descriptor would, through dup, fork and execve.  A wait is on both (calls-wait.c).  The shadow is made with the instance where sockets may be remote, so that nobody waits for
 * the one without the other; else when it is first wanted. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

/* Give an instance a shadow.  0 or -errno. */
static int64_t make_shadow(int fd)
{
    const uint64_t none[6] = {0};
    int64_t remote = (uint32_t)fd < HOMES ? remote_call(SYS_epoll_create1, none) : -EMFILE;
    if (remote >= (int64_t)session.welcome.nofile)
        return session_fail(&session, EPROTO);
    if (remote >= 0 && !fd_cast_shadow(fd, (int)remote))
        remote_close((int)remote);
    return RSYS_MIN(remote, INT64_C(0));
}

static int64_t create(uint64_t nr, const uint64_t args[6])
{
    int64_t fd = RAW(nr, args[0]);
    if (fd >= 0 && (call_chosen(SYS_socket) || call_chosen(SYS_socketpair) || call_chosen(SYS_pipe2)) && atomic_load(&session.lost) == 0)
        (void)make_shadow((int)fd); /* without one, what is remote is refused when it is added */
    return fd;
}

/* Whether it is an epoll instance: nothing of ours is in it.  0 or -errno. */
static int64_t check_instance(int fd)
{
    int64_t failed = RAW(SYS_epoll_ctl, fd, EPOLL_CTL_DEL, self->process->config, NULL);
    return failed == -ENOENT || failed == -EPERM ? 0 : failed;
}

static int64_t control(const uint64_t args[6])
{
    int set = (int)args[0], fd = (int)args[2];
    int64_t failed = fd_is_ours(set) || fd_is_ours(fd) || fd_remote(set) >= 0 ? -EBADF : check_instance(set);
    if (failed == 0 && fd_shadow(set) < 0)
        failed = make_shadow(set);
    if (failed < 0)
        return failed;
    const uint64_t theirs[6] = {(uint64_t)fd_shadow(set), args[1], (uint64_t)fd_remote(fd), args[3]};
    return remote_call(SYS_epoll_ctl, theirs);
}

enum way call_epoll(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    (void)context;
    if (nr == SYS_epoll_create || nr == SYS_epoll_create1) {
        *ret = create(nr, args);
        return WAY_DONE;
    }
    if (nr == SYS_epoll_ctl) {
        if (fd_remote((int)args[2]) < 0 && !fd_is_ours((int)args[2]) && !fd_is_ours((int)args[0]))
            return WAY_LOCAL;
        *ret = control(args);
        return WAY_DONE;
    }
    if (fd_shadow((int)args[0]) < 0)
        return nr == SYS_epoll_wait ? WAY_LOCAL : call_masked(context, nr, args, ret);
    *ret = wait_epoll(nr, args);
    return WAY_DONE;
}

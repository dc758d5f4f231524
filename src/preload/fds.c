/* SPDX-License-Identifier: GPL-2.0-only */
/* fds.c: the program's descriptors, and where each is at home.
 *
 * A remote one has a placeholder under its number: an O_PATH descriptor, whose use fails with EBADF wherever it slips through.  So the program's own kernel allocates the numbers, closes at execve what
 * is to be closed then, and copies them with fork; which executor's number one stands for is told by a table.  The descriptors of the library itself are kept out of the program's way, and out of its reach. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define LIMIT_MAX 4096u /* a descriptor of ours is below: a table of descriptors is as long as the highest */

bool fd_is_ours(int fd) { return (uint32_t)fd < HOMES && atomic_load(&self->process->homes[fd]) < 0; }

int fd_remote(int fd)
{
    int32_t home = (uint32_t)fd < HOMES ? atomic_load(&self->process->homes[fd]) : 0;
    return home > 0 ? home - 1 : -1;
}

void fd_set_home(int fd, int32_t home)
{
    int top = atomic_load(&self->process->top);
    if ((uint32_t)fd >= HOMES)
        return;
    while (home != HOME_LOCAL && fd >= top && !atomic_compare_exchange_weak(&self->process->top, &top, fd + 1))
        ;
    atomic_store(&self->process->homes[fd], home);
}

void remote_close(int remote)
{
    const uint64_t args[6] = {(uint64_t)remote};
    (void)call_make(&session, SYS_close, args);
}

int64_t fd_wrap(int64_t remote, int least, bool cloexec)
{
    if (remote < 0 || remote >= (int64_t)session.welcome.nofile) /* the server's word: no number that it may have given */
        return session_fail(&session, EPROTO);
    int64_t fd = RAW(SYS_fcntl, self->process->placeholder, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, least);
    if (fd >= HOMES) {
        (void)RAW(SYS_close, fd);
        fd = -EMFILE;
    }
    if (fd < 0)
        remote_close((int)remote);
    else
        fd_set_home((int)fd, (int32_t)remote + 1);
    return fd;
}

int fd_put_away(int fd, int32_t home)
{
    struct rlimit limit = {.rlim_cur = 1024};
    (void)RAW(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
    uint64_t most = RSYS_MIN(limit.rlim_cur, (uint64_t)LIMIT_MAX);
    int64_t away = RAW(SYS_fcntl, fd, F_DUPFD_CLOEXEC, most > 2 * PRELOAD_FDS ? most - PRELOAD_FDS : most / 2);
    if (away >= 0)
        (void)RAW(SYS_close, fd);
    else
        away = fd; /* the limit is lower by now: in the way, then */
    fd_set_home((int)away, home);
    return (int)away;
}

void fd_close_ours(int fd)
{
    if (fd < 0)
        return;
    fd_set_home(fd, HOME_LOCAL);
    (void)RAW(SYS_close, fd);
}

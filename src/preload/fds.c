/* SPDX-License-Identifier: GPL-2.0-only */
/* fds.c: the program's descriptors, and where each is at home.
 *
 * A remote one has a placeholder under its number: an O_PATH descriptor, whose use fails with EBADF wherever it slips through.  So the program's own
 * kernel allocates the numbers, closes at execve what is to be closed then, and copies them with fork; which executor's number one stands for is told by
 * a table.  A number is in the table only while the executor has the file: it is entered behind the open, and taken out before the close.  When the
 * executor is copied, for fork, other threads go on: what has changed in the table between then and the copy of the process itself is not handed on.
 * The descriptors of the library itself are kept out of the program's way, and out of its reach. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define LIMIT_MAX 4096u /* a descriptor of ours is below: a table of descriptors is as long as the highest */

struct process *process_new(void)
{
    struct process *process = map_pages(sizeof *process + HOMES * sizeof process->homes[0]);
    if (process != NULL)
        process->homes = (_Atomic uint64_t *)(void *)(process + 1);
    return process;
}

void process_delete(struct process *process) { (void)RAW(SYS_munmap, process, sizeof *process + HOMES * sizeof process->homes[0]); }

int32_t process_home(const struct process *process, int fd) { return (uint32_t)fd < HOMES ? (int32_t)(uint32_t)atomic_load(&process->homes[fd]) : HOME_LOCAL; }

void process_set_home(struct process *process, int fd, int32_t home)
{
    int top = atomic_load(&process->top);
    if ((uint32_t)fd >= HOMES)
        return;
    while (home != HOME_LOCAL && fd >= top && !atomic_compare_exchange_weak(&process->top, &top, fd + 1))
        ;
    uint64_t changes = (atomic_load(&process->homes[fd]) >> 32) + 1;
    atomic_store(&process->homes[fd], changes << 32 | (uint32_t)home);
}

uint64_t *process_homes(const struct process *process, int *ret_count)
{
    int count = atomic_load(&process->top);
    uint64_t *homes = malloc(((size_t)count + 1) * sizeof *homes);
    for (int i = 0; homes != NULL && i < count; i++)
        homes[i] = atomic_load(&process->homes[i]);
    *ret_count = count;
    return homes;
}

void process_keep(struct process *process, const _Atomic uint64_t *before, int count)
{
    for (int fd = 0, top = atomic_load(&process->top); fd < top; fd++)
        if (process_home(process, fd) > 0 && (fd >= count || atomic_load(&process->homes[fd]) != atomic_load(&before[fd])))
            process_set_home(process, fd, HOME_LOCAL);
}

bool fd_is_ours(int fd) { return process_home(self->process, fd) < 0; }

int fd_remote(int fd)
{
    int32_t home = process_home(self->process, fd);
    return home > 0 && (home & HOME_SHADOW) == 0 ? home - 1 : -1;
}

int fd_shadow(int fd)
{
    int32_t home = process_home(self->process, fd);
    return home > 0 && (home & HOME_SHADOW) != 0 ? (home & ~HOME_SHADOW) - 1 : -1;
}

int fd_there(int fd) { return RSYS_MAX(fd_remote(fd), fd_shadow(fd)); }

bool fd_cast_shadow(int fd, int remote)
{
    _Atomic uint64_t *entry = &self->process->homes[fd];
    uint64_t old = atomic_load(entry);
    int top = atomic_load(&self->process->top);
    while (fd >= top && !atomic_compare_exchange_weak(&self->process->top, &top, fd + 1))
        ;
    return (uint32_t)old == HOME_LOCAL && atomic_compare_exchange_strong(entry, &old, ((old >> 32) + 1) << 32 | (uint32_t)((remote + 1) | HOME_SHADOW));
}

void fd_set_home(int fd, int32_t home) { process_set_home(self->process, fd, home); }

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

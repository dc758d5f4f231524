/* SPDX-License-Identifier: GPL-2.0-only */
/* dispatch.c: what becomes of each system call of the program: its own kernel's, or the server's.
 *
 * A call on descriptors goes where they are at home, one on a name where the name is (paths.c), and one that has neither where --calls says. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define SYS_USER_DISPATCH_CODE 2 /* SYS_USER_DISPATCH of the kernel's siginfo.h */

/* What the call has raised on the executor is the thread's; the server's word, so no others than these. */
static void take_signals(struct channel *channel)
{
    static const int raised[] = {SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(raised); i++)
        if ((channel->signals >> (raised[i] - 1) & 1) != 0) {
            int64_t pid = RAW(SYS_getpid);
            (void)RAW(SYS_tgkill, pid, gettid(), raised[i]);
        }
    channel->signals = 0;
}

int64_t remote_call(uint64_t nr, const uint64_t args[6])
{
    self->interrupted = 0;
    int64_t result = call_make(&session, nr, args);
    if (self->channel != NULL && self->channel->signals != 0)
        take_signals(self->channel);
    return result;
}

/* Whether a call that makes a descriptor makes it close-on-exec. */
static bool makes_cloexec(uint64_t nr, const uint64_t args[6])
{
    static const struct {
        uint16_t nr;
        uint8_t argument;
        uint32_t bit;
    } flags[] = {
        {SYS_open, 1, O_CLOEXEC}, {SYS_openat, 2, O_CLOEXEC}, {SYS_socket, 1, SOCK_CLOEXEC}, {SYS_accept4, 3, SOCK_CLOEXEC}, {SYS_memfd_create, 1, MFD_CLOEXEC},
        {SYS_eventfd2, 1, O_CLOEXEC}, {SYS_epoll_create1, 0, O_CLOEXEC}, {SYS_inotify_init1, 0, O_CLOEXEC},
        {SYS_timerfd_create, 1, O_CLOEXEC}, {SYS_open_tree, 2, O_CLOEXEC},
        {SYS_fsopen, 1, 1}, {SYS_fsmount, 1, 1}, {SYS_fspick, 2, 1},
    };
    uint64_t how = 0;
    if (nr == SYS_openat2)
        return peek(args[2], &how, sizeof how) == 0 && (how & O_CLOEXEC) != 0;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(flags); i++)
        if (flags[i].nr == nr)
            return (args[flags[i].argument] & flags[i].bit) != 0;
    return false;
}

/* The homes of all that a call names.  Descriptors are replaced by the executor's, and so are names of descriptors, which are then in text.  0 or -errno. */
static int64_t find_homes(const struct rsys_call *row, uint64_t args[6], char text[2][PATH_LINK_SIZE], unsigned *ret_remote, unsigned *ret_local)
{
    uint64_t given[6];
    memcpy(given, args, sizeof given);
    for (unsigned i = 0; i < row->nargs; i++) {
        uint8_t shape = row->args[i].shape;
        bool descriptor = shape == RSYS_ARG_FD || shape == RSYS_ARG_DIRFD;
        bool name = i + 1 < row->nargs && shape == RSYS_ARG_DIRFD && row->args[i + 1].shape == RSYS_ARG_PATH;
        int fd = (int)given[i], home = 0;
        if (descriptor && fd_is_ours(fd))
            return -EBADF;
        if (descriptor && fd_remote(fd) >= 0)
            args[i] = (uint64_t)fd_remote(fd);
        if (shape == RSYS_ARG_PATH) {
            char *link = text[*ret_remote + *ret_local > 0];
            home = path_home(row->nr, i > 0 && row->args[i - 1].shape == RSYS_ARG_DIRFD ? (int)given[i - 1] : AT_FDCWD, given[i], link);
            if (home > 0 && link[0] != 0)
                args[i] = (uintptr_t)link;
        }
        else if (name || !descriptor)
            continue; /* a directory is told of with its name */
        else
            home = shape == RSYS_ARG_DIRFD && fd == AT_FDCWD ? atomic_load(&self->process->cwd_remote) : fd_remote(fd) >= 0;
        if (home < 0)
            return home;
        *(home > 0 ? ret_remote : ret_local) += 1;
    }
    return 0;
}

/* A name that is absolute takes no notice of the descriptor beside it: one of this machine's is nothing for the server. */
static void drop_local_directories(const struct rsys_call *row, const uint64_t given[6], uint64_t args[6])
{
    for (unsigned i = 0; i + 1 < row->nargs; i++)
        if (row->args[i].shape == RSYS_ARG_DIRFD && (int)given[i] != AT_FDCWD && fd_remote((int)given[i]) < 0)
            args[i] = (uint64_t)(int64_t)AT_FDCWD;
}

/* The error of a call that has two homes: a descriptor that is none comes first; else the two are not of one file system, or cannot be spliced, and
 * programs copy then. */
static int64_t across(const struct rsys_call *row, const uint64_t args[6])
{
    for (unsigned i = 0; i < row->nargs; i++)
        if (row->args[i].shape == RSYS_ARG_FD && RAW(SYS_fcntl, (int)args[i], F_GETFD) < 0)
            return -EBADF;
    return row->nr == SYS_splice || row->nr == SYS_tee ? -EINVAL : -EXDEV;
}

enum way call_generic(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    const struct rsys_call *row = rsys_call_by_number(nr);
    uint64_t theirs[6];
    char text[2][PATH_LINK_SIZE];
    unsigned remote = 0, local = 0;
    (void)context;
    if (row == NULL || row->where == RSYS_LOCAL || row->where == RSYS_NEVER)
        return WAY_LOCAL;
    memcpy(theirs, args, sizeof theirs);
    *ret = find_homes(row, theirs, text, &remote, &local);
    if (*ret < 0)
        return WAY_DONE;
    if (remote == 0 && (local > 0 || !call_chosen(nr) || row->where == RSYS_SPECIAL))
        return WAY_LOCAL;
    if (local > 0) {
        *ret = across(row, args);
        return WAY_DONE;
    }
    drop_local_directories(row, args, theirs);
    *ret = remote_call(nr, theirs);
    if (*ret == -ENOSYS && row->args[0].shape == RSYS_ARG_FD && fd_remote((int)args[0]) >= 0)
        return WAY_LOCAL; /* nothing that is done to a descriptor of the server's: the placeholder says EBADF */
    if (*ret >= 0 && (row->flags & RSYS_CALL_MAKES_FD) != 0)
        *ret = fd_wrap(*ret, 0, makes_cloexec(nr, args));
    return WAY_DONE;
}

/* What would have calls made past the library: a dispatch of the program's own, and rings, for which programs fall back to calls. */
static enum way call_ours(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    (void)context;
    if (nr == SYS_prctl && args[0] != PR_SET_SYSCALL_USER_DISPATCH)
        return WAY_LOCAL;
    *ret = nr == SYS_prctl ? -EINVAL : -ENOSYS;
    return WAY_DONE;
}

static way_of *way_for(uint64_t nr)
{
    switch (nr) {
    case SYS_rt_sigreturn: case SYS_rt_sigaction: case SYS_rt_sigprocmask: return call_signals;
    case SYS_rt_sigsuspend: return call_masked;
    case SYS_poll: case SYS_ppoll: case SYS_select: case SYS_pselect6: return call_wait;
    case SYS_epoll_create: case SYS_epoll_create1: case SYS_epoll_ctl: case SYS_epoll_wait: case SYS_epoll_pwait: case SYS_epoll_pwait2: return call_epoll;
    case SYS_fork: case SYS_vfork: case SYS_clone: case SYS_clone3: return call_clone;
    case SYS_execve: case SYS_execveat: return call_exec;
    case SYS_exit: case SYS_exit_group: return call_exit;
    case SYS_close: case SYS_close_range: case SYS_dup: case SYS_dup2: case SYS_dup3: case SYS_fcntl: case SYS_ioctl: return call_fd;
    case SYS_chdir: case SYS_fchdir: case SYS_getcwd: case SYS_umask: return call_cwd;
    case SYS_mmap: return call_mmap;
    case SYS_pipe: case SYS_pipe2: case SYS_socketpair: return call_pair;
    case SYS_sendmsg: case SYS_recvmsg: return call_message_fds;
    case SYS_sendfile: return call_sendfile;
    case SYS_prctl: case SYS_io_uring_setup: return call_ours;
    default: return call_generic;
    }
}

/* A SIGSYS that nobody but the program can have meant: its seccomp filter's, or kill's. */
static void not_ours(void)
{
    const struct {
        uint64_t handler, flags, restorer, mask;
    } none = {0, 0, 0, 0};
    const uint64_t sigsys = SIGSYS_BIT;
    (void)RAW(SYS_rt_sigaction, SIGSYS, &none, NULL, sizeof none.mask);
    int64_t pid = RAW(SYS_getpid);
    (void)RAW(SYS_tgkill, pid, gettid(), SIGSYS);
    (void)RAW(SYS_rt_sigprocmask, SIG_UNBLOCK, &sigsys, NULL, sizeof sigsys);
}

void dispatch(struct thread *thread, siginfo_t *info, struct context *context)
{
    uint64_t nr = context->ax, args[6] = {context->di, context->si, context->dx, context->r10, context->r8, context->r9};
    int64_t result = -ENOSYS;
    if (info->si_code != SYS_USER_DISPATCH_CODE) {
        not_ours();
        return;
    }
    signals_check_restore(context, nr);
    thread->program_mask = context->mask;
    thread->swapped = false;
    thread->interrupted = 0;
    thread->patient = false;
    enum way way = nr < RSYS_CALLS_MAX ? way_for(nr)(context, nr, args, &result) : WAY_LOCAL;
    if (way == WAY_LOCAL)
        way_local(context, -1, NULL);
    if (way == WAY_GOES_ON)
        return;
    if (result == -EINTR && thread->interrupted != 0 && signals_restart(nr))
        context->ip -= 2; /* ax still is the call's number */
    else
        context->ax = (uint64_t)result;
    if (result == -EINTR && thread->interrupted != 0 && thread->swapped)
        signals_deliver_swapped(context);
}

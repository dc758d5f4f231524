/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-pidfd.c: descriptors of processes.
 *
 * Processes are the client's, and so are their descriptors: local ones, that can be waited for among remote ones as any other.  waitid(P_PIDFD) needs
 * nothing from us.  What a guest does through a local pidfd its own kernel may do: pidfds are made here alone, and none is made of the supervisor. */
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIDFD_SELF_LAST (-10000) /* PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP: the caller itself, from Linux 6.14 on */
#define PIDFD_SELF_FIRST (-10001)

static enum verdict open_pidfd(struct call *call)
{
    int made;

    if (rsys_is_supervisor(call->args[0]))
        return rsys_call_done(call, -EPERM);
    /* Pids are the same here: this is the guests' pid namespace.  What flags there are is the kernel's to say. */
    made = (int)syscall(SYS_pidfd_open, (pid_t)call->args[0], (unsigned)call->args[1]);
    return made < 0 ? rsys_call_done(call, -errno) : rsys_call_bring_home(call, made, RSYS_FD_SESSION | RSYS_FD_CLOEXEC);
}

/* Whose pidfd it is; 0: of nobody any more, or of nobody that we can tell.  The text is our own kernel's. */
static pid_t pid_of(struct guest *guest, int fd)
{
    char path[32], text[512];
    const char *at;
    ssize_t n;

    RSYS_AUTO_FD own = rsys_guest_get_fd(guest, fd);
    if (own < 0)
        return 0;
    snprintf(path, sizeof(path), "self/fdinfo/%d", own);
    RSYS_AUTO_FD info = openat(guest->process->jail->session->proc_fd, path, O_RDONLY | O_CLOEXEC);
    n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
    text[RSYS_MAX(n, (ssize_t)0)] = '\0';
    at = strstr(text, "\nPid:");
    return at ? (pid_t)strtol(at + 5, NULL, 10) : 0;
}

enum verdict rsys_handle_PIDFD(struct call *call)
{
    int32_t fd = (int32_t)call->args[0];

    if (call->nr == SYS_pidfd_open)
        return open_pidfd(call);
    if (fd >= PIDFD_SELF_FIRST && fd <= PIDFD_SELF_LAST)
        return VERDICT_CONTINUE;
    if (!rsys_fd_is_local(call->guest->process->fds, fd))
        return rsys_call_done(call, -EBADF); /* whatever it is, it is no pidfd, and so the kernel calls it */
    if (call->nr == SYS_pidfd_send_signal && rsys_jail_session(call->guest->process->jail)->ids_differ) {
        pid_t pid = pid_of(call->guest, fd);

        if (pid > 0 && pid != call->guest->process->pid)
            return rsys_call_ask_permission(call, pid);
    }
    return VERDICT_CONTINUE;
}

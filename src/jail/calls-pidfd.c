/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-pidfd.c: descriptors of processes.
 *
 * Processes are the client's, and so are their descriptors: local ones, that can be waited for among remote ones as any other.  waitid(P_PIDFD) needs
 * nothing from us.  What a guest does through a local pidfd its own kernel may do: pidfds are made here alone, and none is made of the supervisor. */
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
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

/* ---- a directory of /proc in the place of a pidfd ----
 *
 * pidfd_send_signal(2) takes the descriptor of a /proc/PID as well (killall(1) uses that), and that is the executor's.  So the executor is asked what it is,
 * and the supervisor sends the signal: to whom it goes sees it come from pid 1. */

struct directory {
    char path[32], link[64];
    pid_t pid;
};

static enum verdict send_signal(struct call *call, pid_t pid)
{
    siginfo_t info;
    int signal = (int)call->args[1];
    long result;

    if (call->args[2] == 0) {
        result = kill(pid, signal);
    } else {
        if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &info, sizeof(info)) < 0)
            return rsys_call_done(call, -EFAULT);
        if (info.si_signo != signal)
            return rsys_call_done(call, -EINVAL);
        if ((info.si_code >= 0 || info.si_code == SI_TKILL) && pid != call->guest->process->pid) /* do_pidfd_send_signal() */
            return rsys_call_done(call, -EPERM);
        result = syscall(SYS_rt_sigqueueinfo, pid, signal, &info);
    }
    return rsys_call_done(call, result < 0 ? -errno : 0);
}

static enum verdict may_send(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    return reply->result == -EPERM ? rsys_call_done(call, -EPERM) : send_signal(call, ((struct directory *)call->scratch)->pid);
}

static enum verdict got_name(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct directory *directory = call->scratch;
    const struct guest *guest;
    int end = 0;

    if (reply->result <= 0 || reply->result >= (int64_t)sizeof(directory->link) ||
        rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return rsys_call_done(call, -EBADF);
    directory->link[reply->result] = '\0';
    if (sscanf(directory->link, "/proc/%d%n", &directory->pid, &end) != 1)
        return rsys_call_done(call, -EBADF);
    if (directory->link[end] != '\0') /* it has ended, or it is something below its directory */
        return rsys_call_done(call, strcmp(directory->link + end, " (deleted)") == 0 ? -ESRCH : -EBADF);
    if (rsys_is_supervisor((uint64_t)directory->pid))
        return rsys_call_done(call, -EPERM);
    guest = rsys_guest_find(call->guest->process->jail, directory->pid);
    if (!guest || !guest->process)
        return rsys_call_done(call, -ESRCH);
    if (!rsys_jail_session(call->guest->process->jail)->ids_differ || directory->pid == call->guest->process->pid)
        return send_signal(call, directory->pid);
    rsys_request_start(&call->request, SYS_kill, (uint64_t[6]){(uint64_t)directory->pid, 0});
    call->on_reply = may_send;
    return rsys_call_send(call);
}

static enum verdict by_directory(struct call *call)
{
    struct directory *directory = rsys_call_scratch(call, sizeof(*directory));
    int length;

    if (!directory)
        return rsys_call_done(call, -ENOMEM);
    if (call->args[3] != 0)
        return rsys_call_done(call, -EINVAL);
    if (rsys_fd_is_beyond(call, call->args[0]))
        return rsys_call_done(call, -EBADF);
    length = snprintf(directory->path, sizeof(directory->path), "/proc/self/fd/%d", (int)call->args[0]);
    rsys_request_start(&call->request, SYS_readlink, (uint64_t[6]){0, 0, sizeof(directory->link) - 1});
    if (rsys_request_in(&call->request, 0, directory->path, (size_t)length + 1) < 0 ||
        rsys_request_out(&call->request, 1, sizeof(directory->link) - 1, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = directory->link}) < 0)
        return rsys_call_done(call, -ENOMEM);
    call->on_reply = got_name;
    return rsys_call_send(call);
}

enum verdict rsys_handle_PIDFD(struct call *call)
{
    int32_t fd = (int32_t)call->args[0];

    if (call->nr == SYS_pidfd_open)
        return open_pidfd(call);
    if (fd >= PIDFD_SELF_FIRST && fd <= PIDFD_SELF_LAST)
        return VERDICT_CONTINUE;
    if (!rsys_fd_is_local(call->guest->process->fds, fd) && call->nr == SYS_pidfd_send_signal)
        return by_directory(call);
    if (!rsys_fd_is_local(call->guest->process->fds, fd))
        return rsys_call_done(call, -EBADF); /* whatever it is, it is no pidfd, and so the kernel calls it */
    if (call->nr == SYS_pidfd_send_signal && rsys_jail_session(call->guest->process->jail)->ids_differ) {
        pid_t pid = pid_of(call->guest, fd);

        if (pid > 0 && pid != call->guest->process->pid)
            return rsys_call_ask_permission(call, pid);
    }
    return VERDICT_CONTINUE;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-pidfd.c: descriptors of processes.
 *
 * Processes are the client's, and so are their descriptors: local ones, that can be waited for among remote ones as any other.  waitid(P_PIDFD) needs
 * nothing from us.  What a guest does through a local pidfd its own kernel may do: pidfds are made here alone, and none is made of the supervisor. */
#include "src/core/util.h"
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

/* The guest's own kernel signals, after the server has been asked where ids differ. */
static enum verdict signal_through(struct call *call, pid_t pid)
{
    if (pid > 0 && pid != call->guest->process->pid && rsys_jail_session(call->guest->process->jail)->ids_differ)
        return rsys_call_ask_permission(call, pid);
    return VERDICT_CONTINUE;
}

/* ---- directories of /proc, which the kernel takes for pidfds of their processes (killall does) ----
 *
 * They are the server's: the name tells the pid, and that the process has gone ("(deleted)").  A pidfd of our own is then put at that number into
 * the guest's table, where nothing else can be, and the rest is as for any other.  A server that lies, or a directory that only has such a
 * name, makes a guest signal another one of its session: it may do that anyway. */

#define NAME_ROOM 32 /* longer ones are no such names */

static enum verdict got_flags(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    pid_t pid = (pid_t)call->own.word[0];
    int result;

    (void)data;
    if (reply->result < 0 || (reply->result & O_PATH))
        return rsys_call_done(call, -EBADF);
    RSYS_AUTO_FD made = (int)syscall(SYS_pidfd_open, pid, 0);
    if (made < 0)
        return rsys_call_done(call, -errno);
    result = rsys_call_add_fd(call, made, (int)call->args[0], true);
    return result < 0 ? rsys_call_done(call, result) : signal_through(call, pid);
}

static enum verdict got_name(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    char *name = call->scratch, *end;
    int64_t pid;

    if (reply->result <= 0 || reply->result >= NAME_ROOM || rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return rsys_call_done(call, -EBADF);
    name[reply->result] = '\0';
    if (strncmp(name, "/proc/", 6) != 0 || name[6] < '1' || name[6] > '9')
        return rsys_call_done(call, -EBADF);
    pid = strtol(name + 6, &end, 10);
    if (strcmp(end, " (deleted)") == 0)
        return rsys_call_done(call, -ESRCH);
    if (*end != '\0' || pid > INT32_MAX)
        return rsys_call_done(call, -EBADF);
    if (rsys_is_supervisor((uint64_t)pid))
        return rsys_call_done(call, -EPERM);
    call->own.word[0] = (uint64_t)pid;
    rsys_request_start(&call->request, SYS_fcntl, (uint64_t[6]){call->args[0], F_GETFL});
    call->on_reply = got_flags;
    return rsys_call_send(call);
}

static enum verdict ask_name(struct call *call)
{
    char path[32];
    int length = snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)call->args[0]);

    if (!rsys_call_scratch(call, NAME_ROOM))
        return rsys_call_done(call, -ENOMEM);
    rsys_request_start(&call->request, SYS_readlink, (uint64_t[6]){0, 0, NAME_ROOM});
    if (rsys_request_in(&call->request, 0, path, (size_t)length + 1) < 0)
        return rsys_call_done(call, -ENOMEM);
    rsys_request_out(&call->request, 1, NAME_ROOM, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = call->scratch});
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
    if (!rsys_fd_is_local(call->guest->process->fds, fd)) {
        if (call->nr != SYS_pidfd_send_signal || rsys_fd_is_beyond(call, (uint64_t)fd))
            return rsys_call_done(call, -EBADF); /* whatever it is, it is no pidfd, and so the kernel calls it */
        return ask_name(call);
    }
    if (call->nr != SYS_pidfd_send_signal || !rsys_jail_session(call->guest->process->jail)->ids_differ)
        return VERDICT_CONTINUE;
    return signal_through(call, pid_of(call->guest, fd));
}

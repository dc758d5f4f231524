/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-kin.c: one guest and another: kcmp, and the memory of others.
 *
 * Who may look at whom depends on ids, which are the executors', and executors have the guests' pids: their kernel is asked whether the caller may look, by
 * a kcmp(2) of both, which takes the same right (ptrace_may_access). */
#include "src/jail/internal.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>

static enum verdict allowed(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    return reply->result < 0 ? rsys_call_done(call, reply->result) : VERDICT_CONTINUE;
}

/* Go on in the guest's own kernel, if the caller may look at both. */
static enum verdict ask(struct call *call, uint64_t one, uint64_t other)
{
    rsys_request_start(&call->request, SYS_kcmp, (uint64_t[6]){one, other, KCMP_VM});
    call->on_reply = allowed;
    return rsys_call_send(call);
}

/* The supervisor, and on the server init and the view's executor, are no guests.  0 or -errno. */
static int64_t is_guest(const struct call *call, uint64_t pid)
{
    const struct guest *guest = rsys_guest_find(call->guest->process->jail, (pid_t)pid);

    return guest && guest->process ? 0 : (pid_t)pid == 1 ? -EPERM : -ESRCH;
}

static bool is_local(const struct call *call, uint64_t pid, uint64_t fd)
{
    const struct guest *guest = rsys_guest_find(call->guest->process->jail, (pid_t)pid);

    return guest && guest->process && rsys_fd_is_local(guest->process->fds, (int64_t)fd);
}

enum verdict rsys_handle_KCMP(struct call *call)
{
    const uint64_t *args = call->args;
    int64_t refused = is_guest(call, args[0]);

    if (!refused)
        refused = is_guest(call, args[1]);
    if (refused)
        return rsys_call_done(call, refused);
    switch ((int)args[2]) {
    case KCMP_FILE:
        if (rsys_fd_is_beyond(call, args[3]) || rsys_fd_is_beyond(call, args[4]))
            return rsys_call_done(call, -EBADF);
        /* Of different homes: a placeholder is no file of the sandbox, so the executor has the right answer. */
        return is_local(call, args[0], args[3]) && is_local(call, args[1], args[4]) ? ask(call, args[0], args[1]) : rsys_call_forward(call);
    case KCMP_VM:
    case KCMP_SIGHAND:
    case KCMP_IO:
    case KCMP_SYSVSEM:
        return ask(call, args[0], args[1]);
    case KCMP_EPOLL_TFD:
        return rsys_call_done(call, -EOPNOTSUPP); /* as a kernel without it */
    default:
        return rsys_call_forward(call);
    }
}

/* process_vm_readv, process_vm_writev.  Guests have one id on the client: its kernel lets each look at each. */
enum verdict rsys_handle_VM(struct call *call)
{
    pid_t pid = (pid_t)call->args[0];

    int64_t refused = is_guest(call, (uint64_t)pid);

    if (refused)
        return rsys_call_done(call, refused);
    if (!rsys_jail_session(call->guest->process->jail)->ids_differ || pid == call->guest->process->pid || pid == call->guest->tid)
        return VERDICT_CONTINUE;
    return ask(call, (uint64_t)call->guest->process->pid, (uint64_t)pid);
}

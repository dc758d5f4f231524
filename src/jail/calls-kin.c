/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-kin.c: one guest and another: kcmp, the memory of others, signals to several.
 *
 * Who may look at whom depends on ids, which are the executors', and executors have the guests' pids: their kernel is asked whether the caller may look, by
 * a kcmp(2) of both, which takes the same right (ptrace_may_access). */
#include "src/jail/internal.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* ---- signals to many ----
 *
 * kill(0), kill(-1) and kill(-group) reach those that the caller may signal.  The executor is asked for each, and what it allows is sent; the caller's own process
 * comes last, as the signal may end it. */

struct targets {
    uint32_t count, next;
    int32_t signal;
    bool sent, refused;
    pid_t pid[];
};

static enum verdict signal_next(struct call *call);

static enum verdict may_signal(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct targets *targets = call->scratch;
    pid_t pid = targets->pid[targets->next++];

    (void)data;
    targets->refused |= reply->result == -EPERM;
    targets->sent |= reply->result == 0 && kill(pid, targets->signal) == 0;
    return signal_next(call);
}

/* As kernel/signal.c has it: kill(-1) succeeds when there was anybody, also when all refused. */
static int64_t signals_result(const struct call *call, const struct targets *targets)
{
    if (targets->sent || ((int32_t)call->args[0] == -1 && targets->count > 0))
        return 0;
    return targets->refused ? -EPERM : -ESRCH;
}

static enum verdict signal_next(struct call *call)
{
    struct targets *targets = call->scratch;

    if (targets->next == targets->count)
        return rsys_call_done(call, signals_result(call, targets));
    rsys_request_start(&call->request, SYS_kill, (uint64_t[6]){(uint64_t)targets->pid[targets->next], 0});
    call->on_reply = may_signal;
    return rsys_call_send(call);
}

enum verdict rsys_call_signal_each(struct call *call)
{
    struct jail *jail = call->guest->process->jail;
    int32_t who = (int32_t)call->args[0];
    pid_t own = call->guest->process->pid, group = who == 0 ? getpgid(own) : -who;
    uint32_t processes = 0;
    bool self = false;

    if ((uint32_t)call->args[1] > (uint32_t)SIGRTMAX)
        return rsys_call_done(call, -EINVAL);
    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next)
            processes += guest->process && guest->process->pid == guest->tid;
    struct targets *targets = rsys_call_scratch(call, sizeof(*targets) + (processes + 1) * sizeof(targets->pid[0]));

    if (!targets)
        return rsys_call_done(call, -ENOMEM);
    *targets = (struct targets){.signal = (int32_t)call->args[1]};
    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next) {
            bool leads = guest->process && guest->process->pid == guest->tid, meant = leads && (who == -1 || getpgid(guest->tid) == group);

            self |= meant && guest->tid == own && who != -1; /* kill(-1) spares the caller */
            if (meant && guest->tid != own)
                targets->pid[targets->count++] = guest->tid;
        }
    if (self)
        targets->pid[targets->count++] = own;
    return signal_next(call);
}

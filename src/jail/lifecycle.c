/* SPDX-License-Identifier: GPL-2.0-only */
/* lifecycle.c: guests are born, execute, stop and end; their executors follow.
 *
 * ptrace tells.  A child is kept in its first stop until its parent's event has said whose child it is, so no call of an unknown guest
 * ever comes.  A guest is kept in its exit stop until its executor has confirmed that it has closed what it had, so that what wait() promises is
 * true.  A guest may be killed between any two of our steps: ESRCH from ptrace is normal everywhere, its end comes through waitpid.
 *
 * rsys-jail ends with its first guest, as a shell's command does; whatever else still runs is killed then, because the supervisor is pid 1 of the
 * guests' pid namespace, or (with --only, where there is none) their tracer, whose end kills them. */
#include "src/jail/chosen.h"
#include "src/jail/intercept.h"
#include "src/jail/internal.h"
#include "src/jail/learn.h"
#include "src/jail/look.h"
#include "src/jail/view.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- guests ---- */

static struct guest **guest_slot(struct jail *jail, pid_t tid)
{
    struct guest **p = &jail->guests[(unsigned)tid % GUEST_BUCKETS];

    while (*p && (*p)->tid != tid)
        p = &(*p)->next;
    return p;
}

struct guest *rsys_guest_find(struct jail *jail, pid_t tid)
{
    return *guest_slot(jail, tid);
}

static void guest_insert(struct jail *jail, struct guest *guest)
{
    struct guest **bucket = &jail->guests[(unsigned)guest->tid % GUEST_BUCKETS];

    guest->next = *bucket;
    *bucket = guest;
}

struct guest *rsys_guest_new(struct jail *jail, pid_t tid)
{
    struct guest *guest = calloc(1, sizeof(*guest));
    struct call *call = calloc(1, sizeof(*call));

    if (!guest || !call) {
        free(guest);
        free(call);
        return NULL;
    }
    guest->tid = tid;
    guest->call = call;
    call->guest = guest;
    rsys_guest_memory_init(guest);
    guest_insert(jail, guest);
    return guest;
}

static void process_unref(struct process *process)
{
    if (--process->users)
        return;
    rsys_view_set_exe(process->jail->session->view, process->pid, NULL);
    rsys_fdtable_unref(process->fds);
    rsys_close(process->pidfd);
    rsys_signal_watch_drop(process);
    free(process->exe);
    free(process);
}

struct process *rsys_process_new(struct jail *jail, pid_t pid, struct fdtable *fds)
{
    struct process *process = calloc(1, sizeof(*process));

    if (!process)
        return NULL;
    process->pid = pid;
    process->jail = jail;
    process->fds = fds;
    process->pidfd = -1;
    process->signal_watch = -1;
    process->confined = jail->session && jail->session->confined;
    return process;
}

int rsys_guest_join(struct guest *guest, struct process *process)
{
    guest->channel = rsys_channel_new(process->jail, -1);
    if (!guest->channel)
        return -ENOMEM;
    guest->channel->guest = guest;
    guest->channel->tid = guest->tid;
    guest->channel->pid = process->pid;
    guest->process = process;
    process->users++;
    process->threads++;
    return 0;
}

void rsys_guest_gone(struct guest *guest)
{
    struct process *process = guest->process;

    if (process) {
        struct guest **slot = guest_slot(process->jail, guest->tid);

        if (*slot)
            *slot = guest->next;
        rsys_call_abandon(guest);
        if (guest->channel)
            guest->channel->guest = NULL;
        process_unref(process);
    }
    rsys_signal_free(guest);
    rsys_mask_free(guest);
    rsys_trap_free(guest);
    rsys_injection_free(guest);
    rsys_request_free(&guest->call->request);
    rsys_look_free(guest);
    free(guest->call->scratch);
    free(guest->call);
    free(guest);
}

void rsys_guest_resume(struct guest *guest, int signal)
{
    guest->stopped = false;
    ptrace(PTRACE_CONT, guest->tid, NULL, (void *)(uintptr_t)signal);
}

void rsys_guest_orphaned(struct guest *guest)
{
    struct jail *jail = guest->process->jail;

    if (guest->state == GUEST_EXITING) {
        /* Another thread's exit of the whole process has ended the executor before it came to this one's. */
        rsys_exit_unmirrored(guest);
        return;
    }
    if (guest->process->pid == jail->first) {
        rsys_jail_lost_soon(jail, "the server has ended the program's side of the session");
        return;
    }
    dprintf(STDERR_FILENO, "rsys-jail: the server has ended its side of process %d, which is killed\n", (int)guest->process->pid);
    guest->channel->guest = NULL;
    guest->channel = NULL;
    jail->orphans = true;
    kill(guest->process->pid, SIGKILL);
}

/* When a server ends, its executors go before the control connection does, and the first guest may end because its children were killed: then its
 * status is not the program's own.  Half a second is what the server may take from the first to the last. */
static bool server_ends(struct jail *jail)
{
    struct pollfd control = {.fd = jail->resume ? rsys_resume_end_fd(jail) : jail->control->source.fd, .events = POLLRDHUP};

    return jail->orphans && poll(&control, 1, 500) > 0;
}

/* ---- birth ---- */

/* The executor has forked (or could not, which the greeting in the child's stead tells). */
static void clone_done(struct channel *channel, struct errand *errand, int64_t result)
{
    struct guest *parent = channel->guest;

    (void)result;
    if (parent && parent->cloning == errand->tid) {
        parent->cloning = 0;
        rsys_guest_resume(parent, 0);
    }
}

void rsys_clone_failed(struct jail *jail, pid_t tid, int64_t result)
{
    struct guest *child = rsys_guest_find(jail, tid);

    dprintf(STDERR_FILENO, "rsys-jail: the server cannot fork for process %d, which is killed: %s\n", (int)tid, strerror((int)-result));
    if (child && child->process && child->channel) {
        child->mirrorless = true;
        kill(child->process->pid, SIGKILL);
        rsys_exit_unmirrored(child);
    }
}

/* The flags of the call that the guest is in.  clone3 does not exist for guests (the filter says ENOSYS), so they are in a register.  ptrace's event tells less: it
 * goes by the exit signal and CLONE_VFORK alone. */
static uint64_t clone_flags(struct guest *guest)
{
    struct user_regs_struct regs;

    if (ptrace(PTRACE_GETREGS, guest->tid, NULL, &regs) < 0)
        return SIGCHLD;
    rsys_learn_birth(regs.orig_rax);
    if (regs.orig_rax == SYS_fork)
        return SIGCHLD;
    return regs.orig_rax == SYS_vfork ? (uint64_t)(CLONE_VM | CLONE_VFORK | SIGCHLD) : regs.rdi;
}

static struct process *clone_process(struct guest *parent, pid_t pid, uint64_t flags)
{
    struct process *of = parent->process, *process;
    struct fdtable *fds;

    if (flags & CLONE_THREAD)
        return of;
    fds = flags & CLONE_FILES ? rsys_fdtable_ref(of->fds) : rsys_fdtable_copy(of->fds);
    process = fds ? rsys_process_new(of->jail, pid, fds) : NULL;
    if (!process) {
        rsys_fdtable_unref(fds);
        return NULL;
    }
    if (of->exe)
        process->exe = strdup(of->exe);
    process->confined = process->confined || of->confined;
    process->root = of->root;
    process->nofile = of->nofile;
    process->nofile_max = of->nofile_max;
    process->undumpable = of->undumpable;
    rsys_view_set_exe(of->jail->session->view, pid, process->exe);
    return process;
}

static void child_go(struct guest *child)
{
    if (!child->announced || !child->stopped)
        return;
    child->state = GUEST_RUNNING;
    rsys_guest_resume(child, 0);
}

static void stop_clone(struct guest *parent)
{
    struct jail *jail = parent->process->jail;
    struct rsys_request request = {0};
    unsigned long message = 0;
    struct process *process;
    struct guest *child;
    uint64_t flags = clone_flags(parent);
    uint64_t args[6] = {flags};
    int64_t seq;
    bool wait;

    rsys_look_forget(parent);
    if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &message) < 0)
        return; /* killed: the child is found by lost_children() */
    child = rsys_guest_find(jail, (pid_t)message);
    if (!child)
        child = rsys_guest_new(jail, (pid_t)message);
    process = child ? clone_process(parent, child->tid, flags) : NULL;
    if (!process || rsys_guest_join(child, process) < 0) {
        rsys_jail_lost(jail, "out of memory");
        return;
    }
    child->announced = true;
    args[1] = (uint64_t)child->tid;
    /* Somebody else may change the same descriptor table while the executor has not forked yet: then the parent waits. */
    wait = parent->process->threads - (flags & CLONE_THREAD ? 1 : 0) > 1 || parent->process->fds->users > 1;
    rsys_request_start(&request, RSYS_OP_CLONE, args);
    seq = wait ? rsys_channel_errand(parent->channel, &request, child->tid, clone_done) : rsys_guest_post(parent, &request);
    rsys_request_free(&request);
    if (seq < 0) {
        rsys_jail_lost(jail, "out of memory");
        return;
    }
    if (wait)
        parent->cloning = child->tid;
    else
        rsys_guest_resume(parent, 0);
    child_go(child);
}

/* Whether it is a process whose parent has gone (then it is no guest's).  A thread has its process's parent, and goes with the process that made it. */
static bool is_orphan(struct jail *jail, pid_t tid)
{
    char status[4096];
    const char *group, *parent;

    if (rsys_guest_status(jail, tid, status, sizeof(status)) < 0)
        return false;
    group = strstr(status, "\nTgid:");
    parent = strstr(status, "\nPPid:");
    return group && atoi(group + 6) == tid && parent && !rsys_guest_find(jail, atoi(parent + 6));
}

/* Children whose parent was killed in its clone, before it could tell us: nobody else will ever resume them. */
static void lost_children(struct jail *jail)
{
    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next)
            if (!guest->announced && guest->state == GUEST_NEW && guest->stopped && is_orphan(jail, guest->tid))
                kill(guest->tid, SIGKILL);
}

/* ---- exec ---- */

/* argv as the new program finds it on its stack; text gets the strings one after the other.  Returns how many, or -1. */
static int64_t exec_argv(struct guest *guest, char *text, size_t size, size_t *ret_size)
{
    struct user_regs_struct regs;
    uint64_t argc, first;
    size_t at = 0;

    if (ptrace(PTRACE_GETREGS, guest->tid, NULL, &regs) < 0)
        return -1;
    if (rsys_memory_read(&guest->memory, regs.rsp, &argc, sizeof(argc)) < 0 ||
        rsys_memory_read(&guest->memory, regs.rsp + 8, &first, sizeof(first)) < 0)
        return -1;
    /* The kernel has laid the strings out one behind the other.  What does not fit the request is left out: it is only for /proc/PID/cmdline. */
    for (uint64_t i = 0; i < argc; i++) {
        int64_t n = rsys_memory_read_string(&guest->memory, first, text + at, size - at);

        if (n < 0) {
            argc = i;
            break;
        }
        at += (size_t)n + 1;
        first += (uint64_t)n + 1;
    }
    *ret_size = at;
    return (int64_t)argc;
}

static int exec_post(struct guest *guest)
{
    static char text[65536];
    struct rsys_request request = {0};
    size_t size = 0;
    int64_t argc = exec_argv(guest, text, sizeof(text), &size);
    uint64_t args[6] = {argc > 0 ? (uint64_t)argc : 0, size, guest->channel->seq + 2};
    int result;

    rsys_request_start(&request, RSYS_OP_EXEC, args);
    result = (int)RSYS_MIN(rsys_request_in(&request, -1, text, size), (int64_t)0);
    if (!result)
        result = rsys_guest_post(guest, &request);
    rsys_request_free(&request);
    return result;
}

/* The thread that has executed is the leader from now on. */
static struct guest *exec_leader(struct jail *jail, pid_t pid, pid_t former)
{
    struct guest *leader = rsys_guest_find(jail, pid), *guest = rsys_guest_find(jail, former);

    if (former == pid || !guest)
        return leader;
    if (leader)
        rsys_guest_gone(leader);
    *guest_slot(jail, former) = guest->next;
    guest->tid = pid;
    guest->channel->tid = pid;
    guest->channel->pid = pid;
    guest_insert(jail, guest);
    return guest;
}

static void stop_exec(struct jail *jail, pid_t pid)
{
    unsigned long former = (unsigned long)pid;
    struct process *process;
    struct guest *guest;

    ptrace(PTRACE_GETEVENTMSG, pid, NULL, &former);
    guest = exec_leader(jail, pid, (pid_t)former);
    if (!guest || !guest->process)
        return;
    process = guest->process;
    process->undumpable = false;
    rsys_look_forget(guest);
    rsys_call_abandon(guest);
    guest->told = false;
    guest->doubtful = 0;
    (void)rsys_fdtable_unshare(&process->fds); /* as exec does */
    free(process->exe);
    process->exe = rsys_view_exe(jail->session->view, jail->session->proc_fd, pid);
    rsys_view_set_exe(jail->session->view, pid, process->exe);
    guest->state = GUEST_RUNNING;
    if (guest->channel && exec_post(guest) < 0)
        rsys_jail_lost(jail, "out of memory");
    if (jail->session->chosen) /* behind that: its table is its own by then */
        rsys_chosen_exec(guest);
    rsys_fdtable_exec(process->fds);
    rsys_guest_resume(guest, 0);
}

/* ---- end ---- */

/* The channel's executor thread has ended; another one will take the channel and greet. */
static void channel_recycle(struct channel *channel)
{
    channel->guest = NULL;
    channel->tid = 0;
    channel->cancels = 0; /* of the one that was there */
    channel->seq = channel->ack = channel->told = 0;
    channel->pid = 0;
    rsys_sent_clear(&channel->sent);
    channel->jail->spares++;
}

static void exit_done(struct channel *channel, struct errand *errand, int64_t result)
{
    struct guest *guest = channel->guest;

    (void)errand;
    (void)result; /* whatever it says, it has ended */
    channel->jail->news++; /* what it was doing when it was killed has been done */
    if (guest) {
        rsys_call_abandon(guest);
        guest->channel = NULL;
        rsys_guest_resume(guest, 0);
    }
    channel_recycle(channel);
}

static void exit_whole_done(struct channel *channel, struct errand *errand, int64_t result)
{
    rsys_exit_unmade(channel->guest);
    exit_done(channel, errand, result);
}

static void exit_post(struct guest *guest, bool whole)
{
    struct rsys_request request = {0};
    uint64_t args[6] = {whole};
    int64_t seq;

    rsys_request_start(&request, RSYS_OP_EXIT, args);
    seq = rsys_channel_errand(guest->channel, &request, guest->tid, whole ? exit_whole_done : exit_done);
    rsys_request_free(&request);
    if (seq < 0)
        rsys_jail_lost(guest->process->jail, "out of memory");
}

void rsys_exit_unmirrored(struct guest *guest)
{
    if (guest->state != GUEST_EXITING || !guest->channel)
        return;
    rsys_call_abandon(guest);
    rsys_channel_drop(guest->channel);
    guest->channel = NULL;
    rsys_guest_resume(guest, 0);
}

static void stop_exit(struct guest *guest)
{
    guest->state = GUEST_EXITING;
    guest->cloning = 0; /* killed while it waited for its executor's fork: it is resumed by the exit's confirmation now */
    guest->process->threads--;
    if (guest->process->threads == 0 && guest->process->fds->users == 1)
        rsys_fd_closed(guest->process->fds, -1);
    if (!guest->channel) { /* its executor went first */
        rsys_guest_resume(guest, 0);
        return;
    }
    if (guest->mirrorless) {
        rsys_exit_unmirrored(guest);
        return;
    }
    if (guest->call->phase == CALL_SENT)
        rsys_signal_cancel(guest); /* its reply is dropped, then the executor comes to the next request: */
    else
        rsys_call_abandon(guest);
    exit_post(guest, guest->process->threads == 0);
    rsys_resume_exits(guest);
}

/* What of the first guest rsys-jail itself has to know. */
static void tell_parent(struct jail *jail, int kind, int value)
{
    struct rsys_link link = {kind, value};

    if (jail->session->link_fd >= 0)
        (void)!send(jail->session->link_fd, &link, sizeof(link), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* It has ended and been reaped. */
static void guest_ended(struct jail *jail, pid_t tid, int status)
{
    struct guest *guest = rsys_guest_find(jail, tid);

    if (tid == jail->first && (jail->lost_why || server_ends(jail))) {
        rsys_jail_lost_soon(jail, "the server has ended the session");
    } else if (tid == jail->first) {
        jail->over = true;
        jail->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        if (WIFSIGNALED(status))
            tell_parent(jail, RSYS_LINK_KILLED, WTERMSIG(status));
    }
    if (!guest)
        return;
    if (!guest->process) { /* a child that nobody has told us of */
        *guest_slot(jail, tid) = guest->next;
    } else if (guest->channel && guest->state == GUEST_EXITING) {
        /* Killed again in its exit stop: the executor ends by itself, unless it was blocked. */
        if (guest->call->phase == CALL_SENT && guest->process->threads == 0)
            rsys_control_kill(jail, guest->process->pid);
    } else if (guest->channel) {
        /* No exit stop: killed when it was stopped already. */
        bool last = --guest->process->threads == 0;

        if (guest->call->phase == CALL_SENT)
            rsys_control_cancel(guest, guest->call->seq);
        exit_post(guest, last);
        if (last && guest->call->phase == CALL_SENT)
            rsys_control_kill(jail, guest->process->pid);
    }
    rsys_guest_gone(guest);
    lost_children(jail);
}

/* ---- ptrace's events ---- */

static void stop_group(struct guest *guest, int signal)
{
    if (guest->tid == guest->process->jail->first)
        tell_parent(guest->process->jail, RSYS_LINK_STOPPED, signal);
    ptrace(PTRACE_LISTEN, guest->tid, NULL, NULL);
}

static void guest_stopped(struct jail *jail, pid_t tid, int status)
{
    struct guest *guest = rsys_guest_find(jail, tid);
    int event = (int)((unsigned)status >> 16), signal = WSTOPSIG(status);
    unsigned long ending;

    if (!guest)
        guest = rsys_guest_new(jail, tid);
    if (!guest) {
        rsys_jail_lost(jail, "out of memory");
        return;
    }
    guest->stopped = true;
    if (guest->state == GUEST_NEW && event != PTRACE_EVENT_EXIT) {
        child_go(guest);
        return;
    }
    if (!guest->process) { /* killed before anybody told us of it */
        rsys_guest_resume(guest, 0);
        return;
    }
    if (jail->intercept == &rsys_intercept_ptrace && rsys_ptrace_stop(guest, status))
        return;
    switch (event) {
    case PTRACE_EVENT_CLONE:
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
        stop_clone(guest);
        break;
    case PTRACE_EVENT_EXEC:
        stop_exec(jail, tid);
        break;
    case PTRACE_EVENT_EXIT:
        if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &ending) == 0 && WTERMSIG((int)ending) == SIGSYS)
            rsys_denial_stopped(guest, UINT64_MAX);
        stop_exit(guest);
        break;
    case PTRACE_EVENT_STOP:
        if (guest->call->phase == CALL_IDLE && !guest->doubtful)
            rsys_call_doubt(guest);
        if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)
            stop_group(guest, signal);
        else if (!rsys_injection_stop(guest))
            rsys_mask_stop(guest);
        break;
    default:
        if (signal == SIGSYS)
            rsys_denial_signal(guest);
        rsys_signal_stop(guest, signal);
    }
}

void rsys_lifecycle_event(struct jail *jail)
{
    int status, left = 64; /* at once: traced guests could go on for ever */
    pid_t tid;

    while (!jail->over && left > 0 && ((tid = rsys_ptrace_kept(jail, &status)) > 0 || (tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)) {
        if (WIFSTOPPED(status))
            guest_stopped(jail, tid, status);
        else
            guest_ended(jail, tid, status);
        left--;
    }
    if (!left)
        kill(getpid(), SIGCHLD); /* the rest after what else there is */
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* signals.c: signals that meet a call in flight.
 *
 * Signals are the client kernel's: masks, handlers, defaults and job control need nothing from us.  What it cannot know is that a call is
 * under way on the server.  At the signal-delivery stop of a guest with a call in flight (its rax is -ERESTARTSYS there: the interrupted wait
 * for our answer) one of these is done:
 *
 *   no handler will run    let it go on: it dies, stops, or makes the same call again and takes up the one in flight
 *   the call may block     cancel it, and hold the guest until the server has said whether the call was done or not
 *   the call is short      hold the guest until it is done
 *   short, in several      let the guest make its call again first and deliver the signal behind it: the handler of the call
 *   steps                  needs the guest's notification (to install descriptors, to let the call through)
 *   let through once       the same (rsys_call_pass_once)
 *   not seen yet           (its notification was not received) as if the signal had come before it; one that may block makes its call
 *                          again first
 *
 * Held, the verdict goes into the guest's registers: a result, with orig_rax = -1 so that nothing is restarted; or -ERESTARTSYS as it is (SA_RESTART decides),
 * -ERESTARTNOHAND for calls that never restart (signal(7)), -ERESTARTNOINTR for those that no signal may be seen to interrupt.  The kernel then does what it
 * always does. */
#include "src/jail/internal.h"
#include "src/jail/proc-status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of the kernel's own headers: they never reach a program. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514

struct postponed {
    struct postponed *next;
    siginfo_t info;
    bool raised; /* again: it is on its way */
};

/* ---- what a signal will do ---- */

#define BIT(n) (UINT64_C(1) << ((n)-1))
#define DEFAULT_IGNORED (BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGCONT))

int rsys_guest_status(struct jail *jail, pid_t tid, char *text, size_t size)
{
    return rsys_proc_status(jail->session->proc_fd, tid, text, size);
}

bool rsys_signal_has_handler(const struct guest *guest, int signal)
{
    char status[RSYS_PROC_STATUS_SIZE];

    if (rsys_guest_status(guest->process->jail, guest->tid, status, sizeof(status)) < 0)
        return true;
    return rsys_proc_status_mask(status, "\nSigCgt:") & BIT(signal);
}

uint64_t rsys_signals_pending(const struct guest *guest)
{
    char status[RSYS_PROC_STATUS_SIZE];

    if (rsys_guest_status(guest->process->jail, guest->tid, status, sizeof(status)) < 0)
        return 0;
    return rsys_proc_status_mask(status, "\nSigPnd:") | rsys_proc_status_mask(status, "\nShdPnd:");
}

/* ---- signals of the world ----
 *
 * What a guest has asked to be told of (F_SETOWN, F_SETSIG, mq_notify) the server's kernel tells its executor, and that tells us.  Sent on to the guest, the signal may
 * keep its siginfo only where the code is negative, as if somebody had queued it: a descriptor's POLL_IN and the like become SI_SIGIO, which has the same
 * layout, and get their own code back from the event mask when a handler is about to run.  (sigwaitinfo(2) and signalfds see SI_SIGIO.) */

static const struct {
    int code;
    long band;
} bands[] = { /* fs/fcntl.c: band_table */
    {POLL_IN, EPOLLIN | EPOLLRDNORM},
    {POLL_OUT, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND},
    {POLL_MSG, EPOLLIN | EPOLLRDNORM | EPOLLMSG},
    {POLL_ERR, EPOLLERR},
    {POLL_PRI, EPOLLPRI | EPOLLRDBAND},
    {POLL_HUP, EPOLLHUP | EPOLLERR},
};

/* Of a process's signal the executor's first thread is told, unless that is busy with another; of a thread's that thread.  One that its
 * guest thread has blocked is better the process's. */
static bool is_for_thread(const struct guest *guest, int signal)
{
    char status[RSYS_PROC_STATUS_SIZE];

    return guest->tid != guest->process->pid && rsys_guest_status(guest->process->jail, guest->tid, status, sizeof(status)) == 0 &&
           !(rsys_proc_status_mask(status, "\nSigBlk:") & BIT(signal));
}

void rsys_signal_told(struct guest *guest, const uint8_t *data)
{
    struct jail *jail = guest->process->jail;
    siginfo_t info = {0};
    bool of_thread, of_descriptor, whole;

    /* Hostile: a signal that no executor tells is dropped, and of the rest only what such signals have is taken over. */
    memcpy(&info, data, RSYS_SIGNAL_INFO);
    if (info.si_signo < 1 || info.si_signo > 64 || !(RSYS_SIGNALS_TOLD & BIT(info.si_signo)))
        return;
    of_thread = is_for_thread(guest, info.si_signo);
    of_descriptor = info.si_code == SI_SIGIO || (info.si_code >= POLL_IN && info.si_code <= POLL_HUP);
    whole = of_descriptor || info.si_code == SI_MESGQ;
    if (of_descriptor) {
        info.si_code = SI_SIGIO;
        jail->told_io = true;
    }
    info.si_errno = 0;
    if (whole && of_thread)
        syscall(SYS_rt_tgsigqueueinfo, guest->process->pid, guest->tid, info.si_signo, &info);
    else if (whole)
        syscall(SYS_rt_sigqueueinfo, guest->process->pid, info.si_signo, &info);
    else if (of_thread)
        syscall(SYS_tgkill, guest->process->pid, guest->tid, info.si_signo);
    else
        kill(guest->process->pid, info.si_signo);
}

/* A signal is about to be delivered: if it tells of a descriptor, with the code that belongs to it. */
static void restore_code(struct guest *guest)
{
    siginfo_t info;

    if (ptrace(PTRACE_GETSIGINFO, guest->tid, NULL, &info) < 0 || info.si_code != SI_SIGIO)
        return;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(bands); i++)
        if (info.si_band == bands[i].band) {
            info.si_code = bands[i].code;
            ptrace(PTRACE_SETSIGINFO, guest->tid, NULL, &info);
            return;
        }
}

/* ---- cancelling ---- */

void rsys_signal_cancel(struct guest *guest)
{
    struct jail *jail = guest->process->jail;
    struct call *call = guest->call;

    if (!guest->cancelling) {
        guest->cancelling = true;
        if (jail->cancels++ == 0)
            jail->patience_ms = 10;
    }
    if (call->phase == CALL_SENT) {
        rsys_control_cancel(guest, call->seq);
    } else if (call->phase == CALL_LATER) {
        call->result = -ERESTARTSYS;
        if (call->on_cancel)
            call->on_cancel(call);
        if (call->phase == CALL_LATER)
            rsys_call_answer(call, call->result);
    }
}

void rsys_call_hurry(struct call *call)
{
    struct jail *jail = call->guest->process->jail;

    if (!call->hurried) {
        call->hurried = true;
        if (jail->cancels++ == 0)
            jail->patience_ms = 10;
    }
    rsys_control_cancel(call->guest, call->seq);
}

void rsys_call_hurried_over(struct call *call)
{
    if (call->hurried) {
        call->hurried = false;
        call->guest->process->jail->cancels--;
    }
}

void rsys_signal_repeat_cancels(struct jail *jail)
{
    jail->patience_ms = RSYS_MIN(jail->patience_ms * 2, 1000u);
    if (jail->control->cut) /* they would all come at once */
        return;
    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next)
            if ((guest->cancelling || guest->call->hurried) && guest->call->phase == CALL_SENT)
                rsys_control_cancel(guest, guest->call->seq);
}

static void cancel_over(struct guest *guest)
{
    if (guest->cancelling) {
        guest->cancelling = false;
        guest->process->jail->cancels--;
    }
}

/* ---- the stop ---- */

static int get_regs(struct guest *guest, struct user_regs_struct *regs)
{
    return ptrace(PTRACE_GETREGS, guest->tid, NULL, regs) < 0 ? -1 : 0;
}

/* Let the guest make its call again, and deliver the signal when that has been answered. */
static void postpone(struct guest *guest, int signal)
{
    struct postponed *postponed = calloc(1, sizeof(*postponed)), **end;

    if (!postponed || ptrace(PTRACE_GETSIGINFO, guest->tid, NULL, &postponed->info) < 0) {
        free(postponed);
        rsys_guest_resume(guest, signal);
        return;
    }
    /* A standard signal is pending once, however often it has come. */
    for (end = &guest->postponed; *end && ((*end)->info.si_signo != signal || signal >= SIGRTMIN); end = &(*end)->next)
        ;
    if (*end)
        free(postponed);
    else
        *end = postponed;
    rsys_guest_resume(guest, 0);
}

void rsys_signal_behind_call(struct guest *guest)
{
    int signal = guest->held;

    if (!signal)
        return;
    guest->held = 0;
    cancel_over(guest);
    postpone(guest, signal);
}

bool rsys_signal_after_call(struct guest *guest)
{
    bool any = false;

    for (struct postponed *p = guest->postponed; p; p = p->next)
        if (!p->raised) {
            any = p->raised = true;
            syscall(SYS_tgkill, guest->process->pid, guest->tid, p->info.si_signo);
        }
    return any;
}

/* A postponed signal has come back: it is the one that it was. */
static void restore_siginfo(struct guest *guest, int signal)
{
    for (struct postponed **p = &guest->postponed; *p; p = &(*p)->next) {
        struct postponed *found = *p;

        if (found->info.si_signo != signal || !found->raised)
            continue;
        ptrace(PTRACE_SETSIGINFO, guest->tid, NULL, &found->info);
        *p = found->next;
        free(found);
        return;
    }
}

void rsys_signal_free(struct guest *guest)
{
    while (guest->postponed) {
        struct postponed *next = guest->postponed->next;

        free(guest->postponed);
        guest->postponed = next;
    }
}

/* A stop with no call in flight.  There may be one all the same, which the signal has woken before its notification was received.  One that may wait is
 * to be seen first; any other begins anew behind the handler, as if the signal had come before it: none of those fails with EINTR. */
/* Whether the guest, in whose call a signal was postponed, has not come to make it again yet: the registers stand before it (whether or not it has left
 * the kernel since, which orig_rax tells). */
static bool makes_again(const struct guest *guest, const struct user_regs_struct *regs)
{
    const struct call *call = guest->call;

    return guest->postponed && regs->rax == call->nr && regs->rdi == call->args[0] && regs->rsi == call->args[1] &&
           regs->rdx == call->args[2] && regs->r10 == call->args[3] && regs->r8 == call->args[4] && regs->r9 == call->args[5];
}

static void idle_stop(struct guest *guest, int signal)
{
    struct user_regs_struct regs;
    const struct rsys_call *row = get_regs(guest, &regs) < 0 ? NULL : rsys_call_unseen(guest, &regs);

    if (row && rsys_signal_has_handler(guest, signal)) {
        if (row->flags & RSYS_CALL_BLOCKS) {
            postpone(guest, signal);
            return;
        }
        regs.rax = (uint64_t)-ERESTARTNOINTR;
        ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
    }
    rsys_guest_resume(guest, signal);
}

void rsys_signal_stop(struct guest *guest, int signal)
{
    struct call *call = guest->call;
    struct user_regs_struct regs;

    if (guest->state == GUEST_STARTING && signal == SIGTRAP) {
        rsys_first_trap(guest);
        return;
    }
    if (guest->process->jail->told_io)
        restore_code(guest);
    if (guest->postponed)
        restore_siginfo(guest, signal);
    if (rsys_injection_signal_stop(guest, signal) || rsys_mask_signal_stop(guest, signal))
        return;
    if (call->phase == CALL_IDLE) {
        if (rsys_call_doubt(guest))
            postpone(guest, signal);
        else
            idle_stop(guest, signal);
        return;
    }
    if (get_regs(guest, &regs) < 0)
        return; /* killed */
    if (makes_again(guest, &regs)) {
        postpone(guest, signal); /* behind the call, too */
    } else if ((int64_t)regs.orig_rax < 0 || (int64_t)regs.rax != -ERESTARTSYS) {
        rsys_call_abandon(guest);
        rsys_guest_resume(guest, signal);
    } else if (guest->mask && call->phase == CALL_ANSWERED && !rsys_signal_has_handler(guest, signal)) {
        rsys_guest_resume(guest, signal); /* the stop that puts the mask back is on its way */
    } else if (call->phase == CALL_PASS && call->once) {
        postpone(guest, signal); /* it comes once more, and its kernel executes it before any handler runs */
    } else if (call->phase == CALL_ANSWERED || call->phase == CALL_PASS) {
        guest->held = signal;
        rsys_signal_verdict(guest, call->phase == CALL_PASS ? VERDICT_CONTINUE : VERDICT_DONE);
    } else if (!rsys_signal_has_handler(guest, signal)) {
        rsys_guest_resume(guest, signal);
    } else if (call->row->flags & RSYS_CALL_BLOCKS) {
        guest->held = signal;
        rsys_signal_cancel(guest);
    } else if (call->on_reply || call->phase == CALL_LATER) {
        postpone(guest, signal);
    } else {
        guest->held = signal;
    }
}

/* What of its descriptor a call that reads or writes waits for; 0: any other call. */
static short waits_for(const struct call *call, uint64_t *ret_flags)
{
    *ret_flags = 0;
    switch (call->nr) {
    case SYS_recvfrom:
    case SYS_sendto:
        *ret_flags = call->args[3];
        return call->nr == SYS_sendto ? POLLOUT : POLLIN;
    case SYS_recvmsg:
    case SYS_sendmsg:
        *ret_flags = call->args[2];
        return call->nr == SYS_sendmsg ? POLLOUT : POLLIN;
    case SYS_read:
    case SYS_readv:
    case SYS_accept:
    case SYS_accept4:
        return POLLIN;
    case SYS_write:
    case SYS_writev:
        return POLLOUT;
    default:
        return 0;
    }
}

/* A guest that is about to make a call itself, and has been stopped by a signal before that: whether it would wait there, so that the signal interrupts it.  Whoever has sent the signal may have seen it
 * asleep, and for him it was in the call already.  Otherwise the handler is first, and the call is made behind it. */
static bool would_wait(struct guest *guest)
{
    const struct call *call = guest->call;
    uint64_t flags;
    struct pollfd one = {.events = waits_for(call, &flags)};

    if (call->row->handler == RSYS_HANDLER_POLL || call->row->handler == RSYS_HANDLER_SELECT)
        return true; /* what is ready will be so when it is asked for again, which is what programs do at EINTR */
    if (!one.events || (flags & MSG_DONTWAIT))
        return false;
    RSYS_AUTO_FD own = rsys_guest_get_fd(guest, (int)call->args[0]);
    one.fd = own;
    return own >= 0 && !(fcntl(own, F_GETFL) & O_NONBLOCK) && poll(&one, 1, 0) == 0;
}

void rsys_signal_verdict(struct guest *guest, enum verdict verdict)
{
    struct call *call = guest->call;
    struct user_regs_struct regs;
    int signal = guest->held;

    guest->held = 0;
    cancel_over(guest);
    call->phase = CALL_IDLE;
    guest->told = guest->passed = false;
    rsys_trace_call_end(call, verdict);
    if (get_regs(guest, &regs) < 0)
        return; /* killed */
    if (verdict == VERDICT_CONTINUE && would_wait(guest)) {
        if (call->row->flags & RSYS_CALL_NORESTART)
            regs.rax = (uint64_t)-ERESTARTNOHAND;
    } else if (verdict == VERDICT_CONTINUE) {
        regs.rax = (uint64_t)-ERESTARTNOINTR;
    } else if (call->result == -ERESTARTSYS) {
        if (!(call->row->flags & RSYS_CALL_BLOCKS))
            regs.rax = (uint64_t)-ERESTARTNOINTR;
        else if (call->row->flags & RSYS_CALL_NORESTART)
            regs.rax = (uint64_t)-ERESTARTNOHAND;
    } else {
        regs.rax = (uint64_t)call->result;
        regs.orig_rax = UINT64_MAX;
    }
    ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
    rsys_mask_deliver(guest, signal, guest->mask && rsys_signal_has_handler(guest, signal));
}

void rsys_signal_raised(struct guest *guest, uint64_t set)
{
    static const int carried[] = {SIGPIPE, SIGXFSZ};

    for (size_t i = 0; i < RSYS_ARRAY_SIZE(carried); i++)
        if (set & BIT(carried[i]))
            syscall(SYS_tgkill, guest->process->pid, guest->tid, carried[i]);
}

/* ---- kill(0) ---- */

int64_t rsys_signal_group(struct jail *jail, int signal)
{
    int64_t result = -ESRCH;

    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next) {
            bool leads = !guest->process || guest->process->pid == guest->tid;

            /* A group from outside of the guests' pid namespace has no number in it. */
            if (leads && getpgid(guest->tid) == 0 && result != 0)
                result = kill(guest->tid, signal) < 0 ? -errno : 0;
            else if (leads && getpgid(guest->tid) == 0)
                kill(guest->tid, signal);
        }
    return result;
}

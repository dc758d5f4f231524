/* SPDX-License-Identifier: GPL-2.0-only */
/* signals.c: the program's signals.
 *
 * Its handlers run where they always do: in the program, never within the library, which has all signals blocked.  SIGSYS is the library's own and must
 * never be blocked when a call is made, since the kernel kills who blocks a signal that has to be raised; so it is taken out of every mask.  A wait for
 * the server ends when a signal is pending that the program would take now. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* The kernel's struct sigaction. */
struct action {
    uint64_t handler, flags, restorer, mask;
};

static struct action for_sigsys; /* what the program believes */

static int64_t do_action(const uint64_t args[6])
{
    struct action wanted = {0}, old;
    bool set = args[1] != 0;
    if (args[3] != sizeof wanted.mask)
        return -EINVAL;
    if (set && peek(args[1], &wanted, sizeof wanted) < 0)
        return -EFAULT;
    int64_t result = 0;
    if (args[0] == SIGSYS) {
        old = for_sigsys;
        if (set)
            for_sigsys = wanted;
    } else {
        wanted.mask &= ~SIGSYS_BIT;
        result = RAW(SYS_rt_sigaction, args[0], set ? &wanted : NULL, &old, sizeof wanted.mask);
    }
    return result == 0 && args[2] != 0 && poke(args[2], &old, sizeof old) < 0 ? -EFAULT : result;
}

static int64_t do_mask(struct context *context, const uint64_t args[6])
{
    uint64_t old = context->mask, set = 0;
    if (args[3] != sizeof set)
        return -EINVAL;
    if (args[1] != 0) {
        if (peek(args[1], &set, sizeof set) < 0)
            return -EFAULT;
        set &= ~(SIGSYS_BIT | UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1));
        switch ((int)args[0]) {
        case SIG_BLOCK: context->mask = old | set; break;
        case SIG_UNBLOCK: context->mask = old & ~set; break;
        case SIG_SETMASK: context->mask = set; break;
        default: return -EINVAL;
        }
    }
    return args[2] != 0 && poke(args[2], &old, sizeof old) < 0 ? -EFAULT : 0;
}

/* ---- calls that wait with another mask ---- */

int64_t signals_swap(uint64_t address, uint64_t size)
{
    uint64_t mask;
    if (address == 0)
        return 0;
    if (size != sizeof mask || peek(address, &mask, sizeof mask) < 0)
        return size != sizeof mask ? -EINVAL : -EFAULT;
    self->program_mask = mask & ~SIGSYS_BIT;
    self->swapped = true;
    return 0;
}

/* The kernel would put the call's own mask into the handler's frame.  Here the frame has the mask that sigreturn sets, so it is put there when the handler returns: at its
 * rt_sigreturn, which we see. */
void signals_deliver_swapped(struct context *context)
{
    self->restore.ip = context->ip;
    self->restore.sp = context->sp;
    self->restore.mask = context->mask;
    self->restore.on = true;
    context->mask = self->program_mask;
}

static void restore_frame(struct context *context)
{
    struct context frame;
    uint64_t at = context->sp + offsetof(struct context, mask);
    if (self->restore.on && peek(context->sp, &frame, sizeof frame) == 0 && frame.ip == self->restore.ip && frame.sp == self->restore.sp) {
        (void)poke(at, &self->restore.mask, sizeof self->restore.mask);
        self->restore.on = false;
    }
}

void signals_check_restore(struct context *context, uint64_t nr)
{
    /* Handlers run below, or on a stack of their own: who is not there has left by longjmp, which sets the mask, or another thread has taken the signal. */
    if (!self->restore.on || nr == SYS_rt_sigreturn || context->sp < self->restore.sp || (context->stack.flags & SS_ONSTACK) != 0)
        return;
    if (context->mask == self->program_mask && self->swapped)
        context->mask = self->restore.mask;
    self->restore.on = false;
}

enum way call_signals(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    switch (nr) {
    case SYS_rt_sigreturn:
        restore_frame(context);
        context->ip = (uintptr_t)stub_sigreturn; /* its frame is where the stack pointer is */
        return WAY_GOES_ON;
    case SYS_rt_sigaction:
        *ret = do_action(args);
        return WAY_DONE;
    default:
        *ret = do_mask(context, args);
        return WAY_DONE;
    }
}

/* Calls that wait with another mask. */
enum way call_masked(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    int at = nr == SYS_rt_sigsuspend ? 0 : nr == SYS_ppoll ? 3 : nr == SYS_pselect6 ? 5 : 4;
    uint64_t mask, pair[2] = {args[at], 8};
    if (args[at] != 0 && nr == SYS_pselect6 && peek(args[at], pair, sizeof pair) < 0)
        pair[0] = 0; /* the kernel says it */
    if (args[at] != 0 && pair[0] != 0 && peek(pair[0], &mask, sizeof mask) == 0 && (mask & SIGSYS_BIT) != 0) {
        mask &= ~SIGSYS_BIT;
        way_local(context, at, &mask);
    } else {
        way_local(context, -1, NULL);
    }
    (void)ret;
    return WAY_GOES_ON;
}

/* ---- waiting for the server ---- */

static bool is_ignored(int signal, const struct action *action)
{
    return action->handler == (uintptr_t)SIG_IGN ||
           (action->handler == (uintptr_t)SIG_DFL && (signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT));
}

bool signals_pending(void)
{
    for (;;) {
        uint64_t pending = 0;
        struct action action = {0};
        (void)RAW(SYS_rt_sigpending, &pending, sizeof pending);
        pending &= ~self->program_mask;
        if (pending == 0)
            return false;
        int signal = __builtin_ctzll(pending) + 1;
        (void)RAW(SYS_rt_sigaction, signal, NULL, &action, sizeof action.mask);
        if (!is_ignored(signal, &action)) {
            self->interrupted = signal;
            return true;
        }
        /* Blocked signals are kept even where they are ignored: let it go. */
        uint64_t one = UINT64_C(1) << (signal - 1);
        const uint64_t now[2] = {0, 0};
        (void)RAW(SYS_rt_sigtimedwait, &one, NULL, now, sizeof one);
    }
}

bool signals_restart(uint64_t nr)
{
    const struct rsys_call *row = rsys_call_by_number(nr);
    struct action action = {0};
    (void)RAW(SYS_rt_sigaction, self->interrupted, NULL, &action, sizeof action.mask);
    if (action.handler == (uintptr_t)SIG_DFL || action.handler == (uintptr_t)SIG_IGN)
        return true; /* it ends or stops the process */
    return (action.flags & SA_RESTART) != 0 && (row->flags & RSYS_CALL_NORESTART) == 0;
}

static int new_signals_fd(uint64_t mask, int32_t home)
{
    int64_t fd = RAW(SYS_signalfd4, -1, &mask, sizeof mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -1 : fd_put_away((int)fd, home);
}

void signals_start(struct process *process) { process->signals = new_signals_fd(~UINT64_C(0), HOME_OURS); }

int signals_fd(void) { return self->signals >= 0 ? signals_fd_exact() : self->process->signals; }

/* The one of all signals becomes readable with those that the program has blocked, too: then a descriptor of the thread's own is wanted. */
int signals_fd_exact(void)
{
    uint64_t mask = ~self->program_mask;
    if (self->signals < 0)
        self->signals = new_signals_fd(mask, HOME_CHANNEL);
    else if (mask != self->signals_mask)
        (void)RAW(SYS_signalfd4, self->signals, &mask, sizeof mask, 0);
    self->signals_mask = mask;
    return self->signals;
}

/* Whether the signal that is pending ends the process: then it is let do so, however long the server takes for a call that waits for nothing else. */
static void end_if_fatal(void)
{
    struct action action = {0};
    uint64_t one = UINT64_C(1) << (self->interrupted - 1);
    (void)RAW(SYS_rt_sigaction, self->interrupted, NULL, &action, sizeof action.mask);
    if (action.handler == (uintptr_t)SIG_DFL && self->interrupted != SIGTSTP && self->interrupted != SIGTTIN && self->interrupted != SIGTTOU)
        (void)RAW(SYS_rt_sigprocmask, SIG_UNBLOCK, &one, NULL, sizeof one);
}

int channel_wait(struct channel *channel, enum channel_patience patience)
{
    struct pollfd wait[2] = {{.fd = channel->fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    int before = self->interrupted; /* of a wait that has ended, whose answer this one is for */
    if (poll(wait, 1, 0) != 0) /* no signals are asked about where nothing is waited for */
        return 0;
    wait[1].fd = signals_fd();
    for (;;) {
        if (poll(wait, 2, -1) < 0)
            return -1;
        if (wait[0].revents != 0)
            return 0;
        if (wait[1].revents == 0)
            continue;
        if (!signals_pending()) {
            wait[1].fd = signals_fd_exact();
            continue;
        }
        if (patience != CHANNEL_PATIENT && !self->patient)
            return -EINTR;
        end_if_fatal();
        self->interrupted = before;
        wait[1].fd = -1;
    }
}

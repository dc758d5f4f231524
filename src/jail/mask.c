/* SPDX-License-Identifier: GPL-2.0-only */
/* mask.c: calls that wait with another signal mask: ppoll, pselect6, epoll_pwait.
 *
 * A guest's mask can be changed only while it is stopped, and what wakes it is its own kernel.  So: interrupt the guest, set the temporary mask, let it make
 * its call again, and go on with that one.  When the call has its result, interrupt it again, put the result into its registers and its own mask
 * back.  When a handler is to run, the kernel saves the mask that it finds, the temporary one, in the handler's frame; native ppoll has the original one
 * saved there: the guest is stopped at the first instruction of the handler and the frame is put right.
 *
 * All that is for calls that wait: natively they look at their descriptors first, and what is ready is told though a signal is pending.  So they look before they ask
 * for their mask. */
#include "src/jail/intercept.h"
#include "src/jail/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ptrace.h>

#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#endif
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514

/* The mask within the frame at a handler's first instruction: the return address, then struct ucontext (x86-64: uc_flags, uc_link, uc_stack and
 * 256 bytes of registers) up to uc_sigmask. */
#define FRAME_MASK (8 + 8 + 8 + 24 + 256)

enum mask_state {
    MASK_ASKED,    /* interrupted, to set the temporary one */
    MASK_ACTIVE,   /* the temporary one holds; the call comes again, or is under way */
    MASK_ENDING,   /* interrupted, to tell the result and set the original one */
    MASK_STEPPING, /* a handler is being entered */
};

struct mask_swap {
    enum mask_state state;
    uint64_t wanted, saved;
};

static void mask_drop(struct guest *guest)
{
    free(guest->mask);
    guest->mask = NULL;
}

void rsys_mask_free(struct guest *guest)
{
    mask_drop(guest);
}

bool rsys_call_mask(struct call *call, uint64_t address, uint64_t size, enum verdict *ret_verdict)
{
    struct guest *guest = call->guest;
    struct mask_swap *mask;
    uint64_t wanted;
    int result;

    if (!address || (guest->mask && guest->mask->state == MASK_ACTIVE))
        return true;
    *ret_verdict = rsys_call_done(call, -EINVAL);
    if (size != sizeof(wanted))
        return false;
    result = rsys_memory_read(&guest->memory, address, &wanted, sizeof(wanted));
    mask = result < 0 ? NULL : calloc(1, sizeof(*mask));
    if (!mask) {
        *ret_verdict = rsys_call_done(call, result < 0 ? result : -ENOMEM);
        return false;
    }
    mask_drop(guest);
    mask->wanted = wanted & ~(UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1));
    guest->mask = mask;
    guest->process->jail->intercept->interrupt(guest);
    *ret_verdict = VERDICT_LATER;
    return false;
}

int rsys_call_mask_awaited(struct call *call, uint64_t address, uint64_t size, uint64_t *ret_wanted)
{
    const struct mask_swap *mask = call->guest->mask;
    int result;

    if (!address || (mask && mask->state == MASK_ACTIVE))
        return 0;
    if (size != sizeof(*ret_wanted))
        return -EINVAL;
    result = rsys_memory_read(&call->guest->memory, address, ret_wanted, sizeof(*ret_wanted));
    return result < 0 ? result : 1;
}

bool rsys_call_mask_lets(const struct call *call, uint64_t wanted)
{
    return (rsys_signals_pending(call->guest) & ~wanted) != 0;
}

bool rsys_mask_end(struct guest *guest)
{
    if (!guest->mask || guest->mask->state == MASK_ASKED)
        return false;
    guest->mask->state = MASK_ENDING;
    guest->process->jail->intercept->interrupt(guest);
    return true;
}

/* Whether the guest is inside of its interrupted call. */
static bool in_call(struct guest *guest, struct user_regs_struct *regs)
{
    return ptrace(PTRACE_GETREGS, guest->tid, NULL, regs) == 0 && (int64_t)regs->orig_rax >= 0 && (int64_t)regs->rax == -ERESTARTSYS;
}

void rsys_mask_stop(struct guest *guest)
{
    struct mask_swap *mask = guest->mask;
    struct user_regs_struct regs;

    if (mask && mask->state == MASK_ASKED && guest->call->phase == CALL_LATER) {
        if (ptrace(PTRACE_GETSIGMASK, guest->tid, (void *)sizeof(mask->saved), &mask->saved) == 0 &&
            ptrace(PTRACE_SETSIGMASK, guest->tid, (void *)sizeof(mask->wanted), &mask->wanted) == 0)
            mask->state = MASK_ACTIVE;
        guest->call->phase = CALL_IDLE; /* made again from its beginning */
    } else if (mask && mask->state == MASK_ENDING && guest->call->phase == CALL_ANSWERED && in_call(guest, &regs)) {
        regs.rax = (uint64_t)guest->call->result;
        regs.orig_rax = UINT64_MAX;
        ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
        ptrace(PTRACE_SETSIGMASK, guest->tid, (void *)sizeof(mask->saved), &mask->saved);
        mask_drop(guest);
        rsys_call_told(guest->call);
        guest->told = false; /* it is in its registers */
    }
    rsys_guest_resume(guest, 0);
}

bool rsys_mask_signal_stop(struct guest *guest, int signal)
{
    struct mask_swap *mask = guest->mask;
    struct user_regs_struct regs;
    uint64_t at;

    if (!mask)
        return false;
    if (mask->state == MASK_STEPPING && signal == SIGTRAP) {
        if (ptrace(PTRACE_GETREGS, guest->tid, NULL, &regs) == 0) {
            at = regs.rsp + FRAME_MASK;
            rsys_memory_write(&guest->memory, at, &mask->saved, sizeof(mask->saved));
        }
        mask_drop(guest);
        rsys_guest_resume(guest, 0);
        return true;
    }
    if (mask->state == MASK_ASKED) {
        /* It was deliverable before the call began to wait: as if it had come just before. */
        if (in_call(guest, &regs)) {
            regs.rax = (uint64_t)-ERESTARTNOINTR;
            ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
        }
        mask_drop(guest);
        guest->call->phase = CALL_IDLE;
        rsys_guest_resume(guest, signal);
        return true;
    }
    if (mask->state == MASK_ACTIVE && guest->call->phase == CALL_IDLE) {
        /* It had been pending: the call waits for nothing. */
        bool handler = rsys_signal_has_handler(guest, signal);

        if (handler && in_call(guest, &regs)) {
            regs.rax = (uint64_t)-ERESTARTNOHAND;
            ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
        }
        rsys_mask_deliver(guest, signal, handler);
        return true;
    }
    return false;
}

void rsys_mask_deliver(struct guest *guest, int signal, bool handler)
{
    struct mask_swap *mask = guest->mask;

    if (!mask || mask->state == MASK_ASKED || !handler) {
        rsys_guest_resume(guest, signal);
        return;
    }
    mask->state = MASK_STEPPING;
    guest->stopped = false;
    ptrace(PTRACE_SINGLESTEP, guest->tid, NULL, (void *)(uintptr_t)signal);
}

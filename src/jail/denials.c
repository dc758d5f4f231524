/* SPDX-License-Identifier: GPL-2.0-only */
/* denials.c: what the policy denies, or wants logged, told to the server's log.
 *
 * The guest's executor is sent a word of it ahead of the next request, and nobody waits. */
#include "src/core/report.h"
#include "src/jail/internal.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static void tell(struct guest *guest, uint64_t nr, const uint64_t args[6])
{
    static uint32_t counts[RSYS_CALLS_MAX]; /* of this supervisor's session */
    struct rsys_request request = {0};
    if (guest->channel != NULL && rsys_report(&request, counts, nr, args))
        (void)rsys_guest_post(guest, &request); /* what cannot be told stops nobody */
    rsys_request_free(&request);
}

void rsys_denial_tell(const struct call *call) { tell(call->guest, call->nr, call->args); }

void rsys_denial_stopped(struct guest *guest, uint64_t nr)
{
    struct user_regs_struct regs;
    if (guest->process == NULL || ptrace(PTRACE_GETREGS, guest->tid, NULL, &regs) < 0)
        return;
    const uint64_t args[6] = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9};
    nr = nr == UINT64_MAX ? regs.orig_rax : nr;
    if (rsys_rules_judge(&guest->process->jail->session->rules, nr, args).action >= RSYS_ACTION_TRAP)
        tell(guest, nr, args);
}

void rsys_denial_signal(struct guest *guest)
{
    siginfo_t info;
    if (ptrace(PTRACE_GETSIGINFO, guest->tid, NULL, &info) == 0 && info.si_code == 1 /* SYS_SECCOMP */)
        rsys_denial_stopped(guest, (uint64_t)(uint32_t)info.si_syscall);
}

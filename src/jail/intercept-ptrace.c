/* SPDX-License-Identifier: GPL-2.0-only */
/* intercept-ptrace.c: calls by seccomp's trace verdict and ptrace stops, where no listener can be had.
 *
 * A call that is not the guest's own kernel's stops the guest before the kernel makes it.  There the guest stays until it is answered: its call is skipped, and the result
 * put into its registers; or it is let go on with the call.
 *
 * A guest in a stop does not see signals.  For a call that is short that is as it should be: no handler runs before it is done.  One that may wait is *parked* when it has
 * not been answered after some milliseconds: its call is replaced by a pause(2), which signals interrupt as they would have interrupted the call.  In the stop that follows the
 * registers are made to tell of the call again, interrupted with -ERESTARTSYS: from there on signals.c finds what it knows.
 *
 * What a guest's kernel has to do on our behalf, a guest in its stop is made to do by replacing its call (inject): to take a descriptor out of a socket, the *hand*,
 * that every guest has at a number that none can name; to move it to its number; to close one.  With a further call to come, it goes back to the instruction before, with all
 * signals blocked, and is stopped by the filter again (reenter).  The kernel asks the filters about what replaces a call, too: the session's lets those few calls pass that carry a cookie in
 * their last register, whatever the policy says of them.  The cookie is secret, as those calls would act on the guest's local descriptors unseen; it stands in registers
 * only while the guest is within one of them.  Filters that guests install for themselves get instructions ahead that say the same of a second cookie (in the register before), which has been in
 * the guest's memory for a moment, and would save it from nothing but its own filter. */
#include "src/jail/trap.h"

#include "policy/policy.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define ERESTARTSYS 512 /* of the kernel's own headers: it never reaches a program */
#define TICK_MS 2       /* a call that waits is parked after one to two of them */

/* ---- answers ---- */

static int drop_fd(struct call *call, int fd)
{
    /* Whatever close says, it has closed. */
    return rsys_trap_inject(call->guest, SYS_close, (uint64_t[4]){(uint64_t)fd}) == -ERESTARTSYS ? -ERESTARTSYS : 0;
}

static bool valid(const struct call *call)
{
    const struct trap *trap = call->guest->trap;

    return trap && !trap->kept && (trap->state == TRAP_ENTRY || trap->state == TRAP_EXIT || trap->state == TRAP_PARKED);
}

/* Let it go on, as it stands behind a call that it has not made: with the result. */
static void go_with(struct guest *guest, uint64_t result)
{
    struct user_regs_struct regs = guest->trap->regs;

    regs.orig_rax = UINT64_MAX;
    regs.rax = result;
    ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
    rsys_trap_unmask(guest);
    rsys_trap_go(guest, PTRACE_CONT);
}

static bool answer(struct call *call, int64_t result, bool pass)
{
    struct guest *guest = call->guest;
    struct trap *trap = guest->trap;
    unsigned hand = (unsigned)rsys_tracing_of(guest)->number;

    if (!valid(call) || (trap->state == TRAP_PARKED && !rsys_trap_unpark(guest)))
        return false;
    if (pass && (rsys_trap_is_filter(call) || (call->nr == SYS_close_range && (uint32_t)call->args[1] >= hand))) {
        if (call->nr == SYS_close_range) /* the hand is not in it */
            result = rsys_trap_inject(guest, SYS_close_range, (uint64_t[4]){call->args[0], hand - 1, call->args[2]});
        else
            result = rsys_trap_install_filter(call);
        if (result == -ERESTARTSYS)
            return false;
        pass = false;
    }
    if (pass && !rsys_trap_at_entry(guest))
        return false;
    trap->state = TRAP_NONE;
    if (pass)
        rsys_trap_go(guest, PTRACE_CONT);
    else
        go_with(guest, (uint64_t)result);
    return true;
}

static void interrupt(struct guest *guest)
{
    struct trap *trap = guest->trap;

    ptrace(PTRACE_INTERRUPT, guest->tid, NULL, NULL);
    if (!trap || trap->kept)
        return;
    if (trap->state == TRAP_ENTRY || trap->state == TRAP_EXIT) {
        trap->state = TRAP_WOKEN;
        go_with(guest, (uint64_t)-EINTR);
    } else if (trap->state == TRAP_PARKED) {
        trap->state = TRAP_WOKEN;
    }
}

const struct rsys_intercept rsys_intercept_ptrace = {
    .valid = valid, .answer = answer, .add_fd = rsys_trap_add_fd, .drop_fd = drop_fd, .interrupt = interrupt,
};

/* ---- stops ---- */

static void arm(struct tracing *tracing)
{
    struct itimerspec when = {.it_value = {.tv_nsec = TICK_MS * 1000000L}};

    tracing->ticking = timerfd_settime(tracing->timer, 0, &when, NULL) == 0;
}

static void call_stop(struct guest *guest, uint16_t data)
{
    struct user_regs_struct *regs = &guest->trap->regs;
    struct seccomp_notif notif = {
        .pid = (uint32_t)guest->tid,
        .data = {.nr = (int)regs->orig_rax, .args = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9}},
    };

    if (guest->state == GUEST_STARTING) { /* our own code, before the program */
        rsys_trap_go(guest, PTRACE_CONT);
    } else if (data != RSYS_FILTER_TRACED || !guest->channel) { /* its own filter wants a tracer, which it has not; or killed because the server has ended its side */
        go_with(guest, (uint64_t)-ENOSYS);
    } else if (rsys_injection_is(guest, &notif)) {
        rsys_trap_go(guest, PTRACE_SINGLESTEP);
    } else {
        guest->trap->state = TRAP_ENTRY;
        guest->trap->age = 0;
        rsys_call_arrives(guest, &notif);
        if (guest->trap->state != TRAP_NONE && guest->call->row && guest->call->row->flags & RSYS_CALL_BLOCKS && !rsys_tracing_of(guest)->ticking)
            arm(rsys_tracing_of(guest));
    }
}

bool rsys_ptrace_stop(struct guest *guest, int status)
{
    struct trap *trap = guest->trap;
    int event = status >> 16, signal = WSTOPSIG(status);
    unsigned long data = 0;

    if (!trap && !(trap = guest->trap = calloc(1, sizeof(*trap)))) {
        rsys_jail_lost(guest->process->jail, "out of memory");
        return true;
    }
    if (event == PTRACE_EVENT_SECCOMP) {
        trap->state = TRAP_NONE;
        rsys_trap_unmask(guest);
        if (ptrace(PTRACE_GETREGS, guest->tid, NULL, &trap->regs) == 0 && ptrace(PTRACE_GETEVENTMSG, guest->tid, NULL, &data) == 0)
            call_stop(guest, (uint16_t)data);
        return true;
    }
    if (!event && signal == (SIGTRAP | 0x80)) {
        rsys_trap_go(guest, PTRACE_CONT);
        return true;
    }
    if (event && event != PTRACE_EVENT_STOP) { /* it has come to its end, executes, or has a child */
        trap->state = TRAP_NONE;
        return false;
    }
    if (trap->state == TRAP_AGAIN && !event) { /* SIGSTOP, or one that its own code has forced */
        rsys_guest_resume(guest, signal);
        return true;
    }
    if (trap->state == TRAP_PARKED || trap->state == TRAP_WOKEN) {
        struct user_regs_struct regs = trap->regs;

        trap->state = TRAP_NONE;
        regs.rax = (uint64_t)-ERESTARTSYS;
        ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
    }
    return false;
}

/* ---- calls that wait ---- */

/* It waits for longer than a moment. */
static void park(struct guest *guest)
{
    if (!rsys_trap_at_entry(guest))
        return;
    rsys_trap_replace(guest, SYS_pause, (uint64_t[4]){0});
    guest->trap->state = TRAP_PARKED;
    rsys_trap_go(guest, PTRACE_CONT);
}

void rsys_ptrace_tick(struct jail *jail)
{
    struct tracing *tracing = jail->tracing;
    bool young = false;
    uint64_t times;

    (void)!read(tracing->timer, &times, sizeof(times));
    tracing->ticking = false;
    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next) {
            struct trap *trap = guest->trap;
            const struct call *call = guest->call;

            if (!trap || trap->kept || (trap->state != TRAP_ENTRY && trap->state != TRAP_EXIT) || guest->state != GUEST_RUNNING ||
                (call->phase != CALL_SENT && call->phase != CALL_LATER) || !(call->row->flags & RSYS_CALL_BLOCKS))
                continue;
            if (trap->age++ == 0)
                young = true;
            else
                park(guest);
        }
    if (young)
        arm(tracing);
}

void rsys_trap_free(struct guest *guest)
{
    if (guest->trap && guest->trap->kept)
        rsys_tracing_of(guest)->kept--;
    free(guest->trap);
    guest->trap = NULL;
}

/* ---- the beginning ---- */

int rsys_ptrace_prepare(struct jail *jail, const struct sock_filter *filter, unsigned count, struct rsys_ptrace_filter *ret, struct rsys_error **err)
{
    struct tracing *tracing = calloc(1, sizeof(*tracing));
    int pair[2];

    if (!tracing)
        return rsys_error_make(err, ENOMEM, "trace");
    jail->tracing = tracing;
    if (getrandom(tracing->cookies, sizeof(tracing->cookies), 0) != sizeof(tracing->cookies))
        return rsys_error_make(err, errno, "make a random number");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return rsys_error_make(err, errno, "make a socket pair");
    tracing->hand = pair[0];
    tracing->theirs = ret->hand_fd = pair[1];
    tracing->number = ret->number = (int)jail->session->welcome.nofile;
    return rsys_filter_trace(filter, count, tracing->cookies[0], &ret->filter, &ret->count, err);
}

int rsys_ptrace_take_hand(const struct rsys_ptrace_filter *trace)
{
    return dup2(trace->hand_fd, trace->number) < 0 ? -errno : 0;
}

int rsys_ptrace_start(struct guest *first, uint32_t options)
{
    struct jail *jail = first->process->jail;

    jail->intercept = &rsys_intercept_ptrace;
    jail->park = (struct source){SOURCE_PARK, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
    jail->tracing->timer = jail->park.fd;
    if (jail->park.fd < 0 || rsys_source_watch(jail, &jail->park, false) < 0 ||
        ptrace(PTRACE_SETOPTIONS, first->tid, NULL, (void *)(uintptr_t)(options | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD)) < 0)
        return -errno;
    return 0;
}

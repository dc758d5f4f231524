/* SPDX-License-Identifier: GPL-2.0-only */
/* trap.c: what a traced guest is made to do in its stop (intercept-ptrace.c says why and how): to take a descriptor, to drop one, to install a filter of its own.
 *
 * Hostile: the guest's other threads may write to what a message is received through, on the guest's stack.  The descriptor's number is read from there, so it is compared with
 * what was sent (kcmp) before anything is done with it.  The kernel itself looks at nothing else there than what the guest could have told it to look at. */
#include "src/jail/trap.h"

#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#endif
#define ERESTARTSYS 512 /* of the kernel's own headers: it never reaches a program */
#define SYSCALL_SIZE 2  /* of the instruction */
#define RED_ZONE 128    /* below the stack pointer, which a leaf function may use (System V ABI, AMD64) */
#define REENTER_MS 2000 /* a guest that does not come back has changed the instruction under its own feet */

static void set_mask(struct guest *guest, uint64_t mask)
{
    ptrace(PTRACE_SETSIGMASK, guest->tid, (void *)sizeof(mask), &mask);
}

void rsys_trap_unmask(struct guest *guest)
{
    if (guest->trap->masked)
        set_mask(guest, guest->trap->mask);
    guest->trap->masked = false;
}

void rsys_trap_go(struct guest *guest, int request)
{
    guest->stopped = false;
    ptrace(request, guest->tid, NULL, NULL);
}

/* ---- statuses that come between ---- */

static void keep(struct guest *guest, int status)
{
    guest->trap->kept = status;
    rsys_tracing_of(guest)->kept++;
    /* The loop may have taken its signal already. */
    kill(getpid(), SIGCHLD);
}

pid_t rsys_ptrace_kept(struct jail *jail, int *ret_status)
{
    if (!jail->tracing || !jail->tracing->kept)
        return 0;
    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next)
            if (guest->trap && guest->trap->kept) {
                *ret_status = guest->trap->kept;
                guest->trap->kept = 0;
                jail->tracing->kept--;
                return guest->tid;
            }
    return 0;
}

/* What the guest comes to next, within the kernel: soon.  0: it is gone. */
static int await(const struct guest *guest)
{
    int status = 0;

    return waitpid(guest->tid, &status, __WALL) == guest->tid ? status : 0;
}

/* The same where it passes through user mode. */
static int await_limited(struct guest *guest)
{
    struct jail *jail = guest->process->jail;
    struct pollfd child = {.fd = jail->signals.fd, .events = POLLIN};
    int status = 0;

    for (int i = 0; i < 100 + REENTER_MS; i++) {
        pid_t tid = waitpid(guest->tid, &status, __WALL | WNOHANG);

        if (tid)
            return tid == guest->tid ? status : 0;
        if (i < 100)
            sched_yield();
        else
            poll(&child, child.revents ? 0 : 1, 1);
    }
    syscall(SYS_tgkill, guest->process->pid, guest->tid, SIGKILL);
    return await(guest);
}

/* ---- calls that the guest is made to do ---- */

static bool reenter(struct guest *guest)
{
    struct trap *trap = guest->trap;
    struct user_regs_struct regs = trap->regs;
    int status;

    if (!trap->masked) {
        if (ptrace(PTRACE_GETSIGMASK, guest->tid, (void *)sizeof(trap->mask), &trap->mask) < 0)
            return false;
        trap->masked = true;
        set_mask(guest, UINT64_MAX);
    }
    regs.rax = regs.orig_rax;
    regs.orig_rax = UINT64_MAX;
    regs.rip -= SYSCALL_SIZE;
    ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
    trap->state = TRAP_AGAIN;
    rsys_trap_go(guest, PTRACE_CONT);
    status = await_limited(guest);
    if (WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_SECCOMP) {
        guest->stopped = true;
        trap->state = TRAP_ENTRY;
        rsys_trap_unmask(guest);
        return true;
    }
    if (status)
        keep(guest, status);
    return false;
}

/* Out of pause.  False: something else was first. */
bool rsys_trap_unpark(struct guest *guest)
{
    int status;

    ptrace(PTRACE_INTERRUPT, guest->tid, NULL, NULL);
    status = await(guest);
    if (WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) == SIGTRAP) {
        guest->stopped = true;
        guest->trap->state = TRAP_EXIT;
        return true;
    }
    if (status)
        keep(guest, status);
    return false;
}

bool rsys_trap_at_entry(struct guest *guest)
{
    struct trap *trap = guest->trap;

    if (!trap || trap->kept || (trap->state == TRAP_PARKED && !rsys_trap_unpark(guest)))
        return false;
    return trap->state == TRAP_ENTRY || (trap->state == TRAP_EXIT && reenter(guest));
}

void rsys_trap_replace(struct guest *guest, uint64_t nr, const uint64_t args[4])
{
    struct user_regs_struct regs = guest->trap->regs;

    regs.orig_rax = nr;
    regs.rdi = args[0];
    regs.rsi = args[1];
    regs.rdx = args[2];
    regs.r10 = args[3];
    regs.r8 = rsys_tracing_of(guest)->cookies[1];
    regs.r9 = rsys_tracing_of(guest)->cookies[0];
    ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
}

/* Let it make the call that has been put into its registers at its entry.  The call's result; -ERESTARTSYS: the guest is not there for it any more. */
static int64_t make_call(struct guest *guest)
{
    struct user_regs_struct regs;
    int status;

    rsys_trap_go(guest, PTRACE_SYSCALL);
    status = await(guest);
    if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80) && ptrace(PTRACE_GETREGS, guest->tid, NULL, &regs) == 0) {
        guest->stopped = true;
        guest->trap->state = TRAP_EXIT;
        return (int64_t)regs.rax;
    }
    guest->trap->state = TRAP_NONE;
    if (status)
        keep(guest, status);
    return -ERESTARTSYS;
}

int64_t rsys_trap_inject(struct guest *guest, uint64_t nr, const uint64_t args[4])
{
    if (!rsys_trap_at_entry(guest))
        return -ERESTARTSYS;
    rsys_trap_replace(guest, nr, args);
    return make_call(guest);
}

/* Memory that nobody misses for a moment: below the red zone; where nothing is below (a small stack of a coroutine), what is there is put back.  0: none. */
static uint64_t scratch_address(struct guest *guest, void *ret_had, size_t size)
{
    uint64_t stack = guest->trap->regs.rsp, below = (stack - RED_ZONE - size) & ~UINT64_C(15);

    if (rsys_memory_read(&guest->memory, below, ret_had, size) == 0)
        return below;
    return rsys_memory_read(&guest->memory, stack, ret_had, size) == 0 ? stack : 0;
}

/* ---- descriptors ---- */

/* On the guest's stack. */
struct message {
    struct msghdr head;
    uint64_t control[(CMSG_SPACE(sizeof(int)) + 7) / 8];
};

static int hand_over(struct tracing *tracing, int fd)
{
    struct message message = {.head = {.msg_control = message.control, .msg_controllen = CMSG_SPACE(sizeof(int))}};
    struct cmsghdr *part = CMSG_FIRSTHDR(&message.head);

    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &fd, sizeof(int));
    return sendmsg(tracing->hand, &message.head, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Nobody has taken it. */
static void take_back(struct tracing *tracing)
{
    (void)!recv(tracing->theirs, NULL, 0, MSG_DONTWAIT); /* what is in it is closed with it */
}

/* Take what is in the hand: the guest's number of it, which is `fd` here. */
static int take(struct guest *guest, int fd, bool cloexec)
{
    struct message had, message = {0};
    uint64_t at = scratch_address(guest, &had, sizeof(had));
    int64_t result;
    int number = -1;

    if (!at)
        return -ENOMEM;
    message.head.msg_control = (void *)(uintptr_t)(at + offsetof(struct message, control));
    message.head.msg_controllen = sizeof(message.control);
    if (rsys_memory_write(&guest->memory, at, &message, sizeof(message)) < 0)
        return -ENOMEM;
    result = rsys_trap_inject(guest, SYS_recvmsg, (uint64_t[4]){(uint64_t)rsys_tracing_of(guest)->number, at, MSG_DONTWAIT | (cloexec ? MSG_CMSG_CLOEXEC : 0u)});
    if (result >= 0 && rsys_memory_read(&guest->memory, at, &message, sizeof(message)) == 0)
        memcpy(&number, (const char *)message.control + CMSG_LEN(0), sizeof(number));
    rsys_memory_write(&guest->memory, at, &had, sizeof(had));
    if (result < 0)
        return (int)result;
    /* No room in its table: the kernel has closed it, and says nothing. */
    return number >= 0 && syscall(SYS_kcmp, getpid(), guest->tid, KCMP_FILE, fd, number) == 0 ? number : -EMFILE;
}

int rsys_trap_add_fd(struct call *call, int fd, int at, bool cloexec)
{
    struct guest *guest = call->guest;
    struct tracing *tracing = rsys_tracing_of(guest);
    int number, result;
    int64_t moved;

    if (!rsys_trap_at_entry(guest))
        return -ERESTARTSYS;
    result = hand_over(tracing, fd);
    if (result < 0)
        return result;
    number = take(guest, fd, cloexec);
    if (number < 0) {
        take_back(tracing);
        return number;
    }
    if (at < 0 || number == at)
        return number;
    moved = rsys_trap_inject(guest, SYS_dup3, (uint64_t[4]){(uint64_t)number, (uint64_t)at, cloexec ? O_CLOEXEC : 0});
    if (moved != -ERESTARTSYS)
        rsys_trap_inject(guest, SYS_close, (uint64_t[4]){(uint64_t)number});
    return (int)moved;
}

/* ---- filters of guests' own ---- */

static int64_t install_copy(struct guest *guest, const struct sock_filter *code, unsigned count)
{
    size_t size = sizeof(struct sock_fprog) + count * sizeof(*code);
    RSYS_AUTO_FREE uint8_t *had = malloc(size);
    struct sock_fprog program = {.len = (unsigned short)count};
    struct user_regs_struct regs;
    uint64_t at = had ? scratch_address(guest, had, size) : 0;
    int64_t result;

    if (!at)
        return -ENOMEM;
    program.filter = (void *)(uintptr_t)(at + sizeof(program));
    if (!rsys_trap_at_entry(guest))
        return -ERESTARTSYS;
    regs = guest->trap->regs;
    regs.rdx = at;
    if (rsys_memory_write(&guest->memory, at, &program, sizeof(program)) < 0 ||
        rsys_memory_write(&guest->memory, at + sizeof(program), code, count * sizeof(*code)) < 0)
        return -ENOMEM;
    ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
    result = make_call(guest);
    rsys_memory_write(&guest->memory, at, had, size);
    return result;
}

/* seccomp(SECCOMP_SET_MODE_FILTER, flags, program), prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program): with ours ahead of it. */
int64_t rsys_trap_install_filter(struct call *call)
{
    struct guest *guest = call->guest;
    RSYS_AUTO_FREE struct sock_filter *code = NULL, *made = NULL;
    struct sock_fprog program;
    unsigned count;

    if (call->nr == SYS_seccomp && call->args[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER)
        return -EBUSY; /* as if there were one already, which with notifications there is */
    if (rsys_memory_read(&guest->memory, call->args[2], &program, sizeof(program)) < 0)
        return -EFAULT;
    if (program.len == 0 || program.len > BPF_MAXINSNS)
        return -EINVAL;
    code = calloc(program.len, sizeof(*code));
    if (!code)
        return -ENOMEM;
    if (rsys_memory_read(&guest->memory, (uint64_t)(uintptr_t)program.filter, code, program.len * sizeof(*code)) < 0)
        return -EFAULT;
    if (rsys_filter_own(code, program.len, rsys_tracing_of(guest)->cookies[1], &made, &count, NULL) < 0)
        return -EINVAL; /* too long, with ours */
    return install_copy(guest, made, count);
}

bool rsys_trap_is_filter(const struct call *call)
{
    if (call->nr == SYS_seccomp)
        return (uint32_t)call->args[0] == SECCOMP_SET_MODE_FILTER;
    return call->nr == SYS_prctl && (int32_t)call->args[0] == PR_SET_SECCOMP && call->args[1] == SECCOMP_MODE_FILTER;
}

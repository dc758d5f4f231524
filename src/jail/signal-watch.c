/* SPDX-License-Identifier: GPL-2.0-only */
/* signal-watch.c: hear of the signals that a process of guests gets and has blocked.
 *
 * Who waits over a signalfd waits for signals to become pending, and nothing tells a tracer of those: a blocked signal makes no stop.  The kernel tells the
 * signalfd's waiters alone, and they are the threads that have polled it: signalfd_poll() looks at the caller's own signals and waits at the caller's own queue.  So one
 * thread of the process has to wait there on our behalf.  It does so by an epoll_ctl(2) that it is made to do once: it puts a signalfd of ours (the bell) into an epoll set
 * of ours (the process's watch), and with that the set is woken by each signal that the process gets from then on.
 *
 * When the supervisor's loop then looks at the set, signalfd_poll() looks at the supervisor's own signals.  The bell's mask has one signal, and this
 * signal is always pending in the supervisor, blocked, sent by itself: the bell always rings, so each wake-up is an (edge-triggered) event.  What is pending in truth
 * is then read from /proc/TID/status (signalfd.c).  No mask of the guest is changed for it, no signal is taken or reordered, and a wait costs no stop.  The queue is the process's over an exec, too.
 *
 * The guest's epoll_event is the word 1 (EPOLLIN) in the ELF header of its vdso: readable, never written by anybody.  The two
 * descriptors stay at numbers of the guest's local table that are not local: no call of the guest's is continued with them. */
#include "src/jail/intercept.h"
#include "src/jail/internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#endif
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ALWAYS SIGUSR1 /* pending in the supervisor from the first watch on */
#define BIT(n) (UINT64_C(1) << ((n)-1))
#define SYSCALL_SIZE 2 /* of the instruction */

/* The call that a guest is made to do. */
struct injection {
    bool running;
    int watch;              /* the process's watch, when it has worked; owned */
    uint64_t set, bell;     /* the guest's numbers of the two descriptors */
    uint64_t event;         /* the vdso's address of the epoll_event */
    uint64_t mask;          /* the guest's own, and its registers, to go on with */
    struct user_regs_struct regs;
    bool of_terminal;       /* instead: TIOCSCTTY on `terminal`, which is the result of the guest's own call, an open */
    int64_t terminal;
    int signal;             /* has come before it: to be sent again after it */
};

void rsys_injection_free(struct guest *guest)
{
    if (guest->injection)
        rsys_close(guest->injection->watch);
    free(guest->injection);
    guest->injection = NULL;
}

void rsys_signal_watch_drop(struct process *process)
{
    rsys_close(process->signal_watch); /* leaves the loop's set by itself, unless a guest still has its descriptor: then nobody asks for it */
    process->signal_watch = -1;
}

/* ---- to be made ---- */

/* The signalfd that is always readable for the supervisor, or -errno. */
static int bell_fd(struct jail *jail)
{
    sigset_t one;

    if (jail->bell > 0)
        return jail->bell;
    sigemptyset(&one);
    sigaddset(&one, ALWAYS);
    if (syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), ALWAYS) < 0)
        return -errno;
    jail->bell = signalfd(-1, &one, SFD_CLOEXEC | SFD_NONBLOCK);
    return jail->bell < 0 ? -errno : jail->bell;
}

/* Where the guest has an epoll_event for us.  0: nowhere (it has unmapped its vdso).  What /proc tells is our own kernel's; the word is read to be sure. */
static uint64_t event_address(struct guest *guest)
{
    uint64_t address = 0, at;
    uint32_t word = 0;
    char path[32], *line = NULL;
    size_t room = 0;
    FILE *maps;

    snprintf(path, sizeof(path), "%d/maps", (int)guest->tid);
    int fd = openat(guest->process->jail->session->proc_fd, path, O_RDONLY | O_CLOEXEC);
    maps = fd < 0 ? NULL : fdopen(fd, "r");
    if (!maps)
        rsys_close(fd);
    while (maps && !address && getline(&line, &room, maps) > 0) {
        at = strtoull(line, NULL, 16) + offsetof(Elf64_Ehdr, e_version);
        if (strstr(line, " [vdso]") && rsys_memory_read(&guest->memory, at, &word, sizeof(word)) == 0 && word == EPOLLIN)
            address = at;
    }
    free(line);
    if (maps)
        fclose(maps);
    return address;
}

/* Put the two descriptors into the guest's table.  0 or -errno. */
static int injection_install(struct call *call, struct injection *injection)
{
    struct jail *jail = call->guest->process->jail;
    int bell = bell_fd(jail), set, number;

    injection->watch = set = epoll_create1(EPOLL_CLOEXEC);
    injection->event = event_address(call->guest);
    if (bell < 0 || set < 0)
        return bell < 0 ? bell : -errno;
    if (!injection->event)
        return -ENOSYS;
    number = rsys_call_add_fd(call, set, -1, true);
    if (number < 0)
        return number;
    injection->set = (uint64_t)number;
    number = rsys_call_add_fd(call, bell, -1, true);
    if (number < 0)
        return number;
    injection->bell = (uint64_t)number;
    return 0;
}

bool rsys_signal_watch(struct call *call, enum verdict *ret_verdict)
{
    struct guest *guest = call->guest;
    int result;

    if (guest->process->signal_watch >= 0)
        return true;
    rsys_injection_free(guest);
    guest->injection = calloc(1, sizeof(*guest->injection));
    *ret_verdict = rsys_call_done(call, -ENOMEM);
    if (!guest->injection)
        return false;
    guest->injection->watch = -1;
    result = injection_install(call, guest->injection);
    if (result < 0) {
        rsys_injection_free(guest);
        /* Interrupted: it makes the call again. */
        *ret_verdict = rsys_call_done(call, result == -ENOENT || result == -ESRCH ? -ERESTARTSYS : -ENOMEM);
        return false;
    }
    guest->process->jail->intercept->interrupt(guest);
    *ret_verdict = VERDICT_LATER;
    return false;
}

enum verdict rsys_injection_terminal(struct call *call, int64_t terminal)
{
    struct guest *guest = call->guest;

    rsys_injection_free(guest);
    guest->injection = calloc(1, sizeof(*guest->injection));
    if (!guest->injection)
        return rsys_call_done(call, terminal);
    guest->injection->watch = -1;
    guest->injection->of_terminal = true;
    guest->injection->terminal = terminal;
    guest->process->jail->intercept->interrupt(guest);
    return VERDICT_LATER;
}

/* ---- stops ---- */

static void step(struct guest *guest)
{
    guest->stopped = false;
    ptrace(PTRACE_SINGLESTEP, guest->tid, NULL, NULL);
}

/* The guest is stopped inside of its interrupted call: let it do the epoll_ctl first. */
static bool injection_start(struct guest *guest)
{
    struct injection *injection = guest->injection;
    uint64_t mask = ~BIT(SIGTRAP); /* a blocked SIGTRAP would lose its handler to the step's */
    struct user_regs_struct regs;

    if (ptrace(PTRACE_GETREGS, guest->tid, NULL, &injection->regs) < 0 || (int64_t)injection->regs.orig_rax < 0 ||
        (int64_t)injection->regs.rax != -ERESTARTSYS || ptrace(PTRACE_GETSIGMASK, guest->tid, (void *)sizeof(mask), &injection->mask) < 0)
        return false;
    regs = injection->regs;
    regs.rax = SYS_epoll_ctl;
    regs.orig_rax = UINT64_MAX;
    regs.rdi = injection->set;
    regs.rsi = EPOLL_CTL_ADD;
    regs.rdx = injection->bell;
    regs.r10 = injection->event;
    regs.rip -= SYSCALL_SIZE;
    injection->regs.rax = (uint64_t)-ERESTARTNOINTR;
    if (injection->of_terminal) {
        regs.rax = SYS_ioctl;
        regs.rdi = (uint64_t)injection->terminal;
        regs.rsi = TIOCSCTTY;
        regs.rdx = 0;
        injection->regs.rax = (uint64_t)injection->terminal;
        injection->regs.orig_rax = UINT64_MAX;
    }
    if (ptrace(PTRACE_SETSIGMASK, guest->tid, (void *)sizeof(mask), &mask) < 0 || ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs) < 0)
        return false;
    injection->running = true;
    step(guest);
    return true;
}

/* It has done it: go on with the call that it had been about to wait in. */
static void injection_end(struct guest *guest)
{
    struct injection *injection = guest->injection;
    struct process *process = guest->process;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = RSYS_WAITS_SIGNAL | (uint64_t)process->pid};
    struct user_regs_struct regs;
    bool done = ptrace(PTRACE_GETREGS, guest->tid, NULL, &regs) == 0 && regs.rax == 0 && !injection->of_terminal;

    ptrace(PTRACE_SETREGS, guest->tid, NULL, &injection->regs);
    ptrace(PTRACE_SETSIGMASK, guest->tid, (void *)sizeof(injection->mask), &injection->mask);
    if (done && rsys_wait_start(process->jail) == 0 && epoll_ctl(process->jail->waits.fd, EPOLL_CTL_ADD, injection->watch, &event) == 0) {
        rsys_signal_watch_drop(process); /* another thread may have been as fast */
        process->signal_watch = injection->watch;
        injection->watch = -1;
    }
    if (injection->of_terminal) {
        guest->call->result = injection->terminal;
        guest->call->phase = CALL_ANSWERED;
        rsys_call_told(guest->call);
        guest->told = false; /* it has the answer */
    }
    if (injection->signal)
        syscall(SYS_tgkill, process->pid, guest->tid, injection->signal);
    rsys_injection_free(guest);
    rsys_guest_resume(guest, 0);
}

bool rsys_injection_stop(struct guest *guest)
{
    struct call *call = guest->call;

    if (!guest->injection)
        return false;
    if (guest->injection->running) {
        step(guest);
        return true;
    }
    if (call->phase != CALL_LATER)
        return false;
    call->phase = CALL_IDLE; /* made again from its beginning */
    if (injection_start(guest))
        return true;
    rsys_injection_free(guest);
    return false;
}

bool rsys_injection_signal_stop(struct guest *guest, int signal)
{
    struct user_regs_struct regs;

    if (!guest->injection)
        return false;
    if (guest->injection->running) {
        if (signal == SIGTRAP)
            injection_end(guest);
        else
            step(guest); /* all others are blocked */
        return true;
    }
    if (guest->injection->of_terminal && guest->call->phase == CALL_LATER) {
        guest->injection->signal = signal;
        guest->call->phase = CALL_IDLE;
        return injection_start(guest);
    }
    /* It was deliverable before the call began to wait: as if it had come just before. */
    rsys_injection_free(guest);
    if (guest->call->phase != CALL_LATER)
        return false;
    guest->call->phase = CALL_IDLE;
    if (guest->mask)
        return false; /* mask.c does it, and more */
    if (ptrace(PTRACE_GETREGS, guest->tid, NULL, &regs) == 0 && (int64_t)regs.orig_rax >= 0 && (int64_t)regs.rax == -ERESTARTSYS) {
        regs.rax = (uint64_t)-ERESTARTNOINTR;
        ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs);
    }
    rsys_guest_resume(guest, signal);
    return true;
}

bool rsys_injection_is(const struct guest *guest, const struct seccomp_notif *notif)
{
    const struct injection *injection = guest->injection;

    if (injection && injection->running && injection->of_terminal)
        return notif->data.nr == SYS_ioctl && notif->data.args[0] == (uint64_t)injection->terminal && notif->data.args[1] == TIOCSCTTY;
    return injection && injection->running && notif->data.nr == SYS_epoll_ctl && notif->data.args[0] == injection->set &&
           notif->data.args[2] == injection->bell;
}

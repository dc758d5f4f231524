/* SPDX-License-Identifier: GPL-2.0-only */
/* signals.c: cancelling a call, and the signals that calls and the world raise.
 *
 * A guest's signals are its own client's affair; its executor takes only these: the cancel signal from init, those that the kernel raises
 * because of a call that was made here, and those that it raises because the guest has asked to be told (F_SETOWN, mq_notify).  The second are noted, and go
 * back with the next reply.  The third are sent at once by their handler, whatever the thread does: the guest may sleep on its own side.  Only while a reply is being sent, one
 * is kept for the end of that, and the others stay blocked until then. */
#include "server/executor/internal.h"

#include <asm/unistd.h>
#include <linux/signal.h>
#include <linux/time_types.h>

#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#define BIT(signal) (1ull << ((signal) - 1))
#define RECORDED (BIT(SIGPIPE) | BIT(SIGXFSZ))
#define TAKEN (RECORDED | RSYS_SIGNALS_TOLD | BIT(RSYS_EXECUTOR_CANCEL))

static void on_cancel(int signal, siginfo_t *info, void *context)
{
    struct ucontext *interrupted = context;
    struct thread *thread = thread_self();
    if (__atomic_load_n(&process.ending, __ATOMIC_ACQUIRE))
        exit_abandon(thread);
    /* Stale (of a request that is done) or early (of one that has not been received yet): noted, the stub compares. */
    uint32_t seq = (uint32_t)(uintptr_t)info->si_value.sival_ptr;
    thread->cancel = seq;
    uintptr_t at = interrupted->uc_mcontext.rip;
    if (seq != thread->seq)
        thread->stale = 1;
    else if (at >= (uintptr_t)rsys_stub_begin && at <= (uintptr_t)rsys_stub_syscall) {
        /* At the instruction itself the kernel has gone back to it; that it was only about to be executed is one instruction's chance, and then the call
         * is seen as one that had to wait. */
        thread->waited = at == (uintptr_t)rsys_stub_syscall;
        interrupted->uc_mcontext.rip = (uintptr_t)rsys_stub_cancelled;
    }
}

/* Only while the thread waits for its channel (signals_wait_or_drop).  The client waits for the reply to a request, or doubts that it has arrived; when a later one has, all is well. */
static void on_drop(int signal, siginfo_t *info, void *context)
{
    struct thread *thread = thread_self();
    uint32_t seq = info->si_code == SI_QUEUE ? (uint32_t)(uintptr_t)info->si_value.sival_ptr : 0;
    if (seq == 0 || (int32_t)(thread->done - seq) <= 0)
        thread->dropped = 1;
}

static void on_drop_view(int signal) { signals_drop(2, 2, 0); }

static void on_recorded(int signal)
{
    struct thread *thread = thread_self();
    thread->signals |= BIT(signal);
}

static uint8_t *info_at(struct thread *thread, uint32_t number) { return thread->infos + (size_t)(number % RSYS_KEPT_SIGNALS) * RSYS_SIGNAL_INFO; }

static int send_info(struct thread *thread, const void *info, uint32_t number)
{
    struct {
        struct rsys_wire_reply reply;
        uint8_t info[RSYS_SIGNAL_INFO];
    } message = {.reply = {.seq = RSYS_SEQ_SIGNAL, .size = RSYS_SIGNAL_INFO, .signals = number}};
    int32_t signal;
    memcpy(&signal, info, sizeof signal); /* si_signo is the first */
    message.reply.result = signal;
    memcpy(message.info, info, RSYS_SIGNAL_INFO);
    return loop_send(thread, &message, sizeof message);
}

static void tell(struct thread *thread, const void *info)
{
    uint32_t number = ++thread->told;
    memcpy(info_at(thread, number), info, RSYS_SIGNAL_INFO);
    if (send_info(thread, info, number) < 0)
        thread->dropped = 1; /* a part may have been sent: the next receive finds the channel broken */
}

int signals_tell_again(struct thread *thread, uint32_t from)
{
    uint32_t told = thread->told, lacks = told - from;
    /* A client that asks for more than there are (or lies) gets what there is. */
    uint32_t there = told < RSYS_KEPT_SIGNALS ? told : RSYS_KEPT_SIGNALS;
    if (lacks > there)
        lacks = there;
    for (uint32_t number = told - lacks + 1; lacks > 0; number++, lacks--)
        if (send_info(thread, info_at(thread, number), number) < 0)
            return -1;
    return 0;
}

static void on_told(int signal, siginfo_t *info, void *context)
{
    struct ucontext *interrupted = context;
    struct thread *thread = thread_self();
    if (thread->talking == 0) {
        tell(thread, info);
        return;
    }
    thread->kept = 1;
    memcpy(thread->kept_info, info, RSYS_SIGNAL_INFO);
    memcpy(&interrupted->uc_sigmask, &(uint64_t){~(TAKEN & ~RSYS_SIGNALS_TOLD)}, sizeof(uint64_t));
}

void signals_hold(struct thread *thread) { thread->talking++; }

void signals_release(struct thread *thread)
{
    while (--thread->talking == 0 && thread->kept) {
        thread->talking = 1;
        thread->kept = 0;
        tell(thread, thread->kept_info);
        signals_unblock();
    }
}

static void install(int signal, void (*handler)(int), unsigned long flags)
{
    struct sigaction action = {
        .sa_handler = handler, .sa_flags = flags | SA_RESTORER, .sa_restorer = rsys_restore, .sa_mask = ~0ul};
    sys4(__NR_rt_sigaction, signal, &action, 0, 8);
}

void signals_install(void)
{
    /* Children are mirrors of guests: nobody waits for them here. */
    install(SIGCHLD, SIG_IGN, 0);
    /* SA_RESTART: with it the kernel tells a call that would be restarted (it goes back to the instruction, from where on_cancel takes it away) from one
     * that never is (EINTR: a socket's with a timeout, say).  The others must not disturb a call that they have nothing to do with. */
    install(RSYS_EXECUTOR_DROP, (void (*)(int))(uintptr_t)on_drop, SA_SIGINFO);
    install(RSYS_EXECUTOR_CANCEL, (void (*)(int))(uintptr_t)on_cancel, SA_SIGINFO | SA_RESTART);
    for (int signal = 1; signal <= 64; signal++)
        if ((RECORDED & BIT(signal)) != 0)
            install(signal, on_recorded, SA_RESTART);
        else if ((RSYS_SIGNALS_TOLD & BIT(signal)) != 0)
            install(signal, (void (*)(int))(uintptr_t)on_told, SA_SIGINFO | SA_RESTART);
    signals_unblock();
}

static void set_mask(uint64_t mask) { sys4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8); }
void signals_serve_view(void)
{
    install(RSYS_EXECUTOR_DROP_VIEW, on_drop_view, SA_RESTART);
    set_mask(~(TAKEN | BIT(RSYS_EXECUTOR_DROP_VIEW)));
}

void signals_block(void) { set_mask(~0ull); }
void signals_unblock(void) { set_mask(~TAKEN); }

int64_t signals_cancel(int pid, int tid, uint32_t seq)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = RSYS_EXECUTOR_CANCEL;
    info.si_code = SI_QUEUE; /* the kernel lets another process choose negative codes only */
    info.si_value.sival_ptr = (void *)(uintptr_t)seq;
    return sys4(__NR_rt_tgsigqueueinfo, pid, tid, RSYS_EXECUTOR_CANCEL, &info);
}

int64_t signals_drop(int pid, int tid, uint32_t seq)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = RSYS_EXECUTOR_DROP;
    info.si_code = SI_QUEUE;
    info.si_value.sival_ptr = (void *)(uintptr_t)seq;
    return sys4(__NR_rt_tgsigqueueinfo, pid, tid, RSYS_EXECUTOR_DROP, &info);
}

int signals_wait_or_drop(struct thread *thread, short events, int milliseconds)
{
    struct {
        int fd;
        short events, revents;
    } wait = {thread->channel, events, 0};
    uint64_t mask = 0;
    sys4(__NR_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
    mask &= ~BIT(RSYS_EXECUTOR_DROP);
    struct __kernel_timespec limit = {.tv_sec = milliseconds / 1000, .tv_nsec = (long long)(milliseconds % 1000) * 1000000};
    return sys5(__NR_ppoll, &wait, 1, milliseconds < 0 ? 0 : &limit, &mask, 8) != 0;
}

void signals_stop(int tid) { sys3(__NR_tgkill, sys0(__NR_getpid), tid, RSYS_EXECUTOR_CANCEL); }

int64_t signals_timer(int tid, uint32_t seq)
{
    struct sigevent event;
    int timer = 0;
    memset(&event, 0, sizeof event);
    event.sigev_value.sival_ptr = (void *)(uintptr_t)seq;
    event.sigev_signo = RSYS_EXECUTOR_CANCEL;
    event.sigev_notify = SIGEV_SIGNAL | SIGEV_THREAD_ID;
    event._sigev_un._tid = tid;
    int64_t result = sys3(__NR_timer_create, 1 /* CLOCK_MONOTONIC */, &event, &timer);
    return result < 0 ? result : timer;
}

void signals_timer_set(int64_t timer, uint32_t microseconds)
{
    struct __kernel_itimerspec once = {.it_value = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000}};
    sys4(__NR_timer_settime, timer, 0, &once, 0);
}

void signals_timer_free(int64_t timer) { sys1(__NR_timer_delete, timer); }

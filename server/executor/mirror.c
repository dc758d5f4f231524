/* SPDX-License-Identifier: GPL-2.0-only */
/* mirror.c: new executors: threads and processes with the pids that the client's kernel has given to the guests. */
#include "server/executor/internal.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>

#define MSG_PEEK 2
#define MSG_DONTWAIT 0x40
#define POLLIN 1

/* The last holder of a pid may still be exiting; so long we try again. */
#define PID_TRIES 2000
#define PID_PAUSE 1000 /* microseconds; the first tries wait less */

static int take_now(void)
{
    struct limit old, raised;
    int64_t fd = -E_AGAIN, moved;
    int others;
    limit_lock();
    do {
        limit_raise(&old, &raised);
        if (fd < 0)
            fd = broker_take((int)process.wants_view);
        moved = fd < 0 ? fd : sys3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, process.nofile + RSYS_FD_CHANNEL);
        others = limit_lower(&old, &raised);
    } while (fd >= 0 && moved < 0 && others);
    if (fd >= 0)
        sys1(__NR_close, fd);
    limit_unlock();
    return (int)moved;
}

int mirror_take(int wait)
{
    for (uint32_t pause = 0;;) {
        int fd = take_now();
        if (fd >= 0 || !wait || (fd != -E_AGAIN && fd != -E_INTR))
            return fd;
        if (pause > 0)
            pause_for(pause); /* what is there may be for another one */
        pause = pause < 10000 ? 2 * pause + 50 : pause;
        struct {
            int fd;
            short events, revents;
        } broker = {(int)process.nofile + RSYS_FD_BROKER_TAKE, POLLIN, 0};
        sys5(__NR_ppoll, &broker, 1, 0, 0, 8);
    }
}

int mirror_is_dead(int channel)
{
    char byte;
    int64_t got = sys6(__NR_recvfrom, (uint64_t)channel, SYS_ARG(&byte), 1, MSG_PEEK | MSG_DONTWAIT, 0, 0);
    return got == 0 || (got < 0 && got != -E_AGAIN && got != -E_INTR);
}

void mirror_serve(struct thread *thread)
{
    for (;;) {
        if (thread->channel < 0)
            thread->channel = mirror_take(1);
        if (thread->channel < 0)
            loop_end();
        if (!mirror_is_dead(thread->channel) && loop_greet(thread, thread->tid, 0, NULL, 0) == 0)
            break;
        sys1(__NR_close, thread->channel);
        thread->channel = -1;
    }
    if (!process.is_pager) /* nobody is told of its signals */
        signals_release(thread);
    loop_run(thread);
}

int64_t mirror_clone_pid(void *clone_args, int *tid, void (*entry)(void *), void *argument)
{
    struct clone_args *args = clone_args;
    args->set_tid = SYS_ARG(tid);
    args->set_tid_size = 1;
    for (unsigned tries = 0;; tries++) {
        limit_lock(); /* the child must not be born with a raised limit or a held lock */
        int64_t result = rsys_clone3(args, sizeof *args, entry, argument);
        limit_unlock();
        if (result != -E_EXIST || tries == PID_TRIES)
            return result < 0 ? result : 0;
        pause_for(tries < 20 ? 50 : PID_PAUSE);
    }
}

void mirror_fresh_process(struct thread *thread, int tid, int files_shared)
{
    process.limit_lock = 0;
    process.ending = 0;
    process.files_shared = (uint32_t)files_shared;
    thread_keep_only(thread);
    thread->tid = tid;
    thread->held_size = 0;
    thread->seq = thread->cancel = 0;
    resume_reset(thread);
    thread->signals = 0;
    thread->kept = 0;
    thread->talking = 1;
    thread->channel = -1;
    /* The channels of our parent's threads are not ours, unless the table is the parent's too. */
    if (!files_shared)
        sys3(__NR_close_range, process.nofile + RSYS_FD_CHANNEL, ~0u, 0);
}

struct job {
    struct thread *thread;
    int tid, files_shared;
};

static void start_process(void *argument)
{
    struct job *job = argument; /* on our copy of the parent's stack */
    mirror_fresh_process(job->thread, job->tid, job->files_shared);
    mirror_serve(job->thread);
}

static void start_thread(void *argument)
{
    mirror_serve(argument);
}

static int64_t clone_process(struct thread *thread, uint64_t flags, int tid)
{
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    struct job job = {thread, tid, (flags & CLONE_FILES) != 0};
    if (job.files_shared)
        process.files_shared = 1;
    return mirror_clone_pid(&args, &job.tid, start_process, &job);
}

static int64_t clone_thread(uint64_t flags, int tid)
{
    struct thread *new = thread_new();
    if (new == NULL)
        return -E_AGAIN;
    new->tid = tid;
    /* The channel passes through a low descriptor number for a moment.  Taking it here, between two requests of the guest that asks for the thread,
     * hides that from it; when there is none yet the new thread waits for it. */
    if ((flags & CLONE_FILES) != 0)
        new->channel = mirror_take(0);
    int channel = new->channel;
    struct clone_args args = {.flags = flags | CLONE_VM | CLONE_SIGHAND | CLONE_SYSVSEM,
                              .stack = SYS_ARG(new) & ~(uint64_t)(THREAD_STACK - 1),
                              .stack_size = SYS_ARG(new) & (THREAD_STACK - 1)};
    __atomic_fetch_add(&process.count, 1, __ATOMIC_ACQ_REL);
    int64_t result = mirror_clone_pid(&args, &tid, start_thread, new);
    if (result < 0) {
        __atomic_fetch_sub(&process.count, 1, __ATOMIC_ACQ_REL);
        thread_free(new);
        if (channel >= 0)
            sys1(__NR_close, channel);
    }
    return result;
}

/* Nobody waits for a clone's reply, but somebody waits for the greeting of the new executor: greet in its stead, with what went wrong. */
static void greet_failure(struct thread *thread, int tid, int64_t result)
{
    int own = thread->channel;
    signals_hold(thread);
    for (int told = 0; !told;) {
        thread->channel = mirror_take(1);
        if (thread->channel < 0)
            break;
        told = !mirror_is_dead(thread->channel) && loop_greet(thread, result, (uint64_t)tid, NULL, 0) == 0;
        sys1(__NR_close, thread->channel);
    }
    thread->channel = own;
    signals_release(thread);
}

int64_t mirror_clone(struct thread *thread, const uint64_t args[6])
{
    uint64_t flags = args[0] & (CLONE_FS | CLONE_FILES | CLONE_THREAD);
    int tid = (int)args[1];
    if (tid <= 1 || (uint64_t)tid != args[1])
        return -E_INVAL;
    signals_hold(thread); /* a forked child tells nothing on our channel */
    int64_t result = (flags & CLONE_THREAD) != 0 ? clone_thread(flags, tid) : clone_process(thread, flags, tid);
    signals_release(thread);
    if (result < 0)
        greet_failure(thread, tid, result);
    return result;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* exit.c: a guest's thread or process ends.
 *
 * When the client has the reply it lets the guest's parent see the exit: so what wait() promises (ports free, locks released, pipes closed) has to be
 * true before, not when the kernel comes to it. */
#include "server/executor/internal.h"

#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/time_types.h>

#define STOP_TRIES 200 /* of 10 ms each: a call that does not let itself be interrupted */

/* The end of a thread that another one has stopped.  Its channel goes with the process. */
void exit_abandon(struct thread *thread)
{
    __atomic_fetch_sub(&process.count, 1, __ATOMIC_ACQ_REL);
    sys3(__NR_futex, &process.count, FUTEX_WAKE_PRIVATE, 1);
    thread_leave(thread);
}

/* Interrupt the other threads' calls: a call in progress holds its file open whatever is closed. */
static void stop_others(struct thread *thread)
{
    __atomic_store_n(&process.ending, 1, __ATOMIC_RELEASE);
    struct __kernel_timespec time = {.tv_nsec = 10000000};
    for (unsigned tries = 0; tries < STOP_TRIES; tries++) {
        uint32_t count = __atomic_load_n(&process.count, __ATOMIC_ACQUIRE);
        if (count <= 1)
            return;
        for (uint32_t slot = 0; tries == 0 && slot < RSYS_EXECUTOR_FDS; slot++) {
            struct thread *other = __atomic_load_n(&process.threads[slot], __ATOMIC_ACQUIRE);
            if ((uintptr_t)other > 1 && other != thread)
                signals_stop(other->tid);
        }
        sys4(__NR_futex, &process.count, FUTEX_WAIT_PRIVATE, count, &time);
    }
}

void exit_thread(struct thread *thread, const struct rsys_wire_request *head)
{
    int whole = head->args[0] == 1;
    signals_hold(thread); /* what comes from here on comes to nobody, and the channel will be somebody else's */
    if (whole)
        stop_others(thread);
    else
        whole = __atomic_sub_fetch(&process.count, 1, __ATOMIC_ACQ_REL) == 0;
    if (whole && !process.files_shared)
        sys3(__NR_close_range, 0, process.top, 0);
    /* Bytes of a next frame belong to nobody: such a channel is not given on.  Nor is one that its client is about to close. */
    if (((head->flags & RSYS_REQUEST_NOREPLY) != 0 || loop_reply(thread, head, 0) == 0) && thread->held_size == 0 && head->args[1] != 1)
        broker_give(thread->channel, 0);
    signals_block(); /* from here on there may be no stack for a handler */
    sys1(__NR_close, thread->channel);
    if (whole)
        loop_end();
    thread_leave(thread);
}

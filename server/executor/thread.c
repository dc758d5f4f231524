/* SPDX-License-Identifier: GPL-2.0-only */
/* thread.c: the memory of a thread, and the lock around the descriptor limit. */
#include "server/executor/internal.h"

#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <asm/unistd.h>
#include <linux/time_types.h>

/* One mapping: the stack (aligned to its size within), the frame's front, the arena, the held bytes, what is kept for a client that lacks it.  Nothing of it is
 * memory before it is touched. */
#define HELD_ROOM ((FIRST_RECEIVE + 4095u) & ~4095u)
#define THREAD_SIZE (2 * THREAD_STACK + FRAME_FRONT + RSYS_ARENA_SIZE + RSYS_ARENA_SLACK + HELD_ROOM + RSYS_KEPT_REPLIES + 4096)

struct thread *thread_new(void)
{
    uint32_t slot;
    for (slot = 0; slot < RSYS_EXECUTOR_FDS; slot++) {
        struct thread *none = NULL;
        if (__atomic_compare_exchange_n(&process.threads[slot], &none, (struct thread *)1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            break;
    }
    if (slot == RSYS_EXECUTOR_FDS)
        return NULL;
    int64_t base = sys6(__NR_mmap, 0, THREAD_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0);
    if (base < 0 && base > -4096) {
        __atomic_store_n(&process.threads[slot], NULL, __ATOMIC_RELEASE);
        return NULL;
    }
    uintptr_t top = (((uintptr_t)base + THREAD_STACK - 1) & ~(uintptr_t)(THREAD_STACK - 1)) + THREAD_STACK;
    struct thread *thread = (struct thread *)(top - THREAD_ROOM);
    thread->base = (uint8_t *)base;
    thread->arena = (uint8_t *)top + FRAME_FRONT;
    thread->held = thread->arena + RSYS_ARENA_SIZE + RSYS_ARENA_SLACK;
    thread->replies = thread->held + HELD_ROOM;
    thread->infos = thread->replies + RSYS_KEPT_REPLIES;
    thread->channel = -1;
    thread->talking = 1;
    thread->slot = slot;
    __atomic_store_n(&process.threads[slot], thread, __ATOMIC_RELEASE);
    return thread;
}

void thread_free(struct thread *thread)
{
    __atomic_store_n(&process.threads[thread->slot], NULL, __ATOMIC_RELEASE);
    sys2(__NR_munmap, thread->base, THREAD_SIZE);
}

void thread_leave(struct thread *thread)
{
    __atomic_store_n(&process.threads[thread->slot], NULL, __ATOMIC_RELEASE);
    rsys_unmap_and_exit(thread->base, THREAD_SIZE);
}

void thread_keep_only(struct thread *thread)
{
    for (uint32_t slot = 0; process.count > 1 && slot < RSYS_EXECUTOR_FDS; slot++) {
        struct thread *other = process.threads[slot];
        if (other == thread)
            continue;
        /* 1: its mapping was being made by another thread at the moment of the fork; that little is lost. */
        if ((uintptr_t)other > 1)
            sys2(__NR_munmap, other->base, THREAD_SIZE);
        process.threads[slot] = NULL;
    }
    process.count = 1;
}

/* The arena's pages, back to the kernel; what is held of the next frames stays.  Not while the last reply's data may have to be sent once more. */
void thread_give_back(struct thread *thread)
{
    if (process.resumable && thread->last_valid && thread->last.outs > 0)
        return;
    sys3(__NR_madvise, thread->arena, RSYS_ARENA_SIZE + RSYS_ARENA_SLACK, MADV_DONTNEED);
    thread->dirty = 0;
}

void limit_lock(void)
{
    /* 0 free, 1 held, 2 held and waited for. */
    uint32_t expect = 0;
    if (__atomic_compare_exchange_n(&process.limit_lock, &expect, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&process.limit_lock, 2, __ATOMIC_ACQUIRE) != 0)
        sys4(__NR_futex, &process.limit_lock, FUTEX_WAIT_PRIVATE, 2, 0);
}

void limit_unlock(void)
{
    if (__atomic_exchange_n(&process.limit_lock, 0, __ATOMIC_RELEASE) == 2)
        sys3(__NR_futex, &process.limit_lock, FUTEX_WAKE_PRIVATE, 1);
}

/* The limit is the guest's, so that the kernel gives it the right numbers; ours lie above it.  Another guest may set it at any time (prlimit(2)), and what that has set
 * stays: of each value that we replace we know whether it was our own. */
void limit_raise(struct limit *old, struct limit *raised)
{
    sys4(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, old);
    raised->soft = raised->hard = old->hard;
    sys4(__NR_prlimit64, 0, RLIMIT_NOFILE, raised, old);
}

int limit_lower(const struct limit *old, const struct limit *raised)
{
    struct limit ours = *raised, next = *old, now = *raised;
    sys4(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, &now);
    if (now.soft != ours.soft || now.hard != ours.hard)
        return 1;
    for (int others = 0;; others = 1) {
        struct limit found = ours; /* where it cannot be set, that ends it */
        sys4(__NR_prlimit64, 0, RLIMIT_NOFILE, &next, &found);
        if (found.soft == ours.soft && found.hard == ours.hard)
            return others;
        ours = next;
        next = found;
    }
}

void pause_for(uint32_t microseconds)
{
    struct __kernel_timespec time = {.tv_sec = microseconds / 1000000, .tv_nsec = (long long)(microseconds % 1000000) * 1000};
    sys5(__NR_ppoll, 0, 0, &time, 0, 8);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* thread.c: threads and processes, from their beginning to their end.
 *
 * The kernel turns Syscall User Dispatch off in whatever clone makes, so each turns it on again before its first instruction of the program's.  A child
 * of fork has a copy of everything and goes on in the handler as its parent does.  What has its parent's memory cannot: two would be on one stack.  It
 * gets a struct thread with a stack beforehand, and a copy of the kernel's frame to go on from; and as a child of vfork may write where its parent's own
 * frame is, the parent goes on from a copy, too. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif
#define FP_MAGIC 0x46505853u /* FP_XSTATE_MAGIC1 */
#define FP_LEGACY 512u

__thread struct thread *self __attribute__((tls_model("initial-exec")));

int64_t arm(void)
{
    return RAW(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, exempt_start, (uintptr_t)exempt_end - (uintptr_t)exempt_start, NULL);
}

struct thread *thread_new(struct process *process)
{
    size_t size = sizeof(struct thread) + STACK_SIZE;
    struct thread *thread = map_pages(size);
    if (thread == NULL)
        return NULL;
    thread->stack_top = (uint8_t *)thread + (size & ~(size_t)15);
    thread->process = process;
    thread->signals = -1;
    return thread;
}

void thread_delete(struct thread *thread)
{
    if (thread->loan != NULL)
        (void)RAW(SYS_munmap, thread->loan, thread->loan_size);
    (void)RAW(SYS_munmap, thread, sizeof *thread + STACK_SIZE);
}

/* How long the state of the floating point units is that lies at fp: the kernel's struct _fpx_sw_bytes at 464 tells. */
static size_t fp_size(uint64_t fp)
{
    uint32_t words[2];
    memcpy(words, (const uint8_t *)(uintptr_t)fp + 464, sizeof words);
    return words[0] == FP_MAGIC ? words[1] : FP_LEGACY;
}

/* A copy of the kernel's frame, in thread; NULL: it is larger than any that is known. */
static struct context *frame_copy(struct thread *thread, const struct context *context)
{
    size_t size = context->fp != 0 ? fp_size(context->fp) : 0;
    struct context *copy = (struct context *)(void *)(thread->frame + ((size + 63) & ~(size_t)63));
    if (size > FRAME_SIZE - sizeof *copy - 64)
        return NULL;
    if (size > 0)
        memcpy(thread->frame, (const void *)(uintptr_t)context->fp, size);
    *copy = *context;
    copy->fp = size > 0 ? (uintptr_t)thread->frame : 0;
    return copy;
}

void way_local(struct context *context, int mask_argument, const uint64_t *mask)
{
    uint64_t sp = context->sp - 128 - 8 - (mask != NULL ? 32 : 0);
    /* The kernel's frame begins right below the red zone: it must not be written over before it is used. */
    if (context->fp != 0 && context->fp + fp_size(context->fp) > sp && sp + 8 > (uintptr_t)context) {
        struct context *copy = frame_copy(self, context);
        if (copy != NULL)
            context = copy;
    }
    if (mask != NULL) {
        uint64_t *place = (uint64_t *)(uintptr_t)(sp + 8), pointer = (uintptr_t)place;
        uint64_t *arguments[6] = {&context->di, &context->si, &context->dx, &context->r10, &context->r8, &context->r9};
        place[0] = *mask;
        if (context->ax == SYS_pselect6) {
            place[1] = pointer;
            place[2] = sizeof *mask;
            pointer += 8;
        }
        *arguments[mask_argument] = pointer;
    }
    *(uint64_t *)(uintptr_t)sp = context->ip;
    context->sp = sp;
    context->ip = (uintptr_t)(mask != NULL ? stub_local_mask : stub_local);
    entry_resume(context);
}

/* ---- clone ---- */

/* What a child has of its parent's, and is not to have: their connections. */
static void drop_parents(struct process *process, int parents_agent)
{
    for (int fd = 0; fd < atomic_load(&process->top); fd++)
        if (process_home(process, fd) == HOME_CHANNEL || fd == parents_agent) {
            (void)RAW(SYS_close, fd);
            process_set_home(process, fd, HOME_LOCAL);
        }
    atomic_store(&process->channels, 0);
}

_Noreturn void thread_born(struct thread *thread)
{
    self = thread;
    if (thread->parent != NULL) {
        process_keep(thread->process, thread->parent->process->homes, HOMES);
        drop_parents(thread->process, thread->parent->process->agent);
    }
    if (arm() < 0)
        (void)RAW(SYS_exit_group, 125);
    entry_resume(thread->birth);
}

/* The copy that a new thread starts from.  0 or -errno. */
static int prepare_birth(struct thread *born, const struct context *context, uint64_t stack, bool thread)
{
    struct context *copy = frame_copy(born, context);
    if (copy == NULL)
        return -EAGAIN;
    born->birth = copy;
    copy->ax = 0;
    if (stack != 0)
        copy->sp = stack;
    if (thread) { /* an alternate stack is not handed on */
        copy->stack.sp = copy->stack.size = 0;
        copy->stack.flags = SS_DISABLE;
    }
    return 0;
}

static int64_t clone_thread(struct context *context, const uint64_t args[6])
{
    struct thread *born = thread_new(self->process);
    int64_t result = born == NULL ? -EAGAIN : prepare_birth(born, context, args[1], true);
    if (result == 0)
        result = entry_clone(args[0], args[1], args[2], args[3], args[4], born);
    if (result < 0 && born != NULL)
        thread_delete(born);
    return result;
}

/* A connection to the agent for a child; -1: the session is lost, which is no reason not to fork. */
static int64_t ask_process(int *ret_fd)
{
    *ret_fd = -1;
    if (atomic_load(&session.lost) != 0)
        return 0;
    int64_t failed = agent_ask(PRELOAD_PROCESS, 0, 0, ret_fd);
    if (atomic_load(&session.lost) != 0)
        return 0;
    if (failed < 0)
        return failed;
    *ret_fd = fd_put_away(*ret_fd, HOME_OURS);
    return *ret_fd < 0 ? *ret_fd : 0;
}

/* fork: everything is copied, and nobody else is there in the child. */
static int64_t clone_copy(struct context *context, const uint64_t args[6])
{
    struct process *process = self->process;
    int agent = -1, count, parents = process->agent;
    uint64_t *before = process_homes(process, &count);
    int64_t result = before == NULL ? -ENOMEM : ask_process(&agent);
    if (result < 0) {
        free(before);
        return result;
    }
    lock_take(&process->lock);
    lock_take(&heap_lock);
    result = entry_clone(args[0], 0, args[2], args[3], args[4], NULL);
    if (result != 0) {
        lock_give(&heap_lock);
        lock_give(&process->lock);
        fd_close_ours(agent);
        free(before);
        return result;
    }
    if (args[1] != 0)
        context->sp = args[1];
    atomic_store(&heap_lock.held, 0);
    atomic_store(&process->lock.held, 0);
    if (self->channel != NULL)
        self->channel->fd = -1; /* drop_parents closes it */
    channel_free(self->channel);
    self->channel = NULL;
    self->signals = -1;
    process_keep(process, (const _Atomic uint64_t *)before, count);
    free(before);
    drop_parents(process, parents);
    process->agent = agent;
    return arm();
}

static struct process *process_copy(const struct process *process)
{
    struct process *copy = process_new();
    if (copy == NULL)
        return NULL;
    copy->agent = -1;
    copy->placeholder = process->placeholder;
    copy->config = process->config;
    copy->signals = process->signals;
    atomic_store(&copy->cwd_remote, atomic_load(&process->cwd_remote));
    atomic_store(&copy->cwd_same, atomic_load(&process->cwd_same));
    atomic_store(&copy->top, atomic_load(&process->top));
    for (int i = 0; i < atomic_load(&copy->top); i++)
        atomic_store(&copy->homes[i], atomic_load(&process->homes[i]));
    return copy;
}

/* vfork, posix_spawn: the child has our memory, and descriptors of its own. */
static int64_t clone_borrower(struct context *context, const uint64_t args[6])
{
    struct process *process = process_copy(self->process);
    struct thread *born = process == NULL ? NULL : thread_new(process), *parent = self;
    struct context *own = frame_copy(self, context);
    int agent = -1;
    int64_t result = born == NULL || own == NULL ? -EAGAIN : prepare_birth(born, context, args[1], false);
    if (result == 0)
        result = ask_process(&agent);
    if (result == 0) {
        process->agent = agent;
        if (agent >= 0)
            process_set_home(process, agent, HOME_OURS);
        born->parent = parent;
        result = entry_clone(args[0], args[1], args[2], args[3], args[4], born);
        self = parent;
        fd_close_ours(agent);
        if (born->channel != NULL)
            born->channel->fd = -1; /* a number of the child's table */
        channel_free(born->channel);
    }
    if (born != NULL)
        thread_delete(born);
    if (process != NULL)
        process_delete(process);
    if (own == NULL)
        return result;
    own->ax = (uint64_t)result;
    entry_resume(own);
}

enum way call_clone(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    if (nr == SYS_fork || nr == SYS_vfork) {
        memset(args, 0, 6 * sizeof args[0]);
        args[0] = nr == SYS_fork ? SIGCHLD : CLONE_VM | CLONE_VFORK | SIGCHLD;
    }
    uint64_t flags = args[0];
    if (nr == SYS_clone3)
        *ret = -ENOSYS; /* the C library falls back to clone */
    else if ((flags & CLONE_THREAD) != 0)
        *ret = (flags & (CLONE_VM | CLONE_FILES | CLONE_SETTLS)) == (CLONE_VM | CLONE_FILES | CLONE_SETTLS) ? clone_thread(context, args) : -EINVAL;
    else if ((flags & CLONE_FILES) != 0 || ((flags & CLONE_VM) != 0 && (flags & CLONE_VFORK) == 0))
        *ret = -EINVAL; /* two processes with one table, or memory, for long: rsys-preload(1) says so */
    else
        *ret = (flags & CLONE_VM) != 0 ? clone_borrower(context, args) : clone_copy(context, args);
    return WAY_DONE;
}

/* ---- the end ---- */

/* End the executor, if there is one. */
static void leave_session(struct process *process)
{
    const struct preload_request request = {.op = PRELOAD_EXIT};
    lock_take(&process->lock);
    (void)agent_exchange(process->agent, &request, NULL);
    lock_give(&process->lock);
}

enum way call_exit(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    struct thread *thread = self;
    (void)ret;
    if (nr == SYS_exit_group || thread->parent != NULL) {
        /* Who waits for the process is to find its files closed and its locks released. */
        if (atomic_load(&session.lost) == 0 && !atomic_exchange(&thread->process->ending, true))
            leave_session(thread->process);
        way_local(context, -1, NULL);
    }
    if (thread->channel != NULL) {
        struct channel *channel = thread->channel;
        if (atomic_load(&session.lost) == 0) {
            channel_exit(channel, false);
            (void)agent_ask(PRELOAD_GONE, channel->tid, 0, NULL);
        }
        int fd = channel->fd;
        channel->fd = -1;
        channel_free(channel);
        fd_close_ours(fd);
        atomic_fetch_sub(&thread->process->channels, 1);
    }
    fd_close_ours(thread->signals);
    thread->signals = -1;
    entry_thread_end(thread, sizeof *thread + STACK_SIZE, args[0]);
}

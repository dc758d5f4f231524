/* SPDX-License-Identifier: GPL-2.0-only */
/* init.c: pid 1 of a sandbox: serves the control channel, and ends with it, or resumes it where that can be done.
 *
 * When it ends the kernel kills all that is left in its pid namespace.  Children, its own and orphans, need no waiting for: SIGCHLD is ignored.
 * The sender is hostile: a pid or tid that it names is looked up in this namespace only, where everything is the session's own. */
#include "server/executor/internal.h"

#include <asm/unistd.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/signal.h>

struct job {
    struct thread *thread;
    int tid, pager;
};

/* What /proc/PID/cmdline and comm show: of init, and of an executor until its guest's first exec. */
static void rename_process(const char *name)
{
    size_t length = text_length(name);
    if (length + 1 > process.arguments_size)
        length = process.arguments_size - 1;
    memset(process.arguments, 0, process.arguments_size);
    memcpy(process.arguments, name, length);
    sys2(__NR_prctl, PR_SET_NAME, name);
}

static void start_executor(void *argument)
{
    struct job *job = argument;
    mirror_fresh_process(job->thread, job->tid, 0);
    signals_unblock(); /* but for pid 1's */
    credentials_limit(process.capabilities);
    process.top = 2;
    process.is_pager = job->pager != 0;
    rename_process(job->pager ? "pager" : "guest");
    /* 0, 1 and 2 are the client's own. */
    for (int fd = 0; fd < 3 && !job->pager; fd++)
        sys3(__NR_dup3, process.nofile + RSYS_FD_PLACEHOLDER, fd, 0);
    mirror_serve(job->thread);
}

static int64_t spawn(struct thread *thread, const uint64_t args[6])
{
    struct job job = {thread, (int)args[0], args[1] == 1};
    if (job.tid <= 1 || (uint64_t)job.tid != args[0])
        return -E_INVAL;
    struct clone_args clone_args = {.exit_signal = SIGCHLD};
    return mirror_clone_pid(&clone_args, &job.tid, start_executor, &job);
}

static int64_t serve(struct thread *thread, const struct rsys_wire_request *head)
{
    const uint64_t *args = head->args;
    switch (head->nr) {
    case RSYS_OP_SPAWN:
        return spawn(thread, args);
    case RSYS_OP_CANCEL:
        return signals_cancel((int)args[0], (int)args[1], (uint32_t)args[2]);
    case RSYS_OP_KILL:
        return (int)args[0] > 1 ? sys2(__NR_kill, (int)args[0], SIGKILL) : -E_INVAL;
    case RSYS_OP_RECONNECT:
        return signals_drop((int)args[0], (int)args[1], (uint32_t)args[2]);
    case RSYS_OP_END:
        loop_end();
    case RSYS_OP_NULL:
        return 0;
    default:
        return -E_NOSYS;
    }
}

void init_run(void *argument)
{
    struct thread *thread = argument;
    struct rsys_wire_request head;
    thread->channel = (int)process.nofile + RSYS_FD_CHANNEL;
    /* A huge page for a thread that has touched a few bytes is not what we want. */
    sys5(__NR_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0);
    rename_process("init");
    signals_install();
    signals_serve_view();
    for (;;) {
        int received = loop_receive(thread, &head);
        if (received == -E_CUT) {
            resume_channel(thread);
            continue;
        }
        /* Operations on this channel carry no data. */
        if (received < 0 || head.outs > 0 || head.relocs > 0 || head.in_size > 0)
            loop_end();
        int64_t result = serve(thread, &head);
        if ((head.flags & RSYS_REQUEST_NOREPLY) == 0 && loop_reply(thread, &head, result) < 0)
            resume_channel(thread);
    }
}

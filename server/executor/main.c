/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: which role this execution has, and its first thread. */
#include "server/executor/internal.h"

#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/prctl.h>

struct process process;

/* Where there is no page to count in, its number is a placeholder's, which cannot be mapped. */
static void map_counters(void)
{
    int64_t map = sys6(__NR_mmap, 0, sizeof *process.counters, PROT_READ | PROT_WRITE, MAP_SHARED, process.nofile + RSYS_FD_COUNTERS, RSYS_COUNTERS_OFFSET);
    process.counters = map < 0 ? NULL : (struct executor_counters *)map;
}

static void continue_executor(void *argument)
{
    struct thread *thread = argument;
    signals_install();
    signals_release(thread);
    loop_run(thread);
}

/* An executor that its guest's exec has started anew. */
static void restart(struct thread *thread, char **argv, char **envp)
{
    const char *text = envp[0] + sizeof "rsys=" - 1;
    process.nofile = (uint32_t)text_number(&text, 10);
    thread->cancel = (uint32_t)text_number(&text, 10);
    thread->signals = text_number(&text, 10);
    process.top = (uint32_t)text_number(&text, 10);
    process.resumable = (uint32_t)text_number(&text, 10);
    thread->done = (uint32_t)text_number(&text, 10);
    thread->told = (uint32_t)text_number(&text, 10);
    exec_read_strings(thread, envp + 1);
    map_counters();
    thread->channel = (int)process.nofile + RSYS_FD_CHANNEL;
    if (argv[0] != NULL) {
        const char *name = argv[0];
        for (const char *p = name; *p != '\0'; p++)
            if (*p == '/' && p[1] != '\0')
                name = p + 1;
        sys2(__NR_prctl, PR_SET_NAME, name);
    }
    rsys_run_on(thread, continue_executor, thread);
}

void rsys_start(uint64_t *stack) __attribute__((noreturn));
void rsys_start(uint64_t *stack)
{
    uint64_t argc = stack[0];
    char **argv = (char **)(stack + 1), **envp = argv + argc + 1;
    process.count = 1;
    struct thread *thread = thread_new();
    if (thread == NULL)
        loop_end();
    thread->tid = (int)sys0(__NR_getpid);
    /* init is given no environment, an executor always: its argv is the guest's, whatever that is. */
    if (envp[0] != NULL)
        restart(thread, argv, envp);
    if (argc != 4 || !text_equal(argv[0], "init"))
        loop_end();
    const char *nofile = argv[1], *capabilities = argv[2];
    process.nofile = (uint32_t)text_number(&nofile, 10);
    process.capabilities = text_number(&capabilities, 16);
    map_counters();
    process.arguments = argv[0];
    process.resumable = text_equal(argv[3], "1");
    process.arguments_size = (size_t)(argv[3] + text_length(argv[3]) + 1 - argv[0]);
    rsys_run_on(thread, init_run, thread);
}

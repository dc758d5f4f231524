/* SPDX-License-Identifier: GPL-2.0-only */
/* exec.c: the guest has executed a program: execute ours again, so that the kernel does here what it did there.
 *
 * It closes what is close-on-exec, ends the other threads, gives a thread the process's id, and shows the guest's arguments in /proc.  The channel, its
 * numbering and what was received of the next frames go on: the environment's one string carries what the new image has to know. */
#include "server/executor/internal.h"

#include <asm/unistd.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#define F_SETFD_ 2

/* The channel to L + 4 and not close-on-exec; all other channels are close-on-exec and go. */
static void place_channel(struct thread *thread)
{
    struct limit old, raised;
    int64_t result;
    int at = (int)process.nofile + RSYS_FD_CHANNEL;
    /* exec makes the table ours alone, but the other process's channel may be at that number now. */
    if (process.files_shared)
        sys3(__NR_close_range, ~0u, ~0u, CLOSE_RANGE_UNSHARE);
    do {
        limit_raise(&old, &raised);
        if (thread->channel == at)
            result = sys3(__NR_fcntl, at, F_SETFD_, 0);
        else
            result = sys3(__NR_dup3, thread->channel, at, 0);
    } while (limit_lower(&old, &raised) && result < 0);
}

/* Bytes as a string: 0 and 1 are written as 1 1 and 1 2.  Returns the end, where the terminator is. */
static char *put_bytes(char *at, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] <= 1)
            *at++ = 1;
        *at++ = (char)(bytes[i] <= 1 ? bytes[i] + 1 : bytes[i]);
    }
    *at = '\0';
    return at;
}

/* The reverse, for at most `room` bytes; returns how many. */
static uint32_t get_bytes(uint8_t *bytes, size_t room, const char *p)
{
    uint32_t n = 0;
    for (; *p != '\0' && n < room; p++)
        bytes[n++] = (uint8_t)(*p == 1 && *++p > 0 ? *p - 1 : *p);
    return n;
}

/* What the new image has to know beside numbers, as strings of the environment: the signals that were told last, then what was received of the next frames, in
 * pieces (the kernel takes 128 KiB in one string).  NULL: no memory. */
#define HELD_PIECE 32768u
#define INFOS_SIZE (RSYS_KEPT_SIGNALS * RSYS_SIGNAL_INFO)
static const char **make_envp(struct thread *thread, const char *first)
{
    uint64_t room = 8 * sizeof(char *) + 2 * (FIRST_RECEIVE + INFOS_SIZE) + 8;
    int64_t map = sys6(__NR_mmap, 0, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0);
    if (map < 0 && map > -4096)
        return NULL;
    const char **envp = (const char **)map;
    char *at = (char *)(envp + 8);
    unsigned count = 0;
    envp[count++] = first;
    envp[count++] = at;
    at = put_bytes(at, thread->infos, thread->told > 0 ? INFOS_SIZE : 0) + 1;
    for (uint32_t i = 0; i < thread->held_size; i += HELD_PIECE) {
        envp[count++] = at; /* at most 2 + 3, and the rest of what was mapped is NULL */
        at = put_bytes(at, thread->held + i, thread->held_size - i < HELD_PIECE ? thread->held_size - i : HELD_PIECE) + 1;
    }
    return envp;
}

/* The reverse, in the new image. */
void exec_read_strings(struct thread *thread, char **strings)
{
    if (*strings == NULL)
        return;
    if (**strings != '\0')
        get_bytes(thread->infos, INFOS_SIZE, *strings);
    while (*++strings != NULL)
        thread->held_size += get_bytes(thread->held + thread->held_size, FIRST_RECEIVE - thread->held_size, *strings);
}

/* Point at `count` terminated strings in size bytes.  NULL: they are not what args say. */
static const char **make_argv(const char *strings, uint64_t count, uint64_t size)
{
    if (count > RSYS_ARENA_SIZE || size > RSYS_ARENA_SIZE + RSYS_ARENA_SLACK || (size > 0 && strings[size - 1] != '\0'))
        return NULL;
    uint64_t room = (count + 1) * sizeof(char *);
    int64_t map = sys6(__NR_mmap, 0, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0);
    if (map < 0 && map > -4096)
        return NULL;
    const char **argv = (const char **)map;
    for (uint64_t i = 0, at = 0; i < count; i++) {
        if (at >= size)
            return NULL;
        argv[i] = strings + at;
        at += text_length(strings + at) + 1; /* stops at the last byte of size, which is zero */
    }
    return argv;
}

int64_t exec_again(struct thread *thread, const struct rsys_wire_request *head, const uint64_t args[6])
{
    /* The strings lie at the arena's start whether args[0] was relocated or not. */
    if (args[1] > head->in_size)
        return -E_INVAL;
    const char **argv = make_argv((const char *)thread->arena, args[0], args[1]);
    if (argv == NULL)
        return -E_INVAL;
    char environment[160] = "rsys=", *end = environment + 5;
    const char **envp = make_envp(thread, environment);
    if (envp == NULL)
        return -E_AGAIN;
    limit_lock(); /* never unlocked: no other thread is to change the limit from here on */
    /* A cancel for a later request must find the new image's handlers: it stays pending until then. */
    signals_block();
    place_channel(thread);
    end = text_put(end, process.nofile);
    end = text_put(end, (uint64_t)thread->cancel);
    end = text_put(end, thread->signals);
    end = text_put(end, process.top);
    end = text_put(end, process.resumable);
    end = text_put(end, thread->done);
    text_put(end, thread->told);
    /* Too many or too long for this kernel's limits: /proc shows fewer then. */
    for (uint64_t count = args[0];; count /= 2) {
        argv[count] = NULL;
        sys5(__NR_execveat, process.nofile + RSYS_FD_SELF, "", argv, envp, AT_EMPTY_PATH);
        if (count == 0)
            break;
    }
    loop_end();
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h: what the files of the executor share.
 *
 * There is no libc and no thread-local storage here, because clone3 with a chosen tid makes threads that libc knows nothing of.  A thread
 * finds its own data through its stack pointer: stacks are THREAD_STACK bytes, aligned to their size, and the data lies at a stack's upper end. */
#ifndef RSYS_SERVER_EXECUTOR_INTERNAL_H
#define RSYS_SERVER_EXECUTOR_INTERNAL_H

#include "server/executor/executor.h"
#include "server/counters.h"
#include "src/core/decode.h"
#include "src/core/wire.h"

#include <stddef.h>
#include <stdint.h>

/* ---- the kernel (no libc: errors are -errno) ---- */

static inline int64_t sys6(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    int64_t result;
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}
#define SYS_ARG(x) ((uint64_t)(uintptr_t)(x))
#define sys0(nr) sys6(nr, 0, 0, 0, 0, 0, 0)
#define sys1(nr, a) sys6(nr, SYS_ARG(a), 0, 0, 0, 0, 0)
#define sys2(nr, a, b) sys6(nr, SYS_ARG(a), SYS_ARG(b), 0, 0, 0, 0)
#define sys3(nr, a, b, c) sys6(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), 0, 0, 0)
#define sys4(nr, a, b, c, d) sys6(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), 0, 0)
#define sys5(nr, a, b, c, d, e) sys6(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), 0)

#define E_INTR 4
#define E_AGAIN 11
#define E_CUT 104 /* ECONNRESET: the channel has ended or was dropped */
#define E_EXIST 17
#define E_INVAL 22
#define E_NOSYS 38
#define E_RESTARTSYS 512

/* ---- a thread ---- */

#define THREAD_STACK 65536u /* also its alignment; the deepest path is below 4 KiB and a signal's frame below 12 */
#define THREAD_ROOM 512u    /* at the stack's upper end, for struct thread */
#define FRAME_FRONT 4096u   /* before the arena: the results of earlier requests, then a request's header and tables */
#define FIRST_RECEIVE (65536u + 2048u) /* how much the first recv of a frame asks for: a 64 KiB write comes in one */
/* After a request that used more than this, the arena is given back to the kernel as soon as the thread is idle. */
#define ARENA_KEEP (256u << 10)

struct thread {
    uint8_t *base;    /* of the mapping that holds all of it */
    uint8_t *arena;   /* page-aligned; FRAME_FRONT bytes lie before it */
    uint8_t *held;    /* bytes of the next frames that came with this one: held_size of FIRST_RECEIVE */
    uint32_t held_size;
    uint32_t tables;  /* size of the last frame's tables: a guess at the next one's */
    int channel;
    int tid;
    uint32_t slot;    /* in process.threads */
    uint32_t dirty;   /* > 0: the arena holds much memory, and so many small requests may come before it is given back */
    /* Shared with the signal handlers of this same thread. */
    volatile uint32_t seq;     /* the request under way or the last one */
    volatile uint32_t cancel;  /* the last request for which a cancel has come, 0: none */
    volatile uint32_t stale;   /* a cancel of another request has come since this was cleared */
    volatile uint32_t waited;  /* the cancel ended the call's waiting, and the kernel would restart it */
    volatile uint64_t signals; /* raised by calls and not yet told, bit n-1 */
    volatile uint32_t talking; /* > 0: no signal may be told now: a reply is being sent, or there is no channel */
    volatile uint32_t kept;    /* one has come meanwhile, in kept_info; the others are blocked */
    uint8_t kept_info[RSYS_SIGNAL_INFO];
    /* What the client may lack when the channel is cut (resume.c). */
    struct rsys_wire_request last; /* the last request: its reply can be made once more as long as last_valid, from the tables and the arena */
    int64_t last_result;
    uint64_t last_signals;
    uint32_t last_valid;
    uint32_t done;             /* the last request that was received whole, and so executed; 0: none */
    uint32_t replies_size;     /* bytes in use of the kept replies, one behind the other as they were sent */
    uint32_t replies_last;     /* the number of the last of them */
    volatile uint32_t told;    /* how many signals were told so far: the last RSYS_KEPT_SIGNALS lie in `infos` */
    volatile uint32_t dropped; /* the channel is not to be used any more */
    uint8_t *replies, *infos;
};
_Static_assert(sizeof(struct rsys_results) + sizeof(struct rsys_wire_request) + RSYS_RELOCS_MAX * sizeof(struct rsys_wire_reloc) +
                       RSYS_OUTS_MAX * sizeof(struct rsys_wire_out) <= FRAME_FRONT, "what lies before an arena has to fit");
_Static_assert(sizeof(struct thread) <= THREAD_ROOM, "struct thread has to fit above the stack");

/* The results of a thread's last requests lie before the front of its arena. */
static inline struct rsys_results *thread_results(struct thread *thread) { return (struct rsys_results *)(thread->arena - FRAME_FRONT); }

static inline struct thread *thread_self(void)
{
    uintptr_t sp;
    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct thread *)((sp | (THREAD_STACK - 1)) + 1 - THREAD_ROOM);
}

/* ---- a process ---- */

struct process {
    uint32_t nofile;        /* L */
    uint64_t capabilities;  /* what an executor keeps; known to init only */
    uint32_t limit_lock;    /* held while RLIMIT_NOFILE is raised and while the process is copied or replaced */
    uint32_t count;         /* living threads */
    uint32_t ending;        /* the process ends: every thread has to */
    uint32_t is_pager;      /* the view's: its channel carries replies alone */
    uint32_t wants_view;    /* its next channel is one for the view's executor */
    uint32_t resumable;     /* channels that are cut are resumed; else an executor ends with its channel */
    uint32_t files_shared;  /* with another process */
    uint32_t top;           /* no descriptor of the guest is above this one (descriptors.c) */
    char *arguments;        /* where /proc/PID/cmdline reads */
    size_t arguments_size;
    struct executor_counters *counters; /* shared by all executors of the session; NULL: nothing is counted */
    /* The mappings of the threads, so that a forked child can drop those that it does not need.  NULL: free. */
    struct thread *threads[RSYS_EXECUTOR_FDS];
};
extern struct process process;

/* ---- broker.c ---- */

/* A spare channel, at whatever number the kernel chose; -E_AGAIN: none is there.  for_view: of those that are for the view's executor, else of the others. */
int broker_take(int for_view);
/* Put a connected, idle channel in: the next executor that needs one takes it.  Our own descriptor of it stays. */
void broker_give(int channel, int for_view);
/* Close all that are there, but those for the view's executor: the client makes others. */
void broker_drain(void);

/* ---- stub.S ---- */

/* Make a guest's call, unless the cancel of request seq has come (*cancel == seq) or comes before the syscall instruction: then -512. */
int64_t rsys_stub(uint64_t nr, const uint64_t args[6], const volatile uint32_t *cancel, uint32_t seq);
extern const char rsys_stub_begin[], rsys_stub_syscall[], rsys_stub_cancelled[];
/* clone3; the child calls entry(argument), which does not return. */
int64_t rsys_clone3(const void *clone_args, size_t size, void (*entry)(void *), void *argument);
/* Unmap the stack that this runs on, and end the thread.  Signals are blocked before. */
void rsys_unmap_and_exit(void *base, size_t size) __attribute__((noreturn));
void rsys_run_on(void *stack, void (*entry)(void *), void *argument) __attribute__((noreturn));
void rsys_restore(void); /* SA_RESTORER */

/* ---- string.c ---- */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
size_t text_length(const char *text);
int text_equal(const char *a, const char *b);
/* Read a number (base 10 or 16) and step over it and one separator behind it. */
uint64_t text_number(const char **text, unsigned base);
/* Append a decimal number and a space; returns the new end. */
char *text_put(char *end, uint64_t number);

/* ---- thread.c ---- */
/* Map a thread's memory.  NULL: no memory or too many threads. */
struct thread *thread_new(void);
void thread_free(struct thread *thread);
/* The end of the thread that calls this, signals blocked: its memory goes with it. */
void thread_leave(struct thread *thread) __attribute__((noreturn));
/* Give the pages of the arena back to the kernel. */
void thread_give_back(struct thread *thread);
/* In the only thread of a forked process: drop what belonged to the others. */
void thread_keep_only(struct thread *thread);
void limit_lock(void);
void limit_unlock(void);
/* The kernel's struct rlimit. */
struct limit {
    uint64_t soft, hard;
};
/* Between these, with the lock held, there is room for our own descriptors, even when the guest has used up all of its numbers.  limit_lower: 1 when somebody else has set the
 * limit meanwhile: then there may have been no room. */
void limit_raise(struct limit *old, struct limit *raised);
int limit_lower(const struct limit *old, const struct limit *raised);
/* Sleep for so many microseconds, or less when a signal comes. */
void pause_for(uint32_t microseconds);

/* ---- signals.c ---- */
void signals_install(void); /* handlers; they stay over clone */
/* What is sent between these is not interrupted by a signal's message.  They nest; a new thread is as between them until it has its channel. */
void signals_hold(struct thread *thread);
void signals_release(struct thread *thread);
void signals_block(void);
void signals_unblock(void);
/* Interrupt another thread of this process for good. */
void signals_stop(int tid);
/* Send the cancel of a request to a thread of any process. */
int64_t signals_cancel(int pid, int tid, uint32_t seq);
/* In pid 1: serve RSYS_EXECUTOR_DROP_VIEW. */
void signals_serve_view(void);
/* Have a thread of any process drop its channel, unless it has received a request after `seq` by then; 0: whatever it has received. */
int64_t signals_drop(int pid, int tid, uint32_t seq);
/* Wait until there is something of `events` on the channel, or it is to be dropped: that signal is blocked everywhere else, so it interrupts no call.  0: neither in so many
 * milliseconds (-1: without a limit). */
int signals_wait_or_drop(struct thread *thread, short events, int milliseconds);
/* Signals that were told, numbers after `from`, once more.  -1: the channel is broken. */
int signals_tell_again(struct thread *thread, uint32_t from);
/* A timer that sends this thread the cancel of a request when it is set.  Its number, or -errno. */
int64_t signals_timer(int tid, uint32_t seq);
void signals_timer_set(int64_t timer, uint32_t microseconds);
void signals_timer_free(int64_t timer);

/* ---- loop.c ---- */
void loop_run(struct thread *thread) __attribute__((noreturn));
/* Receive one frame: the header is copied to *head, tables and in-data lie around the arena's start.  -E_CUT: the channel has ended; -E_INVAL: malformed. */
int loop_receive(struct thread *thread, struct rsys_wire_request *head);
/* Receive exactly n bytes into memory that is not the arena's.  -1: the channel has ended, or nothing has come for so many milliseconds. */
int loop_receive_exact(struct thread *thread, void *to, size_t n, int milliseconds);
/* Send a reply to a request without out-data, which the client gets for sure when the channel can be resumed.  -1: the channel is broken. */
int loop_reply(struct thread *thread, const struct rsys_wire_request *head, int64_t result);
/* Send the reply that thread->last tells of once more.  -1: the channel is broken. */
int loop_reply_again(struct thread *thread);
/* Send a greeting: a reply with the number 0, and n more bytes. */
int loop_greet(struct thread *thread, int64_t result, uint64_t signals, const void *more, size_t n);
/* Send n bytes while no reply is being sent.  -1: the channel is broken. */
int loop_send(struct thread *thread, const void *data, size_t n);
void loop_end(void) __attribute__((noreturn)); /* the whole process, at once */

/* ---- look.c ---- */
/* An open has given this result: fill in the request's last out-range (RSYS_REQUEST_LOOK). */
void look_at(struct thread *thread, const struct rsys_wire_request *head, const struct rsys_wire_out *outs, int64_t fd);

/* ---- mirror.c ---- */
int64_t mirror_clone(struct thread *thread, const uint64_t args[6]);
/* Make a process with that pid, retrying while the pid's last holder is still exiting.  0 or -errno. */
int64_t mirror_clone_pid(void *clone_args, int *tid, void (*entry)(void *), void *argument);
/* First steps of a process that was forked from another. */
void mirror_fresh_process(struct thread *thread, int tid, int files_shared);
/* Take a spare channel from the broker and move it to a number >= L.  wait: until there is one.  The number, or -errno. */
int mirror_take(int wait);
/* Take a channel when there is none yet, greet, and serve it. */
void mirror_serve(struct thread *thread) __attribute__((noreturn));
/* Whether the client has closed its end while the channel was waiting in the broker. */
int mirror_is_dead(int channel);

/* ---- resume.c ---- */
/* The channel is broken: take another one, greet again, and send what the client lacks.  Returns when requests can be received; ends the process when the
 * session cannot be resumed. */
void resume_channel(struct thread *thread);
/* A reply was sent that may not be repeated from the arena: keep it.  front: its header and lengths. */
void resume_keep(struct thread *thread, const void *front, size_t front_size, const struct rsys_wire_request *head, const struct rsys_wire_out *outs, int64_t result);
/* A request has come: what it acknowledges needs no keeping. */
void resume_acknowledged(struct thread *thread, uint32_t ack);
/* A new thread of a forked process has nothing of this. */
void resume_reset(struct thread *thread);

/* ---- descriptors.c ---- */
/* A call has been made: take note of what it has opened. */
void descriptors_note(uint64_t nr, const uint64_t args[6], int64_t result);

/* ---- exec.c, exit.c, credentials.c, init.c ---- */
void exit_abandon(struct thread *thread) __attribute__((noreturn));
/* Returns only when the request makes no sense. */
int64_t exec_again(struct thread *thread, const struct rsys_wire_request *head, const uint64_t args[6]);
void exec_read_strings(struct thread *thread, char **strings);
void exit_thread(struct thread *thread, const struct rsys_wire_request *head) __attribute__((noreturn));
int64_t credentials_call(struct thread *thread, uint64_t nr, const uint64_t args[6], uint32_t seq);
int credentials_is(uint64_t nr);
void credentials_limit(uint64_t capabilities);
void init_run(void *thread) __attribute__((noreturn));

#endif

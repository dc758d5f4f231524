/* SPDX-License-Identifier: GPL-2.0-only */
/* inner.h: what the files of librsys-preload.so share.
 *
 * The library takes nothing from the C library: it may be called in the middle of malloc, with any lock held, so it is linked without one, and makes its
 * system calls by a stub of its own (entry.S), the only text that Syscall User Dispatch leaves alone.  Every other system call of the program raises
 * SIGSYS.  The handler runs with all signals blocked, on a stack of its own, so it is never interrupted; what of a call is local is done by the program
 * itself, which goes on at a stub that makes the call with its own registers, mask and stack (`way_local`). */
#ifndef RSYS_PRELOAD_INNER_H
#define RSYS_PRELOAD_INNER_H

#include "src/client/internal.h"
#include "src/preload/preload.h"

#include <signal.h>
#include <ucontext.h>

/* ---- entry.S ---- */

int64_t raw_syscall(int64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
#define RAW(nr, ...) RAW_((nr), ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define RAW_(nr, a, b, c, d, e, f, ...) \
    raw_syscall((nr), (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))
extern const char exempt_start[], exempt_end[], stub_local[], stub_local_mask[], stub_sigreturn[];
void entry_signal(int signal, siginfo_t *info, void *context);
/* Continue the program where context says. */
_Noreturn void entry_resume(void *context);
/* clone(2).  A child that has its parent's memory goes to thread_born(born), on born's stack. */
struct thread;
int64_t entry_clone(uint64_t flags, uint64_t stack, uint64_t parent_tid, uint64_t child_tid, uint64_t tls, struct thread *born);
/* Unmap the stack that we are on, and end the thread. */
_Noreturn void entry_thread_end(void *base, size_t size, uint64_t status);

/* ---- the kernel's frame of a signal, from its ucontext on ---- */

struct context {
    uint64_t flags, link;
    struct {
        uint64_t sp;
        int32_t flags, pad;
        uint64_t size;
    } stack;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, eflags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2;
    uint64_t fp; /* where the state of the floating point units is; 0: none */
    uint64_t reserved[8];
    uint64_t mask;
};
_Static_assert(sizeof(struct context) == 40 + 256 + 8, "struct ucontext of x86-64");

/* ---- processes and threads ---- */

#define HOMES (1u << 20)
enum {
    HOME_LOCAL = 0,    /* or nothing is there */
    HOME_OURS = -1,    /* no descriptor of the program's */
    HOME_CHANNEL = -2, /* the same: a thread's, which a child of fork has no use for */
    HOME_SHADOW = 1 << 30, /* beside a number of the executor's: an epoll instance here, which has one there for what is there */
};

struct lock {
    atomic_int held; /* 0, 1, 2: somebody waits */
};
void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

struct process {
    struct lock lock;           /* of the connection to the agent */
    int agent, placeholder, config;
    int signals;                /* a signalfd of all signals, -1: there is none */
    atomic_int channels;        /* threads that have one */
    atomic_bool ending;         /* its executor ends, and it will: what other threads find of that is not told */
    atomic_bool cwd_remote;
    atomic_bool cwd_same;       /* the working directory here has the name of the one there */
    atomic_int top;             /* every home from here on is HOME_LOCAL */
    _Atomic uint64_t *homes;    /* of each descriptor: HOME_*, or the executor's number + 1; above bit 32, how often that has changed */
};

#define FRAME_SIZE 20480u
#define STACK_SIZE (256u << 10)

/* At the beginning of its own mapping; the stack is the end of it. */
struct thread {
    void *stack_top;            /* entry.S: at 0 */
    struct process *process;
    struct channel *channel;
    int error;                  /* the library's errno */
    int signals;                /* a signalfd of its own, -1: none yet */
    uint64_t signals_mask;      /* what it is for */
    uint64_t program_mask;      /* the program's, in the call under way */
    int interrupted;            /* the signal that ended the wait, 0: none */
    bool swapped;               /* program_mask is that of a call that waits with another one */
    struct {
        uint64_t ip, sp, mask;  /* a call that a signal has ended so went on here, with the mask that it had waited with; its own one is to come back when the handler returns */
        bool on;
    } restore;
    bool patient;               /* the call under way cannot be interrupted, though the server's part of it could */
    /* A new one's, until it runs: */
    struct context *birth;      /* where it begins; in frame */
    struct thread *parent;      /* of a child that borrows its parent's memory; NULL: a thread */
    void *loan;                 /* what such a child has mapped for its execve, which its parent takes away */
    size_t loan_size;
    uint8_t frame[FRAME_SIZE] __attribute__((aligned(64))); /* a copy of the kernel's frame */
};
extern __thread struct thread *self __attribute__((tls_model("initial-exec")));

/* thread.c */
struct thread *thread_new(struct process *process);
void thread_delete(struct thread *thread);
_Noreturn void thread_born(struct thread *thread);
int64_t arm(void);

/* ---- what becomes of a call ---- */

enum way {
    WAY_DONE,    /* *ret is its result */
    WAY_LOCAL,   /* the program makes it */
    WAY_GOES_ON, /* context says where the program goes on */
};
typedef enum way way_of(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret);

void dispatch(struct thread *thread, siginfo_t *info, struct context *context);
/* The program makes the call itself, with the registers as context has them.  mask: of a call that swaps it, to be in its place; NULL: none. */
void way_local(struct context *context, int mask_argument, const uint64_t *mask);
/* Make a remote call whose arguments are the executor's, with EINTR as the kernel has it. */
int64_t remote_call(uint64_t nr, const uint64_t args[6]);
way_of call_generic, call_signals, call_masked, call_clone, call_exec, call_exit, call_fd, call_cwd, call_mmap, call_wait, call_pair;
way_of call_message_fds, call_sendfile, call_epoll;

/* signals.c */
#define SIGSYS_BIT (UINT64_C(1) << (SIGSYS - 1))
/* Whether a signal that the program is to take now is pending; it is noted in self->interrupted. */
bool signals_pending(void);
/* A descriptor that becomes readable with such a signal; -1: there is none.  When it is readable and none is pending, the exact one is to be taken. */
int signals_fd(void);
int signals_fd_exact(void);
void signals_start(struct process *process);
/* The mask of a call that waits with another one: from the program's memory, 0: none.  0 or -errno. */
int64_t signals_swap(uint64_t address, uint64_t size);
/* A signal has ended such a call: its handler runs with that mask, before the call returns. */
void signals_deliver_swapped(struct context *context);
/* The program is seen at a call of its own: whether it has come back from that without a handler's return. */
void signals_check_restore(struct context *context, uint64_t nr);
/* What a call's EINTR becomes: whether it is made again once the handler has run. */
bool signals_restart(uint64_t nr);

/* calls-wait.c */
struct wait;
/* epoll_wait and its likes on an instance with a shadow. */
int64_t wait_epoll(uint64_t nr, const uint64_t args[6]);
/* Wait until a descriptor of this machine can be written to.  0, -EINTR. */
int wait_writable(int fd);

/* fds.c */
struct process *process_new(void); /* NULL: no memory */
void process_delete(struct process *process);
int32_t process_home(const struct process *process, int fd);
void process_set_home(struct process *process, int fd, int32_t home);
/* The homes as they are now, as many as there are; the caller's to free.  NULL: no memory. */
uint64_t *process_homes(const struct process *process, int *ret_count);
/* Keep only those remote descriptors of process that are in `before`, unchanged: what has changed since then cannot be what a copy of the executor has. */
void process_keep(struct process *process, const _Atomic uint64_t *before, int count);
bool fd_is_ours(int fd);
/* The executor's number of a descriptor; -1: it is local, or none. */
int fd_remote(int fd);
/* That of an epoll instance's shadow; -1: it has none. */
int fd_shadow(int fd);
/* Either. */
int fd_there(int fd);
/* Make `remote` the shadow of fd, unless it has one meanwhile. */
bool fd_cast_shadow(int fd, int remote);
void fd_set_home(int fd, int32_t home);
/* The lowest number from least on, with a placeholder for the executor's number. */
int64_t fd_wrap(int64_t remote, int least, bool cloexec);
/* Move a new descriptor of ours out of the program's way. */
int fd_put_away(int fd, int32_t home);
void fd_close_ours(int fd);
void remote_close(int remote);

/* paths.c */
/* Where a call on this path goes: 1 remote, 0 local, or -errno.  dirfd: a descriptor of the program's or AT_FDCWD.  link: what the path is to the
 * executor, if it names a descriptor ("/proc/self/fd/3", "/dev/stdin") that is remote; else it is empty. */
#define PATH_LINK_SIZE 40
int path_home(uint64_t nr, int dirfd, uint64_t path, char link[PATH_LINK_SIZE]);
bool call_chosen(uint64_t nr);

/* agent-client.c */
/* One request; process->lock is held.  The answer's result; -ECONNRESET: there is no agent. */
int64_t agent_exchange(int agent, const struct preload_request *request, int *ret_fd);
/* The same, of our process, which finds the session lost then. */
int64_t agent_ask(enum preload_op op, int tid, uint32_t seq, int *ret_fd);

/* libc.c */
/* Each returns where the text ends. */
char *append(char *to, const char *text);
char *append_number(char *to, unsigned number);
/* Memory; and a file's, shared.  NULL: none. */
void *map_pages(size_t size);
void *map_file(size_t size, int fd);
extern struct lock heap_lock;
int64_t peek(uint64_t address, void *buffer, size_t n);
int64_t poke(uint64_t address, const void *buffer, size_t n);
void say(const char *const *parts);

extern struct preload_config *config;
extern struct rsys_session session;

#endif

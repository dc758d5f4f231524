/* SPDX-License-Identifier: GPL-2.0-only */
/* jail.h: rsys-jail's inner structures, shared by the files of src/jail/.
 *
 * The supervisor is single-threaded: one loop (supervisor.c) owns everything here.  The pager (view.c, pager.c) and the spare-channel
 * connector (spare.c) are threads of their own, with their own descriptor tables, that share nothing with it but what their headers say.
 * The supervisor must never touch the view (open, stat, execute something in it) nor wait for the guest's memory while the
 * pager could wait for the supervisor: the pager takes no lock of the supervisor's, so reading guest memory may fault into the view. */
#ifndef RSYS_JAIL_JAIL_H
#define RSYS_JAIL_JAIL_H

#include "src/core/encode.h"
#include "src/core/error.h"
#include "src/core/memory.h"
#include "src/core/spec.h"
#include "src/core/table.h"

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

struct jail;
struct guest;
struct process;
struct call;

/* Of a local descriptor. */
enum rsys_fd_flag {
    RSYS_FD_CLOEXEC = 1, /* exec drops it */
    RSYS_FD_SESSION = 2, /* what the session itself has made on the client; without it: the user's, whose file, terminal or connection is protected
                          * from the guest beyond what it was left open for */
};

/* Which file a descriptor refers to, by its numbers on the server. */
struct file_id {
    bool known, regular;
    uint64_t dev, ino;
};
#define FDTABLE_FILES 32

/* A descriptor table (files_struct) of guests: which numbers are local.  Everything else that is open is remote; the executor's kernel assigns all
 * numbers (a local one has an O_PATH placeholder there).  Where only chosen calls are captured it is the other way round: which numbers are remote, and the guest's
 * own kernel assigns them all (chosen-fds.c).  Counted by the processes that share it (fds.c). */
struct fdtable {
    unsigned users;
    bool of_remote;    /* `listed` are the remote ones */
    uint32_t size;     /* bits */
    uint64_t *listed;  /* the local ones; owned */
    uint64_t *cloexec; /* of these, so that exec drops them */
    uint64_t *session; /* of the local ones: RSYS_FD_SESSION */
    int mapped;        /* 1 + the descriptor that the last call mapped, 0: the last call did something else (mmap.c) */
    struct mapped_file *mapped_file; /* owned */
    int written;       /* 1 + the number at which a file of the view, open for writing, still is; 0: none (mmap.c) */
    pid_t written_by;  /* the guest that has mapped it */
    struct fdtable_file { /* what some remote descriptors refer to (coherence.c), by their number modulo FDTABLE_FILES */
        int fd;
        struct file_id file; /* known: false: none */
    } files[FDTABLE_FILES];
    struct epolls *epolls;    /* which numbers are epoll descriptors (epoll.c); owned */
    const struct epoll_ops *epoll_ops; /* set with it */
};
/* What the epoll descriptors of a table have to be told of: the helpers below do. */
struct epoll_ops {
    void (*closed)(struct fdtable *table, int fd);
    void (*freed)(struct fdtable *table);
    void (*copied)(struct fdtable *copy, const struct fdtable *of);
    void (*duplicated)(struct fdtable *table, int old, int fd, bool cloexec);
    void (*marked)(struct fdtable *table, int fd, bool cloexec);
    void (*executed)(struct fdtable *table);
};
struct fdtable *rsys_fdtable_new(void);                          /* 0, 1, 2 local, the user's; NULL: no memory */
struct fdtable *rsys_fdtable_copy(const struct fdtable *table);  /* fork without CLONE_FILES */
int rsys_fdtable_unshare(struct fdtable **table);                /* if others have it too, the holder gets a copy: 0 or -ENOMEM */
struct fdtable *rsys_fdtable_ref(struct fdtable *table);
void rsys_fdtable_unref(struct fdtable *table);
bool rsys_fd_is_local(const struct fdtable *table, int64_t fd);
bool rsys_fd_is_users(const struct fdtable *table, int64_t fd);  /* local, and not the session's own */
int rsys_fd_set_local(struct fdtable *table, int fd, unsigned flags); /* enum rsys_fd_flag.  0 or -ENOMEM */
unsigned rsys_fd_flags(const struct fdtable *table, int64_t fd); /* of a local one; 0 for others */
void rsys_fd_clear_local(struct fdtable *table, int fd);
/* The same of a table that lists what is remote. */
struct fdtable *rsys_fdtable_new_of_remote(void);
int rsys_fd_set_remote(struct fdtable *table, int fd, bool cloexec); /* 0 or -ENOMEM */
void rsys_fd_clear_remote(struct fdtable *table, int fd);
bool rsys_fd_remote_cloexec(const struct fdtable *table, int64_t fd);
int64_t rsys_fd_next_remote(const struct fdtable *table, int64_t from); /* the first at or above; -1: there is none */
void rsys_fdtable_exec(struct fdtable *table);                   /* drops the close-on-exec ones */

/* A descriptor of either home has been closed (-1: all are), duplicated, marked close-on-exec. */
static inline void rsys_fd_closed(struct fdtable *table, int64_t fd)
{
    if (table->epoll_ops)
        table->epoll_ops->closed(table, (int)fd);
}
static inline void rsys_fd_duplicated(struct fdtable *table, int64_t old, int64_t fd, bool cloexec)
{
    if (table->epoll_ops)
        table->epoll_ops->duplicated(table, (int)old, (int)fd, cloexec);
}
static inline void rsys_fd_marked(struct fdtable *table, int64_t fd, bool cloexec)
{
    if (table->epoll_ops)
        table->epoll_ops->marked(table, (int)fd, cloexec);
}

struct look;
struct channel; /* the connection to one executor thread (internal.h, channel.c) */

/* A thread. */
struct guest {
    struct guest *next;  /* in the hash of tids */
    struct process *process;
    pid_t tid;
    struct channel *channel; /* never NULL; it keeps what is sent before its executor has greeted */
    struct call *call;       /* its call, reused for each; call->phase tells whether one is in flight */
    struct rsys_memory memory;
    /* life cycle and signals (lifecycle.c, signals.c) */
    uint8_t state;           /* enum guest_state */
    bool announced;          /* the parent's ptrace event told of it */
    bool stopped;            /* it waits in a ptrace stop for us */
    bool told;               /* its last call has been answered, by an answer that it may not have taken (notify.c) */
    bool passed;             /* its last call was left to its own kernel */
    bool told_pass;          /* that answer let it through */
    uint8_t doubtful;        /* 1 + how often it has stopped inside of its last call although that was answered */
    uint64_t told_id, told_received; /* jail->last_id and ->received at that time */
    bool cancelling;         /* its call is being cancelled for the signal in `held` */
    int held;                /* the signal of a signal-delivery stop that waits for the verdict of a call */
    struct postponed *postponed; /* signals to deliver after the call in flight, oldest first */
    struct mask_swap *mask;  /* a ppoll's temporary mask, or NULL */
    struct injection *injection; /* a call that it is made to do (signal-watch.c), or NULL */
    struct trap *trap;       /* how it stands in its stop (intercept-ptrace.c); NULL with notifications */
    pid_t cloning;           /* stopped in clone until the executor has forked this one, or 0 */
    bool mirrorless;         /* its executor could not be made */
    bool killed;             /* it is in its exit stop because of a signal */
    /* calls-misc.c */
    struct look *look;       /* what is known of the file opened last, or NULL (look.c) */
    uint8_t creds_known;     /* bit per entry of creds */
    uint32_t creds[4];       /* the executor thread's uid, euid, gid, egid */
};

/* A thread group. */
struct process {
    pid_t pid;
    unsigned threads;          /* that have not come to their exit */
    unsigned users;            /* guests that point here */
    struct fdtable *fds;
    struct jail *jail;
    char *exe;                 /* the sandbox path of what it executes, for readlink of /proc/self/exe; owned */
    int pidfd;                 /* opened when first needed, or -1 */
    int signal_watch;          /* hears of its signals (signal-watch.c), or -1 */
    int root;                  /* rsys_view_new_root's: 0: the sandbox's own */
    bool confined;             /* some thread of it, or of an ancestor, has a Landlock domain, if not all have one */
    bool undumpable;           /* only chosen calls are captured: it has asked not to be dumped (chosen.c) */
    uint64_t nofile;           /* RLIMIT_NOFILE as the guests have set it last, plus 1; 0: the session's */
    uint64_t nofile_max;       /* RLIMIT_NOFILE's hard limit as the guest has set it, plus 1; 0: the session's */
};

/* What a handler says. */
enum verdict {
    VERDICT_DONE,      /* call->result is the guest's result: answer now */
    VERDICT_SENT,      /* a request is under way; call->on_reply goes on */
    VERDICT_CONTINUE,  /* the guest's own kernel executes the call (SECCOMP_USER_NOTIF_FLAG_CONTINUE): only where the header of filter says it is safe */
    VERDICT_LATER,     /* something else will finish the call (a wait over both homes, an exec stop) through rsys_call_answer() */
};

/* A call of a guest, from its notification to its answer.  One a guest, reused (guest->call points at guest-owned storage). */
struct call {
    struct guest *guest;
    const struct rsys_call *row;
    uint64_t id;             /* the notification's, 0: there are none */
    uint64_t nr, args[6];    /* copied once; acted on alone */
    int64_t result;          /* for the guest, -errno on failure */
    enum rsys_action placed; /* for the trace */
    struct rsys_request request;
    /* What to do with the reply.  NULL: store the out-ranges, result is the guest's.  Returns as a handler does (VERDICT_SENT: another
     * request is under way).  reply->result of a cancelled call is -ERESTARTSYS: a handler passes it on as call->result, or what had been done so far. */
    enum verdict (*on_reply)(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);
    /* Called when a signal interrupts a VERDICT_LATER call: undo, set call->result; NULL: the result is -ERESTARTSYS. */
    void (*on_cancel)(struct call *call);
    /* Called when the call will never be finished (its guest has been killed, or its session is lost) while it is VERDICT_SENT or VERDICT_LATER: undo
     * what `own` holds.  NULL: nothing.  Reset, like on_reply and on_cancel, when a call starts. */
    void (*on_drop)(struct call *call);
    /* A handler's own, larger: rsys_call_scratch().  Kept from call to call, freed with the call's storage. */
    void *scratch;
    size_t scratch_room;
    union {                  /* a handler's own, small */
        uint64_t word[8];
        void *pointer[8];
    } own;
    enum verdict (*settled)(struct call *call); /* rsys_view_settle's: how the call goes on; `own` and `scratch` are the handler's */
    struct file_id file;     /* what rsys_view_changed will be asked about, as far as it is known */
    struct stat file_stat;   /* asked for it */
    uint32_t file_seq;       /* of the request sent ahead that asks, or 0 */
    int64_t changed;         /* rsys_view_changed's: the result that waits */
    void *job;               /* the view's job that this call waits for, or NULL */
    uint64_t started;        /* ns, when tracing */
    uint8_t phase;           /* enum call_phase, notify.c's own */
    void *deferred;          /* its reply has come and waits until the guest's notification is valid again */
    uint32_t seq;            /* of the request under way */
    bool hurried;            /* rsys_call_hurry */
    bool once;               /* rsys_call_pass_once */
    bool loud;               /* it may change a file or bring news of one (look.c) */
    bool adopted;            /* its result has been looked at for a descriptor that the executor has made (chosen-fds.c) */
    bool learnt, unlearned;  /* --learn: it has been looked at; what it sends now is not the program's */
    uint32_t trips;          /* requests that were waited for so far */
};

/* ---- the call's way (notify.c, channel.c) ---- */

/* Send call->request to the guest's executor.  Returns VERDICT_SENT, or VERDICT_DONE with a result when the session is lost. */
enum verdict rsys_call_send(struct call *call);
/* Send a request that nobody waits for, ahead of the guest's next one. */
int rsys_guest_post(struct guest *guest, struct rsys_request *request);
/* Send the call as its row's shapes tell (rsys_encode_call + rsys_call_send); VERDICT_DONE when the arguments cannot be read. */
enum verdict rsys_call_forward(struct call *call);
/* The same with other arguments. */
enum verdict rsys_call_forward_args(struct call *call, const uint64_t args[6]);
/* For calls that wait with another signal mask (ppoll, pselect6, epoll_pwait), before they wait: what is ready already is told whatever signal is pending.  address, size: the guest's sigset, address 0: none.
 * True: the mask holds, go on.  False: return *ret_verdict; the handler is called once more when the mask holds. */
bool rsys_call_mask(struct call *call, uint64_t address, uint64_t size, enum verdict *ret_verdict);
/* Whether there is still to be looked, without the mask: 1, *ret_wanted is the mask; 0: there is none, or it holds; -EINVAL, -EFAULT. */
int rsys_call_mask_awaited(struct call *call, uint64_t address, uint64_t size, uint64_t *ret_wanted);
/* Whether a signal that is pending would be delivered with that mask. */
bool rsys_call_mask_lets(const struct call *call, uint64_t wanted);
/* Cancel the request under way although no signal has come: what the call waits for has come from elsewhere.  Its reply comes as ever, cancelled or done;
 * then say so with rsys_call_hurried_over() (also in on_drop). */
void rsys_call_hurry(struct call *call);
void rsys_call_hurried_over(struct call *call);
/* Whether a number is none that a guest can have: the session's limit and above, where executors keep what is theirs.  No such number may
 * be sent: an honest program that closes everything would cut its executor's channel.  A call (but not a SPECIAL one) that has one for a FD argument
 * never comes to its handler. */
bool rsys_fd_is_beyond(const struct call *call, uint64_t fd);
/* For who encodes by rsys_encode_call() alone: such numbers in the request's FD and DIRFD arguments become -1.  rsys_call_forward() does it. */
void rsys_call_fence(struct call *call);
/* Set the result: return rsys_call_done(call, -EBADF); */
static inline enum verdict rsys_call_done(struct call *call, int64_t result)
{
    call->result = result;
    return VERDICT_DONE;
}
/* Let the call through to the guest's own kernel, when what belongs to it has been done here and is not to be done twice: no code of the guest runs
 * before its kernel has executed the call, also when a signal interrupts the guest before that.  return rsys_call_pass_once(call); */
static inline enum verdict rsys_call_pass_once(struct call *call)
{
    call->once = true;
    return VERDICT_CONTINUE;
}
/* Finish a VERDICT_LATER call. */
void rsys_call_answer(struct call *call, int64_t result);
/* Go on with a VERDICT_LATER call as a handler that returned this verdict. */
void rsys_call_resume(struct call *call, enum verdict verdict);
/* Whether the notification is still valid (the guest was not interrupted or killed meanwhile). */
bool rsys_call_valid(const struct call *call);
/* Install a descriptor of ours in the guest at number `at`, or at the lowest free local number (at < 0).  The number, or -errno; -ERESTARTSYS:
 * the guest has been interrupted, which is the call's result then. */
int rsys_call_add_fd(struct call *call, int fd, int at, bool cloexec);
/* Drop what the guest has at a number of its local table; the number is not to be used locally from then on (something harmless may stay there).  0 or -errno, as rsys_call_add_fd(). */
int rsys_call_drop_fd(struct call *call, int fd);
/* Take a duplicate of a guest's local descriptor (pidfd_getfd).  A descriptor of ours, or -errno. */
int rsys_guest_get_fd(struct guest *guest, int fd);
struct rsys_memory *rsys_guest_memory(struct guest *guest);

/* At least n bytes at call->scratch (what was there is lost), or NULL without memory. */
void *rsys_call_scratch(struct call *call, size_t n);

/* kill(0) by a guest of the process group that rsys-jail was started in: the signal goes to the guests in it, and to nobody else of this machine.
 * 0 or -errno. */
int64_t rsys_signal_group(struct jail *jail, int signal);
/* kill(0), kill(-1), kill(-group) once ids differ: to those that the caller may signal (calls-kin.c). */
enum verdict rsys_call_signal_each(struct call *call);

/* The hard limit of descriptors as a process's guests know it. */
uint64_t rsys_nofile_max(const struct process *process);
/* Whether a guest's number names a thread of the supervisor, which is in the guests' pid namespace: signals to it and limits of its are not the guests' to set.  The
 * kernel itself tells which numbers are its own threads. */
bool rsys_is_supervisor(uint64_t pid);
/* Ids are the server's affair, and executors have the guests' pids: signal 0 there tells whether this guest may signal that one; if so, the call is
 * continued.  To be asked only once some guest has changed its ids. */
enum verdict rsys_call_ask_permission(struct call *call, pid_t pid);

/* What launching made (session.h). */
struct rsys_session;
struct rsys_session *rsys_jail_session(struct jail *jail);

/* handlers: calls-*.c.  A REGULAR row that is BY_FD is continued when its descriptor is local; every other handler is asked in both cases.  What has been placed
 * (denied, killed, never) is settled before. */
#define RSYS_HANDLER(name) enum verdict rsys_handle_##name(struct call *call);
#include "src/core/handlers.def"
#undef RSYS_HANDLER

#endif

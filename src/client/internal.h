/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h: what the files of the library share.
 *
 * A session has, in each process that uses it, one executor process on the server: its first thread, the leader, makes no calls but is what new executor threads are cloned from, since
 * any other one may be waiting in a call.  Each thread of the program has an executor thread and a channel of its own, from its first call to its end.
 *
 * Locks, in this order: the registry (fork.c: which sessions there are, whose channels), a session's (its leader), its shared one (what several processes use). */
#ifndef RSYS_CLIENT_INTERNAL_H
#define RSYS_CLIENT_INTERNAL_H

#include "src/core/encode.h"
#include "src/core/error.h"
#include "src/core/spec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define TIDS 32768u /* numbers of executors are below this: every kernel has so many */

/* Memory that all processes of the session share: fork(2) hands it on. */
struct shared {
    pthread_mutex_t lock;        /* robust.  Held for what is asked on the control connection, and while a spare channel waits for the executor that is made for it */
    uint32_t control_seq;
    bool control_lost;           /* a process died while it held the lock: what comes next on the connection is not known */
    _Atomic uint32_t next_tid;
    _Atomic uint64_t tids[TIDS / 64]; /* in use, a bit each */
};

/* The connection to an executor thread.  Used, closed and freed by its owner alone; it may outlive the session. */
struct channel {
    struct channel *of_session, *of_thread; /* the next one */
    _Atomic(struct rsys_session *) session; /* NULL: over; changed under the registry */
    int fd;
    pid_t tid;
    pthread_t owner;
    uint32_t seq;            /* of the last request sent */
    uint64_t signals;        /* what replies told of signals that calls raised (SIGPIPE, SIGXFSZ), a bit each; whoever wants them takes them */
    uint8_t *in;             /* what has come: bytes at .. have of room; owned */
    size_t at, have, room;
    struct rsys_request request; /* of the call under way */
};

struct rsys_session {
    struct rsys_session *next;
    atomic_uint users;       /* the program, and each channel */
    struct rsys_address *address;
    int private_fd;          /* to a private server, or -1 */
    bool no_fork;            /* RSYS_CONNECT_NO_FORK */
    int timeout_ms;
    int control_fd;
    struct rsys_welcome welcome; /* checked */
    struct rsys_rules rules;     /* checked */
    struct shared *shared;
    pthread_mutex_t lock;    /* of the leader */
    struct channel *leader;
    struct channel *next_leader; /* while this process forks: the child's */
    struct channel *channels;    /* the threads'; under the registry */
    uint32_t reports[RSYS_CALLS_MAX]; /* rsys_report()'s; a thread's count may be lost */
    atomic_int lost;         /* 0, or the errno of every call from now on */
};

/* ---- session.c ---- */

struct session_wish {
    const char *address; /* NULL: a private server */
    const char *key;     /* the key file of a tls: address, NULL: the default one */
    bool no_fork;
    bool beside;         /* a private server's program is looked for beside this one */
    int timeout_ms;
};
struct rsys_session *session_open(const struct session_wish *wish, struct rsys_error **err);
/* The program's end of it. */
void session_close(struct rsys_session *session);
void session_unref(struct rsys_session *session);
/* The session cannot go on.  Returns -code. */
int session_fail(struct rsys_session *session, int code);
/* A new executor, cloned from a process's leader with CLONE_* flags, and its channel; 0, or -errno. */
int session_clone(struct rsys_session *session, struct channel *leader, uint64_t flags, struct channel **ret);
/* The number of an executor is free again. */
void session_free_tid(struct rsys_session *session, pid_t tid);
/* Have pid 1 interrupt request seq of a channel's executor; returns when it has been signalled, or cannot be. */
void session_cancel(struct rsys_session *session, const struct channel *channel, uint32_t seq);
/* The same, of executor tid of process pid. */
void session_cancel_of(struct rsys_session *session, pid_t pid, pid_t tid, uint32_t seq);

/* ---- channel.c ---- */

struct channel *channel_new(int fd, pid_t tid); /* takes fd; NULL: no memory, fd is the caller's */
void channel_free(struct channel *channel);     /* closes it */
/* Send whole frames; what comes meanwhile is received, so that neither side waits for the other to read.  0 or -1. */
int channel_send(struct channel *channel, struct iovec *iov, int count);
/* What a signal does to a wait. */
enum channel_patience {
    CHANNEL_PATIENT,  /* nothing */
    CHANNEL_RESTARTS, /* a handler without SA_RESTART ends it */
    CHANNEL_STRICT,   /* every handler ends it (signal(7): "never restarted") */
};
enum channel_patience channel_patience_of(const struct rsys_call *call);
/* Wait until something can be received, or leave that to the receiving (wait.c, or src/preload's).  0; -EINTR: a signal ends the wait; -1 with errno. */
int channel_wait(struct channel *channel, enum channel_patience patience);
/* The reply to request seq: *ret_data is good until the next call.  0; -EINTR; -1: the connection is lost, or the other side talks nonsense. */
int channel_receive(struct channel *channel, uint32_t seq, enum channel_patience patience, struct rsys_wire_reply *ret_reply, const uint8_t **ret_data);
uint32_t channel_next_seq(struct channel *channel);
/* The reply to a request that has been sent, which is cancelled when a signal says so.  As channel_exchange(). */
int channel_await(struct rsys_session *session, struct channel *channel, uint32_t seq, enum channel_patience patience, struct rsys_wire_reply *ret_reply,
                  const uint8_t **ret_data);
/* A request and its reply, cancelled when a signal says so.  0 or -errno, the session is lost then.  A cancelled call's result is -EINTR. */
int channel_exchange(struct rsys_session *session, struct channel *channel, struct rsys_request *request, enum channel_patience patience,
                     struct rsys_wire_reply *ret_reply, const uint8_t **ret_data);
/* Send a request whose reply nobody waits for.  0 or -1. */
int channel_post(struct channel *channel, struct rsys_request *request);
/* End its executor thread, or with whole its process, and wait until it has. */
void channel_exit(struct channel *channel, bool whole);

/* ---- thread.c: whose channel, over threads' ends and forks ---- */

void thread_add_session(struct rsys_session *session);
void thread_drop_session(struct rsys_session *session);
/* This thread's channel, made if there is none.  0 or -errno. */
int thread_channel(struct rsys_session *session, struct channel **ret);

/* ---- call.c ---- */

/* errno and cancellation (pthreads(7)) are the program's: nothing in between changes the one or is reached by the other. */
struct guard {
    int error, cancel;
};
void guard_enter(struct guard *guard);
void guard_leave(struct guard *guard);

/* Whether the library makes this call at all: 0 or -errno.  By what the policy says, too; what it denies is told to the server's log. */
int call_check(struct rsys_session *session, uint64_t nr, const uint64_t args[6]);
/* The row whose shapes are all that the call needs, *scratch for one made up, or NULL when it needs more. */
const struct rsys_call *call_shapes(uint64_t nr, const uint64_t args[6], struct rsys_call *scratch, int *ret_error);
/* What a reply says, stored: the call's result.  The server is hostile: -EPROTO, the session is lost, when it tells more than there was room for. */
int64_t call_finish(struct rsys_session *session, struct rsys_request *request, const struct rsys_wire_reply *reply, const uint8_t *data);
/* A request that is made already, and its reply. */
int64_t call_exchange(struct rsys_session *session, struct channel *channel, enum channel_patience patience);
int64_t call_by_shapes(struct rsys_session *session, struct channel *channel, const struct rsys_call *row, const uint64_t args[6]);
/* sendmsg, recvmsg, sendto, recvfrom (message.c). */
int64_t call_message(struct rsys_session *session, struct channel *channel, const struct rsys_call *row, const uint64_t args[6]);
/* Make a call: its result. */
int64_t call_make(struct rsys_session *session, uint64_t nr, const uint64_t args[6]);

#endif

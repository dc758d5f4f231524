/* SPDX-License-Identifier: GPL-2.0-only */
/* daemon.h: the daemon's state: listeners, connections that have not said yet what they want, and sessions.
 *
 * One loop over one epoll descriptor, one event at a time, so that what an event ends is never looked at again. */
#ifndef RSYS_SERVER_DAEMON_H
#define RSYS_SERVER_DAEMON_H

#include "server/counters.h"
#include "server/log.h"
#include "server/manager.h"
#include "server/options.h"
#include "server/session.h"
#include "server/tls.h"
#include "src/core/error.h"
#include "src/core/wire.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <sys/types.h>

/* Connections without a whole hello: the most at once.  One more makes the oldest go of whoever has most of them. */
#define HALF_OPEN_MAX 512

#define ACCOUNTS_BUCKETS 256

struct daemon;

/* Something to wait for.  It is the first field of what it belongs to. */
struct watch {
    int fd;
    void (*ready)(struct daemon *daemon, struct watch *watch);
};

struct listener {
    struct watch watch;
    struct rsys_address *address; /* owned */
    bool embedded;
    char name[256];               /* the address to connect to */
};

/* What one peer has of us at the moment (accounts.c). */
struct account {
    struct account *next;
    struct rsys_party who;
    unsigned half_open, sessions, held; /* held: by somebody who still looks at it.  All 0: it goes */
    unsigned starting;       /* of its sessions */
    uint64_t turn;           /* when its last session was started, in starts of the daemon */
    int64_t paused_until;    /* none of its sessions is started sooner, monotonic ms; 0: they may be */
};

/* What a connection to a tls: address has beside. */
struct half_open_tls {
    bool wanted;               /* it has to begin with TLS's preamble */
    bool inside;               /* its TLS process has let it in: what is read now came through TLS */
    bool owned;                /* the worker is this connection's: it is the first of a session that is not there yet */
    struct tls_worker *worker; /* NULL: none yet */
    int wire_fd;               /* the connection itself, while the TLS process has not said how it came out; -1 */
    struct rsys_tls_result result;
};

struct half_open {
    struct watch watch;
    struct half_open *next, *previous;  /* younger, older */
    struct account *account; /* counts it */
    int64_t deadline;        /* monotonic ms */
    uint8_t hello[sizeof(struct rsys_hello)];
    size_t have;
    struct rsys_peer peer;
    struct half_open_tls tls;
};

struct session {
    struct watch watch;      /* SOCK_SEQPACKET to its process; closing it ends the session.  While pid is 0: the client's connection */
    struct session *next;    /* older */
    struct account *account; /* counts it */
    unsigned number;
    pid_t pid;               /* 0: it waits for its turn to be started */
    bool starting;           /* in daemon.starting and its account's */
    bool pinned;             /* its control connection can only be with its present peer: channels go straight into the broker; else its process relays */
    bool counted;            /* in daemon.session_count */
    bool used;               /* its client has brought a channel */
    unsigned resume;         /* for how many seconds it outlives a cut; 0: it does not */
    int broker_fd;           /* -1 until the sandbox runs */
    int counters_fd;         /* its executors count there; -1: they do not */
    struct session_counters *counters; /* its process counts there; owned */
    int64_t started, deadline; /* monotonic ms; deadline 0: it has started */
    int64_t since;           /* seconds of the calendar, for people */
    uint8_t token[RSYS_TOKEN_SIZE];
    struct rsys_peer peer;
    struct tls_worker *tls;  /* owned; NULL: no TLS */
};

struct daemon {
    const struct options *options;
    struct server_policy policy;
    int epoll_fd;
    struct watch signals;
    struct listener listeners[OPTIONS_LISTEN_MAX];
    size_t listener_count;
    struct account *accounts[ACCOUNTS_BUCKETS]; /* owned */
    struct half_open *half_open, *youngest; /* oldest first; owned */
    unsigned half_open_count;
    struct tls_state tls;
    struct session *sessions;    /* owned */
    unsigned session_count, last_number;
    unsigned deadlines;          /* of them have one */
    unsigned waiting, starting;  /* of them: waiting for their turn; being started, at most starts_max */
    unsigned starts_max;
    int64_t pauses_until;        /* the earliest account.paused_until; 0: there is none */
    uint64_t starts;             /* since the daemon began */
    unsigned refused;            /* in the second that refused_since began, monotonic ms */
    int64_t refused_since;
    int64_t full_told;           /* when it was last said that there is no room, monotonic ms */
    int64_t paused_until; /* monotonic ms; 0: accepting */
    bool sweep;           /* a control group is left, and its processes were still ending */
    bool draining;        /* no new sessions */
    int64_t drain_until;  /* monotonic ms: then those that are left are ended */
    bool ending;          /* they are to end now */
    struct manager manager;
    int64_t watchdog_due; /* monotonic ms */
    unsigned told_count, told_number; /* session_count and last_number, as the manager knows them */
    struct control *control; /* owned; NULL: there is none */
    int64_t since;        /* seconds of the calendar */
    struct {
        uint64_t refused;
        struct counters_sum ended; /* of the sessions that there were */
    } totals;
};

int64_t server_now(void); /* monotonic ms */
int daemon_watch(struct daemon *daemon, struct watch *watch);
/* Only its peer's end is told: what comes before is not ours to read. */
int daemon_watch_end(struct daemon *daemon, struct watch *watch);
void daemon_unwatch(struct daemon *daemon, struct watch *watch);
/* Accept nothing for a moment: there are no descriptors. */
void daemon_pause(struct daemon *daemon);

/* daemon.c: make the listeners and serve until told to end.  Returns the exit status. */
int server_run(const struct options *options);

/* policy.c */
int server_policy_load(struct server_policy *policy, const char *path, struct rsys_error **err);
void server_policy_free(struct server_policy *policy);

/* half-open.c */
void daemon_accept(struct daemon *daemon, struct watch *watch);
void half_open_ready(struct daemon *daemon, struct watch *watch);
void half_open_drop(struct daemon *daemon, struct half_open *connection, const char *why); /* why: for the log; NULL: it has it */
void half_open_refuse(struct daemon *daemon, struct half_open *connection, const char *why); /* and say so to the client */
void half_open_expire(struct daemon *daemon, int64_t now);
void half_open_close_all(struct daemon *daemon);

/* accounts.c: what each peer has.  Callers count in the account that they get, and give it back after each count that they have taken away. */
struct account *account_of(struct daemon *daemon, const struct rsys_party *who); /* NULL: no memory */
void account_put(struct daemon *daemon, struct account *account);
/* Whoever has the most connections without a hello; NULL: nobody has any. */
struct account *account_with_most(const struct daemon *daemon);
/* It has had a sandbox made for nothing: its next one is not made at once. */
void account_pause(struct daemon *daemon, struct account *account);
void accounts_expire(struct daemon *daemon, int64_t now);
void accounts_free(struct daemon *daemon); /* all, at the end: nobody counts any more */

/* What a log message is about. */
#define SESSION_ABOUT(session) (&(struct log_about){(session)->number, (session)->peer.text})

/* sessions.c */
/* All take fd; tls (NULL: none): the TLS process that it came through, which is the session's own once there is one.  resume: seconds, as the client wishes. */
void sessions_start(struct daemon *daemon, unsigned resume, int fd, const struct rsys_peer *peer, struct account *account, struct tls_worker *tls);
void sessions_advance(struct daemon *daemon); /* start what waits for its turn, as far as may be */
void sessions_channel(struct daemon *daemon, const struct rsys_hello *hello, int fd, const struct rsys_peer *peer, const struct tls_worker *tls);
void sessions_tether(struct daemon *daemon, const struct rsys_hello *hello, int fd, const struct rsys_peer *peer, const struct tls_worker *tls);
void sessions_refuse(struct daemon *daemon, int fd, const struct rsys_peer *peer, const char *message); /* tell the client why; takes fd */
void sessions_reap(struct daemon *daemon);
void sessions_expire(struct daemon *daemon, int64_t now);
void sessions_end_all(struct daemon *daemon);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* session.h: what launching has made when the supervisor starts, and the supervisor's way in.
 *
 * The order of things: the parent connects, says hello, spawns the pager's executor and finds PROGRAM; it forks the cage, which unshares its
 * namespaces, mounts the view and pivots into it; the view's thread (tid 2) starts; then rsys_supervise() runs as pid 1. */
#ifndef RSYS_JAIL_SESSION_H
#define RSYS_JAIL_SESSION_H

#include "src/core/error.h"
#include "src/core/spec.h"
#include "src/core/wire.h"
#include "src/jail/options.h"

#include <signal.h>
#include <sys/types.h>

struct rsys_address;
struct view;

struct rsys_session {
    const struct rsys_options *options;
    const struct rsys_address *address; /* for spare channels: rsys_address_connect() and rsys_hello_channel(welcome.token) */
    int control_fd;              /* the session's control connection; the supervisor is its only user */
    uint32_t control_seq;        /* of the last request sent on it */
    struct rsys_welcome welcome; /* checked */
    struct rsys_rules rules;     /* checked */
    bool privileged;             /* chosen: the supervisor may look into whatever is not dumpable, and install filters without no_new_privs */
    uint64_t user_nofile;        /* chosen: the limit of descriptors that rsys-jail was started with, for the guest */
    bool chosen;                 /* only the calls of `choice` go to the server (chosen.h); there is no view then, and no cage */
    struct rsys_rules choice;    /* of --only: REMOTE rules alone; owned */
    struct view *view;
    bool confined;               /* by the policy's paths, so what may be executed is not told by access(2) */
    bool ids_differ;             /* some guest has asked to change its ids */
    bool nofile_differs;         /* some guest has asked to change a limit of descriptors */
    int proc_fd;                 /* the guests' pid namespace's own procfs (a directory descriptor), or -1 where it cannot be mounted */
    int zero_fd;                 /* /dev/zero, for guests that map it, or -1 */
    int tty_fd;                  /* the user's controlling terminal, for guests' /dev/tty, or -1 */
    int tty_path_fd;             /* /dev/tty itself (O_PATH), which is there without a controlling terminal too; for stat alone; or -1 */
    bool has_sockets;            /* among the descriptors that the user has left open */
    int console_fd;              /* the first terminal among descriptors 0, 1 and 2, which guests know as /dev/console, or -1 */
    int pts_fd;                  /* the devpts of guests' pseudo-terminals (a directory descriptor), or -1 where it cannot be mounted */
    int trace_fd;                /* where --trace goes, opened before the cage closed; -1: no trace */
    int link_fd;                 /* a SOCK_SEQPACKET pair with the parent: struct rsys_link messages, both ways */
    int spare_fd;                /* to the parent's connector (spare.c) */
    int view_spare_fd;           /* to another one, for the view's thread, or -1 */
    unsigned resume;             /* for how many seconds it outlives a cut; 0: not at all */
    const char *program;         /* absolute path in the view, to execute first */
    char *const *argv, *const *environment; /* its own */
    uid_t guest_uid;             /* inside ids of the first guest */
    gid_t guest_gid;
    sigset_t guest_mask;         /* the user's signal mask */
};

/* Messages between the parent and the supervisor. */
enum rsys_link_kind {
    RSYS_LINK_SIGNAL = 1,  /* parent to supervisor: somebody sent the parent signal `value`: it is for the first guest */
    RSYS_LINK_STOPPED = 2, /* supervisor to parent: the first guest has stopped by signal `value`: the parent stops itself, and so rsys-jail */
    RSYS_LINK_KILLED = 3,  /* supervisor to parent: the first guest was killed by signal `value` */
};
struct rsys_link {
    int32_t kind, value;
};

/* The parent's thread that connects when the supervisor asks for it; all copied, but the address, which has to stay. */
struct rsys_connector {
    int fd; /* the other end of spare_fd, SOCK_SEQPACKET; the thread owns it and ends with its peer */
    const struct rsys_address *address;
    int timeout_ms;
    uint8_t token[RSYS_TOKEN_SIZE];
};
int rsys_connector_start(const struct rsys_connector *connector, struct rsys_error **err);

/* Be pid 1: serve until the first guest has ended or the session is lost.  Returns the exit status of rsys-jail (the guest's status, 128+n, or 125 after
 * having printed why); the caller exits with it at once, and the kernel ends every guest.  Calls rsys_view_start_opener(), then
 * rsys_cage_drop_launching(), then forks the first guest, which calls rsys_cage_become_guest() before it installs the filter. */
int rsys_supervise(struct rsys_session *session);

/* The supervisor's thread drops the capabilities that only launching needed. */
int rsys_cage_drop_launching(struct rsys_error **err);

/* In the forked first guest: the guests' ids, no capabilities at all, default signals and mask, its directory in the view.  After it
 * only the filter and execve(session->program) are left to do.  Descriptors above 2 are close-on-exec. */
int rsys_cage_become_guest(const struct rsys_session *session, struct rsys_error **err);

/* The same where only chosen calls are captured (beside.c): the user's own ids, files and directory, and what it takes to be traced.  Then, with the filter installed, the user's limits. */
int rsys_beside_become_guest(const struct rsys_session *session, struct rsys_error **err);
void rsys_beside_limits(const struct rsys_session *session);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* terminal.h: the terminals of guests: the user's own, and pseudo-terminals of the session's private devpts (terminal.c). */
#ifndef RSYS_JAIL_TERMINAL_H
#define RSYS_JAIL_TERMINAL_H

#include "src/jail/jail.h"
#include "src/jail/session.h"

/* What a name means. */
enum rsys_terminal_kind {
    RSYS_TERMINAL_NONE,
    RSYS_TERMINAL_MASTER,    /* /dev/ptmx, /dev/pts/ptmx */
    RSYS_TERMINAL_SLAVE,     /* /dev/pts/N */
    RSYS_TERMINAL_DIRECTORY, /* /dev/pts */
    RSYS_TERMINAL_ABSENT,    /* /dev/pts/NAME, which never is there */
    RSYS_TERMINAL_OWN,       /* /dev/tty */
    RSYS_TERMINAL_CONSOLE,   /* /dev/console: the terminal that the user has left open for the guests */
};
struct rsys_terminal {
    enum rsys_terminal_kind kind;
    uint32_t number; /* of a slave */
};
struct rsys_terminal rsys_terminal_by_name(const char *path);

/* Whether the name means something on the client; else it is the sandbox's as every other one. */
bool rsys_terminal_exists(const struct rsys_session *session, struct rsys_terminal terminal);

/* Mount a devpts of the session's own, attached nowhere.  Called by the cage, with CAP_SYS_ADMIN in the guests' user namespace.  gid: the slaves' group (POSIX: one that is
 * the terminals'), or -1: their maker's.  A directory descriptor, or -1 with errno. */
int rsys_terminal_mount(gid_t gid);

/* A relative path of a call whose DIRFD (its first argument) is a local descriptor of /dev/pts: the whole path, in text.  Else path itself. */
const char *rsys_terminal_below(const struct call *call, const char *path, char *text, size_t size);

/* TIOCGPTPEER on a local descriptor. */
enum verdict rsys_terminal_peer(struct call *call);

/* Whether a descriptor of ours is open for something in the session's devpts, which guests have made; anything else that is local is the user's. */
bool rsys_terminal_is_ours(const struct rsys_session *session, int fd);

/* The name of the terminal that a descriptor of ours is open for, as guests know it.  Its length, or -1: no terminal of a guest's or the user's. */
int rsys_terminal_name(const struct rsys_session *session, int fd, char *text, size_t size);

/* fchmod and fchown of a local descriptor that is the session's own, by the guest's ids; TIOCEXCL of one. */
enum verdict rsys_terminal_change(struct call *call);
enum verdict rsys_terminal_exclusive(struct call *call);

#endif

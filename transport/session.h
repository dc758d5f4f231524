/* SPDX-License-Identifier: GPL-2.0-only */
/* session.h: the first steps of every client: a private server, the welcome, a first executor. */
#ifndef RSYS_TRANSPORT_SESSION_H
#define RSYS_TRANSPORT_SESSION_H

#include "src/core/spec.h"
#include "transport/transport.h"

#include <signal.h>
#include <sys/types.h>

/* How a private rsys-sandboxd is started. */
struct rsys_private_server {
    const char *what;     /* for messages: why one is started */
    bool beside;          /* look for it beside the executable of this process (an uninstalled tree, or bin/ and sbin/ with one prefix) */
    bool orphan;          /* it is nobody's child, so that no wait(2) of the program sees it; else *ret_pid tells whose */
    const sigset_t *mask; /* its signal mask; an orphan's is empty */
};
/* Start one, which $RSYS_SANDBOXD names, or the installed one.  It ends when every descriptor of the connection to it is closed.  Returns that
 * descriptor (close-on-exec, for "embedded:FD"), or -1. */
int rsys_private_server_start(const struct rsys_private_server *how, pid_t *ret_pid, struct rsys_error **err);

/* Execute path with the arguments name, option and the number of a descriptor, which is a duplicate of fd and all that it has beside standard error: as nobody's child, from a process that may have
 * threads.  0, or -1 with errno. */
int rsys_execute_orphan(const char *path, const char *name, const char *option, int fd);

/* Take the payload of rsys_hello_session() apart.  It is the server's word: counts, sizes and each rule are checked before anything uses them.  The
 * rules are the caller's to free (rsys_rules_free).  0 or -1. */
int rsys_welcome_take(const void *payload, size_t size, struct rsys_welcome *ret_welcome, struct rsys_rules *ret_rules, struct rsys_error **err);

/* A first executor: RSYS_OP_SPAWN as request `seq` of the control connection, and its greeting on channel_fd, a fresh connection that has said hello
 * and the only spare of the session.  what: for messages.  0 or -1. */
int rsys_spawn(int control_fd, uint32_t seq, int channel_fd, pid_t pid, bool pager, int timeout_ms, const char *what, struct rsys_error **err);

#endif

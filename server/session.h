/* SPDX-License-Identifier: GPL-2.0-only */
/* session.h: the process of one session: makes its sandbox, answers the client's hello, and is the sandbox's end. */
#ifndef RSYS_SERVER_SESSION_H
#define RSYS_SERVER_SESSION_H

#include "src/core/spec.h"
#include "src/core/wire.h"

#include <stdbool.h>
#include <sys/types.h>

struct session_counters;
struct rsys_cgroups;
struct sock_filter;

/* A compiled policy, ready for sessions. */
struct server_policy {
    struct rsys_cgroups *groups; /* where sessions' control groups are; NULL: none was needed so far.  It stays over reloads */
    struct rsys_spec *spec;
    struct sock_filter *filter; /* the executors' */
    unsigned filter_count;
};

struct server_session_start {
    const struct server_policy *policy;
    unsigned number;    /* for the log, as peer */
    const char *peer;
    int control_fd;     /* the client's connection, its hello read */
    bool pinned;        /* it is (rsys_sandbox_pin_connection), and all channels will be: they go into the sandbox as they are; else they are relayed */
    int daemon_fd;      /* SOCK_SEQPACKET to the daemon: its end of file ends the session.  One message goes there, with the broker's end to put
                         * channels in, before the client learns the token; connections to relay come from there */
    pid_t daemon_pid;
    int counters_fd;                    /* what the executors count in (counters.h); -1: they do not */
    struct session_counters *counters;  /* ours, shared with the daemon */
    unsigned resume;    /* for how many seconds it outlives a cut; 0: it does not */
    uint8_t token[RSYS_TOKEN_SIZE];
};

/* In a fresh child of the daemon; never returns. */
void server_session_run(const struct server_session_start *start) __attribute__((noreturn));

/* A connection of a session that can be resumed is about to be handed to an executor: how long that waits on it at a time. */
void server_channel_patience(int fd);

/* Answer a session's hello: the header, then payload.  0, or -1 with errno. */
int server_hello_reply(int fd, enum rsys_hello_status status, const void *payload, size_t size, int timeout_ms);

#endif

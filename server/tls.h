/* SPDX-License-Identifier: GPL-2.0-only */
/* tls.h: the daemon's side of TLS: a TLS process for each session over a tls: address, and connections on their way through it. */
#ifndef RSYS_SERVER_TLS_H
#define RSYS_SERVER_TLS_H

#include "src/core/wire.h"
#include "transport/tls.h"

#include <stdbool.h>
#include <sys/types.h>

struct daemon;
struct half_open;

/* A session's TLS process.  Whoever has it ends it. */
struct tls_worker {
    struct tls_worker *next; /* of all; in daemon.tls */
    pid_t pid;               /* 0: it has ended */
    int control_fd;
    bool ready;              /* its first connection came out well: id and name are valid */
    uint8_t id[16];          /* names it to further connections */
};

/* The daemon's TLS. */
struct tls_state {
    struct rsys_tls_file keys;
    bool kernel;             /* our kernel can encrypt sockets */
    struct tls_worker *workers;
};

/* Read the key file (NULL: the default one), at the start or again; sessions of clients that it no longer lets in lose their connections.  On failure nothing has changed. */
int tls_load_keys(struct daemon *daemon, const char *path, struct rsys_error **err);
void tls_free(struct daemon *daemon);

/* A connection's preamble is there (kind, reserved and listener are right): hand it over.  False: it has been dropped. */
bool tls_begin(struct daemon *daemon, struct half_open *connection, const struct rsys_hello *preamble);
/* The half-open connection goes: what it has of this too. */
void tls_drop(struct daemon *daemon, struct half_open *connection);
/* A child of the daemon has been waited for: the TLS process that it was, or NULL. */
const struct tls_worker *tls_worker_reaped(struct daemon *daemon, pid_t pid);
/* Its connection has been given on: without a session that has it, it ends.  NULL: nothing. */
void tls_worker_settle(struct daemon *daemon, struct tls_worker *worker);
/* End a TLS process when what it carries has been sent; NULL: nothing. */
void tls_worker_end(struct daemon *daemon, struct tls_worker *worker);

#endif

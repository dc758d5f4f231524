/* SPDX-License-Identifier: GPL-2.0-only */
/* options.h: rsys-sandboxd's command line. */
#ifndef RSYS_SERVER_OPTIONS_H
#define RSYS_SERVER_OPTIONS_H

#include "src/core/spec.h"

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_LISTEN_MAX 16

struct options {
    const char *policy; /* NULL: the built-in one */
    const char *check;  /* --check FILE; NULL: run */
    const char *listen[OPTIONS_LISTEN_MAX];
    size_t listens;
    struct rsys_clients_spec clients; /* --allow-cid, --allow-uid */
    int socket_mode;    /* -1: the default */
    const char *key;    /* --key FILE; NULL: the default one */
    bool insecure;
    unsigned max_sessions, max_per_peer;
    unsigned hello_timeout, start_timeout, drain_timeout; /* seconds */
    unsigned resume_timeout; /* seconds; 0: no session is resumed */
    const char *control; /* the socket's path; NULL: the default; "": none */
    bool status, json;
    bool log_json;
    int embedded_fd;    /* -1: none */
    int tls_fd;         /* --tls-process FD; -1: none */
    int ready_fd;       /* -1: none */
    int verbosity;      /* -1 quiet, 0, 1 verbose */
};

/* Fill options.  Returns -1 to go on, else the exit status to end with (0 after --help, 2 after a usage error, which it has told). */
int server_options(struct options *options, int argc, char **argv);

#endif

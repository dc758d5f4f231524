/* SPDX-License-Identifier: GPL-2.0-only */
/* launcher.h: what the files of rsys-preload share. */
#ifndef RSYS_PRELOAD_LAUNCHER_H
#define RSYS_PRELOAD_LAUNCHER_H

#include "src/client/internal.h"
#include "src/core/error.h"
#include "src/preload/preload.h"

#define OPTIONS_PATHS_MAX 256

struct preload_options {
    const char *server, *key, *chdir, *calls;
    const char *paths[OPTIONS_PATHS_MAX];
    size_t paths_count;
    int connect_timeout_ms;
    char **argv; /* PROGRAM and its arguments */
};
/* The command line, and $RSYS_SERVER; --setenv is done at once.  -1: go on, else the exit status (of failures that have been told). */
int preload_options_parse(struct preload_options *options, int argc, char **argv);

/* Fill in what of the configuration the options tell.  0 or -1. */
int config_fill(struct preload_config *config, const struct preload_options *options, struct rsys_error **err);

/* Leave the session to a process that is nobody's child, which serves the session's first process: own and theirs are the two ends of the connection
 * between them.  What is not close-on-exec is closed there.  0 or -1. */
int agent_start(struct rsys_session *session, int own, int theirs, struct rsys_error **err);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* options.h: rsys-jail's command line. */
#ifndef RSYS_JAIL_OPTIONS_H
#define RSYS_JAIL_OPTIONS_H

#include "src/core/error.h"

#include <stdbool.h>

/* Exit statuses of our own, as env(1) has them. */
enum {
    RSYS_EXIT_OURS = 125,
    RSYS_EXIT_NOT_EXECUTABLE = 126,
    RSYS_EXIT_NOT_FOUND = 127,
};

/* How the guests' calls are to come to the supervisor. */
enum rsys_intercept_wish { RSYS_INTERCEPT_AUTO, RSYS_INTERCEPT_NOTIFY, RSYS_INTERCEPT_PTRACE };

/* How guests see the sandbox's files: through FUSE, or as copies. */
enum rsys_view_wish { RSYS_VIEW_AUTO, RSYS_VIEW_FUSE, RSYS_VIEW_COPY };

struct rsys_options {
    enum rsys_intercept_wish intercept;
    enum rsys_view_wish view;
    const char *server;      /* address text, or NULL: a private server */
    const char *key;         /* --key FILE, or NULL: the default one, for a tls: address */
    const char *local;       /* --local PATH: the client's file to execute, or NULL */
    const char *chdir;       /* --chdir: the first guest's directory in the sandbox, or NULL */
    const char *only;        /* --only: the names of the calls that go to the server; NULL: all calls do that can */
    const char *trace;       /* --trace: "" is stderr, else a file's name; NULL: no trace */
    const char *learn;       /* --learn: a file's name, or NULL */
    bool stats, verbose;
    bool quiet;
    int connect_timeout_ms;
    unsigned resume_timeout; /* seconds; 0: a cut ends the session */
    char **argv;             /* the guest's: argv[0] is PROGRAM; terminated with NULL; points into main's */
    char **environment;      /* the guest's; owned */
    int environment_count;
};

enum rsys_options_result { RSYS_OPTIONS_RUN, RSYS_OPTIONS_DONE /* --help, --version: printed */, RSYS_OPTIONS_USAGE /* err says */ };
enum rsys_options_result rsys_options_parse(struct rsys_options *options, int argc, char **argv, struct rsys_error **err);
/* Set a variable of the guest's environment unless it is there. */
int rsys_options_default(struct rsys_options *options, const char *name, const char *value, struct rsys_error **err);
void rsys_options_free(struct rsys_options *options);

#endif

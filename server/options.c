/* SPDX-License-Identifier: GPL-2.0-only */
/* options.c: rsys-sandboxd's command line. */
#include "server/options.h"

#include "server/access.h"
#include "src/core/command-line.h"
#include "src/core/util.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_FIRST = RSYS_OPTION_FIRST,
#define OPTION(id, letter, name, argument, help) ID_##id,
#include "server/options.def"
#undef OPTION
};

static const struct rsys_option table[] = {
#define OPTION(id, letter, name, argument, help) {ID_##id, letter, name, argument, help},
#include "server/options.def"
#undef OPTION
};

static void print_help(void)
{
    printf("Usage: rsys-sandboxd [OPTION]...\n"
           "Make a sandbox for each session of rsys-jail that connects, and execute its system calls there.\n\n");
    rsys_command_line_help(table, RSYS_ARRAY_SIZE(table));
    printf("\nExit status: 0, 1 on failure, 2 on wrong usage.  See rsys-sandboxd(8) and rsys-policy(5).\n");
}

/* A number from text within its bounds; 0, or -1 after telling. */
static int number(const char *name, const char *text, long least, long most, long *ret)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end != 0 || errno != 0 || value < least || value > most) {
        fprintf(stderr, "rsys-sandboxd: --%s=%s: expected a number from %ld to %ld\n", name, text, least, most);
        return -1;
    }
    *ret = value;
    return 0;
}

static int mode(const char *text, int *ret)
{
    char *end;
    long value = strtol(text, &end, 8);
    if (text[0] < '0' || text[0] > '7' || *end != 0 || value < 0 || value > 0777) {
        fprintf(stderr, "rsys-sandboxd: --socket-mode=%s: expected octal digits, from 0 to 0777\n", text);
        return -1;
    }
    *ret = (int)value;
    return 0;
}

static int descriptor(const char *name, const char *text, int *ret)
{
    long value = 0;
    if (number(name, text, 0, INT_MAX, &value) < 0)
        return 2;
    *ret = (int)value;
    return -1;
}

/* One option.  -1: go on. */
static int apply(struct options *options, int id)
{
    long value = 0;
    switch (id) {
    case ID_POLICY: options->policy = optarg; return -1;
    case ID_CHECK: options->check = optarg; return -1;
    case ID_KEY: options->key = optarg; return -1;
    case ID_INSECURE: options->insecure = true; return -1;
    case ID_QUIET: options->verbosity = -1; return -1;
    case ID_VERBOSE: options->verbosity = 1; return -1;
    case ID_LISTEN:
        if (options->listens == OPTIONS_LISTEN_MAX) {
            fprintf(stderr, "rsys-sandboxd: --listen: %d addresses are the most\n", OPTIONS_LISTEN_MAX);
            return 2;
        }
        options->listen[options->listens++] = optarg;
        return -1;
    case ID_ALLOW_CID: return access_read_cids("--allow-cid", optarg, &options->clients.cids) < 0 ? 2 : -1;
    case ID_ALLOW_UID: return access_read_uids("--allow-uid", optarg, &options->clients.uids) < 0 ? 2 : -1;
    case ID_SOCKET_MODE: return mode(optarg, &options->socket_mode) < 0 ? 2 : -1;
    case ID_MAX_SESSIONS:
    case ID_MAX_PER_PEER:
        if (number(id == ID_MAX_SESSIONS ? "max-sessions" : "max-sessions-per-peer", optarg, 1, 4000, &value) < 0)
            return 2;
        *(id == ID_MAX_SESSIONS ? &options->max_sessions : &options->max_per_peer) = (unsigned)value;
        return -1;
    case ID_HELLO_TIMEOUT:
    case ID_START_TIMEOUT:
        if (number(id == ID_HELLO_TIMEOUT ? "hello-timeout" : "start-timeout", optarg, 1, 3600, &value) < 0)
            return 2;
        *(id == ID_HELLO_TIMEOUT ? &options->hello_timeout : &options->start_timeout) = (unsigned)value;
        return -1;
    case ID_DRAIN_TIMEOUT:
        if (number("drain-timeout", optarg, 0, 7 * 86400, &value) < 0)
            return 2;
        options->drain_timeout = (unsigned)value;
        return -1;
    case ID_CONTROL: options->control = optarg; return -1;
    case ID_STATUS: options->status = true; return -1;
    case ID_JSON: options->json = true; return -1;
    case ID_LOG_FORMAT:
        options->log_json = strcmp(optarg, "json") == 0;
        if (options->log_json || strcmp(optarg, "text") == 0)
            return -1;
        fprintf(stderr, "rsys-sandboxd: --log-format=%s: expected text or json\n", optarg);
        return 2;
    case ID_RESUME_TIMEOUT:
        if (number("resume-timeout", optarg, 0, 86400, &value) < 0)
            return 2;
        options->resume_timeout = (unsigned)value;
        return -1;
    case ID_EMBEDDED: return descriptor("embedded", optarg, &options->embedded_fd);
    case ID_READY_FD: return descriptor("ready-fd", optarg, &options->ready_fd);
    case ID_TLS_PROCESS: return descriptor("tls-process", optarg, &options->tls_fd);
    case ID_HELP: print_help(); return 0;
    case ID_VERSION: printf("rsys-sandboxd %s\n", PACKAGE_VERSION); return 0;
    default:
        fprintf(stderr, "Try \"rsys-sandboxd --help\".\n");
        return 2;
    }
}

int server_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.max_sessions = 64, .hello_timeout = 5, .start_timeout = 15, .drain_timeout = 30, .resume_timeout = 60, .embedded_fd = -1, .ready_fd = -1, .socket_mode = -1, .tls_fd = -1};
    struct rsys_command_line line;
    rsys_command_line_start(&line, argc, argv, table, RSYS_ARRAY_SIZE(table), false);
    for (int option; (option = rsys_command_line_next(&line)) != -1;) {
        int status = apply(options, option);
        if (status >= 0)
            return status;
    }
    if (options->embedded_fd >= 0)
        options->drain_timeout = 0; /* its session is the one that asks for its end */
    if (options->json && !options->status && options->check == NULL) {
        fprintf(stderr, "rsys-sandboxd: --json: goes with --status and --check\n");
        return 2;
    }
    if (optind < argc) {
        fprintf(stderr, "rsys-sandboxd: \"%s\": no argument is expected\nTry \"rsys-sandboxd --help\".\n", argv[optind]);
        return 2;
    }
    /* The last places are for others than whoever has all the rest. */
    if (options->max_per_peer == 0)
        options->max_per_peer = options->max_sessions - options->max_sessions / 8;
    return -1;
}

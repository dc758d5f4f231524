/* SPDX-License-Identifier: GPL-2.0-only */
/* options.c: rsys-preload's command line, and what of it the library has to know. */
#include "src/preload/launcher.h"

#include "src/core/command-line.h"
#include "src/core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_FIRST = RSYS_OPTION_FIRST,
#define OPTION(id, letter, name, argument, help) OPT_##id,
#include "src/preload/options.def"
#undef OPTION
};

static const struct rsys_option table[] = {
#define OPTION(id, letter, name, argument, help) {OPT_##id, letter, name, argument, help},
#include "src/preload/options.def"
#undef OPTION
};

static void print_help(void)
{
    printf("Usage: rsys-preload [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
           "Run PROGRAM, a dynamically linked program of this machine, with some of its system calls in\n"
           "a sandbox on a server.\n\n");
    rsys_command_line_help(table, RSYS_ARRAY_SIZE(table));
    printf("\nExit status: PROGRAM's; 125 when rsys itself failed, 126 when PROGRAM cannot be executed, or not with the\n"
           "library in it, 127 when it is not found.  See rsys-preload(1).\n");
}

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "rsys-preload: %s%s\nTry \"rsys-preload --help\".\n", what, value);
    return 125;
}

static int take_seconds(const char *text, int *ret_ms)
{
    char *end;
    errno = 0;
    double seconds = strtod(text, &end);
    if (errno != 0 || end == text || *end != 0 || !(seconds > 0 && seconds <= 86400))
        return usage("--connect-timeout: a number of seconds, more than 0, at most 86400, is wanted, not ", text);
    *ret_ms = RSYS_MAX(1, (int)(seconds * 1000));
    return -1;
}

static int take(struct preload_options *options, int option)
{
    switch (option) {
    case OPT_SERVER: options->server = optarg; return -1;
    case OPT_KEY: options->key = optarg; return -1;
    case OPT_CALLS: options->calls = optarg; return -1;
    case OPT_CHDIR: options->chdir = optarg; return -1;
    case OPT_PATHS:
        if (optarg[optarg[0] == '!'] != '/')
            return usage("--paths: an absolute path, or ! and one, is wanted, not ", optarg);
        if (options->paths_count == OPTIONS_PATHS_MAX)
            return usage("--paths: that is too many of them", "");
        options->paths[options->paths_count++] = optarg;
        return -1;
    case OPT_SETENV:
        if (optarg[0] == '=' || strchr(optarg, '=') == NULL)
            return usage("--setenv: NAME=VALUE is wanted, not ", optarg);
        return putenv(optarg) == 0 ? -1 : usage("no memory", "");
    case OPT_CONNECT_TIMEOUT: return take_seconds(optarg, &options->connect_timeout_ms);
    case OPT_HELP: print_help(); return 0;
    case OPT_VERSION: puts("rsys-preload " PACKAGE_VERSION); return 0;
    default: return usage("see its options", "");
    }
}

int preload_options_parse(struct preload_options *options, int argc, char **argv)
{
    struct rsys_command_line line;
    const char *server = getenv("RSYS_SERVER");
    *options = (struct preload_options){.server = server != NULL && server[0] != 0 ? server : NULL, .calls = "@file-system", .connect_timeout_ms = 10000};
    rsys_command_line_start(&line, argc, argv, table, RSYS_ARRAY_SIZE(table), true);
    for (int option; (option = rsys_command_line_next(&line)) != -1;) {
        int status = take(options, option);
        if (status >= 0)
            return status;
    }
    options->argv = argv + optind;
    return options->argv[0] != NULL ? -1 : usage("which PROGRAM?", "");
}

/* ---- for the library ---- */

static int choose(struct preload_config *config, const char *name, struct rsys_error **err)
{
    const struct rsys_call *call = rsys_call_by_name(name);
    int group = rsys_group_by_name(name);
    if (call == NULL && group < 0)
        return rsys_error_make(err, 0, "--calls: \"%s\" is neither a system call nor a group of them (rsys-calls(7) lists them)", name);
    if (call != NULL && (call->where == RSYS_LOCAL || call->where == RSYS_NEVER))
        return rsys_error_make(err, 0, "--calls: %s is about the program's own memory, threads or signals: no server can make it", name);
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *row = rsys_call_by_number(nr);
        if (row != NULL && (row == call || (group >= 0 && (row->groups >> group & 1) != 0)))
            config->chosen[nr / 64] |= UINT64_C(1) << nr % 64;
    }
    return 0;
}

static int add_pattern(struct preload_config *config, const char *pattern, struct rsys_error **err)
{
    size_t n = strlen(pattern) + 1;
    if (n > sizeof config->paths - config->paths_size)
        return rsys_error_make(err, 0, "--paths: all of them together are longer than %zu bytes", sizeof config->paths);
    memcpy(config->paths + config->paths_size, pattern, n);
    config->paths_size += (uint32_t)n;
    config->paths_given += pattern[0] != '!';
    return 0;
}

int config_fill(struct preload_config *config, const struct preload_options *options, struct rsys_error **err)
{
    static const char *const never[] = {"!/proc", "!/sys", "!/dev"};
    RSYS_AUTO_FREE char *list = strdup(options->calls);
    char *rest = list;
    if (list == NULL)
        return rsys_error_make(err, ENOMEM, "--calls");
    for (char *name; (name = strsep(&rest, ",")) != NULL;)
        if (name[0] != 0 && choose(config, name, err) < 0)
            return -1;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(never); i++)
        if (add_pattern(config, never[i], err) < 0)
            return -1;
    for (size_t i = 0; i < options->paths_count; i++)
        if (add_pattern(config, options->paths[i], err) < 0)
            return -1;
    return 0;
}

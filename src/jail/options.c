/* SPDX-License-Identifier: GPL-2.0-only */
/* options.c: rsys-jail's command line, and the environment that the guest gets. */
#include "src/jail/options.h"

#include "src/core/util.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

extern char **environ;

enum { OPT_LOCAL = 256, OPT_SETENV, OPT_PASS_ENV, OPT_CHDIR, OPT_TRACE, OPT_STATS, OPT_TIMEOUT, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
    {"server", required_argument, NULL, 's'},
    {"local", required_argument, NULL, OPT_LOCAL},
    {"setenv", required_argument, NULL, OPT_SETENV},
    {"pass-env", required_argument, NULL, OPT_PASS_ENV},
    {"chdir", required_argument, NULL, OPT_CHDIR},
    {"trace", optional_argument, NULL, OPT_TRACE},
    {"stats", no_argument, NULL, OPT_STATS},
    {"connect-timeout", required_argument, NULL, OPT_TIMEOUT},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: rsys-jail [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
    "Run PROGRAM here, and its system calls in a sandbox on a server.\n"
    "\n"
    "PROGRAM is a file of the sandbox, looked for along PATH; a name that begins with\n"
    "./ or ../ is a file of this machine.\n"
    "\n"
    "  -s, --server ADDRESS         tcp:HOST:PORT or unix:PATH (default: $RSYS_SERVER, else\n"
    "                               a private server, started for this run)\n"
    "      --local PATH             execute this machine's file PATH, as PROGRAM\n"
    "      --setenv NAME=VALUE      set a variable for the guest\n"
    "      --pass-env NAME          pass a variable of this environment to the guest\n"
    "      --chdir DIRECTORY        start in this directory of the sandbox\n"
    "      --trace[=FILE]           print each call: where it ran, its result, its time\n"
    "      --stats                  print a summary of the calls at the end\n"
    "      --connect-timeout SECONDS  give up connecting after this time (default 10)\n"
    "  -v, --verbose                say what is being done\n"
    "      --help, --version        print this, or the version, and exit\n"
    "\n"
    "Exit status: PROGRAM's, 128+n if signal n killed it; 125 when rsys itself failed,\n"
    "126 when PROGRAM cannot be executed, 127 when it is not found.  See rsys-jail(1).\n";

/* Set NAME=VALUE (a string that is taken over) in the guest's environment, over an older value. */
static int set_variable(struct rsys_options *options, char *text, struct rsys_error **err)
{
    if (text == NULL)
        return rsys_error_make(err, ENOMEM, "environment");
    size_t name = (size_t)(strchrnul(text, '=') - text) + 1;
    for (int i = 0; i < options->environment_count; i++)
        if (strncmp(options->environment[i], text, name) == 0) {
            free(options->environment[i]);
            options->environment[i] = text;
            return 0;
        }
    char **grown = realloc(options->environment, ((size_t)options->environment_count + 2) * sizeof *grown);
    if (grown == NULL) {
        free(text);
        return rsys_error_make(err, ENOMEM, "environment");
    }
    grown[options->environment_count++] = text;
    grown[options->environment_count] = NULL;
    options->environment = grown;
    return 0;
}

static int pass_variable(struct rsys_options *options, const char *name, struct rsys_error **err)
{
    size_t length = strlen(name);
    for (char **entry = environ; *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return set_variable(options, strdup(*entry), err);
    return 0;
}

/* The guest is not to be handed the user's secrets: it gets these and what is named on the command line.  HOME and USER are those of the
 * sandbox's own first user, set by the launcher when they are not given. */
static int clean_environment(struct rsys_options *options, struct rsys_error **err)
{
    if (set_variable(options, strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), err) < 0)
        return -1;
    static const char *const passed[] = {"LANG", "TERM"};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(passed); i++)
        if (pass_variable(options, passed[i], err) < 0)
            return -1;
    return 0;
}

static int parse_seconds(const char *text, int *ret_ms, struct rsys_error **err)
{
    char *end;
    errno = 0;
    double seconds = strtod(text, &end);
    if (errno != 0 || end == text || *end != 0 || !(seconds > 0 && seconds <= 86400))
        return rsys_error_make(err, 0, "--connect-timeout %s: a number of seconds, more than 0, at most 86400", text);
    *ret_ms = RSYS_MAX(1, (int)(seconds * 1000));
    return 0;
}

static int take_option(struct rsys_options *options, int option, struct rsys_error **err)
{
    switch (option) {
    case 's': options->server = optarg; return 0;
    case OPT_LOCAL: options->local = optarg; return 0;
    case OPT_SETENV:
        if (optarg[0] == '=' || strchr(optarg, '=') == NULL)
            return rsys_error_make(err, 0, "--setenv %s: NAME=VALUE is wanted", optarg);
        return set_variable(options, strdup(optarg), err);
    case OPT_PASS_ENV: return pass_variable(options, optarg, err);
    case OPT_CHDIR: options->chdir = optarg; return 0;
    case OPT_TRACE: options->trace = optarg != NULL ? optarg : ""; return 0;
    case OPT_STATS: options->stats = true; return 0;
    case OPT_TIMEOUT: return parse_seconds(optarg, &options->connect_timeout_ms, err);
    case 'v': options->verbose = true; return 0;
    default: return rsys_error_make(err, 0, "see rsys-jail --help");
    }
}

enum rsys_options_result rsys_options_parse(struct rsys_options *options, int argc, char **argv, struct rsys_error **err)
{
    *options = (struct rsys_options){.connect_timeout_ms = 10000};
    const char *server = getenv("RSYS_SERVER");
    options->server = server != NULL && server[0] != 0 ? server : NULL;
    if (clean_environment(options, err) < 0)
        return RSYS_OPTIONS_USAGE;
    optind = 1;
    int option;
    /* "+": options end at PROGRAM, whose arguments are its own. */
    while ((option = getopt_long(argc, argv, "+s:v", long_options, NULL)) != -1) {
        if (option == OPT_HELP || option == OPT_VERSION) {
            fputs(option == OPT_HELP ? help : PACKAGE_STRING "\n", stdout);
            return RSYS_OPTIONS_DONE;
        }
        if (take_option(options, option, err) < 0)
            return RSYS_OPTIONS_USAGE;
    }
    options->argv = argv + optind;
    if (options->argv[0] == NULL && options->local == NULL) {
        rsys_error_make(err, 0, "which PROGRAM?  See rsys-jail --help");
        return RSYS_OPTIONS_USAGE;
    }
    if (options->argv[0] == NULL) { /* --local PATH alone: it is its own name */
        argv[argc - 1] = (char *)options->local;
        options->argv = argv + argc - 1;
    }
    if (options->local == NULL && (strncmp(options->argv[0], "./", 2) == 0 || strncmp(options->argv[0], "../", 3) == 0))
        options->local = options->argv[0];
    return RSYS_OPTIONS_RUN;
}

int rsys_options_default(struct rsys_options *options, const char *name, const char *value, struct rsys_error **err)
{
    size_t length = strlen(name);
    for (int i = 0; i < options->environment_count; i++)
        if (strncmp(options->environment[i], name, length) == 0 && options->environment[i][length] == '=')
            return 0;
    char *text = NULL;
    return set_variable(options, asprintf(&text, "%s=%s", name, value) < 0 ? NULL : text, err);
}

void rsys_options_free(struct rsys_options *options)
{
    for (int i = 0; i < options->environment_count; i++)
        free(options->environment[i]);
    free(rsys_steal(&options->environment));
    options->environment_count = 0;
}

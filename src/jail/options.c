/* SPDX-License-Identifier: GPL-2.0-only */
/* options.c: rsys-jail's command line, and the environment that the guest gets. */
#include "src/jail/options.h"

#include "src/core/command-line.h"
#include "src/core/util.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

enum { OPT_FIRST = RSYS_OPTION_FIRST,
#define OPTION(id, letter, name, argument, help) OPT_##id,
#include "src/jail/options.def"
#undef OPTION
};

static const struct rsys_option table[] = {
#define OPTION(id, letter, name, argument, help) {OPT_##id, letter, name, argument, help},
#include "src/jail/options.def"
#undef OPTION
};

static void print_help(void)
{
    printf("Usage: rsys-jail [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
           "Run PROGRAM here, and its system calls in a sandbox on a server.\n\n"
           "PROGRAM is a file of the sandbox, looked for along PATH; a name that begins with\n"
           "./ or ../ is a file of this machine.\n\n");
    rsys_command_line_help(table, RSYS_ARRAY_SIZE(table));
    printf("\nExit status: PROGRAM's, 128+n if signal n killed it; 125 when rsys itself failed,\n"
           "126 when PROGRAM cannot be executed, 127 when it is not found.  See rsys-jail(1).\n");
}

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

/* With --only the program is the user's own, and has the environment as it is. */
static int whole_environment(struct rsys_options *options, struct rsys_error **err)
{
    for (char **entry = environ; *entry != NULL; entry++)
        if (strchr(*entry, '=') != NULL && set_variable(options, strdup(*entry), err) < 0)
            return -1;
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

static int parse_resume(const char *text, unsigned *ret, struct rsys_error **err)
{
    char *end;
    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || seconds < 0 || seconds > 86400)
        return rsys_error_make(err, 0, "--resume-timeout %s: a whole number of seconds, at most 86400", text);
    *ret = (unsigned)seconds;
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

/* One of a list of words: its place, or -1. */
static int parse_word(const char *where, const char *text, const char *const *words, struct rsys_error **err)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return rsys_error_make(err, 0, "%s%s: %s, %s or %s is wanted", where, text, words[0], words[1], words[2]);
}

static int parse_intercept(const char *where, const char *text, struct rsys_options *options, struct rsys_error **err)
{
    static const char *const words[] = {[RSYS_INTERCEPT_AUTO] = "auto", [RSYS_INTERCEPT_NOTIFY] = "notify", [RSYS_INTERCEPT_PTRACE] = "ptrace", NULL};
    int word = parse_word(where, text, words, err);
    options->intercept = (enum rsys_intercept_wish)RSYS_MAX(word, 0);
    return RSYS_MIN(word, 0);
}

static int parse_view(const char *where, const char *text, struct rsys_options *options, struct rsys_error **err)
{
    static const char *const words[] = {[RSYS_VIEW_AUTO] = "auto", [RSYS_VIEW_FUSE] = "fuse", [RSYS_VIEW_COPY] = "copy", NULL};
    int word = parse_word(where, text, words, err);
    options->view = (enum rsys_view_wish)RSYS_MAX(word, 0);
    return RSYS_MIN(word, 0);
}

/* What is not on the command line may be in the environment. */
static int take_environment(struct rsys_options *options, struct rsys_error **err)
{
    const char *server = getenv("RSYS_SERVER"), *intercept = getenv("RSYS_INTERCEPT"), *view = getenv("RSYS_VIEW");
    options->server = server != NULL && server[0] != 0 ? server : NULL;
    if (intercept != NULL && intercept[0] != 0 && parse_intercept("$RSYS_INTERCEPT=", intercept, options, err) < 0)
        return -1;
    return view != NULL && view[0] != 0 ? parse_view("$RSYS_VIEW=", view, options, err) : 0;
}

static int take_option(struct rsys_options *options, int option, struct rsys_error **err)
{
    switch (option) {
    case OPT_SERVER: options->server = optarg; return 0;
    case OPT_KEY: options->key = optarg; return 0;
    case OPT_LOCAL: options->local = optarg; return 0;
    case OPT_SETENV:
        if (optarg[0] == '=' || strchr(optarg, '=') == NULL)
            return rsys_error_make(err, 0, "--setenv %s: NAME=VALUE is wanted", optarg);
        return set_variable(options, strdup(optarg), err);
    case OPT_PASS_ENV: return pass_variable(options, optarg, err);
    case OPT_CHDIR: options->chdir = optarg; return 0;
    case OPT_ONLY: options->only = optarg; return 0;
    case OPT_TRACE: options->trace = optarg != NULL ? optarg : ""; return 0;
    case OPT_LEARN: options->learn = optarg; return 0;
    case OPT_INTERCEPT: return parse_intercept("--intercept=", optarg, options, err);
    case OPT_VIEW: return parse_view("--view=", optarg, options, err);
    case OPT_STATS: options->stats = true; return 0;
    case OPT_CONNECT_TIMEOUT: return parse_seconds(optarg, &options->connect_timeout_ms, err);
    case OPT_RESUME_TIMEOUT: return parse_resume(optarg, &options->resume_timeout, err);
    case OPT_QUIET: options->quiet = true; return 0;
    case OPT_VERBOSE: options->verbose = true; return 0;
    default: return rsys_error_make(err, 0, "see rsys-jail --help");
    }
}

/* Whether an option is among the arguments: what it means for others is independent of their order.  Errors are told by the parsing itself. */
static bool is_given(int argc, char **argv, int wanted)
{
    struct rsys_command_line line;
    bool given = false;
    rsys_command_line_start(&line, argc, argv, table, RSYS_ARRAY_SIZE(table), true);
    opterr = 0;
    for (int option; (option = rsys_command_line_next(&line)) != -1;)
        given |= option == wanted;
    opterr = 1;
    return given;
}

/* What cannot be had together. */
static int check_together(const struct rsys_options *options, struct rsys_error **err)
{
    if (options->only != NULL && options->learn != NULL)
        return rsys_error_make(err, 0, "--only and --learn: what is learned is a policy for a program that is captured as a whole; leave one out");
    return 0;
}

enum rsys_options_result rsys_options_parse(struct rsys_options *options, int argc, char **argv, struct rsys_error **err)
{
    *options = (struct rsys_options){.connect_timeout_ms = 10000, .resume_timeout = 60};
    bool whole = is_given(argc, argv, OPT_ONLY);
    if (take_environment(options, err) < 0 || (whole ? whole_environment(options, err) : clean_environment(options, err)) < 0)
        return RSYS_OPTIONS_USAGE;
    struct rsys_command_line line;
    rsys_command_line_start(&line, argc, argv, table, RSYS_ARRAY_SIZE(table), true);
    for (int option; (option = rsys_command_line_next(&line)) != -1;) {
        if (option == OPT_HELP)
            print_help();
        if (option == OPT_VERSION)
            puts(PACKAGE_STRING);
        if (option == OPT_HELP || option == OPT_VERSION)
            return RSYS_OPTIONS_DONE;
        if (take_option(options, option, err) < 0)
            return RSYS_OPTIONS_USAGE;
    }
    if (check_together(options, err) < 0)
        return RSYS_OPTIONS_USAGE;
    options->argv = argv + optind;
    if (options->argv[0] == NULL && options->local == NULL) {
        rsys_error_make(err, 0, "which PROGRAM?  See rsys-jail --help");
        return RSYS_OPTIONS_USAGE;
    }
    if (options->argv[0] == NULL) { /* --local PATH alone: it is its own name */
        argv[argc - 1] = (char *)options->local;
        options->argv = argv + argc - 1;
    }
    if (options->local == NULL && options->only == NULL && (strncmp(options->argv[0], "./", 2) == 0 || strncmp(options->argv[0], "../", 3) == 0))
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

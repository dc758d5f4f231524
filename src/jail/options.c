/* SPDX-License-Identifier: GPL-2.0-only */
/* options.c: rsys-jail's command line, and the environment that the guest gets. */
#include "src/jail/options.h"

#include "src/core/util.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

extern char **environ;

enum { FIRST_OPTION = 256,
#define OPTION(id, letter, name, argument, help) OPT_##id,
#include "src/jail/options.def"
#undef OPTION
};

static const struct {
    int id;
    char letter;
    const char *name, *argument, *help;
} table[] = {
#define OPTION(id, letter, name, argument, help) {OPT_##id, letter, name, argument, help},
#include "src/jail/options.def"
#undef OPTION
};

#define HELP_COLUMN 34
#define HELP_WIDTH 100

/* The text in lines of at most HELP_WIDTH, from HELP_COLUMN on; `at`: the column that is reached. */
static void print_wrapped(const char *text, int at)
{
    for (bool first = true; *text != 0; first = false) {
        int word = (int)strcspn(text, " ");
        if (at > HELP_COLUMN && at + word + 1 > HELP_WIDTH && !first) {
            putchar('\n');
            at = 0;
        }
        at += at < HELP_COLUMN ? printf("%*s", HELP_COLUMN - at, "") : printf(" ");
        at += printf("%.*s", word, text);
        text += word + (text[word] == ' ');
    }
    putchar('\n');
}

static void print_help(void)
{
    printf("Usage: rsys-jail [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
           "Run PROGRAM here, and its system calls in a sandbox on a server.\n\n"
           "PROGRAM is a file of the sandbox, looked for along PATH; a name that begins with\n"
           "./ or ../ is a file of this machine.\n\n");
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(table); i++) {
        const char *argument = table[i].argument;
        int at = table[i].letter != 0 ? printf("  -%c, --%s", table[i].letter, table[i].name) : printf("      --%s", table[i].name);
        if (argument != NULL && argument[0] == '[')
            at += printf("[=%s", argument + 1);
        else if (argument != NULL)
            at += printf("=%s", argument);
        print_wrapped(table[i].help, at);
    }
    printf("\nExit status: PROGRAM's, 128+n if signal n killed it; 125 when rsys itself failed,\n"
           "126 when PROGRAM cannot be executed, 127 when it is not found.  See rsys-jail(1).\n");
}

/* getopt's list and its string of letters, from the table.  "+": options end at PROGRAM, whose arguments are its own. */
static void fill(struct option *longs, char *letters)
{
    *letters++ = '+';
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(table); i++) {
        const char *argument = table[i].argument;
        int has = argument == NULL ? no_argument : argument[0] == '[' ? optional_argument : required_argument;
        *longs++ = (struct option){table[i].name, has, NULL, table[i].id};
        if (table[i].letter != 0) {
            *letters++ = table[i].letter;
            for (int colons = has == no_argument ? 0 : has == required_argument ? 1 : 2; colons > 0; colons--)
                *letters++ = ':';
        }
    }
    *longs = (struct option){NULL, 0, NULL, 0};
    *letters = 0;
}

static int option_id(int got)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(table); i++)
        if (table[i].letter != 0 && table[i].letter == got)
            return table[i].id;
    return got;
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

enum rsys_options_result rsys_options_parse(struct rsys_options *options, int argc, char **argv, struct rsys_error **err)
{
    *options = (struct rsys_options){.connect_timeout_ms = 10000, .resume_timeout = 60};
    if (take_environment(options, err) < 0 || clean_environment(options, err) < 0)
        return RSYS_OPTIONS_USAGE;
    optind = 1;
    struct option longs[RSYS_ARRAY_SIZE(table) + 1];
    char letters[3 * RSYS_ARRAY_SIZE(table) + 2];
    fill(longs, letters);
    for (int got; (got = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        int option = option_id(got);
        if (option == OPT_HELP)
            print_help();
        if (option == OPT_VERSION)
            puts(PACKAGE_STRING);
        if (option == OPT_HELP || option == OPT_VERSION)
            return RSYS_OPTIONS_DONE;
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

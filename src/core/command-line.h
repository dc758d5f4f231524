/* SPDX-License-Identifier: GPL-2.0-only */
/* command-line.h: a program's options, from its table (its options.def, which build-aux/gen-completions reads too).
 *
 *     enum { OPT_FIRST = RSYS_OPTION_FIRST,
 *     #define OPTION(id, letter, name, argument, help) OPT_##id,
 *     #include "options.def"
 *     #undef OPTION
 *     };
 *     static const struct rsys_option table[] = {
 *     #define OPTION(id, letter, name, argument, help) {OPT_##id, letter, name, argument, help},
 *     #include "options.def"
 *     #undef OPTION
 *     }; */
#ifndef RSYS_CORE_COMMAND_LINE_H
#define RSYS_CORE_COMMAND_LINE_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#define RSYS_OPTION_FIRST 256 /* ids are above this, and so above every letter */
#define RSYS_OPTIONS_MAX 48

struct rsys_option {
    int id;
    char letter;          /* 0: none */
    const char *name;
    const char *argument; /* its name; NULL: there is none; "[NAME]": it may be left out */
    const char *help;
};

/* A command line that is being read. */
struct rsys_command_line {
    int argc;
    char **argv;
    const struct rsys_option *table;
    size_t count;
    struct option longs[RSYS_OPTIONS_MAX + 1];
    char letters[3 * RSYS_OPTIONS_MAX + 2];
};
/* Begin.  program_follows: the first operand ends the options, which from there on are another program's.  count: at most RSYS_OPTIONS_MAX. */
void rsys_command_line_start(struct rsys_command_line *line, int argc, char **argv, const struct rsys_option *table, size_t count, bool program_follows);
/* The id of the next option, its argument in optarg; -1: there is none, operands begin at argv[optind]; '?': it is wrong, which has been told. */
int rsys_command_line_next(struct rsys_command_line *line);
/* Print the options with their help to standard output, in lines of at most 100 columns. */
void rsys_command_line_help(const struct rsys_option *table, size_t count);

#endif

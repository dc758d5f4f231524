/* SPDX-License-Identifier: GPL-2.0-only */
/* command-line.c: a program's options, from its table, for getopt_long(3) and for people. */
#include "src/core/command-line.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN_MAX 34
#define HELP_WIDTH 100

static int takes(const struct rsys_option *option)
{
    return option->argument == NULL ? no_argument : option->argument[0] == '[' ? optional_argument : required_argument;
}

void rsys_command_line_start(struct rsys_command_line *line, int argc, char **argv, const struct rsys_option *table, size_t count, bool program_follows)
{
    struct option *longs = line->longs;
    char *letters = line->letters;
    line->argc = argc;
    line->argv = argv;
    line->table = table;
    line->count = count <= RSYS_OPTIONS_MAX ? count : RSYS_OPTIONS_MAX;
    if (program_follows)
        *letters++ = '+';
    for (size_t i = 0; i < line->count; i++) {
        int has = takes(&table[i]);
        *longs++ = (struct option){table[i].name, has, NULL, table[i].id};
        if (table[i].letter != 0) {
            *letters++ = table[i].letter;
            for (int colons = has == no_argument ? 0 : has == required_argument ? 1 : 2; colons > 0; colons--)
                *letters++ = ':';
        }
    }
    *longs = (struct option){NULL, 0, NULL, 0};
    *letters = 0;
    optind = 1;
}

static const struct rsys_option *by_id(const struct rsys_command_line *line, int id)
{
    for (size_t i = 0; i < line->count; i++)
        if (line->table[i].id == id || (line->table[i].letter != 0 && line->table[i].letter == id))
            return &line->table[i];
    return NULL;
}

/* Whether the argument, a word of its own, is an option: then it was forgotten. */
static bool is_forgotten(const struct rsys_command_line *line, const char *argument)
{
    size_t length = strcspn(argument, "=");
    if (strncmp(argument, "--", 2) != 0 || argument != line->argv[optind - 1])
        return false;
    for (size_t i = 0; i < line->count; i++)
        if (strlen(line->table[i].name) == length - 2 && strncmp(line->table[i].name, argument + 2, length - 2) == 0)
            return true;
    return false;
}

int rsys_command_line_next(struct rsys_command_line *line)
{
    int got = getopt_long(line->argc, line->argv, line->letters, line->longs, NULL);
    const struct rsys_option *option = got == -1 || got == '?' ? NULL : by_id(line, got);
    if (option == NULL)
        return got;
    if (takes(option) == required_argument && is_forgotten(line, optarg)) {
        if (opterr != 0)
            fprintf(stderr, "%s: --%s: %s is expected, and %s is an option\n", line->argv[0], option->name, option->argument, optarg);
        return '?';
    }
    return option->id;
}

/* "  -s, --server=ADDRESS": its length. */
static int left(const struct rsys_option *option, char *text, size_t size)
{
    const char *argument = option->argument;
    char letter[] = {'-', option->letter, ',', 0};
    int takes_one = takes(option);
    const char *equals = takes_one == no_argument ? "" : takes_one == optional_argument ? "[=" : "=";
    return snprintf(text, size, "  %3s --%s%s%s", option->letter != 0 ? letter : "", option->name, equals,
                    takes_one == no_argument ? "" : argument + (takes_one == optional_argument));
}

/* The text in lines of at most HELP_WIDTH, from column on; `at`: the column that is reached. */
static void print_wrapped(const char *text, int at, int column)
{
    for (bool first = true; *text != 0; first = false) {
        int word = (int)strcspn(text, " ");
        if (at > column && at + word + 1 > HELP_WIDTH && !first) {
            putchar('\n');
            at = 0;
        }
        at += at < column ? printf("%*s", column - at, "") : printf(" ");
        at += printf("%.*s", word, text);
        text += word + (text[word] == ' ');
    }
    putchar('\n');
}

void rsys_command_line_help(const struct rsys_option *table, size_t count)
{
    char text[128];
    int column = 0;
    for (size_t i = 0; i < count; i++) {
        int length = left(&table[i], text, sizeof text) + 2;
        column = length > column && length <= HELP_COLUMN_MAX ? length : column;
    }
    for (size_t i = 0; i < count; i++) {
        int length = left(&table[i], text, sizeof text);
        fputs(text, stdout);
        print_wrapped(table[i].help, length, column);
    }
}

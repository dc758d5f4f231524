/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: rsys-keygen(1). */
#include "src/keygen/keygen.h"

#include "src/core/util.h"
#include "transport/tls.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define DAYS 3650

enum { FIRST_OPTION = 256,
#define OPTION(id, letter, name, argument, help) OPT_##id,
#include "src/keygen/options.def"
#undef OPTION
};

static const struct {
    int id;
    char letter;
    const char *name, *argument, *help;
} table[] = {
#define OPTION(id, letter, name, argument, help) {OPT_##id, letter, name, argument, help},
#include "src/keygen/options.def"
#undef OPTION
};

static void print_help(void)
{
    printf("Usage: rsys-keygen [OPTION]... DIRECTORY\n"
           "Make the keys of a server and its client for tls: addresses: DIRECTORY/server.key and\n"
           "DIRECTORY/client.key.  With one of the first three options, work with the server.key that\n"
           "is there.\n\n");
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(table); i++) {
        char left[48];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", table[i].letter != 0 ? '-' : ' ', table[i].letter != 0 ? table[i].letter : ' ', table[i].letter != 0 ? ", " : "  ",
                 table[i].name, table[i].argument != NULL ? "=" : "", table[i].argument != NULL ? table[i].argument : "");
        printf("  %-22s %s\n", left, table[i].help);
    }
    printf("\nExit status: 0, 1 on failure, 2 on wrong usage.  See rsys-keygen(1).\n");
}

/* getopt's list and its string of letters, from the table. */
static void fill(struct option *longs, char *letters)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(table); i++) {
        *longs++ = (struct option){table[i].name, table[i].argument != NULL ? required_argument : no_argument, NULL, table[i].id};
        if (table[i].letter != 0)
            *letters++ = table[i].letter;
        if (table[i].letter != 0 && table[i].argument != NULL)
            *letters++ = ':';
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

struct wish {
    const char *add, *revoke, *name, *folder;
    bool list, shared;
    int days;
};

static bool good_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < RSYS_TLS_NAME_SIZE && name[0] != '.' && name[0] != '-' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-") == length && strcmp(name, "server") != 0;
}

static int usage(const char *format, const char *what)
{
    fputs("rsys-keygen: ", stderr);
    fprintf(stderr, format, what);
    fputs("\nTry \"rsys-keygen --help\".\n", stderr);
    return 2;
}

/* -1: go on, else the exit status. */
static int parse(struct wish *wish, int argc, char **argv)
{
    struct option longs[RSYS_ARRAY_SIZE(table) + 1];
    char letters[2 * RSYS_ARRAY_SIZE(table) + 1], *end;
    fill(longs, letters);
    for (int got; (got = getopt_long(argc, argv, letters, longs, NULL)) != -1;)
        switch (option_id(got)) {
        case OPT_ADD_CLIENT: wish->add = optarg; break;
        case OPT_REVOKE: wish->revoke = optarg; break;
        case OPT_LIST: wish->list = true; break;
        case OPT_NAME: wish->name = optarg; break;
        case OPT_PSK: wish->shared = true; break;
        case OPT_DAYS:
            wish->days = (int)strtol(optarg, &end, 10);
            if (end == optarg || *end != 0 || wish->days < 1 || wish->days > 36500)
                return usage("--days=%s: expected a number from 1 to 36500", optarg);
            break;
        case OPT_HELP: print_help(); return 0;
        case OPT_VERSION: puts("rsys-keygen " PACKAGE_VERSION); return 0;
        default: return usage("%s", "wrong option");
        }
    if (optind + 1 != argc)
        return usage("%s", optind == argc ? "in which DIRECTORY?" : "one DIRECTORY is expected");
    wish->folder = argv[optind];
    if ((wish->add != NULL) + (wish->revoke != NULL) + wish->list > 1)
        return usage("%s", "--add-client, --revoke and --list exclude each other");
    const char *name = wish->add != NULL ? wish->add : wish->revoke != NULL ? wish->revoke : wish->name;
    if (!good_name(name))
        return usage("\"%s\" is no name for a client: letters, digits and . _ @ - are, at most 63, and not \"server\"", name);
    return -1;
}

static void say_next(const struct wish *wish, const char *name)
{
    if (wish->add == NULL)
        printf("Made %s/server.key, which stays on the server, and %s/%s.key, which goes to the client by a way that nobody else reads (scp).\n"
               "\n"
               "    server$ rsys-sandboxd --key %s/server.key --listen tls:0.0.0.0:9000\n",
               wish->folder, wish->folder, name, wish->folder);
    else
        printf("Made %s/%s.key, which goes to the client by a way that nobody else reads (scp), and added it to %s/server.key.\n"
               "\n"
               "    server$ kill -HUP $(pidof rsys-sandboxd)\n",
               wish->folder, name, wish->folder);
    printf("    client$ rsys-jail --key %s.key --server tls:SERVER:9000 ls /\n"
           "\n"
           "Without --key, the server takes /etc/rsys/server.key (as a user ~/.config/rsys/server.key), and the client client.key there.\n", name);
}

int main(int argc, char **argv)
{
    RSYS_AUTO_ERROR err = NULL;
    struct wish wish = {.name = "client", .days = DAYS};
    int status = parse(&wish, argc, argv);
    if (status >= 0)
        return status;
    const char *name = wish.add != NULL ? wish.add : wish.name;
    int result;
    if (wish.list)
        result = files_list(wish.folder, &err);
    else if (wish.revoke != NULL)
        result = files_revoke(wish.folder, wish.revoke, &err);
    else
        result = files_add(wish.folder, name, wish.shared, wish.days, wish.add == NULL, &err);
    if (result < 0) {
        fprintf(stderr, "rsys-keygen: %s\n", rsys_error_text(err));
        return 1;
    }
    if (wish.revoke != NULL)
        printf("%s is let in no longer, once the server has read %s/server.key:\n\n    server$ kill -HUP $(pidof rsys-sandboxd)\n", wish.revoke, wish.folder);
    else if (!wish.list)
        say_next(&wish, name);
    return fflush(stdout) == 0 ? 0 : 1;
}

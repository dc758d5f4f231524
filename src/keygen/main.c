/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: rsys-keygen(1). */
#include "src/keygen/keygen.h"

#include "src/core/command-line.h"
#include "src/core/util.h"
#include "transport/tls.h"

#include <stdio.h>
#include <string.h>

#define DAYS 3650

enum { OPT_FIRST = RSYS_OPTION_FIRST,
#define OPTION(id, letter, name, argument, help) OPT_##id,
#include "src/keygen/options.def"
#undef OPTION
};

static const struct rsys_option table[] = {
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
    rsys_command_line_help(table, RSYS_ARRAY_SIZE(table));
    printf("\nExit status: 0, 1 on failure, 2 on wrong usage.  See rsys-keygen(1).\n");
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
    struct rsys_command_line line;
    char *end;
    rsys_command_line_start(&line, argc, argv, table, RSYS_ARRAY_SIZE(table), false);
    for (int option; (option = rsys_command_line_next(&line)) != -1;)
        switch (option) {
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

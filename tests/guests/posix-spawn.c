// SPDX-License-Identifier: GPL-2.0-only
/* posix-spawn.c: posix_spawn with file actions, and system, popen */
// also: preload
#include "guest.h"

#include <spawn.h>

extern char **environ;

int main(void)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "out", O_CREAT | O_WRONLY, 0644);
    pid_t child;
    char *argv[] = {"sh", "-c", "echo spawned; exit 4", NULL};
    TRY(posix_spawn(&child, "/bin/sh", &actions, NULL, argv, environ));
    say_end("sh", child);
    show_file("out");
    CHECK(posix_spawn(&child, "/none", NULL, NULL, argv, environ) == ENOENT);
    say("%x", (unsigned)system("echo by system; exit 5"));
    FILE *f = popen("echo by popen; cat", "r");
    char line[64];
    while (fgets(line, sizeof line, f) != NULL)
        say("read %s", line);
    say("%x", (unsigned)pclose(f));
    list_tree(".");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* exec-script.c: scripts with #!, an argument, one that names another script, and relative ones */
#include "guest.h"

static void run(const char *path, const char *argument)
{
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        execl(path, "my own name", argument, NULL);
        say("execl %s: %s", path, error_name(errno));
        _exit(9);
    }
    say_end(path, child);
}

int main(void)
{
    make_file("script", "#!/bin/sh\necho \"$0 $1\"\nexit 3\n");
    make_file("verbose", "#!/bin/sh -eu\necho \"$-\" | tr -cd eu; echo\nfalse\necho not here\n");
    make_file("nested", "#!/work/script\n");
    MUST(mkdir("d", 0755));
    make_file("d/inner", "#! /bin/cat\nprinted by cat\n");
    for (const char *const *p = (const char *const[]){"script", "verbose", "nested", "d/inner", NULL}; *p != NULL; p++)
        MUST(chmod(*p, 0755));
    run("./script", "one");
    run("script", "two");
    run("/work/script", "three");
    run("./verbose", "x");
    run("nested", "four");
    MUST(chdir("d"));
    run("inner", NULL);
    run("../script", "five");
    return 0;
}

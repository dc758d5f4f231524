// SPDX-License-Identifier: GPL-2.0-only
/* leave.c: leave PROGRAM [ARG]...: run a program to its end, then list the files that it left in the current directory; ends as the program did. */
#include "tests/guests/guest.h"

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    pid_t child = fork();
    if (child < 0)
        return 98;
    if (child == 0) {
        execvp(argv[1], argv + 1);
        say("execvp %s: %s", argv[1], error_name(errno));
        _exit(127);
    }
    int status = reap(child);
    list_tree(".");
    if (WIFSIGNALED(status)) {
        say("killed by %s", sigabbrev_np(WTERMSIG(status)));
        return 128 + WTERMSIG(status);
    }
    return WEXITSTATUS(status);
}

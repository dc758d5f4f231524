// SPDX-License-Identifier: GPL-2.0-only
/* arguments.c: many arguments and a large environment arrive whole */
// also: preload
#include "guest.h"

int main(int argc, char **argv)
{
    if (argc > 100) {
        unsigned long hash = 5381;
        for (int i = 0; i < argc; i++)
            for (char *c = argv[i]; *c != 0; c++)
                hash = hash * 33 + (unsigned char)*c;
        extern char **environ;
        int count = 0;
        for (char **e = environ; *e != NULL; e++)
            count++;
        say("%d arguments, hash %lx, %d in the environment", argc, hash, count);
        return 0;
    }
    static char *next[3002], *environment[501];
    static char texts[3001][40], more[500][120];
    for (int i = 0; i < 3000; i++) {
        snprintf(texts[i], sizeof texts[i], "argument %d%*s", i, i % 20, "");
        next[i] = texts[i];
    }
    for (int i = 0; i < 500; i++) {
        snprintf(more[i], sizeof more[i], "VARIABLE_%d=%0*d", i, i % 90 + 1, i);
        environment[i] = more[i];
    }
    next[5] = "";
    execve("/proc/self/exe", next, environment);
    say("execve: %s", error_name(errno));
    return 9;
}

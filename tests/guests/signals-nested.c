// SPDX-License-Identifier: GPL-2.0-only
/* signals-nested.c: handlers that make remote calls and are interrupted themselves */
// also: preload
#include "guest.h"

static volatile int depth, deepest, calls;
static void handler(int number)
{
    char name[16];
    depth++;
    if (depth > deepest)
        deepest = depth;
    snprintf(name, sizeof name, "h%d", calls++);
    int fd = open(name, O_CREAT | O_WRONLY, 0644);
    write(fd, "x", 1);
    if (number == SIGUSR1)
        raise(SIGUSR2);
    close(fd);
    depth--;
}

int main(void)
{
    signal(SIGUSR1, handler);
    signal(SIGUSR2, handler);
    for (int i = 0; i < 5; i++)
        raise(SIGUSR1);
    say("%d calls, %d deep", calls, deepest);
    list_tree(".");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* threads-leader-exit.c: the first thread ends before the others */
// also: preload
#include "guest.h"

static void *last(void *unused)
{
    usleep(30000);
    int fd = open("f", O_CREAT | O_WRONLY, 0644);
    say("the last thread opens %d", fd);
    exit(12);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, last, NULL);
    pthread_exit(NULL);
}

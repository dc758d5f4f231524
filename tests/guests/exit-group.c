// SPDX-License-Identifier: GPL-2.0-only
/* exit-group.c: a thread ends the process while others block */
// also: tls preload
#include "guest.h"

static void *block(void *unused)
{
    int p[2];
    char c;
    if (pipe(p) == 0)
        read(p[0], &c, 1);
    return unused;
}
static void *leave(void *unused)
{
    usleep(20000);
    say("leaving");
    exit(21);
    return unused;
}

int main(void)
{
    pthread_t thread;
    for (int i = 0; i < 4; i++)
        pthread_create(&thread, NULL, block, NULL);
    pthread_create(&thread, NULL, leave, NULL);
    pthread_join(thread, NULL);
    block(NULL);
    return 9;
}

// SPDX-License-Identifier: GPL-2.0-only
/* signals-pipe-interrupt.c: a long write to a pipe is interrupted: what was written is told exactly */
// also: tls preload
#include "guest.h"

static volatile int count;
static void handler(int number)
{
    (void)number;
    count++;
}

int main(void)
{
    static char data[300000], sink[300000];
    int p[2];
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    MUST(pipe(p));
    pid_t parent = getpid(), child = (pid_t)MUST(fork());
    if (child == 0) {
        if (wait_asleep(parent))
            kill(parent, SIGUSR1);
        _exit(0);
    }
    long written = TRY(write(p[1], data, sizeof data));
    say("%d signals", count);
    close(p[1]);
    long total = 0, n;
    while ((n = read(p[0], sink, sizeof sink)) > 0)
        total += n;
    CHECK(total == written);
    reap(child);
    return 0;
}

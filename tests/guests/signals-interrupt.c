// SPDX-License-Identifier: GPL-2.0-only
/* signals-interrupt.c: a signal interrupts a blocked remote read: EINTR without SA_RESTART, going on with it */
// also: preload
#include "guest.h"

static int p[2];
static volatile int count;
static void handler(int number)
{
    (void)number;
    count++;
    if (count == 2)
        write(p[1], "from the handler", 16);
}

static void kick(void)
{
    pid_t parent = getppid();
    if (wait_asleep(parent))
        kill(parent, SIGUSR1);
    _exit(0);
}

int main(void)
{
    char text[32] = "";
    struct sigaction action = {.sa_handler = handler};
    MUST(pipe(p));
    sigaction(SIGUSR1, &action, NULL);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0)
        kick();
    TRY(read(p[0], text, sizeof text));
    reap(child);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    child = (pid_t)MUST(fork());
    if (child == 0)
        kick();
    TRY(read(p[0], text, sizeof text));
    say("%s, %d signals", text, count);
    reap(child);
    return 0;
}

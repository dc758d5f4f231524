// SPDX-License-Identifier: GPL-2.0-only
/* signals-sleep.c: what signals do to sleeps, pauses and waits */
// also: preload
#include "guest.h"

static volatile int said;
static void handler(int number)
{
    if (!said++)
        say("%s", sigabbrev_np(number));
}

int main(void)
{
    int end;
    signal(SIGUSR1, handler);
    pid_t child = kick_until_closed(SIGUSR1, &end);
    struct timespec t = {20, 0}, left;
    TRY(nanosleep(&t, &left));
    CHECK(left.tv_sec < 20);
    close(end);
    reap(child);
    said = 0;
    child = kick_until_closed(SIGUSR1, &end);
    TRY(pause());
    close(end);
    reap(child);
    sigset_t set, old;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &old);
    said = 0;
    child = (pid_t)MUST(fork());
    if (child == 0) {
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    sigfillset(&set);
    sigdelset(&set, SIGUSR1);
    TRY(sigsuspend(&set));
    sigprocmask(SIG_SETMASK, NULL, &set);
    CHECK(sigismember(&set, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    reap(child);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* signals-sleep.c: what signals do to sleeps, pauses and waits */
#include "guest.h"

static void handler(int number)
{
    say("%s", sigabbrev_np(number));
}
static void kick(int number)
{
    pid_t parent = getppid();
    if (wait_asleep(parent))
        kill(parent, number);
    _exit(0);
}

int main(void)
{
    signal(SIGUSR1, handler);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0)
        kick(SIGUSR1);
    struct timespec t = {20, 0}, left;
    TRY(nanosleep(&t, &left));
    CHECK(left.tv_sec < 20);
    reap(child);
    child = (pid_t)MUST(fork());
    if (child == 0)
        kick(SIGUSR1);
    TRY(pause());
    reap(child);
    sigset_t set, old;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &old);
    child = (pid_t)MUST(fork());
    if (child == 0)
        kick(SIGUSR1);
    sigfillset(&set);
    sigdelset(&set, SIGUSR1);
    TRY(sigsuspend(&set));
    sigprocmask(SIG_SETMASK, NULL, &set);
    CHECK(sigismember(&set, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    reap(child);
    return 0;
}

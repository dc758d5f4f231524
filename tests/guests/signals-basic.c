// SPDX-License-Identifier: GPL-2.0-only
/* signals-basic.c: handlers, masks, pending, from kill, raise and siginfo */
// also: preload
#include "guest.h"

static volatile int count;
static void handler(int number, siginfo_t *info, void *unused)
{
    (void)unused;
    count++;
    say("%s code %d value %d self %d", sigabbrev_np(number), info->si_code, info->si_code == SI_QUEUE ? info->si_value.sival_int : 0,
        info->si_pid == getpid());
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO}, old;
    sigset_t set, pending;
    TRY(sigaction(SIGUSR1, &action, NULL));
    TRY(sigaction(SIGRTMIN + 2, &action, NULL));
    TRY(sigaction(SIGUSR1, NULL, &old));
    CHECK(old.sa_sigaction == handler);
    TRY(raise(SIGUSR1));
    TRY(kill(getpid(), SIGUSR1));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 2);
    TRY(sigprocmask(SIG_BLOCK, &set, NULL));
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 3; i++)
        TRY(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = i}));
    TRY(sigpending(&pending));
    CHECK(sigismember(&pending, SIGUSR1));
    say("%d", count);
    TRY(sigprocmask(SIG_UNBLOCK, &set, NULL));
    say("%d", count);
    TRY(sigaction(SIGKILL, &action, NULL));
    TRY(kill(1 << 20, 0));
    TRY(kill(getpid(), 999));
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR2);
    siginfo_t info;
    CHECK(sigwaitinfo(&set, &info) == SIGUSR2);
    struct timespec zero = {0, 1000};
    TRY(sigtimedwait(&set, &info, &zero));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* signals-suspend.c: sigsuspend, pause, sigwaitinfo and sigtimedwait for children that end at once, again and again */
// also: preload
#include "guest.h"

static volatile sig_atomic_t ended, rung;
static void on_child(int number) { ended += number == SIGCHLD; }
static void on_alarm(int number) { rung += number == SIGALRM; }

int main(void)
{
    sigset_t child, old;
    siginfo_t info;
    int right = 0;
    signal(SIGCHLD, on_child);
    signal(SIGALRM, on_alarm);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    MUST(sigprocmask(SIG_BLOCK, &child, &old));
    for (int i = 0; i < 100; i++) {
        pid_t pid = (pid_t)MUST(fork());
        if (pid == 0)
            _exit(i % 7);
        while (ended <= i)
            if (sigsuspend(&old) != -1 || errno != EINTR)
                return 1;
        int status = reap(pid);
        right += WIFEXITED(status) && WEXITSTATUS(status) == i % 7;
    }
    say("sigsuspend: %d right, %d told", right, ended);
    right = 0;
    for (int i = 0; i < 100; i++) {
        struct timespec limit = {20, 0};
        pid_t pid = (pid_t)MUST(fork());
        if (pid == 0)
            _exit(i % 5);
        int got = i % 2 ? sigwaitinfo(&child, &info) : sigtimedwait(&child, &info, &limit);
        right += got == SIGCHLD && info.si_pid == pid && info.si_status == i % 5 && info.si_code == CLD_EXITED;
        reap(pid);
    }
    say("sigwaitinfo: %d right, %d told", right, ended);
    struct timespec none = {0, 0}, soon = {0, 50000000};
    TRY(sigtimedwait(&child, &info, &none));
    double start = now();
    TRY(sigtimedwait(&child, &info, &soon));
    CHECK(now() - start >= 0.045);
    sigprocmask(SIG_SETMASK, &old, NULL);
    struct itimerval timer = {{0, 2000}, {0, 2000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    while (rung < 100)
        if (pause() != -1 || errno != EINTR)
            return 1;
    say("pause: enough");
    return 0;
}

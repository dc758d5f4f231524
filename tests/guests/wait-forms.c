// SPDX-License-Identifier: GPL-2.0-only
/* wait-forms.c: waitpid's options, waitid, groups, stopped and continued, __WALL */
// also: preload
#include "guest.h"

int main(void)
{
    int p[2];
    MUST(pipe(p));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        char c;
        raise(SIGSTOP);
        MUST(read(p[0], &c, 1));
        _exit(6);
    }
    int status;
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    TRY(waitpid(child, &status, WNOHANG));
    MUST(kill(child, SIGCONT));
    CHECK(waitpid(child, &status, WCONTINUED) == child);
    CHECK(WIFCONTINUED(status));
    MUST(write(p[1], "x", 1));
    siginfo_t info;
    memset(&info, 0, sizeof info);
    TRY(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    CHECK(info.si_pid == child);
    say("%d %d", info.si_code, info.si_status);
    TRY(waitid(P_ALL, 0, &info, WEXITED));
    TRY(waitid(P_ALL, 0, &info, WEXITED));
    child = (pid_t)MUST(fork());
    if (child == 0) {
        setpgid(0, 0);
        pause();
        _exit(0);
    }
    setpgid(child, child);
    TRY(waitpid(0, &status, WNOHANG));
    CHECK(waitpid(-child, &status, WNOHANG) == 0);
    CHECK(kill(-child, SIGTERM) == 0);
    CHECK(waitpid(-child, &status, 0) == child);
    say("%s", sigabbrev_np(WTERMSIG(status)));
    TRY(waitpid(-child, &status, 0));
    struct rusage usage;
    child = (pid_t)MUST(fork());
    if (child == 0)
        _exit(8);
    CHECK(wait4(child, &status, __WALL, &usage) == child);
    say("%d", WEXITSTATUS(status));
    TRY(waitpid(1 << 20, &status, 0));
    TRY(waitpid(-1, &status, 0x1000));
    return 0;
}

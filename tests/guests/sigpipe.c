// SPDX-License-Identifier: GPL-2.0-only
/* sigpipe.c: writing where nobody reads: the signal, EPIPE, by default death */
// also: preload
#include "guest.h"

static int count;
static void handler(int number)
{
    count += number == SIGPIPE;
}

int main(void)
{
    int p[2];
    MUST(pipe(p));
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    TRY(write(p[1], "x", 1));
    signal(SIGPIPE, handler);
    TRY(write(p[1], "x", 1));
    say("%d", count);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_BLOCK, &set, &old);
    TRY(write(p[1], "x", 1));
    say("%d", count);
    sigpending(&set);
    CHECK(sigismember(&set, SIGPIPE));
    sigprocmask(SIG_SETMASK, &old, NULL);
    say("%d", count);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        TRY(write(p[1], "x", 1));
        _exit(9);
    }
    say_end("child", child);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        dup2(p[1], 1);
        execl("/bin/cat", "cat", "/etc/passwd", NULL);
        _exit(9);
    }
    say_end("cat", child);
    return 0;
}

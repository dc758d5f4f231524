// SPDX-License-Identifier: GPL-2.0-only
/* signals-stop.c: a process is stopped and continued while it blocks; the call goes on */
// also: preload
#include "guest.h"

int main(void)
{
    int p[2], status;
    char text[16] = "";
    MUST(pipe(p));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(read(p[0], text, sizeof text));
        say("%s", text);
        _exit(0);
    }
    CHECK(wait_asleep(child));
    for (int i = 0; i < 3; i++) {
        MUST(kill(child, SIGSTOP));
        CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
        MUST(kill(child, SIGCONT));
        CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    }
    MUST(kill(child, SIGSTOP));
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    MUST(write(p[1], "after it all", 12));
    MUST(kill(child, SIGCONT));
    say_end("child", child);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        read(p[0], text, 1);
        _exit(0);
    }
    CHECK(wait_asleep(child));
    MUST(kill(child, SIGSTOP));
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    MUST(kill(child, SIGKILL));
    say_end("child", child);
    return 0;
}

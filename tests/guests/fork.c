// SPDX-License-Identifier: GPL-2.0-only
/* fork.c: memory is copied, exit codes and signals are seen, pids agree */
// also: tls preload
#include "guest.h"

int main(void)
{
    static int value = 1;
    pid_t parent = getpid();
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        value = 2;
        CHECK(getppid() == parent);
        CHECK(getpid() != parent);
        say("%d", value);
        exit(42);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    say("%x %d", status, value);
    for (int i = 0; i < 5; i++) {
        child = (pid_t)MUST(fork());
        if (child == 0)
            _exit(i * 60);
        say_end("child", child);
    }
    TRY(waitpid(-1, &status, 0));
    TRY(waitpid(child, &status, 0));
    child = (pid_t)MUST(fork());
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(5);
        say_end("grandchild", grandchild);
        abort();
    }
    say_end("child", child);
    return 0;
}

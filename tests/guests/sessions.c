// SPDX-License-Identifier: GPL-2.0-only
/* sessions.c: process groups and sessions */
// also: preload
#include "guest.h"

int main(void)
{
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        CHECK(setsid() == getpid());
        CHECK(getsid(0) == getpid() && getpgrp() == getpid());
        TRY(setsid());
        TRY(setpgid(0, 0));
        pid_t grandchild = (pid_t)MUST(fork());
        if (grandchild == 0) {
            CHECK(getsid(0) == getppid());
            TRY(setpgid(0, 0));
            CHECK(getpgrp() == getpid());
            _exit(0);
        }
        say_end("grandchild", grandchild);
        _exit(0);
    }
    say_end("child", child);
    TRY(setpgid(1 << 20, 0));
    TRY(getsid(1 << 20));
    return 0;
}

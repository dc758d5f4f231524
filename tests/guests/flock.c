// SPDX-License-Identifier: GPL-2.0-only
/* flock.c: whole-file locks between descriptors and processes */
// also: preload
#include "guest.h"

#include <sys/file.h>

int main(void)
{
    make_file("f", "x");
    int a = (int)MUST(open("f", O_RDWR)), b = (int)MUST(open("f", O_RDWR));
    TRY(flock(a, LOCK_SH));
    TRY(flock(b, LOCK_SH | LOCK_NB));
    TRY(flock(a, LOCK_EX | LOCK_NB));
    TRY(flock(b, LOCK_UN));
    TRY(flock(a, LOCK_EX | LOCK_NB));
    TRY(flock(b, LOCK_SH | LOCK_NB));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(flock(a, LOCK_EX | LOCK_NB));
        TRY(flock(b, LOCK_EX | LOCK_NB));
        _exit(0);
    }
    say_end("child", child);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        close(a);
        TRY(flock(b, LOCK_EX));
        say("child has it");
        _exit(0);
    }
    wait_asleep(child);
    say("parent gives it back");
    MUST(flock(a, LOCK_UN));
    say_end("child", child);
    TRY(flock(99, LOCK_SH));
    TRY(flock(a, 77));
    return 0;
}

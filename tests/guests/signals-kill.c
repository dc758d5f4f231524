// SPDX-License-Identifier: GPL-2.0-only
/* signals-kill.c: SIGKILL ends what blocks in a remote call, at once, and what it held is free */
#include "guest.h"

#include <sys/file.h>

int main(void)
{
    int p[2];
    char c;
    MUST(pipe(p));
    make_file("f", "x");
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        int fd = (int)MUST(open("f", O_RDWR));
        MUST(flock(fd, LOCK_EX));
        MUST(write(p[1], "r", 1));
        int q[2];
        MUST(pipe(q));
        read(q[0], &c, 1);
        _exit(0);
    }
    MUST(read(p[0], &c, 1));
    int fd = (int)MUST(open("f", O_RDWR));
    TRY(flock(fd, LOCK_EX | LOCK_NB));
    CHECK(wait_asleep(child));
    double start = now();
    MUST(kill(child, SIGKILL));
    say_end("child", child);
    CHECK(now() - start < 2);
    TRY(flock(fd, LOCK_EX | LOCK_NB));
    close(p[1]);
    TRY(read(p[0], &c, 1));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* cloexec.c: what exec closes and what it keeps */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "x");
    int keep = (int)MUST(open("f", O_RDONLY)), gone = (int)MUST(open("f", O_RDONLY | O_CLOEXEC)), p[2];
    MUST(pipe2(p, O_CLOEXEC));
    TRY(fcntl(keep, F_GETFD));
    TRY(fcntl(gone, F_GETFD));
    int set = (int)MUST(dup(keep));
    TRY(fcntl(set, F_SETFD, FD_CLOEXEC));
    int out = (int)MUST(fcntl(1, F_DUPFD_CLOEXEC, 20)), kept_out = (int)MUST(fcntl(1, F_DUPFD, 30));
    say("%d %d %d %d %d %d %d", keep, gone, p[0], p[1], set, out, kept_out);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "cd /proc/self/fd; for fd in 0 1 2 3 4 5 6 7 20 30; do [ -L $fd ] && echo open $fd; done; echo hello >&30; read -r x <&3; echo $x", NULL);
        _exit(9);
    }
    say_end("sh", child);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* emfile.c: the limit of descriptors, by open, dup, pipe and fork */
#include "guest.h"

int main(void)
{
    struct rlimit limit;
    make_file("f", "x");
    TRY(getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 20;
    TRY(setrlimit(RLIMIT_NOFILE, &limit));
    int n = 0;
    while (open("f", O_RDONLY) >= 0)
        n++;
    say("%d opened, then %s", n, error_name(errno));
    TRY(dup(3));
    int p[2];
    TRY(pipe(p));
    TRY(fcntl(3, F_DUPFD, 19));
    TRY(fcntl(3, F_DUPFD, 20));
    TRY(dup2(3, 20));
    TRY(close(19));
    TRY(pipe(p));
    TRY(open("f", O_RDONLY));
    TRY(close(5));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(open("f", O_RDONLY));
        TRY(open("f", O_RDONLY));
        _exit(0);
    }
    say_end("child", child);
    limit.rlim_cur = 10;
    TRY(setrlimit(RLIMIT_NOFILE, &limit));
    TRY(read(15, p, 1));
    TRY(dup(3));
    return 0;
}

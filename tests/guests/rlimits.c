// SPDX-License-Identifier: GPL-2.0-only
/* rlimits.c: limits: get, set, raise, inherited; RLIMIT_FSIZE and its signal */
#include "guest.h"

static void handler(int number)
{
    say("signal %s", sigabbrev_np(number));
}

int main(void)
{
    struct rlimit limit;
    TRY(getrlimit(RLIMIT_NOFILE, &limit));
    say("%ld", (long)limit.rlim_cur);
    limit.rlim_cur = limit.rlim_max + 1;
    TRY(setrlimit(RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){1 << 20, 1 << 20}; /* more than standard output, which may be a file, will have */
    TRY(setrlimit(RLIMIT_FSIZE, &limit));
    signal(SIGXFSZ, handler);
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    static char data[(1 << 20) + 100];
    TRY(write(fd, data, sizeof data));
    TRY(write(fd, data, sizeof data));
    TRY(ftruncate(fd, 2 << 20));
    signal(SIGXFSZ, SIG_IGN);
    TRY(write(fd, data, sizeof data));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        signal(SIGXFSZ, SIG_DFL);
        write(fd, data, sizeof data);
        _exit(9);
    }
    say_end("child", child);
    TRY(prlimit(0, RLIMIT_STACK, NULL, &limit));
    limit.rlim_cur = 2 << 20;
    TRY(prlimit(0, RLIMIT_STACK, &limit, NULL));
    child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/bin/bash", "bash", "-c", "ulimit -s; ulimit -n; ulimit -c", NULL);
        _exit(9);
    }
    say_end("bash", child);
    TRY(getrlimit(99, &limit));
    list_tree(".");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* select.c: select and pselect with times, masks and bad descriptors */
// also: preload
#include "guest.h"

static void handler(int number)
{
    say("%s", sigabbrev_np(number));
}

int main(void)
{
    int p[2];
    fd_set in;
    struct timeval t = {0, 30000};
    MUST(pipe(p));
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    TRY(select(p[0] + 1, &in, NULL, NULL, &t));
    say("%d, %ld left", FD_ISSET(p[0], &in) != 0, (long)t.tv_usec);
    FD_ZERO(&in);
    FD_SET(40, &in);
    t.tv_sec = 1;
    TRY(select(41, &in, NULL, NULL, &t));
    TRY(select(-1, NULL, NULL, NULL, &t));
    MUST(write(p[1], "x", 1));
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    TRY(select(p[0] + 1, &in, NULL, NULL, NULL));
    sigset_t set, empty;
    sigemptyset(&empty);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    struct timespec ts = {5, 0};
    TRY(pselect(0, NULL, NULL, NULL, &ts, &empty));
    sigprocmask(SIG_SETMASK, NULL, &set);
    CHECK(sigismember(&set, SIGUSR1));
    raise(SIGUSR1);
    char c;
    MUST(read(p[0], &c, 1));
    struct pollfd fd = {p[0], POLLIN, 0};
    TRY(ppoll(&fd, 1, &ts, &empty));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* epoll.c: epoll over pipes: level, edge, one-shot, removal */
// also: preload
#include "guest.h"

#include <sys/epoll.h>

int main(void)
{
    int p[2], e = (int)TRY(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77}, got[4];
    char c;
    MUST(pipe(p));
    TRY(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
    TRY(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
    TRY(epoll_wait(e, got, 4, 0));
    MUST(write(p[1], "x", 1));
    TRY(epoll_wait(e, got, 4, 1000));
    say("%x %lu", got[0].events, (unsigned long)got[0].data.u64);
    event.events = EPOLLIN | EPOLLET;
    TRY(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &event));
    TRY(epoll_wait(e, got, 4, 0));
    TRY(epoll_wait(e, got, 4, 0));
    event.events = EPOLLIN | EPOLLONESHOT;
    TRY(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &event));
    TRY(epoll_wait(e, got, 4, 0));
    TRY(epoll_wait(e, got, 4, 0));
    MUST(read(p[0], &c, 1));
    close(p[1]);
    TRY(epoll_wait(e, got, 4, 20));
    TRY(epoll_ctl(e, EPOLL_CTL_DEL, p[0], NULL));
    TRY(epoll_ctl(e, EPOLL_CTL_DEL, p[0], NULL));
    int file = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    TRY(epoll_ctl(e, EPOLL_CTL_ADD, file, &event));
    TRY(epoll_wait(e, got, 0, 0));
    return 0;
}

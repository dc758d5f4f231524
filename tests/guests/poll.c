// SPDX-License-Identifier: GPL-2.0-only
/* poll.c: poll and ppoll over pipes, files and nothing */
// also: preload
#include "guest.h"

int main(void)
{
    int p[2], q[2];
    MUST(pipe(p));
    MUST(pipe(q));
    struct pollfd fds[4] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {99, POLLIN, 0}, {-1, POLLIN, 0}};
    TRY(poll(fds, 4, 0));
    for (int i = 0; i < 4; i++)
        say("%x", fds[i].revents);
    MUST(write(p[1], "x", 1));
    fds[2].fd = q[0];
    TRY(poll(fds, 3, 1000));
    for (int i = 0; i < 3; i++)
        say("%x", fds[i].revents);
    close(q[1]);
    TRY(poll(fds + 2, 1, 1000));
    say("%x", fds[2].revents);
    double start = now();
    TRY(poll(NULL, 0, 50));
    CHECK(now() - start >= 0.045);
    char c;
    MUST(read(p[0], &c, 1));
    start = now();
    TRY(poll(fds, 1, 50));
    CHECK(now() - start >= 0.045);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        pid_t parent = getppid();
        wait_asleep(parent);
        MUST(write(p[1], "y", 1));
        _exit(0);
    }
    TRY(poll(fds, 1, 10000));
    say("%x", fds[0].revents);
    reap(child);
    int file = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    fds[0].fd = file;
    TRY(poll(fds, 1, -1));
    say("%x", fds[0].revents);
    TRY(poll((struct pollfd *)8, 1, 0));
    return 0;
}

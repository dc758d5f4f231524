// SPDX-License-Identifier: GPL-2.0-only
/* poll-mixed.c: waiting for standard input, standard output and pipes at once */
// also: tls preload
// stdin: x
#include "guest.h"

int main(void)
{
    int p[2];
    char c;
    MUST(pipe(p));
    struct pollfd fds[3] = {{0, POLLIN, 0}, {p[0], POLLIN, 0}, {1, POLLOUT, 0}};
    TRY(poll(fds, 3, 1000));
    say("%x %x %x", fds[0].revents, fds[1].revents, fds[2].revents);
    MUST(write(p[1], "x", 1));
    TRY(poll(fds, 3, 1000));
    say("%x %x %x", fds[0].revents, fds[1].revents, fds[2].revents);
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(0, &in);
    FD_SET(p[0], &in);
    FD_SET(1, &out);
    struct timeval t = {1, 0};
    TRY(select(p[0] + 1, &in, &out, NULL, &t));
    say("%d %d %d", FD_ISSET(0, &in) != 0, FD_ISSET(p[0], &in) != 0, FD_ISSET(1, &out) != 0);
    MUST(read(p[0], &c, 1));
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    FD_SET(0, &in);
    TRY(select(p[0] + 1, &in, NULL, NULL, &t));
    say("%d %d", FD_ISSET(0, &in) != 0, FD_ISSET(p[0], &in) != 0);
    return 0;
}

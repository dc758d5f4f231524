// SPDX-License-Identifier: GPL-2.0-only
/* fcntl-flags.c: status flags, owner, pipe sizes */
// also: preload
#include "guest.h"

int main(void)
{
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR | O_APPEND, 0644)), p[2];
    TRY(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE));
    TRY(fcntl(fd, F_SETFL, O_NONBLOCK));
    TRY(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE));
    MUST(pipe(p));
    TRY(fcntl(p[0], F_GETPIPE_SZ));
    TRY(fcntl(p[0], F_SETPIPE_SZ, 4096));
    TRY(fcntl(p[1], F_GETPIPE_SZ));
    TRY(fcntl(fd, F_GETPIPE_SZ));
    TRY(fcntl(p[0], F_SETFL, O_NONBLOCK));
    char c;
    TRY(read(p[0], &c, 1));
    return 0;
}

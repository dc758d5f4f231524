// SPDX-License-Identifier: GPL-2.0-only
/* random.c: getrandom and /dev/urandom give what they should, devices do */
// also: preload
#include "guest.h"

#include <sys/random.h>

int main(void)
{
    unsigned char a[64] = {0}, b[64] = {0};
    TRY(getrandom(a, sizeof a, 0));
    TRY(getrandom(b, sizeof b, GRND_NONBLOCK));
    CHECK(memcmp(a, b, sizeof a) != 0);
    int fd = (int)MUST(open("/dev/urandom", O_RDONLY));
    TRY(read(fd, a, sizeof a));
    fd = (int)MUST(open("/dev/null", O_RDWR));
    TRY(write(fd, a, 10));
    TRY(read(fd, a, 10));
    fd = (int)MUST(open("/dev/zero", O_RDONLY));
    TRY(read(fd, a, 3));
    say("%d%d%d", a[0], a[1], a[2]);
    fd = (int)MUST(open("/dev/full", O_WRONLY));
    TRY(write(fd, a, 10));
    TRY(open("/dev/kmsg", O_RDONLY));
    return 0;
}

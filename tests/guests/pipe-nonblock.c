// SPDX-License-Identifier: GPL-2.0-only
/* pipe-nonblock.c: non-blocking pipes: empty, full, partly full, FIONREAD */
// also: preload
#include "guest.h"

#include <sys/ioctl.h>

int main(void)
{
    int p[2], n = -1;
    static char data[70000];
    TRY(pipe2(p, O_NONBLOCK));
    TRY(read(p[0], data, 1));
    TRY(write(p[1], data, sizeof data));
    TRY(write(p[1], data, 1));
    TRY(ioctl(p[0], FIONREAD, &n));
    say("%d", n);
    TRY(read(p[0], data, 5000));
    TRY(write(p[1], data, 5000));
    TRY(write(p[1], data, 3000));
    TRY(close(p[1]));
    long total = 0, got;
    while ((got = read(p[0], data, sizeof data)) > 0)
        total += got;
    say("%ld %ld", total, got);
    TRY(pipe2(p, 0x4));
    TRY(pipe((int *)8));
    TRY(ioctl(p[0], 0x1234, 0));
    return 0;
}

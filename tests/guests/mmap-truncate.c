// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* mmap-truncate.c: a mapped file is truncated and grown again */
#include "guest.h"

#include <setjmp.h>

static sigjmp_buf back;
static void handler(int number)
{
    siglongjmp(back, number);
}

int main(void)
{
    make_file("f", "0123456789");
    int fd = (int)MUST(open("f", O_RDWR));
    MUST(ftruncate(fd, 8192));
    volatile char *map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    say("%c %d", map[0], map[5000]);
    MUST(ftruncate(fd, 100));
    signal(SIGBUS, handler);
    int number = sigsetjmp(back, 1);
    if (number == 0) {
        say("%d", map[5000]);
    } else
        say("%s", sigabbrev_np(number));
    say("%c", map[0]);
    MUST(ftruncate(fd, 8192));
    MUST(pwrite(fd, "again", 5, 5000));
    say("%c%c", map[5000], map[5001]);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* lseek-holes.c: SEEK_DATA, SEEK_HOLE, seeking past the end and before the start */
// also: preload
#include "guest.h"

int main(void)
{
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    MUST(pwrite(fd, "start", 5, 0));
    MUST(pwrite(fd, "end", 3, 1 << 20));
    TRY(lseek(fd, 0, SEEK_DATA));
    CHECK(lseek(fd, 0, SEEK_HOLE) >= 5);
    TRY(lseek(fd, 0, SEEK_END));
    TRY(lseek(fd, -1, SEEK_SET));
    TRY(lseek(fd, 5, 77));
    TRY(lseek(fd, 1L << 40, SEEK_SET));
    TRY(lseek(fd, 1 << 21, SEEK_DATA));
    TRY(lseek(fd, -3, SEEK_END));
    char text[8] = "";
    TRY(read(fd, text, 8));
    say("%s", text);
    TRY(lseek(99, 0, SEEK_SET));
    return 0;
}

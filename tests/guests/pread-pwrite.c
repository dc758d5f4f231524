// SPDX-License-Identifier: GPL-2.0-only
/* pread-pwrite.c: positioned reads and writes leave the offset alone */
// also: preload
#include "guest.h"

int main(void)
{
    char text[16] = "";
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    TRY(write(fd, "0123456789", 10));
    TRY(pwrite(fd, "AB", 2, 3));
    TRY(lseek(fd, 0, SEEK_CUR));
    TRY(pread(fd, text, 4, 2));
    say("%s", text);
    TRY(pread(fd, text, 4, 100));
    TRY(pread(fd, text, 4, -1));
    TRY(pwrite(fd, "x", 1, -1));
    TRY(pwrite(fd, "end", 3, 20));
    TRY(lseek(fd, 0, SEEK_END));
    int pipes[2];
    MUST(pipe(pipes));
    TRY(pread(pipes[0], text, 1, 0));
    TRY(pwrite(pipes[1], text, 1, 0));
    list_tree(".");
    return 0;
}

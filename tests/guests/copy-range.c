// SPDX-License-Identifier: GPL-2.0-only
/* copy-range.c: copy_file_range and sendfile between files, with and without offsets */
// also: preload
#include "guest.h"

#include <sys/sendfile.h>

int main(void)
{
    make_file("a", "0123456789");
    int in = (int)MUST(open("a", O_RDONLY)), out = (int)MUST(open("b", O_CREAT | O_RDWR, 0644));
    TRY(copy_file_range(in, NULL, out, NULL, 4, 0));
    TRY(lseek(in, 0, SEEK_CUR));
    off64_t from = 8, to = 6;
    TRY(copy_file_range(in, &from, out, &to, 100, 0));
    say("%ld %ld", (long)from, (long)to);
    show_file("b");
    TRY(copy_file_range(in, NULL, 99, NULL, 4, 0));
    TRY(copy_file_range(in, NULL, out, NULL, 4, 1));
    off_t at = 2;
    TRY(sendfile(out, in, &at, 3));
    say("%ld", (long)at);
    TRY(sendfile(out, in, NULL, 100));
    TRY(sendfile(99, in, NULL, 1));
    show_file("b");
    TRY(lseek(in, 0, SEEK_SET));
    TRY(sendfile(1, in, NULL, 10));
    say("%s", "");
    int pipes[2];
    MUST(pipe(pipes));
    at = 0;
    TRY(sendfile(pipes[1], in, &at, 5));
    char text[16] = "";
    TRY(read(pipes[0], text, 16));
    say("%s", text);
    return 0;
}

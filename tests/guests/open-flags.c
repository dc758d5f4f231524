// SPDX-License-Identifier: GPL-2.0-only
/* open-flags.c: what open's flags do: O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH, the access modes. */
// also: preload
#include "guest.h"

int main(void)
{
    char text[8] = "";
    TRY(open("none", O_RDONLY));
    TRY(open("a", O_CREAT | O_EXCL | O_RDWR, 0640));
    TRY(open("a", O_CREAT | O_EXCL | O_RDWR, 0640));
    TRY(write(3, "abc", 3));
    TRY(open("a", O_WRONLY | O_APPEND));
    TRY(write(4, "def", 3));
    TRY(read(4, text, 3));
    TRY(pread(3, text, 6, 0));
    say("%s", text);
    TRY(close(4));
    TRY(open("a", O_RDWR | O_TRUNC));
    TRY(lseek(4, 0, SEEK_END));
    TRY(open("a", O_RDONLY | O_DIRECTORY));
    TRY(open(".", O_RDONLY | O_DIRECTORY));
    TRY(open(".", O_RDWR));
    TRY(open("a/b", O_RDONLY));
    MUST(symlink("a", "link"));
    MUST(symlink("loop", "loop"));
    TRY(open("link", O_RDONLY | O_NOFOLLOW));
    TRY(open("loop", O_RDONLY));
    TRY(open("link", O_PATH | O_NOFOLLOW));
    TRY(read(6, text, 1));
    TRY(open("", O_RDONLY));
    TRY(open((char *)8, O_RDONLY));
    TRY(openat(99, "a", O_RDONLY));
    TRY(openat(5, "a", O_RDONLY));
    TRY(openat(3, "a", O_RDONLY));
    TRY(open("read-only", O_CREAT | O_RDWR, 0400));
    TRY(write(8, "x", 1));
    char name[300];
    memset(name, 'n', sizeof name);
    name[299] = 0;
    TRY(open(name, O_CREAT | O_RDWR, 0600));
    TRY(fcntl(3, F_GETFL) & (O_ACCMODE | O_APPEND));
    list_tree(".");
    return 0;
}

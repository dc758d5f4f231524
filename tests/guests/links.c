// SPDX-License-Identifier: GPL-2.0-only
/* links.c: hard links, symbolic links, readlink with short buffers, unlink */
// also: preload
#include "guest.h"

int main(void)
{
    char text[32];
    make_file("a", "A");
    TRY(link("a", "b"));
    TRY(link("a", "b"));
    TRY(link("none", "c"));
    TRY(link(".", "dir"));
    TRY(symlink("a", "s"));
    TRY(symlink("a", "s"));
    TRY(symlink("nowhere", "dangling"));
    TRY(symlink("", "empty"));
    memset(text, 0, sizeof text);
    TRY(readlink("dangling", text, sizeof text));
    say("%s", text);
    memset(text, 0, sizeof text);
    TRY(readlink("dangling", text, 3));
    say("%s", text);
    TRY(readlink("dangling", text, 0));
    TRY(readlink("a", text, sizeof text));
    TRY(linkat(AT_FDCWD, "s", AT_FDCWD, "linked", AT_SYMLINK_FOLLOW));
    TRY(linkat(AT_FDCWD, "s", AT_FDCWD, "linked-symlink", 0));
    TRY(unlink("b"));
    TRY(unlink("b"));
    TRY(unlink("."));
    TRY(unlinkat(AT_FDCWD, "s", 0));
    int fd = (int)MUST(open("a", O_RDWR));
    TRY(unlink("a"));
    TRY(write(fd, "still", 5));
    struct stat st;
    MUST(fstat(fd, &st));
    say("%ld links, %ld bytes", (long)st.st_nlink, (long)st.st_size);
    list_tree(".");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* chmod.c: modes, also of what has none, set-id bits, by descriptor */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "x");
    MUST(mkdir("d", 0755));
    struct stat st;
    TRY(chmod("f", 0600));
    MUST(stat("f", &st));
    say("%o", st.st_mode);
    TRY(chmod("f", 07777));
    MUST(stat("f", &st));
    say("%o", st.st_mode);
    TRY(chmod("d", 01777));
    TRY(chmod("none", 0600));
    int fd = (int)MUST(open("f", O_RDWR));
    TRY(fchmod(fd, 0640));
    TRY(write(fd, "y", 1));
    MUST(fstat(fd, &st));
    say("%o", st.st_mode);
    TRY(fchmodat(AT_FDCWD, "f", 0444, 0));
    TRY(fchmod(99, 0));
    list_tree(".");
    return 0;
}

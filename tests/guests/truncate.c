// SPDX-License-Identifier: GPL-2.0-only
/* truncate.c: truncate and ftruncate up, down, of what cannot be */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "0123456789");
    TRY(truncate("f", 4));
    show_file("f");
    TRY(truncate("f", 8));
    show_file("f");
    TRY(truncate("f", -1));
    TRY(truncate("none", 1));
    TRY(truncate(".", 1));
    int fd = (int)MUST(open("f", O_RDONLY));
    TRY(ftruncate(fd, 1));
    int rw = (int)MUST(open("f", O_RDWR));
    TRY(ftruncate(rw, 2));
    show_file("f");
    TRY(ftruncate(99, 0));
    list_tree(".");
    return 0;
}

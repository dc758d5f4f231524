// SPDX-License-Identifier: GPL-2.0-only
/* close-range.c: close_range with and without CLOEXEC, over both homes */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "x");
    for (int i = 3; i < 12; i++)
        MUST(open("f", O_RDONLY));
    MUST(dup2(1, 7));
    TRY(close_range(5, 8, 0));
    for (int i = 3; i < 12; i++)
        say("%d %s", i, fcntl(i, F_GETFD) < 0 ? error_name(errno) : "open");
    TRY(close_range(9, ~0u, CLOSE_RANGE_CLOEXEC));
    for (int i = 9; i < 12; i++)
        say("%d %d", i, fcntl(i, F_GETFD));
    TRY(close_range(8, 5, 0));
    TRY(close_range(3, 4, 0x100));
    TRY(close_range(3, ~0u, 0));
    TRY(open("f", O_RDONLY));
    return 0;
}

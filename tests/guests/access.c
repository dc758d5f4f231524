// SPDX-License-Identifier: GPL-2.0-only
/* access.c: access, faccessat, with effective ids, on what is read-only */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "x");
    MUST(chmod("f", 0444));
    TRY(access("f", F_OK));
    TRY(access("f", R_OK));
    TRY(access("f", X_OK));
    TRY(access("none", F_OK));
    TRY(access("f", 64));
    TRY(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
    TRY(access("/bin/bash", X_OK));
    MUST(symlink("none", "s"));
    TRY(faccessat(AT_FDCWD, "s", F_OK, 0));
    TRY(faccessat(AT_FDCWD, "s", F_OK, AT_SYMLINK_NOFOLLOW));
    return 0;
}

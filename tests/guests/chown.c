// SPDX-License-Identifier: GPL-2.0-only
/* chown.c: owners: our own, ids that are there and ids that are not, of links */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "x");
    MUST(symlink("f", "s"));
    TRY(chown("f", getuid(), getgid()));
    TRY(chown("f", (uid_t)-1, (gid_t)-1));
    TRY(lchown("s", getuid(), (gid_t)-1));
    TRY(chown("none", 0, 0));
    int fd = (int)MUST(open("f", O_RDWR));
    TRY(fchown(fd, getuid(), getgid()));
    TRY(fchownat(fd, "", getuid(), getgid(), AT_EMPTY_PATH));
    TRY(chown("f", 1000, 1000));
    TRY(chown("f", getuid(), 5));
    TRY(chown("f", 0, 0));
    MUST(chmod("f", 06755));
    TRY(chown("f", getuid(), getgid()));
    list_tree(".");
    return 0;
}

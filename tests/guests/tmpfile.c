// SPDX-License-Identifier: GPL-2.0-only
/* tmpfile.c: O_TMPFILE and its naming through /proc */
// also: preload
#include "guest.h"

int main(void)
{
    char path[64];
    int fd = open("/work", O_TMPFILE | O_RDWR, 0600);
    CHECK(fd >= 0);
    TRY(write(fd, "hidden", 6));
    list_tree(".");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    TRY(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    list_tree(".");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* rename.c: rename over files, directories, nothing; renameat2's flags */
// also: preload
#include "guest.h"

#include <linux/fs.h>

int main(void)
{
    make_file("a", "A");
    make_file("b", "B");
    MUST(mkdir("d", 0755));
    MUST(mkdir("full", 0755));
    make_file("full/x", "X");
    TRY(rename("a", "c"));
    TRY(rename("c", "b"));
    TRY(rename("none", "x"));
    TRY(rename("b", "d"));
    TRY(rename("d", "b"));
    TRY(rename("d", "full"));
    TRY(rename("d", "d/sub"));
    TRY(rename("d", "e"));
    make_file("p", "P");
    make_file("q", "Q");
    TRY(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_NOREPLACE));
    TRY(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_EXCHANGE));
    show_file("p");
    TRY(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", 0x1000));
    int dir = (int)MUST(open("full", O_RDONLY | O_DIRECTORY));
    TRY(renameat(dir, "x", AT_FDCWD, "out"));
    list_tree(".");
    return 0;
}

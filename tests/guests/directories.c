// SPDX-License-Identifier: GPL-2.0-only
/* directories.c: mkdir, rmdir, chdir below what goes away */
// also: preload
#include "guest.h"

int main(void)
{
    char text[PATH_MAX];
    TRY(mkdir("a", 0700));
    TRY(mkdir("a", 0700));
    TRY(mkdir("x/y", 0700));
    TRY(mkdir("a/b", 0750));
    TRY(rmdir("a"));
    TRY(rmdir("a/b"));
    make_file("f", "");
    TRY(rmdir("f"));
    TRY(rmdir("."));
    TRY(mkdirat(99, "q", 0700));
    int dir = (int)MUST(open("a", O_RDONLY | O_DIRECTORY));
    TRY(mkdirat(dir, "sub", 0701));
    TRY(unlinkat(dir, "sub", 0));
    TRY(unlinkat(dir, "sub", AT_REMOVEDIR));
    TRY(chdir("a"));
    TRY(rmdir("../a"));
    TRY(open("new", O_CREAT | O_WRONLY, 0600));
    CHECK(getcwd(text, sizeof text) == NULL);
    say("%s", error_name(errno));
    TRY(chdir(".."));
    say("%s", getcwd(text, sizeof text) == NULL ? error_name(errno) : text);
    TRY(chdir("/work"));
    list_tree(".");
    return 0;
}

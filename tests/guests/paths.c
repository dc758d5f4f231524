// SPDX-License-Identifier: GPL-2.0-only
/* paths.c: long names, many components, dots, trailing slashes, absolute links */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "x");
    MUST(mkdir("d", 0755));
    struct stat st;
    TRY(stat("f/", &st));
    TRY(stat("d/", &st));
    TRY(stat("d/./..//d/../f", &st));
    TRY(open("new/", O_CREAT | O_WRONLY, 0600));
    TRY(mkdir("new/", 0755));
    MUST(symlink("/work/f", "absolute"));
    TRY(open("absolute", O_RDONLY));
    MUST(symlink("../../../../../../../../work/f", "up"));
    TRY(open("up", O_RDONLY));
    static char path[PATH_MAX + 10];
    memset(path, '/', sizeof path);
    strcpy(path + PATH_MAX - 3, "f");
    path[PATH_MAX - 8] = 'w';
    TRY(stat(path, &st));
    for (int i = 0; i < PATH_MAX - 2; i += 2)
        memcpy(path + i, "./", 2);
    strcpy(path + PATH_MAX - 2, "f");
    TRY(stat(path, &st));
    strcpy(path + PATH_MAX - 2, "ff");
    TRY(stat(path, &st));
    list_tree(".");
    return 0;
}

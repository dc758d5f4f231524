// SPDX-License-Identifier: GPL-2.0-only
/* xattr.c: extended attributes: set, get with short buffers, list, remove */
// also: preload
#include "guest.h"

#include <sys/xattr.h>

int main(void)
{
    char text[64];
    make_file("f", "x");
    TRY(setxattr("f", "user.one", "hello", 5, 0));
    TRY(setxattr("f", "user.one", "hello", 5, XATTR_CREATE));
    TRY(setxattr("f", "user.two", "", 0, XATTR_REPLACE));
    TRY(setxattr("f", "user.two", "", 0, 0));
    memset(text, 0, sizeof text);
    TRY(getxattr("f", "user.one", text, sizeof text));
    say("%s", text);
    TRY(getxattr("f", "user.one", text, 2));
    TRY(getxattr("f", "user.one", NULL, 0));
    TRY(getxattr("f", "user.none", text, sizeof text));
    TRY(listxattr("f", NULL, 0));
    long n = TRY(listxattr("f", text, sizeof text));
    for (long at = 0; at < n; at += (long)strlen(text + at) + 1)
        if (strncmp(text + at, "user.", 5) == 0)
            say("name");
    int fd = (int)MUST(open("f", O_RDWR));
    TRY(fsetxattr(fd, "user.three", "3", 1, 0));
    TRY(fgetxattr(fd, "user.three", text, sizeof text));
    TRY(fremovexattr(fd, "user.three"));
    TRY(removexattr("f", "user.one"));
    TRY(removexattr("f", "user.one"));
    TRY(setxattr("f", "nonsense", "x", 1, 0));
    TRY(setxattr("none", "user.x", "x", 1, 0));
    TRY(lsetxattr("f", "user.l", "x", 1, 0));
    TRY(lgetxattr("f", "user.l", text, 64));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* readv-writev.c: gathered and scattered transfers, with empty and many vectors */
// also: preload
#include "guest.h"

int main(void)
{
    char a[4] = "", b[4] = "", c[8] = "";
    struct iovec out[4] = {{"one", 3}, {"", 0}, {"two", 3}, {"three", 5}};
    struct iovec in[3] = {{a, 3}, {b, 3}, {c, 7}};
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    TRY(writev(fd, out, 4));
    TRY(lseek(fd, 0, SEEK_SET));
    TRY(readv(fd, in, 3));
    say("%s %s %s", a, b, c);
    TRY(readv(fd, in, 3));
    TRY(pwritev(fd, out, 2, 100));
    TRY(preadv(fd, in, 2, 98));
    say("%d %d %c%c%c", a[0], a[1], a[2], b[0], b[1]);
    TRY(writev(fd, out, -1));
    TRY(writev(fd, out, 0));
    struct iovec bad[2] = {{"ok", 2}, {(void *)8, 4}};
    TRY(writev(fd, bad, 2));
    static struct iovec many[IOV_MAX + 1];
    for (int i = 0; i <= IOV_MAX; i++)
        many[i] = (struct iovec){"m", 1};
    TRY(writev(fd, many, IOV_MAX));
    TRY(writev(fd, many, IOV_MAX + 1));
    TRY(preadv2(fd, in, 2, 0, 0));
    TRY(pwritev2(fd, out, 1, -1, RWF_APPEND));
    TRY(pwritev2(fd, out, 1, 0, 0x40000000));
    list_tree(".");
    return 0;
}

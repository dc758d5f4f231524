// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* mmap-shared.c: shared mappings: writes reach the file, the file's writes reach the mapping */
// also: tls
#include "guest.h"

int main(void)
{
    make_file("f", "0123456789");
    int fd = (int)MUST(open("f", O_RDWR));
    MUST(ftruncate(fd, 8192));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    memcpy(map, "mapped", 6);
    map[8191] = 'Z';
    TRY(msync(map, 8192, MS_SYNC));
    char text[16] = "";
    TRY(pread(fd, text, 10, 0));
    say("%s", text);
    TRY(pread(fd, text, 1, 8191));
    say("%c", text[0]);
    TRY(pwrite(fd, "written", 7, 2));
    say("%.10s", map);
    memcpy(map + 100, "no msync", 8);
    memset(text, 0, sizeof text);
    TRY(pread(fd, text, 8, 100));
    say("%s", text);
    TRY(munmap(map, 8192));
    TRY(close(fd));
    show_file("f");
    list_tree(".");
    return 0;
}

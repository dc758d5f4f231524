// SPDX-License-Identifier: GPL-2.0-only
/* mmap-private.c: private mappings of files: what is seen, what is kept, what is refused */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "0123456789");
    MUST(truncate("f", 10000));
    int fd = (int)MUST(open("f", O_RDWR));
    char *map = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(map != MAP_FAILED);
    say("%.10s %d", map, map[9999]);
    map[0] = 'X';
    say("%.10s", map);
    show_file("f");
    TRY(munmap(map, 10000));
    map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
    CHECK(map != MAP_FAILED && map[0] == 0);
    TRY(close(fd));
    CHECK(map[4095] == 0);
    WORKS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    fd = (int)MUST(open("f", O_WRONLY));
    WORKS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    fd = (int)MUST(open("f", O_RDONLY));
    WORKS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    WORKS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 1));
    WORKS(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0));
    int dir = (int)MUST(open(".", O_RDONLY));
    WORKS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, dir, 0));
    int p[2];
    MUST(pipe(p));
    WORKS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p[0], 0));
    int zero = (int)MUST(open("/dev/zero", O_RDWR));
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    CHECK(map != MAP_FAILED && map[7] == 0);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* memory.c: brk, anonymous maps, mprotect, mincore, mlock, memfd */
// also: preload
#include "guest.h"

#include <sys/mman.h>

int main(void)
{
    char *old = sbrk(0);
    CHECK(sbrk(1 << 20) == old);
    memset(old, 1, 1 << 20);
    CHECK(brk(old) == 0);
    char *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    map[5] = 6;
    TRY(mprotect(map, 4096, PROT_READ));
    unsigned char in[256];
    TRY(mincore(map, 4096, in));
    say("%d", in[0] & 1);
    TRY(mlock(map, 4096));
    TRY(munlock(map, 4096));
    TRY(mprotect((void *)1, 1, 0));
    int fd = (int)syscall(SYS_memfd_create, "name", 1u);
    CHECK(fd >= 0);
    TRY(write(fd, "in memory", 9));
    char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(private != MAP_FAILED && memcmp(private, "in memory", 10) == 0);
    char *big = malloc(64 << 20);
    memset(big, 7, 64 << 20);
    say("%d", big[(64 << 20) - 1]);
    free(big);
    return 0;
}

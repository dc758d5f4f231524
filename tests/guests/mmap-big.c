// SPDX-License-Identifier: GPL-2.0-only
/* mmap-big.c: a large file is mapped and summed; MAP_FIXED, mremap, madvise on it */
#include "guest.h"

int main(void)
{
    enum { SIZE = 8 << 20 };
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    static unsigned char data[1 << 20];
    for (int i = 0; i < SIZE >> 20; i++) {
        for (size_t k = 0; k < sizeof data; k++)
            data[k] = (unsigned char)(k * 31 + (size_t)i);
        MUST(write(fd, data, sizeof data));
    }
    unsigned char *map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
    unsigned long sum = 0;
    for (long i = 0; i < SIZE; i++)
        sum += map[i];
    say("%lu", sum);
    TRY(madvise(map, SIZE, MADV_DONTNEED));
    say("%d", map[SIZE - 1]);
    unsigned char *fixed = mmap(map, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 1 << 20);
    CHECK(fixed == map);
    say("%d", map[0]);
    TRY(munmap(map, SIZE));
    map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    map = mremap(map, 4096, 65536, MREMAP_MAYMOVE);
    CHECK(map != MAP_FAILED);
    say("%d", map[65535]);
    return 0;
}

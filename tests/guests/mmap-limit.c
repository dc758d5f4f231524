// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* mmap-limit.c: under RLIMIT_FSIZE: what a mapping stores behind the end does not make the file longer, and is no signal's cause */
#include "guest.h"

#define LIMIT 10000

int main(void)
{
    char last[2] = "";
    struct stat st;
    MUST(setrlimit(RLIMIT_FSIZE, &(struct rlimit){LIMIT, LIMIT}));
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR | O_TRUNC, 0644));
    MUST(ftruncate(fd, LIMIT));
    char *map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    memset(map, 'm', 12288);
    TRY(msync(map, 12288, MS_SYNC));
    TRY(munmap(map, 12288));
    CHECK(fstat(fd, &st) == 0 && st.st_size == LIMIT);
    TRY(pread(fd, last, 2, LIMIT - 1));
    say("%s", last);
    return 0;
}

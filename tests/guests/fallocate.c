// SPDX-License-Identifier: GPL-2.0-only
/* fallocate.c: allocate, punch holes, keep the size */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "0123456789");
    int fd = (int)MUST(open("f", O_RDWR));
    struct stat st;
    TRY(fallocate(fd, 0, 0, 100));
    MUST(fstat(fd, &st));
    say("%ld", (long)st.st_size);
    TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8192));
    MUST(fstat(fd, &st));
    say("%ld", (long)st.st_size);
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 3));
    show_file("f");
    TRY(fallocate(fd, 0, -1, 5));
    TRY(fallocate(fd, 0, 0, 0));
    TRY(fallocate(99, 0, 0, 1));
    TRY(posix_fallocate(fd, 0, 200));
    TRY(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
    return 0;
}

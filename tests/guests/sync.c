// SPDX-License-Identifier: GPL-2.0-only
/* sync.c: fsync and its relatives say yes where they should */
// also: preload
#include "guest.h"

int main(void)
{
    make_file("f", "x");
    int fd = (int)MUST(open("f", O_RDWR)), p[2];
    TRY(fsync(fd));
    TRY(fdatasync(fd));
    TRY(syncfs(fd));
    TRY(sync_file_range(fd, 0, 1, SYNC_FILE_RANGE_WRITE));
    MUST(pipe(p));
    TRY(fsync(p[0]));
    TRY(fsync(99));
    sync();
    TRY(readahead(fd, 0, 10));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* statx.c: stat in all its forms agrees with itself */
// also: preload
#include "guest.h"

int main(void)
{
    struct stat st;
    struct statx x;
    make_file("f", "hello");
    MUST(chmod("f", 0640));
    MUST(symlink("f", "s"));
    TRY(stat("f", &st));
    TRY(statx(AT_FDCWD, "f", 0, STATX_ALL, &x));
    CHECK(st.st_ino == x.stx_ino && st.st_size == (off_t)x.stx_size && st.st_mode == x.stx_mode && st.st_nlink == x.stx_nlink);
    say("%o %ld %u", x.stx_mode, (long)x.stx_size, x.stx_nlink);
    TRY(lstat("s", &st));
    say("%o %ld", st.st_mode & S_IFMT, (long)st.st_size);
    int fd = (int)MUST(open("f", O_RDONLY));
    TRY(fstat(fd, &st));
    CHECK(st.st_ino == x.stx_ino);
    TRY(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    TRY(statx(fd, "", 0, STATX_SIZE, &x));
    TRY(fstatat(AT_FDCWD, "s", &st, 0));
    CHECK(st.st_ino == x.stx_ino);
    TRY(fstatat(AT_FDCWD, "", &st, 0));
    TRY(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
    CHECK(S_ISDIR(st.st_mode));
    TRY(stat("/dev/null", &st));
    CHECK(S_ISCHR(st.st_mode));
    TRY(stat("none", &st));
    TRY(stat("f/x", &st));
    TRY(fstat(99, &st));
    TRY(stat("f", (struct stat *)8));
    TRY(fstat(1, &st));
    TRY(statx(AT_FDCWD, "f", 0x80000000u >> 4, STATX_ALL, &x));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* utimens.c: times of files: set, now, omit, wrong */
// also: preload
#include "guest.h"

#include <utime.h>

int main(void)
{
    make_file("f", "x");
    MUST(symlink("f", "s"));
    struct stat st;
    struct timespec t[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
    TRY(utimensat(AT_FDCWD, "f", t, 0));
    MUST(stat("f", &st));
    say("%ld.%09ld %ld.%09ld", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    t[0].tv_nsec = UTIME_OMIT;
    t[1].tv_sec = 5;
    t[1].tv_nsec = 6;
    TRY(utimensat(AT_FDCWD, "f", t, 0));
    MUST(stat("f", &st));
    say("%ld.%09ld %ld.%09ld", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    t[0].tv_nsec = 7;
    t[0].tv_sec = 77;
    TRY(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
    MUST(lstat("s", &st));
    say("%ld.%09ld", st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    int fd = (int)MUST(open("f", O_RDONLY));
    TRY(futimens(fd, t));
    MUST(fstat(fd, &st));
    say("%ld.%09ld", st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    struct timeval tv[2] = {{10, 20}, {30, 40}};
    TRY(utimes("f", tv));
    MUST(fstat(fd, &st));
    say("%ld.%09ld", st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    struct utimbuf old = {50, 60};
    TRY(utime("f", &old));
    MUST(fstat(fd, &st));
    say("%ld %ld", st.st_atim.tv_sec, st.st_mtim.tv_sec);
    t[0].tv_nsec = 2000000000;
    TRY(utimensat(AT_FDCWD, "f", t, 0));
    TRY(utimensat(AT_FDCWD, "none", NULL, 0));
    TRY(utimensat(AT_FDCWD, "f", NULL, 0));
    MUST(fstat(fd, &st));
    CHECK(labs(time(NULL) - st.st_mtim.tv_sec) < 5);
    return 0;
}

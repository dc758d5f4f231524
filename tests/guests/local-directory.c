// SPDX-License-Identifier: GPL-2.0-only
/* local-directory.c: what is no directory is no place to start from, whichever side it is at home on */
#include "guest.h"

#include <sys/syscall.h>

int main(void)
{
    char *const argv[] = {"echo", NULL}, *const environment[] = {NULL};
    struct stat st;
    /* Descriptor 1 is a file of whoever started us, file is one of our own. */
    int file = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
    const int fds[] = {1, file};
    for (int i = 0; i < 2; i++) {
        CHECK(openat(fds[i], "f", O_RDONLY) < 0 && errno == ENOTDIR);
        CHECK(mkdirat(fds[i], "d", 0755) < 0 && errno == ENOTDIR);
        CHECK(unlinkat(fds[i], "f", 0) < 0 && errno == ENOTDIR);
        CHECK(fstatat(fds[i], "f", &st, 0) < 0 && errno == ENOTDIR);
        CHECK(fstatat(fds[i], "/", &st, 0) == 0 && S_ISDIR(st.st_mode));
        CHECK(fchdir(fds[i]) < 0 && errno == ENOTDIR);
        CHECK(syscall(SYS_execveat, fds[i], "bin/echo", argv, environment, 0) < 0 && errno == ENOTDIR);
    }
    return 0;
}

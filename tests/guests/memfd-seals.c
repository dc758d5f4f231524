// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* memfd-seals.c: memory files: mapped by several, resized, sealed, passed on; what seals refuse */
// also: preload
#include "guest.h"

int main(void)
{
    char text[20] = "";
    int fd = (int)MUST(memfd_create("shared", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    TRY(ftruncate(fd, 8192));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pid_t child = fork();
    if (child == 0) {
        strcpy(map + 5000, "by the child");
        _exit(0);
    }
    say_end("child", child);
    TRY(pread(fd, text, 12, 5000));
    say("%s %s", text, map + 5000);
    TRY(pwrite(fd, "written", 7, 5000));
    say("%s", map + 5000);
    TRY(fcntl(fd, F_GET_SEALS));
    TRY(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    TRY(ftruncate(fd, 4096));
    TRY(ftruncate(fd, 12288));
    TRY(pwrite(fd, "x", 1, 8192));
    memcpy(map, "last", 4);
    TRY(munmap(map, 8192));
    TRY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    TRY(fcntl(fd, F_GET_SEALS));
    TRY(pwrite(fd, "x", 1, 0));
    TRY(pread(fd, text, 4, 0));
    say("%.4s", text);
    map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    say("%s", map == MAP_FAILED ? error_name(errno) : "mapped");
    map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    say("%s", map == MAP_FAILED ? error_name(errno) : map);
    map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    say("%s", map == MAP_FAILED ? error_name(errno) : map);
    map[0] = 'L';
    TRY(pread(fd, text, 4, 0));
    say("%.4s %.4s", text, map);
    TRY(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    TRY(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    fd = (int)MUST(memfd_create("unsealable", MFD_CLOEXEC));
    TRY(fcntl(fd, F_GET_SEALS));
    TRY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    fd = (int)MUST(memfd_create("future", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    TRY(ftruncate(fd, 4096));
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(map, "still");
    TRY(pread(fd, text, 6, 0));
    TRY(munmap(map, 4096));
    TRY(fcntl(fd, F_ADD_SEALS, 0x10 /* F_SEAL_FUTURE_WRITE */));
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    say("%s", map == MAP_FAILED ? error_name(errno) : "mapped");
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    say("%s", map == MAP_FAILED ? error_name(errno) : map);
    TRY(mprotect(map, 4096, PROT_READ | PROT_WRITE));
    return 0;
}

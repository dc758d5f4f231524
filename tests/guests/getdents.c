// SPDX-License-Identifier: GPL-2.0-only
/* getdents.c: reading directories: big ones, with small buffers, seeking back, while names go */
// also: preload
#include "guest.h"

#include <sys/syscall.h>

int main(void)
{
    enum { COUNT = 700 };
    char name[64];
    MUST(mkdir("d", 0755));
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "d/file-with-a-longish-name-%04d", i);
        close((int)MUST(open(name, O_CREAT | O_WRONLY, 0644)));
    }
    DIR *dir = opendir("d");
    int seen = 0, again = 0, dots = 0;
    long sum = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            dots++;
            continue;
        }
        seen++;
        sum += atoi(entry->d_name + 24);
        if (entry->d_type != DT_REG)
            say("type of %s is %d", entry->d_name, entry->d_type);
    }
    say("%d names, %d dots, sum %ld", seen, dots, sum);
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL)
        again++;
    say("%d again", again);
    closedir(dir);
    int fd = (int)MUST(open("d", O_RDONLY | O_DIRECTORY));
    char small[16], buffer[256];
    TRY(syscall(SYS_getdents64, fd, small, sizeof small));
    int total = 0;
    for (;;) {
        long n = syscall(SYS_getdents64, fd, buffer, sizeof buffer);
        if (n <= 0) {
            say("end: %ld", n);
            break;
        }
        for (long at = 0; at < n; at += ((struct dirent64 *)(buffer + at))->d_reclen)
            total++;
    }
    say("%d in small steps", total);
    int file = (int)MUST(open("d/file-with-a-longish-name-0000", O_RDONLY));
    TRY(syscall(SYS_getdents64, file, buffer, sizeof buffer));
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "d/file-with-a-longish-name-%04d", i);
        MUST(unlink(name));
    }
    TRY(rmdir("d"));
    return 0;
}

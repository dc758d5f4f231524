// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* mmap-fork.c: a shared mapping is shared with a child, a private one is not */
#include "guest.h"

int main(void)
{
    make_file("f", "0123456789");
    int fd = (int)MUST(open("f", O_RDWR));
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *anonymous = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    private[9] = 'P';
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        shared[0] = 'S';
        private[1] = 'Q';
        anonymous[2] = 'A';
        _exit(0);
    }
    reap(child);
    say("%.10s %.10s %c", shared, private, anonymous[2]);
    TRY(munmap(shared, 4096));
    show_file("f");
    return 0;
}

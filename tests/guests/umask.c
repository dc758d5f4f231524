// SPDX-License-Identifier: GPL-2.0-only
/* umask.c: the mask on what is made, inherited, kept over exec */
// also: preload
#include "guest.h"

int main(void)
{
    umask(027);
    close((int)MUST(open("a", O_CREAT | O_WRONLY, 0666)));
    MUST(mkdir("d", 0777));
    say("%o", umask(0));
    close((int)MUST(open("b", O_CREAT | O_WRONLY, 0666)));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        umask(077);
        close((int)MUST(open("c", O_CREAT | O_WRONLY, 0666)));
        _exit(0);
    }
    reap(child);
    say("%o", umask(022));
    MUST(mknod("fifo", S_IFIFO | 0666, 0));
    child = (pid_t)MUST(fork());
    if (child == 0) {
        umask(0137);
        execl("/bin/sh", "sh", "-c", "umask; : >made-by-sh", NULL);
        _exit(9);
    }
    say_end("sh", child);
    list_tree(".");
    return 0;
}

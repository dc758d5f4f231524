// SPDX-License-Identifier: GPL-2.0-only
/* many-forks.c: sixty children at once, then two hundred one after another */
// also: tls preload
#include "guest.h"

int main(void)
{
    enum { CHILDREN = 60 };
    int p[2], sum = 0;
    MUST(pipe(p));
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = (pid_t)MUST(fork());
        if (child == 0) {
            unsigned char byte = (unsigned char)i;
            MUST(write(p[1], &byte, 1));
            _exit(i);
        }
    }
    int codes = 0, status;
    for (int i = 0; i < CHILDREN; i++) {
        unsigned char byte;
        MUST(read(p[0], &byte, 1));
        sum += byte;
    }
    while (wait(&status) > 0)
        codes += WEXITSTATUS(status);
    say("%d %d", sum, codes);
    codes = 0;
    for (int i = 0; i < 200; i++) {
        pid_t child = (pid_t)MUST(fork());
        if (child == 0)
            _exit(open("/work/none", O_RDONLY) < 0 ? i & 7 : 99);
        codes += WEXITSTATUS(reap(child));
    }
    say("%d", codes);
    return 0;
}

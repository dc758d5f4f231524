// SPDX-License-Identifier: GPL-2.0-only
/* stdin-reading.c: standard input is the user's: read to its end by the guest and by a child */
// stdin: first line\nsecond line\nthird\n
// also: preload
#include "guest.h"

int main(void)
{
    char line[64] = "", c;
    int n = 0;
    while (n < 63 && read(0, &c, 1) == 1 && c != '\n')
        line[n++] = c;
    say("%s", line);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/bin/cat", "cat", NULL);
        _exit(9);
    }
    say_end("cat", child);
    TRY(read(0, &c, 1));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* pipe-chain.c: data through a chain of eight processes */
// also: tls preload
#include "guest.h"

int main(void)
{
    int in = -1, p[2];
    for (int i = 0; i < 8; i++) {
        MUST(pipe(p));
        pid_t child = (pid_t)MUST(fork());
        if (child == 0) {
            close(p[0]);
            char line[64];
            ssize_t n = 0;
            if (in >= 0) {
                while (n < 63 && read(in, line + n, 1) == 1)
                    n++;
            }
            line[n++] = (char)('a' + i);
            MUST(write(p[1], line, (size_t)n));
            _exit(0);
        }
        if (in >= 0)
            close(in);
        close(p[1]);
        in = p[0];
    }
    char text[64] = "";
    TRY(read(in, text, sizeof text));
    say("%s", text);
    while (wait(NULL) > 0)
        ;
    say("%s", error_name(errno));
    return 0;
}

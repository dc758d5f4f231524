// SPDX-License-Identifier: GPL-2.0-only
/* orphan.c: a grandchild outlives its parent and is adopted */
// also: preload
#include "guest.h"

int main(void)
{
    int p[2];
    char text[64] = "";
    MUST(pipe(p));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent)
                usleep(1000);
            const char *said = getppid() == 1 ? "adopted by 1" : "adopted by another";
            MUST(write(p[1], said, strlen(said)));
            _exit(0);
        }
        _exit(0);
    }
    close(p[1]);
    say_end("child", child);
    TRY(read(p[0], text, sizeof text) > 0);
    say("%s", text);
    TRY(read(p[0], text, sizeof text));
    return 0;
}

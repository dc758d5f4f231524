// SPDX-License-Identifier: GPL-2.0-only
/* pipe-blocking.c: a reader waits for the writer, a writer for room, ends are seen */
// also: preload
#include "guest.h"

int main(void)
{
    int p[2];
    char text[16] = "";
    TRY(pipe(p));
    say("%d %d", p[0], p[1]);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        close(p[1]);
        TRY(read(p[0], text, sizeof text));
        say("child read %s", text);
        TRY(read(p[0], text, sizeof text));
        _exit(7);
    }
    close(p[0]);
    CHECK(wait_asleep(child));
    MUST(write(p[1], "hello", 5));
    close(p[1]);
    say_end("child", child);
    MUST(pipe(p));
    child = (pid_t)MUST(fork());
    if (child == 0) {
        static char big[200000];
        close(p[0]);
        TRY(write(p[1], big, sizeof big));
        _exit(0);
    }
    close(p[1]);
    CHECK(wait_asleep(child));
    long total = 0, n;
    static char sink[8192];
    while ((n = read(p[0], sink, sizeof sink)) > 0)
        total += n;
    say("%ld", total);
    say_end("child", child);
    return 0;
}

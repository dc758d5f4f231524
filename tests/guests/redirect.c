// SPDX-License-Identifier: GPL-2.0-only
/* redirect.c: standard output moved into a file and back, by the numbers a shell would use */
// also: preload
#include "guest.h"

int main(void)
{
    int saved = (int)TRY(fcntl(1, F_DUPFD, 10));
    int fd = (int)MUST(open("out", O_CREAT | O_WRONLY | O_TRUNC, 0644));
    MUST(dup2(fd, 1));
    MUST(close(fd));
    say("into the file");
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/bin/echo", "echo", "from a child", NULL);
        _exit(9);
    }
    reap(child);
    MUST(dup2(saved, 1));
    MUST(close(saved));
    say("back");
    show_file("out");
    int p[2];
    MUST(pipe(p));
    child = (pid_t)MUST(fork());
    if (child == 0) {
        dup2(p[1], 1);
        close(p[0]);
        close(p[1]);
        execl("/bin/sh", "sh", "-c", "echo piped; echo to stderr >&2; exit 3", NULL);
        _exit(9);
    }
    close(p[1]);
    char text[64] = "";
    TRY(read(p[0], text, sizeof text));
    say("%s", text);
    say_end("sh", child);
    TRY(close(2));
    TRY(write(2, "x", 1));
    list_tree(".");
    return 0;
}

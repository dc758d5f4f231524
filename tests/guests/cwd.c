// SPDX-License-Identifier: GPL-2.0-only
/* cwd.c: chdir, fchdir, getcwd, inherited and shared */
// also: preload
#include "guest.h"

int main(void)
{
    char text[PATH_MAX];
    MUST(mkdir("a", 0755));
    MUST(mkdir("a/b", 0755));
    say("%s", getcwd(text, sizeof text));
    TRY(chdir("a/b"));
    say("%s", getcwd(text, sizeof text));
    TRY(syscall(SYS_getcwd, text, 3));
    TRY(chdir("none"));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(chdir(".."));
        say("%s", getcwd(text, sizeof text));
        _exit(0);
    }
    say_end("child", child);
    say("%s", getcwd(text, sizeof text));
    int dir = (int)MUST(open("/", O_RDONLY | O_DIRECTORY));
    TRY(fchdir(dir));
    say("%s", getcwd(text, sizeof text));
    TRY(fchdir(1));
    TRY(chdir("/work/a"));
    make_file("here", "x");
    child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "pwd -P; ls", NULL);
        _exit(9);
    }
    say_end("sh", child);
    MUST(chdir("/work"));
    list_tree(".");
    return 0;
}

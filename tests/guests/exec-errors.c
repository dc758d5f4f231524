// SPDX-License-Identifier: GPL-2.0-only
/* exec-errors.c: what exec says of what cannot be executed */
#include "guest.h"

static void attempt(const char *path)
{
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        char *const argv[] = {"x", NULL};
        execve(path, argv, NULL);
        say("execve %s: %s", path, error_name(errno));
        _exit(0);
    }
    reap(child);
}

int main(void)
{
    make_file("data", "not a program\n");
    attempt("none");
    attempt("data");
    MUST(chmod("data", 0755));
    attempt("data");
    attempt(".");
    attempt("");
    attempt("data/x");
    make_file("empty", "");
    MUST(chmod("empty", 0755));
    attempt("empty");
    make_file("no-interpreter", "#!/none/such\n");
    MUST(chmod("no-interpreter", 0755));
    attempt("no-interpreter");
    make_file("truncated", "\177ELF\2\1\1");
    MUST(chmod("truncated", 0755));
    attempt("truncated");
    MUST(symlink("loop", "loop"));
    attempt("loop");
    static char *huge[40000];
    static char text[4097];
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 39999; i++)
        huge[i] = text;
    TRY(execve("/bin/true", huge, NULL));
    static char one[140000];
    memset(one, 'y', sizeof one - 1);
    char *const single[] = {one, NULL};
    TRY(execve("/bin/true", single, NULL));
    TRY(execve((char *)8, NULL, NULL));
    return 0;
}

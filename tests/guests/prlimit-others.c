// SPDX-License-Identifier: GPL-2.0-only
/* prlimit-others.c: limits of another process, of both sides: set, told, felt, inherited */
#include "guest.h"

static void show(pid_t pid, const char *what, int resource)
{
    struct rlimit limit;
    if (prlimit(pid, resource, NULL, &limit) < 0)
        say("%s: %s", what, error_name(errno));
    else
        say("%s: %ld %ld", what, (long)limit.rlim_cur, (long)limit.rlim_max);
}

static void child_part(int go)
{
    char c;
    MUST(read(go, &c, 1));
    show(0, "own nofile", RLIMIT_NOFILE);
    show(0, "own fsize", RLIMIT_FSIZE);
    show(0, "own data", RLIMIT_DATA);
    int last = -1, fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    say("last descriptor %d, %s", last, error_name(errno));
    struct rlimit more = {21, 21};
    TRY(setrlimit(RLIMIT_NOFILE, &more));
    signal(SIGXFSZ, SIG_IGN);
    close(last);
    fd = (int)MUST(open("f", O_CREAT | O_WRONLY, 0644));
    TRY(pwrite(fd, "xx", 2, (1 << 20) - 1));
    TRY(pwrite(fd, "x", 1, 1 << 20));
    CHECK(mmap(NULL, 1 << 26, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    pid_t grandchild = (pid_t)MUST(fork());
    if (grandchild == 0) {
        show(0, "inherited nofile", RLIMIT_NOFILE);
        show(getppid(), "parent's data", RLIMIT_DATA);
        _exit(0);
    }
    say_end("grandchild", grandchild);
    _exit(0);
}

int main(void)
{
    int go[2];
    MUST(pipe(go));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0)
        child_part(go[0]);
    struct rlimit limit = {15, 20}, old;
    TRY(prlimit(child, RLIMIT_NOFILE, &limit, &old));
    CHECK(old.rlim_cur > 20);
    show(child, "child's nofile", RLIMIT_NOFILE);
    limit = (struct rlimit){1 << 20, 1 << 21}; /* more than standard output, which may be a file, will have */
    TRY(prlimit(child, RLIMIT_FSIZE, &limit, NULL));
    limit = (struct rlimit){1 << 25, 1 << 26};
    TRY(prlimit(child, RLIMIT_DATA, &limit, NULL));
    show(child, "child's data", RLIMIT_DATA);
    limit = (struct rlimit){30, 20};
    TRY(prlimit(child, RLIMIT_NOFILE, &limit, NULL));
    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0 && old.rlim_cur > 20);
    MUST(write(go[1], "x", 1));
    say_end("child", child);
    show(child, "nobody", RLIMIT_NOFILE);
    TRY(prlimit(-1, RLIMIT_DATA, NULL, &old));
    return 0;
}

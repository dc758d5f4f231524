// SPDX-License-Identifier: GPL-2.0-only
/* unshare-kcmp.c: what processes share, what they stop sharing, and how they find out */
#include "guest.h"

#include <linux/kcmp.h>
#include <linux/sched.h>

#define KCMP(type, a, b) syscall(SYS_kcmp, getpid(), child, type, (unsigned long)(a), (unsigned long)(b))
/* Of different objects the order is anybody's. */
#define SAME(type, a, b) say(#type " %s", KCMP(type, a, b) == 0 ? "same" : KCMP(type, a, b) > 0 ? "different" : error_name(errno))

static int stage[2], back[2];
static char stack[65536] __attribute__((aligned(16)));

static void step(void)
{
    char c;
    MUST(write(back[1], "x", 1));
    MUST(read(stage[0], &c, 1));
}

static int sharing(void *argument)
{
    step();
    umask(0123);
    chdir("/");
    int fd = open("/dev/null", O_RDONLY);
    step();
    TRY(unshare(CLONE_FILES));
    close(fd);
    TRY(unshare(CLONE_FS));
    umask(0);
    chdir("/usr");
    step();
    return argument != NULL;
}

static void next(void)
{
    char c;
    MUST(read(back[0], &c, 1));
}

static void go(void) { MUST(write(stage[1], "x", 1)); }

static void *thread(void *argument)
{
    TRY(unshare(CLONE_THREAD));
    TRY(unshare(CLONE_FS));
    TRY(chdir("/"));
    return argument;
}

int main(void)
{
    char cwd[4096];
    MUST(pipe(stage));
    MUST(pipe(back));
    MUST(mkdir("here", 0755));
    MUST(chdir("here"));
    pid_t child = (pid_t)MUST(clone(sharing, stack + sizeof stack, CLONE_FS | CLONE_FILES | SIGCHLD, NULL));
    next();
    SAME(KCMP_VM, 0, 0);
    SAME(KCMP_FILES, 0, 0);
    SAME(KCMP_FS, 0, 0);
    SAME(KCMP_SIGHAND, 0, 0);
    SAME(KCMP_SYSVSEM, 0, 0);
    go();
    next();
    say("umask %03o, cwd %s", umask(0123), getcwd(cwd, sizeof cwd));
    int last = (int)MUST(open("/dev/null", O_RDONLY));
    close(last);
    CHECK(fcntl(last - 1, F_GETFD) == 0); /* the child's */
    go();
    next();
    CHECK(fcntl(last - 1, F_GETFD) == 0);
    say("umask %03o, cwd %s", umask(0), getcwd(cwd, sizeof cwd));
    SAME(KCMP_FILES, 0, 0);
    SAME(KCMP_FS, 0, 0);
    SAME(KCMP_FILE, stage[0], stage[0]);
    SAME(KCMP_FILE, stage[0], stage[1]);
    SAME(KCMP_FILE, 1, 1);
    SAME(KCMP_FILE, 1, stage[1]);
    SAME(KCMP_FILE, 1, 999);
    SAME(99, 0, 0);
    int copy = dup(stage[0]);
    CHECK(syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, copy, stage[0]) == 0);
    go();
    say_end("child", child);
    TRY(syscall(SYS_kcmp, getpid(), child, KCMP_VM, 0, 0));
    TRY(unshare(0));
    TRY(unshare(CLONE_SYSVSEM));
    TRY(unshare(CLONE_THREAD | CLONE_FS));
    TRY(unshare(1));
    TRY(unshare(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM));
    pthread_t id;
    MUST(chdir("/usr"));
    pthread_create(&id, NULL, thread, NULL);
    pthread_join(id, NULL);
    say("cwd %s", getcwd(cwd, sizeof cwd));
    return 0;
}

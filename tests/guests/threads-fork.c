// SPDX-License-Identifier: GPL-2.0-only
/* threads-fork.c: a thread forks; the child has it alone */
// also: preload
#include "guest.h"

static void *forker(void *unused)
{
    pid_t child = fork();
    if (child == 0) {
        int tasks = 0;
        DIR *dir = opendir("/proc/self/task");
        while (dir != NULL && readdir(dir) != NULL)
            tasks++;
        CHECK(gettid() == getpid());
        say("%d tasks", tasks - 2);
        make_file("by-child", "x");
        _exit(4);
    }
    say_end("child", child);
    return unused;
}
static int p[2];
static void *blocker(void *unused)
{
    char c;
    read(p[0], &c, 1);
    return unused;
}

int main(void)
{
    pthread_t a, b;
    MUST(pipe(p));
    pthread_create(&b, NULL, blocker, NULL);
    pthread_create(&a, NULL, forker, NULL);
    pthread_join(a, NULL);
    MUST(write(p[1], "x", 1));
    pthread_join(b, NULL);
    list_tree(".");
    return 0;
}

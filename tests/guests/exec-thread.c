// SPDX-License-Identifier: GPL-2.0-only
/* exec-thread.c: exec from a thread that is not the first: the others end, the pid stays */
// also: preload
#include "guest.h"

static void *sleeper(void *unused)
{
    char c;
    int p[2];
    if (pipe(p) == 0)
        read(p[0], &c, 1);
    return unused;
}

static void *executor(void *unused)
{
    execl("/bin/sh", "sh", "-c", "echo pid $(( $$ - PARENT )); ls /proc/$$/task | wc -l; exit 6", NULL);
    return unused;
}

int main(void)
{
    char text[16];
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        pthread_t threads[4];
        snprintf(text, sizeof text, "%d", getpid());
        setenv("PARENT", text, 1);
        for (int i = 0; i < 3; i++)
            pthread_create(&threads[i], NULL, sleeper, NULL);
        usleep(20000);
        pthread_create(&threads[3], NULL, executor, NULL);
        pthread_join(threads[3], NULL);
        _exit(9);
    }
    say_end("child", child);
    return 0;
}

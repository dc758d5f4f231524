// SPDX-License-Identifier: GPL-2.0-only
/* prlimit-races.c: the limit of descriptors of a process is set by another one while it is born, makes threads and executes: what was set last holds, and nothing of it is lost */
#include "guest.h"

#define ROUNDS 60
#define SETTINGS 12

static void *nothing(void *argument) { return argument; }

static bool is_limited_to(pid_t pid, rlim_t soft, rlim_t hard)
{
    struct rlimit limit;
    return prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0 && limit.rlim_cur == soft && limit.rlim_max == hard;
}

static int child_part(char *self, int go)
{
    char number[16];
    pthread_t thread;
    for (int i = 0; i < 2; i++)
        if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
            _exit(3);
    snprintf(number, sizeof number, "%d", go);
    execl(self, self, number, NULL);
    _exit(2);
}

/* Executed anew: wait until all has been set. */
static int executed(int go)
{
    char c;
    MUST(read(go, &c, 1));
    return is_limited_to(0, 20 + SETTINGS, 60) ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return executed(atoi(argv[1]));
    int misread = 0, failed = 0, ends[5] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        int go[2], status = 0;
        MUST(pipe(go));
        pid_t child = (pid_t)MUST(fork());
        if (child == 0)
            child_part(argv[0], go[0]);
        for (int i = 1; i <= SETTINGS; i++) {
            struct rlimit limit = {20 + (rlim_t)i, 60};
            failed += prlimit(child, RLIMIT_NOFILE, &limit, NULL) != 0;
            misread += !is_limited_to(child, limit.rlim_cur, 60);
        }
        MUST(write(go[1], "x", 1));
        MUST(waitpid(child, &status, 0));
        ends[WIFEXITED(status) && WEXITSTATUS(status) < 4 ? WEXITSTATUS(status) : 4]++;
        close(go[0]);
        close(go[1]);
    }
    say("%d not set, %d read wrong; children: %d as set, %d not so, %d not executed, %d without a thread, %d killed", failed, misread, ends[0], ends[1], ends[2], ends[3], ends[4]);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* exec-chain.c: a program that executes itself, with other arguments and environments */
// also: tls preload
#include "guest.h"

#include <sys/prctl.h>

int main(int argc, char **argv)
{
    char comm[17] = "";
    prctl(PR_GET_NAME, comm);
    if (argc > 1) {
        int n = atoi(argv[1]);
        say("%d %s %s env %s", n, argv[0], comm, getenv("STEP") != NULL ? getenv("STEP") : "none");
        if (n == 0)
            return 17;
        char number[16], env[32];
        snprintf(number, sizeof number, "%d", n - 1);
        snprintf(env, sizeof env, "STEP=%d", n);
        char *const next[] = {"a name of its own", number, NULL}, *const environment[] = {env, NULL};
        execve("/proc/self/exe", next, environment);
        say("execve: %s", error_name(errno));
        return 9;
    }
    pid_t before = getpid(), child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/proc/self/exe", argv[0] + 0, "5", NULL);
        _exit(9);
    }
    say_end("chain", child);
    CHECK(getpid() == before);
    return 0;
}

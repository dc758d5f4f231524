// SPDX-License-Identifier: GPL-2.0-only
/* prctl.c: names, death signals, dumpable, no_new_privs */
// also: preload
#include "guest.h"

#include <sys/prctl.h>

int main(void)
{
    char name[17] = "";
    TRY(prctl(PR_SET_NAME, "a-guest-by-name-too-long"));
    TRY(prctl(PR_GET_NAME, name));
    say("%s", name);
    int fd = (int)MUST(open("/proc/self/comm", O_RDONLY));
    memset(name, 0, sizeof name);
    MUST(read(fd, name, 16));
    say("%.15s", name);
    TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    int number = -1;
    TRY(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    TRY(prctl(PR_GET_PDEATHSIG, &number));
    say("%d", number);
    TRY(prctl(9999));
    TRY(prctl(PR_CAPBSET_READ, 1));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            pause();
        }
        usleep(10000);
        _exit(0);
    }
    say_end("child", child);
    TRY(prctl(PR_SET_CHILD_SUBREAPER, 1));
    child = (pid_t)MUST(fork());
    if (child == 0) {
        if (fork() == 0)
            _exit(33);
        _exit(0);
    }
    int codes = 0, status;
    while (wait(&status) > 0)
        codes += WEXITSTATUS(status);
    say("%d", codes);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* prctl-options.c: the options that programs use, each set, told and inherited */
// also: preload
#include "guest.h"

#include <linux/prctl.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
int prctl(int option, ...);

static void inherited(char *map)
{
    int number = -1;
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(prctl(PR_GET_TIMERSLACK));
        TRY(prctl(PR_GET_PDEATHSIG, &number));
        say("%d", number);
        TRY(prctl(PR_GET_CHILD_SUBREAPER, &number));
        say("%d", number);
        TRY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
        if (prctl(PR_SET_MDWE, 1, 0, 0, 0) == 0) { /* Linux 6.3 */
            TRY(prctl(PR_GET_MDWE, 0, 0, 0, 0));
            TRY(mprotect(map, 4096, PROT_READ | PROT_EXEC));
            TRY(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        }
        TRY(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
        TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
        _exit(0);
    }
    say_end("child", child);
}

int main(void)
{
    int number = -1;
    TRY(prctl(PR_GET_DUMPABLE));
    TRY(prctl(PR_SET_DUMPABLE, 0));
    TRY(prctl(PR_GET_DUMPABLE));
    TRY(prctl(PR_SET_DUMPABLE, 7));
    TRY(prctl(PR_SET_DUMPABLE, 1));
    TRY(prctl(PR_GET_KEEPCAPS));
    TRY(prctl(PR_SET_KEEPCAPS, 1));
    TRY(prctl(PR_GET_KEEPCAPS));
    TRY(prctl(PR_SET_KEEPCAPS, 2));
    TRY(prctl(PR_SET_KEEPCAPS, 0));
    TRY(prctl(PR_SET_TIMERSLACK, 77777));
    TRY(prctl(PR_GET_TIMERSLACK));
    TRY(prctl(PR_SET_CHILD_SUBREAPER, 1));
    TRY(prctl(PR_GET_CHILD_SUBREAPER, &number));
    say("%d", number);
    TRY(prctl(PR_SET_PDEATHSIG, 99));
    TRY(prctl(PR_SET_PDEATHSIG, SIGUSR2));
    TRY(prctl(PR_GET_PDEATHSIG, &number));
    say("%d", number);
    TRY(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    TRY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    TRY(prctl(PR_GET_TSC, &number));
    say("%d", number);
    TRY(prctl(PR_GET_ENDIAN, &number));
    TRY(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    TRY(prctl(PR_SET_NAME, 8));
    TRY(prctl(PR_SET_SECCOMP, 77));
    TRY(prctl(PR_GET_SECUREBITS));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0));
    TRY(prctl(PR_CAPBSET_READ, 99));
    TRY(prctl(PR_SET_MM, PR_SET_MM_START_CODE, 4096, 0, 0));
    TRY(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long named = prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, map, 8192, "a name");
    if (named == 0) {
        static char text[65536];
        int fd = open("/proc/self/maps", O_RDONLY);
        for (ssize_t n = 0, got; (got = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0; n += got)
            ;
        CHECK(strstr(text, "[anon:a name]") != NULL);
    }
    inherited(map);
    return 0;
}

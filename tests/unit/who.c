/* SPDX-License-Identifier: GPL-2.0-only */
/* who.c: the kinds of user that make sandboxes. */
#include "tests/unit/who.h"

#include "sandbox/sandbox.h"

#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDINARY_ID 12345

const char *const who_names[] = {"root", "ordinary", "nested"};

int who_count(void)
{
    return geteuid() == 0 ? 3 : 1;
}

void who_become(enum who who)
{
    if (who == WHO_ROOT)
        return;
    if (setgroups(0, NULL) < 0 || setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) < 0 || setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) < 0)
        _exit(1);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* as after an execution: /proc/PID belongs to the user again */
    if (who == WHO_ORDINARY)
        return;
    struct rsys_error *err = NULL;
    int ready[2];
    if (pipe(ready) < 0)
        _exit(1);
    pid_t target = getpid(), helper = fork();
    if (helper == 0) {
        char byte;
        close(ready[1]);
        (void)!read(ready[0], &byte, 1);
        _exit(rsys_sandbox_write_maps(target, 0, ORDINARY_ID, 0, ORDINARY_ID, 1, &err) < 0);
    }
    int status;
    if (unshare(CLONE_NEWUSER) < 0 || close(ready[1]) < 0 || waitpid(helper, &status, 0) < 0 || status != 0)
        _exit(1);
    close(ready[0]);
}

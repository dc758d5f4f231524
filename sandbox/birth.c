/* SPDX-License-Identifier: GPL-2.0-only */
/* birth.c: the sandbox's first process comes into being: its namespaces, and on whose account it lives.
 *
 * The kernel counts what a user namespace's processes have (processes, inotify instances, message queues, locked memory, further namespaces) for the user
 * inside, and once more for the user who made the namespace, and so on upwards (kernel/ucount.c); each level has its limit.  A namespace that root makes counts for
 * root: then all sessions share root's 128 inotify instances with the machine's own services, and no limit of processes holds for a session as a whole, because it holds
 * for each user inside.  So the session process is the first of the session's own outside ids for the moment of the birth: the session is then a user of its own to the kernel,
 * and RLIMIT_NPROC, as it is at that moment, bounds all its processes together, whatever ids they have (since Linux 5.14).  Who may map no range of ids
 * is that user anyway.
 *
 * Its control group is where it begins: nothing of it is ever counted elsewhere. */
#include "sandbox/internal.h"

#include "sandbox/group.h"
#include "src/core/util.h"

#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct self {
    uid_t real, effective, saved;
    struct rlimit processes;
    int death_signal; /* the kernel forgets it with every change of credentials */
};

/* Be the session's user, but for files: what is still to be opened is the server's. */
static int become_owner(const struct rsys_sandbox_start *start, struct self *self, struct rsys_error **err)
{
    if (getresuid(&self->real, &self->effective, &self->saved) < 0 || getrlimit(RLIMIT_NPROC, &self->processes) < 0 ||
        prctl(PR_GET_PDEATHSIG, &self->death_signal) < 0)
        return rsys_error_make(err, errno, "stage namespaces: look at our own ids and limits");
    struct rlimit own = self->processes;
    if (start->spec->nproc != 0)
        own.rlim_cur = RSYS_MIN((rlim_t)start->spec->nproc, own.rlim_max);
    if (setrlimit(RLIMIT_NPROC, &own) < 0 || setresuid(start->outside_uid, start->outside_uid, self->effective) < 0)
        return rsys_error_make(err, errno, "stage namespaces: become the session's user %u", start->outside_uid);
    setfsuid(self->effective);
    return 0;
}

static int become_again(const struct self *self, struct rsys_error **err)
{
    if (setresuid(self->effective, self->effective, self->effective) < 0 || setresuid(self->real, self->effective, self->saved) < 0 ||
        setrlimit(RLIMIT_NPROC, &self->processes) < 0 || prctl(PR_SET_PDEATHSIG, self->death_signal, 0, 0, 0) < 0)
        return rsys_error_make(err, errno, "stage namespaces: become user %u again", self->effective);
    return 0;
}

/* As fork(2) with flags.  clone3(2) alone can begin in a group; all flags are old enough for clone(2), which containers allow whose filter answers ENOSYS to
 * clone3(2): then the child, which waits for our word, is moved before it gets it. */
static pid_t clone_into(uint64_t flags, int group_fd)
{
    struct clone_args args = {.flags = flags | CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)group_fd};
    pid_t pid = group_fd >= 0 ? (pid_t)syscall(SYS_clone3, &args, sizeof args) : -1;
    if (group_fd >= 0 && (pid >= 0 || (errno != ENOSYS && errno != EPERM)))
        return pid;
    pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid <= 0 || group_fd < 0)
        return pid;
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    if (sandbox_group_write(group_fd, "cgroup.procs", text) == 0)
        return pid;
    int code = errno;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    errno = code;
    return -1;
}

pid_t sandbox_birth(const struct rsys_sandbox_start *start, bool privileged, struct rsys_error **err)
{
    struct self self;
    if (privileged && become_owner(start, &self, err) < 0)
        return -1;
    uint64_t flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS; /* the cgroup namespace: stage_ids */
    if (start->spec->network != RSYS_NETWORK_HOST)
        flags |= CLONE_NEWNET;
    pid_t pid = clone_into(flags, start->group_fd);
    int code = errno;
    if (pid == 0)
        return 0;
    if (privileged && become_again(&self, err) < 0) {
        if (pid > 0)
            kill(pid, SIGKILL); /* nobody goes on after this: the caller ends, and it is reaped with it */
        return -1;
    }
    if (pid < 0 && start->group_fd >= 0 && (code == EBUSY || code == EACCES || code == ENOENT))
        return rsys_error_make(err, code, "stage namespaces: begin in the session's control group");
    return pid < 0 ? rsys_sandbox_explain_userns(code, err) : pid;
}

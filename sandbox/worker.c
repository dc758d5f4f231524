/* SPDX-License-Identifier: GPL-2.0-only */
/* worker.c: a process that only computes, and moves bytes between descriptors that it holds or is sent.
 *
 * In stages: a root with nothing in it, the ids of nobody, no descriptor but those it is to keep, limits, no capabilities and none to be had, the calls that are
 * left.  What holds then, whoever has taken it over: it opens, connects, executes and signals nothing. */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define NOBODY 65534
#define MEMORY_MAX (512ul << 20)
#ifndef SOL_TLS
#define SOL_TLS 282
#endif

static int stage_root(struct rsys_error **err)
{
    /* As root without another user namespace, which an administrator may have forbidden to the ids that we take below. */
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return rsys_sandbox_explain_userns(errno, err);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return rsys_error_make(err, errno, "stage root: make all mounts private");
    RSYS_AUTO_FD empty = sandbox_tmpfs(4096, 0555, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
    if (empty < 0)
        return -1;
    if (move_mount(empty, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(empty) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
        umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 || chroot(".") < 0)
        return rsys_error_make(err, errno, "stage root: enter an empty one");
    return 0;
}

/* Where there are other ids than our own. */
static int stage_ids(struct rsys_error **err)
{
    if (geteuid() != 0)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return errno == EINVAL || errno == EPERM ? 0 : rsys_error_make(err, errno, "stage ids: become nobody");
    return 0;
}

static int stage_descriptors(const int *keep, size_t count, struct rsys_error **err)
{
    unsigned from = 3;
    for (size_t i = 0; i < count; i++) {
        if ((unsigned)keep[i] > from)
            (void)syscall(SYS_close_range, from, (unsigned)keep[i] - 1, 0);
        from = RSYS_MAX(from, (unsigned)keep[i] + 1);
    }
    return syscall(SYS_close_range, from, ~0u, 0) < 0 ? rsys_error_make(err, errno, "stage descriptors: close those that are not needed") : 0;
}

static int stage_limits(struct rsys_error **err)
{
    const struct rlimit none = {0, 0}, memory = {MEMORY_MAX, MEMORY_MAX};
    struct rlimit files;
    if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0)
        return rsys_error_make(err, errno, "stage limits");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max = RSYS_MIN(files.rlim_max, (rlim_t)8192);
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
#ifndef __SANITIZE_ADDRESS__ /* its shadow counts */
    struct rlimit had;
    if (getrlimit(RLIMIT_DATA, &had) == 0 && had.rlim_max > MEMORY_MAX && setrlimit(RLIMIT_DATA, &memory) < 0)
        return rsys_error_make(err, errno, "stage limits: RLIMIT_DATA");
#else
    (void)memory;
#endif
    return 0;
}

/* The calls that are left, each with what it is for. */
static const int calls[] = {
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), /* sockets that it has */
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
    SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(lseek), /* the keys' memfd */
    SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(shutdown), SCMP_SYS(dup2),
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), /* memory; mmap and mprotect below */
    SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrusage), /* what a library asks for */
    SCMP_SYS(sched_yield), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(sigaltstack),
    SCMP_SYS(exit), SCMP_SYS(exit_group),
};

static int stage_seccomp(struct rsys_error **err)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int code = context == NULL ? -ENOMEM : 0;
    for (size_t i = 0; code == 0 && i < RSYS_ARRAY_SIZE(calls); i++)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, calls[i], 0);
    /* Memory is never executable; what is asked for files finds none. */
    static const int maps[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    for (size_t i = 0; code == 0 && i < RSYS_ARRAY_SIZE(maps); i++)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, maps[i], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    static const int names[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(newfstatat), SCMP_SYS(access), SCMP_SYS(readlink)};
    for (size_t i = 0; code == 0 && i < RSYS_ARRAY_SIZE(names); i++)
        code = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOENT), names[i], 0);
    /* A connection's keys, for the kernel to encrypt with. */
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2, SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP), SCMP_A2(SCMP_CMP_EQ, TCP_ULP));
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 1, SCMP_A1(SCMP_CMP_EQ, SOL_TLS));
    if (code == 0)
        code = seccomp_load(context);
    seccomp_release(context);
    return code < 0 ? rsys_error_make(err, -code, "stage seccomp: the filter of a process that only computes") : 0;
}

int rsys_sandbox_confine_worker(const char *name, const int *keep, size_t count, struct rsys_error **err)
{
    RSYS_AUTO_FD null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return rsys_error_make(err, errno, "open /dev/null");
    prctl(PR_SET_NAME, name);
    /* A session of its own: the terminal's signals and stops are for others. */
    (void)setsid();
    /* The bounding set is emptied while there is the capability to do it with, which goes with the ids. */
    if (stage_root(err) < 0 || sandbox_drop_bounding(0, err) < 0 || stage_ids(err) < 0)
        return -1;
    if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
        return rsys_error_make(err, errno, "stage descriptors: leave the standard ones");
    rsys_close(rsys_fd_steal(&null_fd));
    if (stage_descriptors(keep, count, err) < 0 || stage_limits(err) < 0 || rsys_sandbox_drop_capabilities(0, err) < 0)
        return -1;
    /* Another process of the same ids looks into none of its memory; and it goes with whoever started it (changing ids has cleared that). */
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return rsys_error_make(err, errno, "stage ids: become non-dumpable");
    /* What fails up to here is told there. */
    if (stage_seccomp(err) < 0)
        return -1;
    (void)dup2(STDIN_FILENO, STDERR_FILENO);
    return 0;
}

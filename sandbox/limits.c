/* SPDX-License-Identifier: GPL-2.0-only */
/* limits.c: resource limits, and the sysctls of a user namespace. */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

/* Room above L: the executor's fixed descriptors and the channels of one process' threads.  At least as many as server/executor/executor.h asks for. */
#define ROOM_MIN 1024u
#define ROOM_MAX 16384u
#define NOFILE_MIN 64u

int rsys_sandbox_nofile(const struct rsys_sandbox_spec *spec, uint32_t *ret_nofile, struct rsys_error **err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return rsys_error_make(err, errno, "stage limits: read RLIMIT_NOFILE");
    if (limit.rlim_max < ROOM_MIN + NOFILE_MIN + 16)
        return rsys_error_make(err, 0, "stage limits: the hard limit on open files is %llu: raise it to at least %u (ulimit -Hn, LimitNOFILE=)",
                               (unsigned long long)limit.rlim_max, ROOM_MIN + NOFILE_MIN + 16);
    uint64_t most = RSYS_MIN((uint64_t)limit.rlim_max, (uint64_t)1 << 30) - ROOM_MIN - 16;
    uint64_t wanted = RSYS_MAX(spec->nofile, NOFILE_MIN);
    *ret_nofile = (uint32_t)RSYS_MIN(wanted, most);
    return 0;
}

int sandbox_limit_nofile(uint64_t soft, struct rsys_error **err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return rsys_error_make(err, errno, "stage limits: read RLIMIT_NOFILE");
    limit.rlim_max = RSYS_MIN((uint64_t)limit.rlim_max, soft + ROOM_MAX);
    limit.rlim_cur = soft;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return rsys_error_make(err, errno, "stage limits: set RLIMIT_NOFILE to %llu", (unsigned long long)soft);
    return 0;
}

int sandbox_limits(const struct rsys_sandbox_spec *spec, struct rsys_error **err)
{
    /* An executor's core would be the daemon's machine's business, not the guest's: the guest's own core is the client's. */
    const struct {
        int resource;
        const char *name;
        uint64_t value;
        bool set;
    } limits[] = {
        {RLIMIT_CORE, "RLIMIT_CORE", 0, true},
        {RLIMIT_NPROC, "RLIMIT_NPROC", spec->nproc, spec->nproc != 0},
        {RLIMIT_FSIZE, "RLIMIT_FSIZE", spec->fsize, spec->fsize != 0},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(limits); i++) {
        struct rlimit limit;
        if (!limits[i].set)
            continue;
        if (getrlimit((__rlimit_resource_t)limits[i].resource, &limit) < 0)
            return rsys_error_make(err, errno, "stage limits: read %s", limits[i].name);
        /* Never more than our own: raising a hard limit takes CAP_SYS_RESOURCE outside. */
        limit.rlim_max = limit.rlim_cur = RSYS_MIN((uint64_t)limit.rlim_max, limits[i].value);
        if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) < 0)
            return rsys_error_make(err, errno, "stage limits: set %s", limits[i].name);
    }
    return 0;
}

int sandbox_no_more_namespaces(int proc_fd, struct rsys_error **err)
{
    /* namespaces(7): these count per user namespace, the ones below included.  A user namespace would be the way to all capabilities inside it, and so
     * to kernel code that nobody else reaches; the others need CAP_SYS_ADMIN, which a policy may have given. */
    static const char *const kinds[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(kinds); i++) {
        char path[64];
        snprintf(path, sizeof path, "sys/user/max_%s_namespaces", kinds[i]);
        RSYS_AUTO_FD fd = openat(proc_fd, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue; /* the kernel has no such namespaces */
        if (fd < 0 || write(fd, "0", 1) != 1)
            return rsys_error_make(err, errno, "stage limits: write 0 to /proc/%s", path);
    }
    return 0;
}

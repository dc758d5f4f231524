/* SPDX-License-Identifier: GPL-2.0-only */
/* group.c: the control group of one session: made with its limits before its first process is in it, removed when the last one is gone. */
#include "sandbox/group.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#define TRIES 100       /* for a name: another's sweep may take what is not locked yet */
#define CPU_PERIOD 100000u /* microseconds; the kernel's own default */
#define REMOVE_MS 2000  /* the kernel counts a process in its group for a moment after it could be waited for */

static int set(const struct rsys_cgroup *group, const char *file, const char *text, struct rsys_error **err)
{
    if (sandbox_group_write(group->fd, file, text) == 0)
        return 0;
    const char *hint = "";
    if (errno == ENOENT && strncmp(file, "memory.swap", 11) == 0)
        hint = " (the kernel does not count swap: boot it with swapaccount=1, or leave \"swap\" out)";
    return rsys_error_make(err, errno, "stage group: write \"%s\" to %s of the session's control group%s", text, file, hint);
}

static int set_number(const struct rsys_cgroup *group, const char *file, uint64_t number, struct rsys_error **err)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return set(group, file, text, err);
}

/* The whole disk that a path's file system is on, or that the path is, or is a partition of. */
static int disk_of(const char *path, unsigned *ret_major, unsigned *ret_minor, struct rsys_error **err)
{
    struct stat status;
    char name[96], text[32];
    if (stat(path, &status) < 0)
        return rsys_error_make(err, errno, "stage group: the disk of %s (limits.io)", path);
    dev_t device = S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev;
    *ret_major = major(device);
    *ret_minor = minor(device);
    snprintf(name, sizeof name, "/sys/dev/block/%u:%u/partition", *ret_major, *ret_minor);
    if (access(name, F_OK) == 0) {
        snprintf(name, sizeof name, "/sys/dev/block/%u:%u/../dev", *ret_major, *ret_minor);
        if (sandbox_group_read(AT_FDCWD, name, text, sizeof text) < 0 || sscanf(text, "%u:%u", ret_major, ret_minor) != 2)
            return rsys_error_make(err, errno, "stage group: the disk of the partition %s (limits.io)", path);
    }
    if (*ret_major == 0)
        return rsys_error_make(err, 0, "stage group: %s is on no disk of its own (limits.io): name the disk, as /dev/vda", path);
    return 0;
}

static void add_rate(char *text, size_t size, const char *key, uint64_t rate)
{
    if (rate != 0)
        snprintf(text + strlen(text), size - strlen(text), " %s=%" PRIu64, key, rate);
}

static int set_io(const struct rsys_cgroup *group, const struct rsys_io_spec *io, struct rsys_error **err)
{
    unsigned major_number, minor_number;
    char text[200];
    if (disk_of(io->device, &major_number, &minor_number, err) < 0)
        return -1;
    snprintf(text, sizeof text, "%u:%u", major_number, minor_number);
    add_rate(text, sizeof text, "rbps", io->read_bytes);
    add_rate(text, sizeof text, "wbps", io->write_bytes);
    add_rate(text, sizeof text, "riops", io->read_ops);
    add_rate(text, sizeof text, "wiops", io->write_ops);
    return set(group, "io.max", text, err);
}

static int set_limits(const struct rsys_cgroup *group, const struct rsys_group_spec *spec, struct rsys_error **err)
{
    char text[64];
    /* One executor killed alone would be a guest that has ended for no reason of its own: all of them go, and the session says why. */
    if (spec->memory != 0 && (set_number(group, "memory.max", spec->memory, err) < 0 || set(group, "memory.oom.group", "1", err) < 0))
        return -1;
    /* What is swapped out is memory too: without a word it counts as none. */
    if (spec->has_swap && set_number(group, "memory.swap.max", spec->swap, err) < 0)
        return -1;
    if (!spec->has_swap && spec->memory != 0 && sandbox_group_write(group->fd, "memory.swap.max", "0") < 0 && errno != ENOENT)
        return rsys_error_make(err, errno, "stage group: write \"0\" to memory.swap.max of the session's control group");
    snprintf(text, sizeof text, "%" PRIu64 " %u", (uint64_t)spec->cpu * CPU_PERIOD / 100, CPU_PERIOD);
    if (spec->cpu != 0 && set(group, "cpu.max", text, err) < 0)
        return -1;
    if (spec->pids != 0 && set_number(group, "pids.max", spec->pids, err) < 0)
        return -1;
    for (size_t i = 0; i < spec->ios; i++)
        if (set_io(group, &spec->io[i], err) < 0)
            return -1;
    return 0;
}

int rsys_cgroup_make(const struct rsys_cgroups *groups, const struct rsys_group_spec *spec, struct rsys_cgroup *ret, struct rsys_error **err)
{
    struct rsys_cgroup group = {.fd = -1, .groups = groups};
    for (unsigned n = 0; n < TRIES && group.fd < 0; n++) {
        snprintf(group.name, sizeof group.name, "rsys-session-%d-%u", (int)getpid(), n);
        if (mkdirat(rsys_cgroups_fd(groups), group.name, 0755) == 0)
            group.fd = sandbox_group_lock(rsys_cgroups_fd(groups), group.name);
        else if (errno != EEXIST)
            break;
    }
    if (group.fd < 0)
        return rsys_error_make(err, errno, "stage group: make a control group below %s", sandbox_groups_path(groups));
    if (set_limits(&group, spec, err) < 0) {
        rsys_cgroup_remove(&group);
        return -1;
    }
    *ret = group;
    return 0;
}

bool rsys_cgroup_ran_out(const struct rsys_cgroup *group)
{
    char text[1024];
    unsigned long kills = 0;
    if (group->fd < 0 || sandbox_group_read(group->fd, "memory.events", text, sizeof text) < 0)
        return false;
    const char *line = strstr(text, "\noom_kill ");
    return line != NULL && sscanf(line, "\noom_kill %lu", &kills) == 1 && kills > 0;
}

void rsys_cgroup_remove(struct rsys_cgroup *group)
{
    if (group->fd < 0)
        return;
    int dir = rsys_cgroups_fd(group->groups);
    for (unsigned waited = 0; unlinkat(dir, group->name, AT_REMOVEDIR) < 0 && errno == EBUSY && waited < REMOVE_MS; waited++) {
        (void)sandbox_group_write(group->fd, "cgroup.kill", "1");
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    close(rsys_fd_steal(&group->fd)); /* what could not be removed is nobody's now */
}

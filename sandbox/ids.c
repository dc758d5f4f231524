/* SPDX-License-Identifier: GPL-2.0-only */
/* ids.c: user and group ids of a new user namespace, and why there might be none. */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

static int write_file(const char *path, const char *text)
{
    RSYS_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int write_map(pid_t pid, const char *which, uint32_t inside, uint32_t outside, uint32_t range, struct rsys_error **err)
{
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, which);
    snprintf(text, sizeof text, "%u %u %u\n", inside, outside, range);
    if (write_file(path, text) < 0)
        return rsys_error_make(err, errno, "stage ids: map %u ids from %u inside to %u outside in %s", range, inside, outside, path);
    return 0;
}

int rsys_sandbox_write_maps(pid_t pid, uid_t inside_uid, uid_t outside_uid, gid_t inside_gid, gid_t outside_gid, uint32_t range,
                            struct rsys_error **err)
{
    /* A range is for the server's root only: it starts at 0 inside, so that the root's files have the owners that they have outside. */
    if (range > 1)
        inside_uid = inside_gid = 0;
    if (write_map(pid, "uid_map", inside_uid, outside_uid, RSYS_MAX(range, 1u), err) < 0)
        return -1;
    if (!sandbox_can_map_range(outside_uid, outside_gid, RSYS_MAX(range, 1u))) {
        /* user_namespaces(7): without CAP_SETGID outside, setgroups has to be given up before gid_map is written. */
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/setgroups", pid);
        if (write_file(path, "deny") < 0 && errno != ENOENT)
            return rsys_error_make(err, errno, "stage ids: write \"deny\" to %s", path);
    }
    return write_map(pid, "gid_map", inside_gid, outside_gid, RSYS_MAX(range, 1u), err);
}

/* Whether one line of the map holds [first, first + range). */
static bool map_covers(const char *path, uint64_t first, uint64_t range)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool covers = false;
    unsigned inside, outside, count;
    while (!covers && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3)
        covers = first >= inside && first + range <= (uint64_t)inside + count;
    fclose(file);
    return covers;
}

bool sandbox_can_map_range(uid_t first_uid, gid_t first_gid, uint32_t range)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    const uint32_t need = 1u << CAP_SETUID | 1u << CAP_SETGID;
    if (capget(&head, data) < 0 || (data[0].effective & need) != need)
        return false;
    return map_covers("/proc/self/uid_map", first_uid, range) && map_covers("/proc/self/gid_map", first_gid, range);
}

int rsys_sandbox_new_keyring(struct rsys_error **err)
{
    /* A session keyring goes with a fork, and whoever has it may use its keys.  A kernel without keyrings, or a container that forbids them, has
     * nothing to hide. */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM)
        return rsys_error_make(err, errno, "get a session keyring of our own (/proc/key-users tells what each user has)");
    return 0;
}

/* The first number in a sysctl's file, or fallback when there is no such sysctl. */
static long read_sysctl(const char *path, long fallback)
{
    long value = fallback;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fallback;
    if (fscanf(file, "%ld", &value) != 1)
        value = fallback;
    fclose(file);
    return value;
}

int rsys_sandbox_explain_userns(int code, struct rsys_error **err)
{
    const char *stage = "stage namespaces: cannot make a user namespace";
    if (read_sysctl("/proc/sys/user/max_user_namespaces", 1) == 0)
        return rsys_error_make(err, code, "%s: user.max_user_namespaces is 0: raise it (sysctl -w user.max_user_namespaces=10000)", stage);
    if (geteuid() != 0 && read_sysctl("/proc/sys/kernel/unprivileged_userns_clone", 1) == 0)
        return rsys_error_make(err, code, "%s: kernel.unprivileged_userns_clone is 0: set it to 1, or run this as root", stage);
    if (read_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 1)
        return rsys_error_make(err, code, "%s: AppArmor restricts them (kernel.apparmor_restrict_unprivileged_userns is 1): set it to 0, or "
                               "install an AppArmor profile for this program that has \"userns,\"", stage);
    if (code == ENOSPC || code == EUSERS)
        return rsys_error_make(err, code, "%s: a limit below /proc/sys/user is reached, or they are nested too deep", stage);
    if (code == EPERM)
        return rsys_error_make(err, code, "%s: in a chroot or a container that forbids it (seccomp, or user ids that are not mapped)?", stage);
    return rsys_error_make(err, code, "%s", stage);
}

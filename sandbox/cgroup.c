/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroup.c: the part of the tree of control groups that is ours: found, made ready, swept and left.
 *
 * Names below our group: rsys-daemon-PID (us), rsys-session-PID-N.  Whose they are is told by a lock (flock(2)) on each directory: it goes with its holder,
 * however that ends, so what a killed daemon leaves is known as nobody's.  (A sandbox's processes hold copies of the descriptor until they execute; they end with the session's process.) */
#include "sandbox/cgroup.h"

#include "sandbox/group.h"
#include "src/core/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define ADVICE                                                                                                                                       \
    "run rsys-sandboxd in a group that is its own: a service with Delegate=yes, or systemd-run [--user] --scope -p Delegate=yes rsys-sandboxd ...; or leave " \
    "such limits out of the policy"

struct rsys_cgroups {
    char path[PATH_MAX];
    int fd;             /* its directory */
    int leaf_fd;        /* where we have moved to, locked; -1: we are where we were */
    char leaf[64];
    unsigned enabled;   /* by us */
};

const char *const sandbox_controllers[] = {"memory", "cpu", "pids", "io", NULL};

/* ---- small files ---- */

int sandbox_group_write(int dir, const char *name, const char *text)
{
    RSYS_AUTO_FD fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

int sandbox_group_read(int dir, const char *name, char *text, size_t size)
{
    RSYS_AUTO_FD fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (n < 0)
        return -1;
    text[n] = 0;
    return 0;
}

/* A word of a line of words. */
static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += length)
        if ((at == text || at[-1] == ' ') && (at[length] == 0 || at[length] == ' ' || at[length] == '\n'))
            return true;
    return false;
}

static unsigned controllers_in(int dir, const char *name)
{
    char text[512];
    unsigned found = 0;
    if (sandbox_group_read(dir, name, text, sizeof text) < 0)
        return 0;
    for (unsigned i = 0; sandbox_controllers[i] != NULL; i++)
        if (has_word(text, sandbox_controllers[i]))
            found |= 1u << i;
    return found;
}

static unsigned controllers_needed(const struct rsys_group_spec *spec)
{
    return (unsigned)(spec->memory != 0 || spec->has_swap) | (unsigned)(spec->cpu != 0) << 1 | (unsigned)(spec->pids != 0) << 2 |
           (unsigned)(spec->ios != 0) << 3;
}

bool rsys_cgroup_wanted(const struct rsys_group_spec *spec) { return controllers_needed(spec) != 0; }

/* ---- where we are ---- */

/* Our group's path in the hierarchy of version 2, as our cgroup namespace shows it. */
static int own_group(char *path, size_t size)
{
    RSYS_AUTO_FREE char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    int result = -1;
    while (file != NULL && result < 0 && getline(&line, &room, file) > 0)
        if (strncmp(line, "0::/", 4) == 0) {
            line[strcspn(line, "\n")] = 0;
            result = snprintf(path, size, "%s", line + 3) < (int)size ? 0 : -1;
        }
    if (file != NULL)
        fclose(file);
    return result;
}

/* mountinfo writes space, tab, newline and backslash as \ooo (proc_pid_mountinfo(5)). */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != 0; to++) {
        unsigned value;
        if (from[0] == '\\' && sscanf(from + 1, "%3o", &value) == 1) {
            *to = (char)value;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = 0;
}

/* One line of mountinfo: when it shows our group, its path.  The path is longer than what is mounted by what its mount's root lacks. */
static bool mount_shows(char *line, const char *own, char *path, size_t size)
{
    char root[PATH_MAX], place[PATH_MAX];
    const char *type = strstr(line, " - ");
    if (type == NULL || strncmp(type, " - cgroup2 ", 11) != 0 || sscanf(line, "%*s %*s %*s %4095s %4095s", root, place) != 2)
        return false;
    unescape(root);
    unescape(place);
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(own, root, length) != 0 || (own[length] != '/' && own[length] != 0))
        return false;
    return snprintf(path, size, "%s%s", place, strcmp(own + length, "/") == 0 ? "" : own + length) < (int)size;
}

static int find_group(char *path, size_t size, struct rsys_error **err)
{
    char own[PATH_MAX];
    RSYS_AUTO_FREE char *line = NULL;
    size_t room = 0;
    bool found = false;
    if (own_group(own, sizeof own) < 0)
        return rsys_error_make(err, 0, "limits by control groups: this kernel has no cgroup version 2 (/proc/self/cgroup has no line 0::)");
    FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file != NULL && !found && getline(&line, &room, file) > 0)
        found = mount_shows(line, own, path, size);
    if (file != NULL)
        fclose(file);
    if (!found)
        return rsys_error_make(err, 0, "limits by control groups: no mount of cgroup version 2 shows our group, %s: mount one (mount -t cgroup2 cgroup2 /sys/fs/cgroup)", own);
    return 0;
}

/* ---- locks and removal ---- */

int sandbox_group_lock(int dir, const char *name)
{
    RSYS_AUTO_FD fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -1;
    return rsys_fd_steal(&fd);
}

/* Nobody's: kill what is in it (Linux 5.14; before, it is what PR_SET_PDEATHSIG has killed) and remove it. */
static bool remove_stale(int dir, const char *name)
{
    RSYS_AUTO_FD fd = sandbox_group_lock(dir, name);
    if (fd < 0)
        return true; /* somebody's, or gone */
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
        return true;
    (void)sandbox_group_write(fd, "cgroup.kill", "1");
    return unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool rsys_cgroups_sweep(const struct rsys_cgroups *groups)
{
    int again = groups != NULL ? openat(groups->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *directory = again >= 0 ? fdopendir(again) : NULL;
    bool clean = true;
    if (directory == NULL) {
        rsys_close(again);
        return true;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strncmp(entry->d_name, "rsys-session-", 13) == 0 || strncmp(entry->d_name, "rsys-daemon-", 12) == 0)
            clean = remove_stale(groups->fd, entry->d_name) && clean;
    closedir(directory);
    return clean;
}

/* ---- ours ---- */

static bool is_ours(pid_t pid)
{
    for (int depth = 0; pid > 1 && depth < 64; depth++) {
        char path[64], text[512];
        if (pid == getpid())
            return true;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        const char *end = sandbox_group_read(AT_FDCWD, path, text, sizeof text) == 0 ? strrchr(text, ')') : NULL;
        if (end == NULL || sscanf(end, ") %*c %d", &pid) != 1)
            return false;
    }
    return false;
}

/* Move ourselves, and what we have started, out of the group.  Other processes stay: they are not ours to move. */
static int move_out(struct rsys_cgroups *groups)
{
    if (groups->leaf_fd < 0) {
        snprintf(groups->leaf, sizeof groups->leaf, "rsys-daemon-%d", (int)getpid());
        if (mkdirat(groups->fd, groups->leaf, 0755) < 0 && errno != EEXIST)
            return -1;
        groups->leaf_fd = sandbox_group_lock(groups->fd, groups->leaf);
        if (groups->leaf_fd < 0)
            return -1;
    }
    int fd = openat(groups->fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (file == NULL)
        return -1;
    int pid;
    while (fscanf(file, "%d", &pid) == 1) {
        char text[16];
        snprintf(text, sizeof text, "%d", pid);
        if (is_ours(pid))
            (void)sandbox_group_write(groups->leaf_fd, "cgroup.procs", text);
    }
    fclose(file);
    return 0;
}

static int enable(struct rsys_cgroups *groups, unsigned wanted, struct rsys_error **err)
{
    unsigned missing = wanted & ~controllers_in(groups->fd, "cgroup.subtree_control");
    char text[64] = "";
    for (unsigned i = 0; sandbox_controllers[i] != NULL; i++)
        if ((missing & 1u << i) != 0)
            snprintf(text + strlen(text), sizeof text - strlen(text), "+%s ", sandbox_controllers[i]);
    if (missing == 0)
        return 0;
    int result = sandbox_group_write(groups->fd, "cgroup.subtree_control", text);
    if (result < 0 && errno == EBUSY && move_out(groups) == 0)
        result = sandbox_group_write(groups->fd, "cgroup.subtree_control", text);
    if (result < 0 && errno == EBUSY)
        return rsys_error_make(err, 0, "limits by control groups: other processes are in our group, %s: " ADVICE, groups->path);
    if (result < 0)
        return rsys_error_make(err, errno, "limits by control groups: enable %sfor groups below %s (%s)", text, groups->path, ADVICE);
    groups->enabled |= missing;
    return 0;
}

static struct rsys_cgroups *open_own(struct rsys_error **err)
{
    struct rsys_cgroups *groups = calloc(1, sizeof *groups);
    if (groups == NULL) {
        rsys_error_make(err, ENOMEM, "limits by control groups");
        return NULL;
    }
    groups->leaf_fd = groups->fd = -1;
    if (find_group(groups->path, sizeof groups->path, err) == 0) {
        groups->fd = open(groups->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (groups->fd >= 0)
            return groups;
        rsys_error_make(err, errno, "limits by control groups: open our group, %s", groups->path);
    }
    free(groups);
    return NULL;
}

int rsys_cgroups_prepare(struct rsys_cgroups **groups, const struct rsys_group_spec *spec, struct rsys_error **err)
{
    unsigned wanted = controllers_needed(spec);
    if (wanted == 0)
        return 0;
    struct rsys_cgroups *own = *groups != NULL ? *groups : open_own(err);
    if (own == NULL)
        return -1;
    unsigned lacking = wanted & ~controllers_in(own->fd, "cgroup.controllers");
    int result = 0;
    for (unsigned i = 0; sandbox_controllers[i] != NULL && result == 0; i++)
        if ((lacking & 1u << i) != 0)
            result = rsys_error_make(err, 0, "the policy's limits need the controller \"%s\", which our group, %s, has not got: " ADVICE, sandbox_controllers[i], own->path);
    if (result == 0)
        result = enable(own, wanted, err);
    if (result == 0 && *groups == NULL)
        (void)rsys_cgroups_sweep(own);
    if (result < 0 && *groups == NULL) {
        rsys_cgroups_close(own);
        return -1;
    }
    *groups = own;
    return result;
}

void rsys_cgroups_close(struct rsys_cgroups *groups)
{
    if (groups == NULL)
        return;
    (void)rsys_cgroups_sweep(groups);
    if (groups->leaf_fd >= 0) {
        /* Without the controllers its processes may be in it again; while others' groups need them this fails, and we stay. */
        char text[64] = "";
        for (unsigned i = 0; sandbox_controllers[i] != NULL; i++)
            if ((groups->enabled & 1u << i) != 0)
                snprintf(text + strlen(text), sizeof text - strlen(text), "-%s ", sandbox_controllers[i]);
        struct stat status;
        bool alone = fstat(groups->fd, &status) == 0 && status.st_nlink == 3; /* ".", its name, and our own group's ".." */
        if (alone && sandbox_group_write(groups->fd, "cgroup.subtree_control", text) == 0 && sandbox_group_write(groups->fd, "cgroup.procs", "0") == 0)
            (void)unlinkat(groups->fd, groups->leaf, AT_REMOVEDIR);
    }
    rsys_close(groups->leaf_fd);
    rsys_close(groups->fd);
    free(groups);
}

int rsys_cgroups_fd(const struct rsys_cgroups *groups) { return groups != NULL ? groups->fd : -1; }
const char *sandbox_groups_path(const struct rsys_cgroups *groups) { return groups->path; }

/* SPDX-License-Identifier: GPL-2.0-only */
/* dev.c: a minimal /dev. */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What every program may have: none of these keeps or leaks anything (Documentation/admin-guide/devices.txt). */
static const struct {
    const char *name;
    unsigned minor; /* of major 1, mem */
} nodes_of_dev[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};

static const char *const links_of_dev[][2] = {
    {"fd", "/proc/self/fd"},         {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};
/* pts stays empty, and tty is an empty file: guests' terminals are the client's (src/jail/terminal.c), and the names are here to be listed.  A device tty would
 * be the server's own terminal, should its daemon have one. */
static const char *const directories_of_dev[] = {"shm", "pts"};
#define TTY_OF_DEV "tty"

int sandbox_dev_fill(int dev_fd, bool nodes, uid_t uid, gid_t gid, struct rsys_error **err)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(nodes_of_dev); i++) {
        const char *name = nodes_of_dev[i].name;
        /* A socket or a FIFO would do as a mount point too; a regular file is what other tools use. */
        mode_t type = nodes ? S_IFCHR : S_IFREG;
        if (mknodat(dev_fd, name, type | 0666, nodes ? makedev(1, nodes_of_dev[i].minor) : 0) < 0 ||
            fchmodat(dev_fd, name, 0666, 0) < 0 || fchownat(dev_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
            return rsys_error_make(err, errno, "stage mounts: make /dev/%s", name);
    }
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(links_of_dev); i++) {
        const char *name = links_of_dev[i][0];
        if (symlinkat(links_of_dev[i][1], dev_fd, name) < 0 || fchownat(dev_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
            return rsys_error_make(err, errno, "stage mounts: make /dev/%s", name);
    }
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(directories_of_dev); i++) {
        const char *name = directories_of_dev[i];
        if (mkdirat(dev_fd, name, 0755) < 0 || fchmodat(dev_fd, name, 0755, 0) < 0 ||
            fchownat(dev_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
            return rsys_error_make(err, errno, "stage mounts: make /dev/%s", name);
    }
    if (mknodat(dev_fd, TTY_OF_DEV, S_IFREG | 0666, 0) < 0 || fchmodat(dev_fd, TTY_OF_DEV, 0666, 0) < 0 ||
        fchownat(dev_fd, TTY_OF_DEV, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return rsys_error_make(err, errno, "stage mounts: make /dev/" TTY_OF_DEV);
    return fchownat(dev_fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? rsys_error_make(err, errno, "stage mounts: give /dev its owner") : 0;
}

int sandbox_dev_bind(int dev_fd, struct rsys_error **err)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(nodes_of_dev); i++) {
        char path[32];
        snprintf(path, sizeof path, "/dev/%s", nodes_of_dev[i].name);
        RSYS_AUTO_FD node = sandbox_tree_copy(path);
        if (node < 0)
            return rsys_error_make(err, errno, "stage mounts: open the server's %s", path);
        struct stat st;
        if (fstat(node, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, nodes_of_dev[i].minor))
            return rsys_error_make(err, 0, "stage mounts: the server's %s is not the device of that name", path);
        if (move_mount(node, "", dev_fd, nodes_of_dev[i].name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return rsys_error_make(err, errno, "stage mounts: mount %s", path);
    }
    return 0;
}

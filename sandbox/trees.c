/* SPDX-License-Identifier: GPL-2.0-only */
/* trees.c: detached mounts: copies of the server's directories, and fresh tmpfs.
 *
 * When the server may map a range of ids (it is root), the copies are made with its own privileges, in its own mount namespace, and mapped: a file
 * that belongs to id n on the disk belongs to id n inside, and nothing inside ever acts with the id n of the server.  Read-only binds are not mapped.  An ordinary user's
 * sandbox makes the copies by itself, unmapped: its one id is the user's. */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

void sandbox_trees_init(struct sandbox_trees *trees)
{
    trees->root = SANDBOX_TREE_NONE;
    for (size_t i = 0; i < SANDBOX_MOUNTS_MAX; i++)
        trees->mount[i] = SANDBOX_TREE_NONE;
}

void sandbox_trees_close(struct sandbox_trees *trees)
{
    rsys_close(trees->root);
    for (size_t i = 0; i < SANDBOX_MOUNTS_MAX; i++)
        rsys_close(trees->mount[i]);
    sandbox_trees_init(trees);
}

int sandbox_tree_copy(const char *path)
{
    /* Recursive: in a user namespace a mount may not be copied without the mounts that are locked onto it (mount_namespaces(7)). */
    return open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

int sandbox_tree_attributes(int tree, uint64_t set, bool recursive)
{
    struct mount_attr attributes = {.attr_set = set};
    return mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes);
}

/* Map the tree's owners to userns_fd's ids.  File systems that cannot (overlayfs, procfs, FUSE before 6.12) stay as they are: their files then
 * show as nobody's, and only what others may do with them is allowed. */
static void map_tree(int tree, int userns_fd)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd};
    if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) < 0)
        (void)mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
}

int sandbox_trees_prepare(const struct rsys_sandbox_start *start, int userns_fd, struct sandbox_trees *trees, struct rsys_error **err)
{
    const struct rsys_sandbox_spec *spec = start->spec;
    if (spec->root != NULL) {
        trees->root = sandbox_tree_copy(spec->root);
        if (trees->root < 0)
            return sandbox_root_failed(spec, errno, err);
        map_tree(trees->root, userns_fd);
    }
    for (size_t i = 0; i < spec->mounts; i++) {
        const struct rsys_mount_spec *mount = &spec->mount[i];
        if (mount->type == RSYS_MOUNT_DEV) {
            /* Real device nodes, on a tmpfs of the server's own user namespace: the kernel honours no others (user_namespaces(7)).  Without
             * CAP_MKNOD, in a container, the inner half mounts the server's nodes one by one. */
            int dev = sandbox_tmpfs(SANDBOX_DEV_SIZE, 0755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
            if (dev < 0)
                return -1;
            if (sandbox_dev_fill(dev, true, start->outside_uid, start->outside_gid, NULL) == 0)
                trees->mount[i] = dev;
            else
                rsys_close(dev);
            continue;
        }
        if (mount->type != RSYS_MOUNT_BIND && mount->type != RSYS_MOUNT_OVERLAY)
            continue;
        trees->mount[i] = sandbox_tree_copy(mount->source);
        if (trees->mount[i] >= 0) {
            /* A read-only bind shows what the server has (its /etc, say): the sandbox's root is nobody to it and reads what everybody may.  What is to be
             * written, through or into an overlay, has to have owners that can be. */
            if (mount->type == RSYS_MOUNT_OVERLAY || mount->writable)
                map_tree(trees->mount[i], userns_fd);
        } else if (mount->optional && (errno == ENOENT || errno == ENOTDIR)) {
            trees->mount[i] = SANDBOX_TREE_ABSENT;
        } else {
            return sandbox_source_failed(mount, errno, err);
        }
    }
    return 0;
}

int sandbox_root_failed(const struct rsys_sandbox_spec *spec, int code, struct rsys_error **err)
{
    const char *advice = code == ENOENT || code == ENOTDIR ? ": make it (debootstrap, or an unpacked image), or name another root in the policy"
                         : code == EACCES ? ": it has to be reachable for the user that the server runs as" : "";
    return rsys_error_make(err, code, "stage root: open the root directory %s%s", spec->root, advice);
}

int sandbox_source_failed(const struct rsys_mount_spec *mount, int code, struct rsys_error **err)
{
    return rsys_error_make(err, code, "stage mounts: open %s, the source of %s%s", mount->source, mount->target,
                           code == ENOENT ? " (\"optional\": true in the policy leaves it out when it is missing)" : "");
}

/* A detached mount of a file system that is configured with `count` pairs of keys and values. */
int sandbox_new_mount(const char *type, const char *const (*options)[2], size_t count, unsigned attributes)
{
    RSYS_AUTO_FD context = fsopen(type, FSOPEN_CLOEXEC);
    if (context < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const char *key = options[i][0], *value = options[i][1];
        if (fsconfig(context, value != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0) < 0)
            return -1;
    }
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return fsmount(context, FSMOUNT_CLOEXEC, attributes);
}

int sandbox_tmpfs(uint64_t size, uint32_t mode, unsigned attributes, struct rsys_error **err)
{
    char size_text[24], mode_text[12];
    snprintf(mode_text, sizeof mode_text, "%o", mode);
    snprintf(size_text, sizeof size_text, "%llu", (unsigned long long)size);
    const char *const options[][2] = {{"mode", mode_text}, {"size", size_text}};
    int fd = sandbox_new_mount("tmpfs", options, size != 0 ? 2 : 1, attributes);
    if (fd < 0)
        return rsys_error_make(err, errno, "stage mounts: make a tmpfs of %llu bytes (0: the default)", (unsigned long long)size);
    return fd;
}

int rsys_sandbox_bounded_file(uint64_t size, uint64_t room)
{
    RSYS_AUTO_FD mount = sandbox_tmpfs(room, 0700, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV, NULL);
    RSYS_AUTO_FD file = mount < 0 ? -1 : openat(mount, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return file < 0 || ftruncate(file, (off_t)size) < 0 ? -1 : rsys_fd_steal(&file);
}

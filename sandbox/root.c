/* SPDX-License-Identifier: GPL-2.0-only */
/* root.c: the sandbox's root, its mounts, and the step into it.
 *
 * Runs in the sandbox's first process, in mount, pid and user namespaces of its own.  All mounts are made detached and put in their places by descriptor,
 * and targets are looked up with RESOLVE_IN_ROOT: a symbolic link in the root, whoever made it, leads nowhere else. */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Where things are while the root is built: a tmpfs on top of the old "/", addressed by descriptor alone. */
struct building {
    struct sandbox_inside *inside;
    int stage;      /* the tmpfs: root, and for each overlay N lowerN, upperN, workN */
    int root;       /* O_PATH of the new root, in its place */
    int proc;       /* a procfs of our pid namespace; the first PROC mount puts it in its place */
    bool proc_used;
    unsigned overlays;
};

static int attach(int tree, int place, const char *name)
{
    return move_mount(tree, "", place, name, MOVE_MOUNT_F_EMPTY_PATH | (name[0] == 0 ? MOVE_MOUNT_T_EMPTY_PATH : 0));
}

/* An overlay over tree (which it takes a reference of), detached, or -1. */
static int make_overlay(struct building *build, int tree, const char *what, struct rsys_error **err)
{
    char lower[16], upper[16], work[16];
    unsigned n = build->overlays++;
    snprintf(lower, sizeof lower, "lower%u", n);
    snprintf(upper, sizeof upper, "upper%u", n);
    snprintf(work, sizeof work, "work%u", n);
    struct stat st;
    if (fstat(tree, &st) < 0 || mkdirat(build->stage, lower, 0700) < 0 || mkdirat(build->stage, upper, 0755) < 0 ||
        mkdirat(build->stage, work, 0700) < 0)
        return rsys_error_make(err, errno, "stage root: make directories for the overlay over %s", what);
    if (!S_ISDIR(st.st_mode))
        return rsys_error_make(err, ENOTDIR, "stage root: an overlay over %s", what);
    /* The merged directory shows the upper one's attributes.  An owner that is not mapped cannot be given: it stays ours. */
    (void)!fchownat(build->stage, upper, st.st_uid, st.st_gid, 0);
    if (fchmodat(build->stage, upper, st.st_mode & 07777, 0) < 0)
        return rsys_error_make(err, errno, "stage root: copy the mode of %s", what);
    /* overlayfs wants its lower directory attached in our mount namespace, and takes paths only: relative to the stage, which is our cwd. */
    if (attach(tree, build->stage, lower) < 0)
        return rsys_error_make(err, errno, "stage root: attach %s", what);
    /* userxattr: trusted.* attributes are not for user namespaces (Documentation/filesystems/overlayfs.rst). */
    const char *const options[][2] = {{"source", "overlay"}, {"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}, {"userxattr", NULL}};
    int overlay = sandbox_new_mount("overlay", options, RSYS_ARRAY_SIZE(options), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (overlay < 0)
        return rsys_error_make(err, errno, "stage root: mount an overlay over %s (in a user namespace this takes Linux 5.11; mounts inside %s "
                               "are not allowed below an overlay; root mode \"ro\" needs neither)", what, what);
    return overlay;
}

/* The first mount: what everything else is mounted on. */
static int make_root(struct building *build, struct rsys_error **err)
{
    const struct rsys_sandbox_spec *spec = build->inside->start->spec;
    RSYS_AUTO_FD tree = rsys_fd_steal(&build->inside->trees.root);
    if (spec->root == NULL) {
        tree = sandbox_tmpfs(spec->memory_file, 0755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
        if (tree < 0)
            return rsys_error_prefix(err, "stage root");
    } else if (tree < 0) {
        tree = sandbox_tree_copy(spec->root);
        if (tree < 0)
            return sandbox_root_failed(spec, errno, err);
    }
    struct stat st;
    if (fstat(tree, &st) < 0 || !S_ISDIR(st.st_mode))
        return sandbox_root_failed(spec, ENOTDIR, err);
    if (spec->root != NULL) {
        /* nodev, nosuid: the root's own device nodes and set-id programs have no power here.  Flags are only ever added: those that are locked stay. */
        uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (spec->root_mode == RSYS_ROOT_RW ? 0 : MOUNT_ATTR_RDONLY);
        if (sandbox_tree_attributes(tree, attributes, true) < 0)
            return rsys_error_make(err, errno, "stage root: set the mount flags of %s", spec->root);
        if (spec->root_mode == RSYS_ROOT_OVERLAY) {
            int overlay = make_overlay(build, tree, spec->root, err);
            if (overlay < 0)
                return -1;
            rsys_close(tree);
            tree = overlay;
        }
    }
    if (mkdirat(build->stage, "root", 0700) < 0 || attach(tree, build->stage, "root") < 0)
        return rsys_error_make(err, errno, "stage root: put the root in its place");
    build->root = rsys_fd_steal(&tree);
    return 0;
}

static int open_in_root(int root, const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

/* Open a mount's target, making it and the directories above it where they are missing. */
static int open_target(struct building *build, const char *target, bool directory, struct rsys_error **err)
{
    int fd = open_in_root(build->root, target, O_PATH);
    char path[PATH_MAX];
    if (fd < 0 && errno == ENOENT && strlen(target) < sizeof path) {
        strcpy(path, target);
        errno = 0;
        for (char *slash = path + 1; slash != NULL && *slash != 0;) {
            char *end = strchr(slash, '/');
            if (end != NULL)
                *end = 0;
            char *name = slash;
            slash[-1] = 0; /* path: the parent; name: the component */
            RSYS_AUTO_FD parent = open_in_root(build->root, path[0] != 0 ? path : "/", O_PATH | O_DIRECTORY);
            if (parent < 0)
                break;
            int made = end != NULL || directory ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0);
            if (made < 0 && errno != EEXIST)
                break;
            slash[-1] = '/';
            if (end != NULL)
                *end = '/';
            slash = end != NULL ? end + 1 : NULL;
        }
        int saved = errno;
        fd = open_in_root(build->root, target, O_PATH);
        if (fd < 0 && errno == ENOENT && saved != 0 && saved != EEXIST)
            errno = saved;
    }
    if (fd < 0)
        return rsys_error_make(err, errno, "stage mounts: the target %s%s", target,
                               errno == EROFS ? " is missing in the root, and the root is read-only: make it there, or use root mode \"overlay\"" : "");
    return fd;
}

static int mount_at(struct building *build, int tree, const char *target, struct rsys_error **err)
{
    struct stat st;
    if (fstat(tree, &st) < 0)
        return rsys_error_make(err, errno, "stage mounts: look at what is to be mounted on %s", target);
    RSYS_AUTO_FD place = open_target(build, target, S_ISDIR(st.st_mode), err);
    if (place < 0)
        return -1;
    if (attach(tree, place, "") < 0)
        return rsys_error_make(err, errno, "stage mounts: mount on %s", target);
    return 0;
}

static int mount_source(struct building *build, size_t index, struct rsys_error **err)
{
    const struct rsys_mount_spec *mount = &build->inside->start->spec->mount[index];
    if (build->inside->trees.mount[index] == SANDBOX_TREE_ABSENT)
        return 0;
    RSYS_AUTO_FD tree = rsys_fd_steal(&build->inside->trees.mount[index]);
    if (tree < 0)
        tree = sandbox_tree_copy(mount->source);
    if (tree < 0 && mount->optional && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    struct stat st;
    if (tree < 0 || fstat(tree, &st) < 0)
        return sandbox_source_failed(mount, errno, err);
    bool overlay = mount->type == RSYS_MOUNT_OVERLAY;
    /* A device node that the policy names is meant as a device; whole directories bring none with them. */
    uint64_t attributes = MOUNT_ATTR_NOSUID | (S_ISDIR(st.st_mode) ? MOUNT_ATTR_NODEV : 0) |
                          (overlay || !mount->writable ? MOUNT_ATTR_RDONLY : 0);
    if (sandbox_tree_attributes(tree, attributes, true) < 0)
        return rsys_error_make(err, errno, "stage mounts: set the mount flags of %s", mount->source);
    if (overlay) {
        int merged = make_overlay(build, tree, mount->source, err);
        if (merged < 0)
            return -1;
        rsys_close(tree);
        tree = merged;
    }
    return mount_at(build, tree, mount->target, err);
}

static int mount_dev(struct building *build, size_t index, struct rsys_error **err)
{
    const char *target = build->inside->start->spec->mount[index].target;
    RSYS_AUTO_FD dev = rsys_fd_steal(&build->inside->trees.mount[index]);
    bool filled = dev >= 0;
    if (!filled)
        dev = sandbox_tmpfs(SANDBOX_DEV_SIZE, 0755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
    if (dev < 0 || (!filled && sandbox_dev_fill(dev, false, (uid_t)-1, (gid_t)-1, err) < 0) || mount_at(build, dev, target, err) < 0)
        return -1;
    if (!filled && sandbox_dev_bind(dev, err) < 0)
        return -1;
    RSYS_AUTO_FD shm = sandbox_tmpfs(build->inside->start->spec->memory_file, 01777, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
    if (shm < 0)
        return -1;
    if (attach(shm, dev, "shm") < 0 || sandbox_tree_attributes(dev, MOUNT_ATTR_RDONLY, false) < 0)
        return rsys_error_make(err, errno, "stage mounts: mount %s/shm", target);
    return 0;
}

static int new_proc(struct rsys_error **err)
{
    int proc = sandbox_new_mount("proc", NULL, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (proc < 0)
        return rsys_error_make(err, errno, "stage mounts: mount a procfs%s", errno == EPERM ?
                               " (in a container whose own /proc is partly covered the kernel forbids it: see mount_too_revealing; run the container with an "
                               "unmasked /proc)" : "");
    return proc;
}

static int mount_one(struct building *build, size_t index, struct rsys_error **err)
{
    const struct rsys_mount_spec *mount = &build->inside->start->spec->mount[index];
    RSYS_AUTO_FD tree = -1;
    switch (mount->type) {
    case RSYS_MOUNT_BIND:
    case RSYS_MOUNT_OVERLAY:
        return mount_source(build, index, err);
    case RSYS_MOUNT_DEV:
        return mount_dev(build, index, err);
    case RSYS_MOUNT_TMPFS:
        tree = sandbox_tmpfs(mount->size, mount->mode != 0 ? mount->mode : 0755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
        break;
    case RSYS_MOUNT_PROC:
        tree = build->proc_used ? new_proc(err) : fcntl(build->proc, F_DUPFD_CLOEXEC, 0);
        build->proc_used = true;
        break;
    default:
        return rsys_error_make(err, 0, "stage mounts: %s has no known type (%u)", mount->target, mount->type);
    }
    return tree < 0 ? -1 : mount_at(build, tree, mount->target, err);
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends on top of the new one, and the tmpfs of the building on top of that; both are unmounted
 * from there, the uppermost first.  What stays on top of a root can be reached as "/..": so this looks that nothing did. */
static int pivot(int root, struct rsys_error **err)
{
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return rsys_error_make(err, errno, "stage root: pivot_root");
    if (umount2(".", MNT_DETACH) < 0 || umount2(".", MNT_DETACH) < 0)
        return rsys_error_make(err, errno, "stage root: unmount the old root");
    if (chdir("/") < 0 || chroot(".") < 0 || chdir("/") < 0)
        return rsys_error_make(err, errno, "stage root: chroot");
    struct statx ours, above;
    if (statx(root, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &ours) < 0 || statx(AT_FDCWD, "/..", 0, STATX_INO | STATX_MNT_ID, &above) < 0)
        return rsys_error_make(err, errno, "stage root: look at the new root");
    if ((ours.stx_mask & STATX_MNT_ID) == 0 || ours.stx_mnt_id != above.stx_mnt_id || ours.stx_ino != above.stx_ino)
        return rsys_error_make(err, 0, "stage root: something is still mounted on top of the new root");
    return 0;
}

static int build_and_enter(struct building *build, struct rsys_error **err)
{
    const struct rsys_sandbox_spec *spec = build->inside->start->spec;
    /* Nothing that is mounted from here on shows outside, nor the other way round. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return rsys_error_make(err, errno, "stage root: make all mounts private");
    build->proc = new_proc(err);
    if (build->proc < 0)
        return -1;
    build->stage = sandbox_tmpfs(spec->memory_file, 0755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
    if (build->stage < 0)
        return -1;
    if (move_mount(build->stage, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(build->stage) < 0)
        return rsys_error_make(err, errno, "stage root: mount a tmpfs to build it in");
    if (make_root(build, err) < 0)
        return -1;
    for (size_t i = 0; i < spec->mounts; i++)
        if (mount_one(build, i, err) < 0)
            return -1;
    if (spec->root == NULL && spec->root_mode == RSYS_ROOT_RO && sandbox_tree_attributes(build->root, MOUNT_ATTR_RDONLY, false) < 0)
        return rsys_error_make(err, errno, "stage root: make it read-only");
    /* After the mounts: each detached one is a mount namespace for a while. */
    if (sandbox_no_more_namespaces(build->proc, err) < 0)
        return -1;
    return pivot(build->root, err);
}

int sandbox_enter_root(struct sandbox_inside *inside, struct rsys_error **err)
{
    struct building build = {.inside = inside, .stage = -1, .root = -1, .proc = -1};
    int result = build_and_enter(&build, err);
    rsys_close(build.stage);
    rsys_close(build.root);
    rsys_close(build.proc);
    return result;
}

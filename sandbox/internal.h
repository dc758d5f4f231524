/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h: what the files of sandbox/ share. */
#ifndef RSYS_SANDBOX_INTERNAL_H
#define RSYS_SANDBOX_INTERNAL_H

#include "sandbox/sandbox.h"

#include <stdbool.h>

/* The most mounts that one sandbox may have: their trees are passed in one message (SCM_MAX_FD is 253). */
#define SANDBOX_MOUNTS_MAX 200

/* The most ids that one sandbox may have: what its creator has set aside from outside_uid on. */
#define SANDBOX_RANGE_MAX 65536u

/* Bytes of a /dev: its few names. */
#define SANDBOX_DEV_SIZE (256u << 10)

/* No tree was made for it: the inner half helps itself; or its optional source is missing: leave it out. */
#define SANDBOX_TREE_NONE (-1)
#define SANDBOX_TREE_ABSENT (-2)

/* What the outer half (our own namespaces and privileges) has prepared for the inner half.  Descriptors are owned by whoever holds
 * the struct. */
struct sandbox_trees {
    int root;                      /* a detached copy of the root's mounts */
    int mount[SANDBOX_MOUNTS_MAX]; /* of each BIND's or OVERLAY's source; a DEV's file system */
};

/* The inner half's job, in the sandbox's first process. */
struct sandbox_inside {
    const struct rsys_sandbox_start *start;
    struct sandbox_trees trees;
    uint32_t nofile;  /* L, as it can be had */
    int sync_fd;      /* to the outer half */
    int broker_take, broker_give;
    bool privileged;  /* ids that are not our own were mapped: we have to become one of them */
};

/* birth.c */
/* Clone the sandbox's first process into its namespaces; privileged: we map it a range of ids.  As fork(2): 0 in the new process; -1 on failure. */
pid_t sandbox_birth(const struct rsys_sandbox_start *start, bool privileged, struct rsys_error **err);

/* ids.c */

/* Whether our own user namespace lets us map [first, first + range) for users and groups into a child's. */
bool sandbox_can_map_range(uid_t first_uid, gid_t first_gid, uint32_t range);

/* capabilities.c: empty the bounding set but for keep; takes CAP_SETPCAP for what is in it. */
int sandbox_drop_bounding(uint64_t keep, struct rsys_error **err);

/* trees.c: the outer half's mounts, made with our own privileges. */
void sandbox_trees_init(struct sandbox_trees *trees);
void sandbox_trees_close(struct sandbox_trees *trees);
/* Copy the mounts that the spec names, mapped to the ids of userns_fd where the file system can. */
int sandbox_trees_prepare(const struct rsys_sandbox_start *start, int userns_fd, struct sandbox_trees *trees, struct rsys_error **err);
/* A detached, private copy of the mounts at path; -1 with errno. */
int sandbox_tree_copy(const char *path);
/* Add mount flags to a tree, and to all mounts in it.  0, or -1 with errno. */
int sandbox_tree_attributes(int tree, uint64_t set, bool recursive);
/* A detached mount of a file system of its own; options are { key, value } pairs, a flag has no value.  -1 with errno. */
int sandbox_new_mount(const char *type, const char *const (*options)[2], size_t count, unsigned attributes);
/* A detached tmpfs of at most size bytes (0: the kernel's default). */
int sandbox_tmpfs(uint64_t size, uint32_t mode, unsigned attributes, struct rsys_error **err);

/* Explain that the root, a mount's source, cannot be opened. */
int sandbox_root_failed(const struct rsys_sandbox_spec *spec, int code, struct rsys_error **err);
int sandbox_source_failed(const struct rsys_mount_spec *mount, int code, struct rsys_error **err);

/* dev.c */
/* Fill a fresh tmpfs with /dev's names; nodes: make the device nodes themselves (else files to mount them on).  Owned by uid, gid. */
int sandbox_dev_fill(int dev_fd, bool nodes, uid_t uid, gid_t gid, struct rsys_error **err);
/* Mount the server's own nodes over the files of a filled /dev. */
int sandbox_dev_bind(int dev_fd, struct rsys_error **err);

/* veth.c */
/* The outer half: make the pair, its other end in the namespace of process pid, and equip ours. */
int sandbox_veth_make(const struct rsys_sandbox_start *start, pid_t pid, struct rsys_error **err);
/* The inner half: equip the sandbox's end. */
int sandbox_veth_equip(const struct rsys_sandbox_start *start, struct rsys_error **err);

/* root.c */
/* Build the sandbox's root and make it ours: afterwards "/" is the sandbox's and nothing else can be named. */
int sandbox_enter_root(struct sandbox_inside *inside, struct rsys_error **err);

/* start.c: the inner half's last word before the execution, with a descriptor for the outer half (or -1). */
int sandbox_send_ready(int sync_fd, int fd);

/* paths.c */
/* Enter the Landlock domain of the spec's paths, as the present root has them.  Whatever this process and its children do from now on is bounded by it. */
int sandbox_confine(const struct rsys_sandbox_spec *spec, struct rsys_error **err);

/* limits.c */
/* RLIMIT_NOFILE: the soft limit, and a hard limit with room for the executor's own above it. */
int sandbox_limit_nofile(uint64_t soft, struct rsys_error **err);
int sandbox_limits(const struct rsys_sandbox_spec *spec, struct rsys_error **err);
/* Forbid more namespaces below this user namespace, through a procfs of our own. */
int sandbox_no_more_namespaces(int proc_fd, struct rsys_error **err);

/* inside.c: the sandbox's first process; returns only the failure. */
void sandbox_inside(struct sandbox_inside *inside, struct rsys_error **err);

#endif

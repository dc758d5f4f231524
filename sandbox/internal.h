/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h: what the files of sandbox/ share. */
#ifndef RSYS_SANDBOX_INTERNAL_H
#define RSYS_SANDBOX_INTERNAL_H

#include "sandbox/sandbox.h"

#include <stdbool.h>

/* The most mounts that one sandbox may have: their trees are passed in one message (SCM_MAX_FD is 253). */
#define SANDBOX_MOUNTS_MAX 200

/* What the outer half (our own namespaces and privileges) has prepared for the inner half.  Descriptors are owned by whoever holds
 * the struct; -1: none, the inner half helps itself. */
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
    bool range;       /* ids were mapped as a range: setgroups is allowed, and our own id is not among them */
};

/* ids.c */

/* Whether our own user namespace lets us map [first, first + range) for users and groups into a child's. */
bool sandbox_can_map_range(uid_t first_uid, gid_t first_gid, uint32_t range);

/* trees.c: the outer half's mounts, made with our own privileges. */
void sandbox_trees_init(struct sandbox_trees *trees);
void sandbox_trees_close(struct sandbox_trees *trees);
/* Copy the mounts that the spec names, mapped to the ids of userns_fd where the file system can. */
int sandbox_trees_prepare(const struct rsys_sandbox_start *start, int userns_fd, struct sandbox_trees *trees, struct rsys_error **err);
/* A detached, private copy of the mounts at path; -1 with errno. */
int sandbox_tree_copy(const char *path);
/* A detached tmpfs; options of tmpfs(5) may be 0. */
int sandbox_tmpfs(uint64_t size, uint32_t mode, unsigned attributes, struct rsys_error **err);

/* dev.c */
/* Fill a fresh tmpfs with /dev's names; nodes: make the device nodes themselves (else files to mount them on).  Owned by uid, gid. */
int sandbox_dev_fill(int dev_fd, bool nodes, uid_t uid, gid_t gid, struct rsys_error **err);
/* Mount the server's own nodes over the files of a filled /dev. */
int sandbox_dev_bind(int dev_fd, struct rsys_error **err);

/* root.c */
/* Build the sandbox's root and make it ours: afterwards "/" is the sandbox's and nothing else can be named. */
int sandbox_enter_root(struct sandbox_inside *inside, struct rsys_error **err);

/* limits.c */
int sandbox_limits(const struct rsys_sandbox_spec *spec, struct rsys_error **err);
/* Forbid more namespaces below this user namespace, through a procfs of our own. */
int sandbox_no_more_namespaces(int proc_fd, struct rsys_error **err);

/* inside.c: the sandbox's first process; returns only the failure. */
void sandbox_inside(struct sandbox_inside *inside, struct rsys_error **err);

#endif

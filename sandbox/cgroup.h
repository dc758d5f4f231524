/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroup.h: control groups (cgroups(7), version 2): the part of the tree that is ours, and a group for each session in it. */
#ifndef RSYS_SANDBOX_CGROUP_H
#define RSYS_SANDBOX_CGROUP_H

#include "src/core/error.h"
#include "src/core/spec.h"

#include <stdbool.h>

/* Our part of the tree: the group that we were started in. */
struct rsys_cgroups;

bool rsys_cgroup_wanted(const struct rsys_group_spec *spec);

/* Make our own group ready for sessions' groups with the limits of the spec: enable the controllers that they need, for which we move into a group below,
 * when it has to be (a group whose children have memory of their own has no processes of its own).  *groups is NULL the first time and made; later what is missing is
 * added.  Fails, with what to do, where we have no such part of the tree.  (Call it with all our processes below us single-threaded or at rest: they move too.) */
int rsys_cgroups_prepare(struct rsys_cgroups **groups, const struct rsys_group_spec *spec, struct rsys_error **err);
/* Remove what ended daemons and killed sessions have left.  False: something is still there whose processes are ending; ask again. */
bool rsys_cgroups_sweep(const struct rsys_cgroups *groups);
/* The one descriptor of it that a session's process needs. */
int rsys_cgroups_fd(const struct rsys_cgroups *groups);
/* Our end: go back to where we were, when nothing is left. */
void rsys_cgroups_close(struct rsys_cgroups *groups);

/* A session's group.  Who holds it locks it: a group that nobody locks is nobody's, and is swept away. */
struct rsys_cgroup {
    int fd; /* its directory, locked; -1: none */
    const struct rsys_cgroups *groups;
    char name[64];
};
#define RSYS_CGROUP_NONE {.fd = -1}
int rsys_cgroup_make(const struct rsys_cgroups *groups, const struct rsys_group_spec *spec, struct rsys_cgroup *ret, struct rsys_error **err);
/* Whether the kernel has ended what was in it because of its memory limit. */
bool rsys_cgroup_ran_out(const struct rsys_cgroup *group);
/* Kill what is left in it, and remove it. */
void rsys_cgroup_remove(struct rsys_cgroup *group);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* group.h: what cgroup.c and group.c share. */
#ifndef RSYS_SANDBOX_GROUP_H
#define RSYS_SANDBOX_GROUP_H

#include "sandbox/cgroup.h"

#include <stddef.h>

/* One small file of a group's directory.  0, or -1 with errno. */
int sandbox_group_write(int dir, const char *name, const char *text);
int sandbox_group_read(int dir, const char *name, char *text, size_t size);
/* Open a group's directory and lock it.  -1: it is not there, or somebody's. */
int sandbox_group_lock(int dir, const char *name);
const char *sandbox_groups_path(const struct rsys_cgroups *groups);

#endif

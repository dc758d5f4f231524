/* SPDX-License-Identifier: GPL-2.0-only */
/* path-access.h: the rights of a policy's `paths` (path-access.def). */
#ifndef RSYS_CORE_PATH_ACCESS_H
#define RSYS_CORE_PATH_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A right, or a word for several of them. */
struct rsys_path_access {
    const char *name;
    uint64_t bits;
    const char *about;
};

/* Every right, in the order of their bits; *ret_count of them. */
const struct rsys_path_access *rsys_path_rights(size_t *ret_count);
/* The words for several, in the order in which a text should try them. */
const struct rsys_path_access *rsys_path_words(size_t *ret_count);
/* The rights that a kernel has whose Landlock is of this version (0: none). */
uint64_t rsys_path_rights_of(int abi);
/* The rights that mean something for what is no directory. */
uint64_t rsys_path_rights_of_files(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* path-access.h: the rights of a policy's `paths` (path-access.def). */
#ifndef RSYS_CORE_PATH_ACCESS_H
#define RSYS_CORE_PATH_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bits of those that are named in the code. */
enum {
    RSYS_PATH_EXECUTE = 1 << 0, RSYS_PATH_WRITE_FILE = 1 << 1, RSYS_PATH_READ_FILE = 1 << 2, RSYS_PATH_READ_DIR = 1 << 3, RSYS_PATH_REMOVE_DIR = 1 << 4,
    RSYS_PATH_REMOVE_FILE = 1 << 5, RSYS_PATH_MAKE_CHAR = 1 << 6, RSYS_PATH_MAKE_DIR = 1 << 7, RSYS_PATH_MAKE_REG = 1 << 8, RSYS_PATH_MAKE_SOCK = 1 << 9,
    RSYS_PATH_MAKE_FIFO = 1 << 10, RSYS_PATH_MAKE_BLOCK = 1 << 11, RSYS_PATH_MAKE_SYM = 1 << 12, RSYS_PATH_REFER = 1 << 13, RSYS_PATH_TRUNCATE = 1 << 14,
    RSYS_PATH_IOCTL_DEV = 1 << 15,
    RSYS_PATH_READ = RSYS_PATH_READ_FILE | RSYS_PATH_READ_DIR, RSYS_PATH_WRITE = RSYS_PATH_WRITE_FILE | RSYS_PATH_TRUNCATE,
    RSYS_PATH_CREATE = RSYS_PATH_MAKE_DIR | RSYS_PATH_MAKE_REG | RSYS_PATH_MAKE_SOCK | RSYS_PATH_MAKE_FIFO | RSYS_PATH_MAKE_SYM,
    RSYS_PATH_REMOVE = RSYS_PATH_REMOVE_DIR | RSYS_PATH_REMOVE_FILE,
};

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

/* SPDX-License-Identifier: GPL-2.0-only */
/* path-access.c: the table of path-access.def, asked. */
#include "src/core/path-access.h"

#include "src/core/util.h"

static const struct rsys_path_access rights[] = {
#define RSYS_PATH_ACCESS(bit, name, abi, on_files, about) {name, UINT64_C(1) << (bit), about},
#include "src/core/path-access.def"
#undef RSYS_PATH_ACCESS
};

static const struct {
    int abi;
    bool on_files;
} more[] = {
#define RSYS_PATH_ACCESS(bit, name, abi, on_files, about) {abi, on_files},
#include "src/core/path-access.def"
#undef RSYS_PATH_ACCESS
};

enum {
    EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4, REMOVE_FILE = 1 << 5, MAKE_DIR = 1 << 7,
    MAKE_REG = 1 << 8, MAKE_SOCK = 1 << 9, MAKE_FIFO = 1 << 10, MAKE_SYM = 1 << 12, REFER = 1 << 13, TRUNCATE = 1 << 14,
};
#define READ (READ_FILE | READ_DIR)
#define WRITE (WRITE_FILE | TRUNCATE)
#define CREATE (MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM)
#define REMOVE (REMOVE_DIR | REMOVE_FILE)

static const struct rsys_path_access words[] = {
    {"rwx", READ | WRITE | CREATE | REMOVE | REFER | EXECUTE, "rw and execute"},
    {"rw", READ | WRITE | CREATE | REMOVE | REFER, "read, write, create, remove and refer"},
    {"rx", READ | EXECUTE, "read and execute"},
    {"ro", READ, "read"},
    {"read", READ, "read-file and read-dir"},
    {"write", WRITE, "write-file and truncate"},
    {"create", CREATE, "make-dir, make-reg, make-sock, make-fifo and make-sym"},
    {"remove", REMOVE, "remove-dir and remove-file"},
};

const struct rsys_path_access *rsys_path_rights(size_t *ret_count)
{
    *ret_count = RSYS_ARRAY_SIZE(rights);
    return rights;
}

const struct rsys_path_access *rsys_path_words(size_t *ret_count)
{
    *ret_count = RSYS_ARRAY_SIZE(words);
    return words;
}

uint64_t rsys_path_rights_of(int abi)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(more); i++)
        if (more[i].abi <= abi)
            bits |= rights[i].bits;
    return bits;
}

uint64_t rsys_path_rights_of_files(void)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(more); i++)
        if (more[i].on_files)
            bits |= rights[i].bits;
    return bits;
}

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

#define READ RSYS_PATH_READ
#define WRITE RSYS_PATH_WRITE
#define CREATE RSYS_PATH_CREATE
#define REMOVE RSYS_PATH_REMOVE
#define REFER RSYS_PATH_REFER
#define EXECUTE RSYS_PATH_EXECUTE

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

/* SPDX-License-Identifier: GPL-2.0-only */
/* learned.h: the least policy that runs of a program needed (rsys-jail --learn): gathered, read back to be added to, and written as JSON. */
#ifndef RSYS_POLICY_LEARNED_H
#define RSYS_POLICY_LEARNED_H

#include "src/core/error.h"
#include "src/core/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls of which one argument tells what they are; more values than these are any. */
#define LEARNED_VALUES 64
#define LEARNED_BY_ARGUMENT 4
struct learned_values {
    uint32_t value[LEARNED_VALUES];
    unsigned count;
    bool any;
};

struct learned_path {
    char *path; /* absolute, in the sandbox; owned */
    uint64_t access;
};

struct learned {
    bool called[RSYS_CALLS_MAX], local[RSYS_CALLS_MAX]; /* local: the policy placed it there, though it need not be */
    struct learned_values values[LEARNED_BY_ARGUMENT];
    struct learned_path *paths; /* owned */
    size_t path_count;
    struct learned_path *made;  /* what a session made itself, and so is not there when the next one begins; owned */
    size_t made_count;
    bool network;               /* a socket was connected to, or bound at, another address than the loopback's */
    bool failed;                /* out of memory: it is not complete */
};

/* Add what a policy allows that was learned before.  -1 and err when it is not such a one. */
int rsys_learned_read(struct learned *learned, const char *text, size_t size, const char *name, struct rsys_error **err);
void rsys_learned_call(struct learned *learned, uint64_t nr, const uint64_t args[6], bool local);
/* Something was done with a file that takes these rights (path-access.h). */
void rsys_learned_path(struct learned *learned, const char *path, uint64_t access);
void rsys_learned_made(struct learned *learned, const char *path);
/* The policy's text, malloc'd; NULL: no memory. */
char *rsys_learned_text(const struct learned *learned);
void rsys_learned_free(struct learned *learned);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* fds.c: which descriptors of a guest are local.
 *
 * Two bit sets for each files_struct of guests.  A number beyond the sets' size is remote: most programs never have a local
 * descriptor above 2. */
#include "src/jail/jail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64u
#define FD_LIMIT (1u << 20) /* far above any session's nofile: a number that no kernel gave is never stored */

static struct fdtable *fdtable_alloc(uint32_t size)
{
    struct fdtable *table = calloc(1, sizeof(*table));

    if (!table)
        return NULL;
    table->users = 1;
    table->size = size;
    table->local = calloc(size / WORD_BITS, sizeof(uint64_t));
    table->cloexec = calloc(size / WORD_BITS, sizeof(uint64_t));
    if (!table->local || !table->cloexec) {
        rsys_fdtable_unref(table);
        return NULL;
    }
    return table;
}

struct fdtable *rsys_fdtable_new(void)
{
    struct fdtable *table = fdtable_alloc(WORD_BITS);

    if (table)
        table->local[0] = 7; /* standard input, output, error */
    return table;
}

struct fdtable *rsys_fdtable_copy(const struct fdtable *table)
{
    struct fdtable *copy = fdtable_alloc(table->size);

    if (!copy)
        return NULL;
    memcpy(copy->local, table->local, table->size / 8);
    memcpy(copy->cloexec, table->cloexec, table->size / 8);
    return copy;
}

struct fdtable *rsys_fdtable_ref(struct fdtable *table)
{
    table->users++;
    return table;
}

void rsys_fdtable_unref(struct fdtable *table)
{
    if (!table || --table->users)
        return;
    if (table->epolls_closed)
        table->epolls_closed(table, -1);
    free(table->local);
    free(table->cloexec);
    free(table->mapped_file);
    free(table);
}

/* Guests hand over the low 32 bits of a register as a descriptor, as the kernel reads it. */
bool rsys_fd_is_local(const struct fdtable *table, int64_t fd)
{
    uint32_t n = (uint32_t)fd;

    return n < table->size && (table->local[n / WORD_BITS] >> (n % WORD_BITS) & 1);
}

static int fdtable_grow(struct fdtable *table, uint32_t size)
{
    uint64_t *local, *cloexec;

    local = realloc(table->local, size / 8);
    if (!local)
        return -ENOMEM;
    table->local = local;
    cloexec = realloc(table->cloexec, size / 8);
    if (!cloexec)
        return -ENOMEM;
    table->cloexec = cloexec;
    memset(local + table->size / WORD_BITS, 0, (size - table->size) / 8);
    memset(cloexec + table->size / WORD_BITS, 0, (size - table->size) / 8);
    table->size = size;
    return 0;
}

int rsys_fd_set_local(struct fdtable *table, int fd, bool cloexec)
{
    uint32_t n = (uint32_t)fd, size = table->size;
    uint64_t bit = UINT64_C(1) << (n % WORD_BITS);

    if (n >= FD_LIMIT)
        return -ENOMEM;
    while (size <= n)
        size *= 2;
    if (size != table->size && fdtable_grow(table, size) < 0)
        return -ENOMEM;
    table->local[n / WORD_BITS] |= bit;
    if (cloexec)
        table->cloexec[n / WORD_BITS] |= bit;
    else
        table->cloexec[n / WORD_BITS] &= ~bit;
    return 0;
}

void rsys_fd_clear_local(struct fdtable *table, int fd)
{
    uint32_t n = (uint32_t)fd;

    if (n >= table->size)
        return;
    table->local[n / WORD_BITS] &= ~(UINT64_C(1) << (n % WORD_BITS));
    table->cloexec[n / WORD_BITS] &= ~(UINT64_C(1) << (n % WORD_BITS));
}

void rsys_fdtable_exec(struct fdtable *table)
{
    for (uint32_t i = 0; i < table->size / WORD_BITS; i++) {
        table->local[i] &= ~table->cloexec[i];
        table->cloexec[i] = 0;
    }
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* fds.c: which descriptors of a guest are local.
 *
 * Three bit sets for each files_struct of guests.  A number beyond the sets' size is remote: most programs never have a local
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
    table->listed = calloc(size / WORD_BITS, sizeof(uint64_t));
    table->cloexec = calloc(size / WORD_BITS, sizeof(uint64_t));
    table->session = calloc(size / WORD_BITS, sizeof(uint64_t));
    if (!table->listed || !table->cloexec || !table->session) {
        rsys_fdtable_unref(table);
        return NULL;
    }
    return table;
}

struct fdtable *rsys_fdtable_new(void)
{
    struct fdtable *table = fdtable_alloc(WORD_BITS);

    if (table)
        table->listed[0] = 7; /* standard input, output, error */
    return table;
}

struct fdtable *rsys_fdtable_new_of_remote(void)
{
    struct fdtable *table = fdtable_alloc(WORD_BITS);

    if (table)
        table->of_remote = true;
    return table;
}

struct fdtable *rsys_fdtable_copy(const struct fdtable *table)
{
    struct fdtable *copy = fdtable_alloc(table->size);

    if (!copy)
        return NULL;
    copy->of_remote = table->of_remote;
    memcpy(copy->listed, table->listed, table->size / 8);
    memcpy(copy->cloexec, table->cloexec, table->size / 8);
    memcpy(copy->session, table->session, table->size / 8);
    if (table->epoll_ops)
        table->epoll_ops->copied(copy, table);
    return copy;
}

int rsys_fdtable_unshare(struct fdtable **table)
{
    struct fdtable *copy;

    if ((*table)->users == 1)
        return 0;
    copy = rsys_fdtable_copy(*table);
    if (!copy)
        return -ENOMEM;
    rsys_fdtable_unref(*table);
    *table = copy;
    return 0;
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
    if (table->epoll_ops)
        table->epoll_ops->freed(table);
    free(table->listed);
    free(table->cloexec);
    free(table->session);
    free(table->mapped_file);
    free(table);
}

static bool has(const struct fdtable *table, const uint64_t *set, int64_t fd)
{
    uint32_t n = (uint32_t)fd; /* guests hand over the low 32 bits of a register as a descriptor, as the kernel reads it */

    return n < table->size && (set[n / WORD_BITS] >> (n % WORD_BITS) & 1);
}

bool rsys_fd_is_local(const struct fdtable *table, int64_t fd) { return has(table, table->listed, fd) != table->of_remote; }

/* Where only chosen calls are captured, the guest is the user's own program, and nothing of the user's is protected from it. */
bool rsys_fd_is_users(const struct fdtable *table, int64_t fd)
{
    return !table->of_remote && has(table, table->listed, fd) && !has(table, table->session, fd);
}

bool rsys_fd_remote_cloexec(const struct fdtable *table, int64_t fd) { return table->of_remote && has(table, table->cloexec, fd); }

int64_t rsys_fd_next_remote(const struct fdtable *table, int64_t from)
{
    for (int64_t fd = from; table->of_remote && fd < table->size; fd++) {
        if (fd % WORD_BITS == 0 && table->listed[fd / WORD_BITS] == 0)
            fd += WORD_BITS - 1;
        else if (has(table, table->listed, fd))
            return fd;
    }
    return -1;
}

unsigned rsys_fd_flags(const struct fdtable *table, int64_t fd)
{
    if (table->of_remote || !rsys_fd_is_local(table, fd))
        return 0;
    return (has(table, table->cloexec, fd) ? RSYS_FD_CLOEXEC : 0u) | (has(table, table->session, fd) ? RSYS_FD_SESSION : 0u);
}

/* One of the sets, larger. */
static int set_grow(uint64_t **set, uint32_t had, uint32_t size)
{
    uint64_t *grown = realloc(*set, size / 8);

    if (!grown)
        return -ENOMEM;
    memset(grown + had / WORD_BITS, 0, (size - had) / 8);
    *set = grown;
    return 0;
}

static int fdtable_grow(struct fdtable *table, uint32_t size)
{
    if (set_grow(&table->listed, table->size, size) < 0 || set_grow(&table->cloexec, table->size, size) < 0 ||
        set_grow(&table->session, table->size, size) < 0)
        return -ENOMEM;
    table->size = size;
    return 0;
}

static void put(uint64_t *set, uint32_t n, bool in)
{
    uint64_t bit = UINT64_C(1) << (n % WORD_BITS);

    if (in)
        set[n / WORD_BITS] |= bit;
    else
        set[n / WORD_BITS] &= ~bit;
}

static int set_listed(struct fdtable *table, int fd, unsigned flags)
{
    uint32_t n = (uint32_t)fd, size = table->size;

    if (n >= FD_LIMIT)
        return -ENOMEM;
    while (size <= n)
        size *= 2;
    if (size != table->size && fdtable_grow(table, size) < 0)
        return -ENOMEM;
    put(table->listed, n, true);
    put(table->cloexec, n, flags & RSYS_FD_CLOEXEC);
    put(table->session, n, flags & RSYS_FD_SESSION);
    return 0;
}

int rsys_fd_set_local(struct fdtable *table, int fd, unsigned flags) { return set_listed(table, fd, flags); }

int rsys_fd_set_remote(struct fdtable *table, int fd, bool cloexec) { return set_listed(table, fd, cloexec ? RSYS_FD_CLOEXEC : 0u); }

static void clear_listed(struct fdtable *table, int fd)
{
    uint32_t n = (uint32_t)fd;

    if (n >= table->size)
        return;
    put(table->listed, n, false);
    put(table->cloexec, n, false);
    put(table->session, n, false);
}

void rsys_fd_clear_local(struct fdtable *table, int fd) { clear_listed(table, fd); }

void rsys_fd_clear_remote(struct fdtable *table, int fd) { clear_listed(table, fd); }

void rsys_fdtable_exec(struct fdtable *table)
{
    memset(table->files, 0, sizeof table->files); /* some are closed */
    for (uint32_t fd = 0; table->epoll_ops && fd < table->size; fd++)
        if (has(table, table->cloexec, fd))
            rsys_fd_closed(table, fd);
    if (table->epoll_ops)
        table->epoll_ops->executed(table);
    for (uint32_t i = 0; i < table->size / WORD_BITS; i++) {
        table->listed[i] &= ~table->cloexec[i];
        table->session[i] &= ~table->cloexec[i];
        table->cloexec[i] = 0;
    }
}

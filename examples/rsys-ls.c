/* SPDX-License-Identifier: GPL-2.0-only */
/* rsys-ls.c: lists directories of the sandbox, with the subdirectories, as `ls -lR` does: one round trip a directory, however many entries it has.
 *
 *     rsys-ls ADDRESS DIRECTORY
 *
 * The batch that asks for the status of a directory's entries also opens and reads the next directory, which is known by then. */
#include <errno.h>
#include <fcntl.h>
#include <rsys.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ROOM (256u << 10) /* for the entries of a directory; what does not fit is asked for again */

struct entry {
    char *name, target[256];
    int status, link; /* the calls' places in the batch */
    struct stat st;
};

struct listing {
    char *path;
    struct entry *entries;
    size_t count;
};

/* Directories that are still to be listed. */
static char **waiting;
static size_t waiting_count;

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "rsys-ls: out of memory\n");
        exit(1);
    }
    return memory;
}

static char *join(const char *path, const char *name)
{
    char *joined = must(malloc(strlen(path) + strlen(name) + 2));
    sprintf(joined, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name);
    return joined;
}

static void wait_for(char *path)
{
    waiting = must(realloc(waiting, (waiting_count + 1) * sizeof *waiting));
    waiting[waiting_count++] = path;
}

/* The calls that read a directory: open, getdents64, close.  The place of the first. */
static int add_directory(struct rsys_batch *batch, const char *path, char *buffer)
{
    int opened = rsys_batch_add(batch, SYS_openat, (long)AT_FDCWD, path, (long)(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0l);
    int listed = rsys_batch_add(batch, SYS_getdents64, 0l, buffer, (long)ROOM), closed = rsys_batch_add(batch, SYS_close, 0l);
    if (opened < 0 || rsys_batch_use(batch, listed, 0, opened) < 0 || rsys_batch_use(batch, closed, 0, opened) < 0)
        return -1;
    return opened;
}

static int by_name(const void *a, const void *b) { return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name); }

/* What the server has sent, checked: it might be anything. */
static void take_entries(struct listing *listing, const char *buffer, size_t size)
{
    const size_t front = offsetof(struct dirent64, d_name);
    for (size_t at = 0; size - at > front;) {
        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(buffer + at);
        if (entry->d_reclen <= front || entry->d_reclen > size - at || memchr(entry->d_name, 0, entry->d_reclen - front) == NULL)
            return;
        at += entry->d_reclen;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        listing->entries = must(realloc(listing->entries, (listing->count + 1) * sizeof *listing->entries));
        listing->entries[listing->count++] = (struct entry){.name = must(strdup(entry->d_name)), .link = entry->d_type == DT_LNK ? 0 : -1};
        if (entry->d_type == DT_DIR)
            wait_for(join(listing->path, entry->d_name));
    }
    qsort(listing->entries, listing->count, sizeof *listing->entries, by_name);
}

/* The calls that tell of its entries. */
static int add_entries(struct rsys_batch *batch, struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        struct entry *entry = &listing->entries[i];
        char *path = join(listing->path, entry->name);
        entry->status = rsys_batch_add(batch, SYS_lstat, path, &entry->st);
        if (entry->link == 0)
            entry->link = rsys_batch_add(batch, SYS_readlink, path, entry->target, (long)sizeof entry->target - 1);
        free(path);
        if (entry->status < 0)
            return -1;
    }
    return 0;
}

static void print(const struct rsys_batch *batch, const struct listing *listing)
{
    printf("%s:\n", listing->path);
    for (size_t i = 0; i < listing->count; i++) {
        const struct entry *entry = &listing->entries[i];
        const struct stat *st = &entry->st;
        if (rsys_batch_result(batch, entry->status) < 0) {
            printf("?????????? %s: %s\n", entry->name, strerror((int)-rsys_batch_result(batch, entry->status)));
            continue;
        }
        static const char kinds[] = "?pc?d?b?-?l?s???", bits[] = "rwxrwxrwx";
        putchar(kinds[(st->st_mode & S_IFMT) >> 12]);
        for (int bit = 0; bit < 9; bit++)
            putchar((st->st_mode & (0400u >> bit)) != 0 ? bits[bit] : '-');
        printf(" %3lu %5u %5u %10lld %s", (unsigned long)st->st_nlink, st->st_uid, st->st_gid, (long long)st->st_size, entry->name);
        if (entry->link > 0 && rsys_batch_result(batch, entry->link) > 0)
            printf(" -> %s", entry->target);
        putchar('\n');
    }
}

static void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->entries[i].name);
    free(listing->entries);
    free(listing->path);
    *listing = (struct listing){0};
}

static int list(struct rsys_session *session, struct rsys_batch *batch, char *buffer)
{
    struct listing shown = {0};
    int status = 0;
    unsigned long trips = 0;
    do {
        char *next = NULL;
        int opened = -1, failed = 0;
        rsys_batch_clear(batch);
        if (shown.path != NULL && add_entries(batch, &shown) < 0)
            return -ENOMEM;
        if (waiting_count > 0 && (opened = add_directory(batch, next = waiting[--waiting_count], buffer)) < 0)
            return -ENOMEM;
        if ((failed = rsys_batch_run(batch, 0)) < 0)
            return failed;
        trips++;
        if (shown.path != NULL)
            print(batch, &shown);
        listing_free(&shown);
        if (next == NULL)
            continue;
        int64_t result = rsys_batch_result(batch, opened), size = rsys_batch_result(batch, opened + 1);
        shown.path = next;
        if (result < 0 || size < 0) {
            fprintf(stderr, "rsys-ls: %s: %s\n", next, strerror((int)-(result < 0 ? result : size)));
            listing_free(&shown);
            status = 1;
            continue;
        }
        take_entries(&shown, buffer, (size_t)size);
    } while (shown.path != NULL || waiting_count > 0);
    fprintf(stderr, "%lu round trips\n", trips);
    return status;
}

int main(int argc, char **argv)
{
    struct rsys_error *error = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: rsys-ls ADDRESS DIRECTORY\n");
        return 2;
    }
    struct rsys_session *session = rsys_connect(argv[1], NULL, &error);
    if (session == NULL) {
        fprintf(stderr, "rsys-ls: %s\n", rsys_error_text(error));
        rsys_error_free(error);
        return 1;
    }
    struct rsys_batch *batch = must(rsys_batch_new(session));
    char *buffer = must(malloc(ROOM));
    wait_for(must(strdup(argv[2])));
    int status = list(session, batch, buffer);
    if (status < 0)
        fprintf(stderr, "rsys-ls: %s\n", strerror(-status));
    free(buffer);
    free(waiting);
    rsys_batch_free(batch);
    rsys_disconnect(session);
    return status != 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* view-nodes.c: the files that the kernel knows of, and their descriptors on the server.  Used by the view's thread alone. */
#include "src/jail/view-inner.h"
#include "src/jail/learn.h"

#include "src/core/path-access.h"
#include "src/core/table.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

static int64_t nanoseconds(const struct timespec *t) { return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec; }

void rsys_view_identity(const struct stat *st, struct view_identity *ret_identity)
{
    *ret_identity = (struct view_identity){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime = nanoseconds(&st->st_mtim),
        .ctime = nanoseconds(&st->st_ctim),
        .mode = st->st_mode,
    };
}

bool view_same_content(const struct view_identity *a, const struct stat *st)
{
    struct view_identity b;
    rsys_view_identity(st, &b);
    return a->dev == b.dev && a->ino == b.ino && a->size == b.size && a->mtime == b.mtime && a->ctime == b.ctime;
}

struct node *node_of(struct view *view, fuse_ino_t ino)
{
    return ino == FUSE_ROOT_ID ? &view->root : (struct node *)(uintptr_t)ino;
}

fuse_ino_t node_ino(struct view *view, struct node *node)
{
    return node == &view->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)node;
}

/* ---- hashes ---- */

static struct node **identity_bucket(struct view *view, uint64_t dev, uint64_t ino)
{
    return &view->identity[(ino * UINT64_C(0x9e3779b97f4a7c15) ^ dev) % NODE_BUCKETS];
}

static struct node **name_bucket(struct view *view, const struct node *parent, const char *name)
{
    uint64_t hash = (uintptr_t)parent / sizeof *parent;
    for (; *name != 0; name++)
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    return &view->by_name[hash % NODE_BUCKETS];
}

static void unlink_identity(struct view *view, struct node *node)
{
    struct node **at = identity_bucket(view, node->st.st_dev, node->st.st_ino);
    while (*at != NULL && *at != node)
        at = &(*at)->next_identity;
    if (*at == node)
        *at = node->next_identity;
}

static void unlink_name(struct view *view, struct node *node)
{
    if (node->parent == NULL)
        return;
    struct node **at = name_bucket(view, node->parent, node->name);
    while (*at != NULL && *at != node)
        at = &(*at)->next_name;
    if (*at == node)
        *at = node->next_name;
    struct node *parent = node->parent;
    node->parent = NULL;
    free(rsys_steal(&node->name));
    parent->children--;
    node_forget(view, parent, 0);
}

/* Where the node was found last, so that it can be found again with fewer calls. */
static int link_name(struct view *view, struct node *node, struct node *parent, const char *name)
{
    if (node->parent == parent && strcmp(node->name, name) == 0)
        return 0;
    char *copy = strdup(name);
    if (copy == NULL)
        return ENOMEM;
    parent->children++;
    unlink_name(view, node);
    node->parent = parent;
    node->name = copy;
    struct node **bucket = name_bucket(view, parent, copy);
    node->next_name = *bucket;
    *bucket = node;
    return 0;
}

static struct node *find_name(struct view *view, const struct node *parent, const char *name)
{
    struct node *node = *name_bucket(view, parent, name);
    while (node != NULL && (node->parent != parent || strcmp(node->name, name) != 0))
        node = node->next_name;
    return node;
}

static struct node *find_identity(struct view *view, const struct stat *st)
{
    struct node *node = *identity_bucket(view, st->st_dev, st->st_ino);
    while (node != NULL && (node->st.st_dev != st->st_dev || node->st.st_ino != st->st_ino || ((node->st.st_mode ^ st->st_mode) & S_IFMT) != 0))
        node = node->next_identity;
    return node;
}

struct node *node_by_identity(struct view *view, uint64_t dev, uint64_t ino)
{
    struct stat st = {.st_dev = dev, .st_ino = ino, .st_mode = S_IFREG};
    return find_identity(view, &st);
}

/* ---- descriptors on the server ---- */

static void close_remote(struct view *view, int *fd)
{
    if (*fd < 0)
        return;
    pager_close(&view->pager, *fd);
    *fd = -1;
    view->remote_fds--;
}

static int take_remote(struct view *view, int64_t fd)
{
    pager_took_fd(&view->pager, (int)fd);
    view->remote_fds++;
    return (int)fd;
}

/* Whether it has a descriptor to give up.  An unnamed file keeps its own: there is no other way to it. */
static bool has_room(const struct node *node) { return node->read_fd >= 0 || node->write_fd >= 0 || (node->fd >= 0 && node->parent != NULL); }

/* Descriptors are bounded: those of the files that were used longest ago, and that nobody has open, are closed. */
static void make_room(struct view *view)
{
    while (view->remote_fds + 8 > view->pager.nofile) {
        struct node *oldest = NULL;
        for (size_t i = 0; i < NODE_BUCKETS; i++)
            for (struct node *node = view->identity[i]; node != NULL; node = node->next_identity)
                if (node->opens == 0 && has_room(node) && (oldest == NULL || node->used < oldest->used))
                    oldest = node;
        if (oldest == NULL)
            return;
        close_remote(view, &oldest->read_fd);
        close_remote(view, &oldest->write_fd);
        if (oldest->parent != NULL)
            close_remote(view, &oldest->fd);
    }
}

struct found {
    int64_t fd;
    struct stat st;
    char target[PATH_MAX];
    int64_t target_size;
};

/* Open a path for O_PATH, stat it and read it as a link, in one round trip.  0 or an errno. */
static int resolve(struct view *view, int dirfd, const char *path, bool follow, struct found *found)
{
    struct pager *pager = &view->pager;
    make_room(view);
    int fd = pager_next_fd(pager);
    unsigned opened = pager_queue_open(pager, dirfd, path, O_PATH | (follow ? 0 : O_NOFOLLOW));
    unsigned stat_index = pager_queue_stat(pager, fd, &found->st);
    unsigned link_index = pager_queue_readlink(pager, fd, "", found->target, sizeof found->target - 1);
    if (pager_run(pager) < 0)
        return EIO;
    found->fd = pager->result[opened];
    if (found->fd < 0)
        return (int)-found->fd;
    take_remote(view, found->fd);
    int64_t result = pager->result[stat_index];
    found->target_size = pager->result[link_index];
    if (found->fd != fd) { /* not the number that was foretold: ask again */
        stat_index = pager_queue_stat(pager, (int)found->fd, &found->st);
        link_index = pager_queue_readlink(pager, (int)found->fd, "", found->target, sizeof found->target - 1);
        pager_run(pager);
        result = pager->result[stat_index];
        found->target_size = pager->result[link_index];
    }
    if (result < 0) {
        int unused = (int)found->fd;
        close_remote(view, &unused);
        return (int)-result;
    }
    return 0;
}

int node_fd(struct view *view, struct node *node)
{
    if (node->fd >= 0)
        return node->fd;
    if (node->kind != NODE_FILE || node->parent == NULL || (node->parent->kind != NODE_FILE && node->parent->kind != NODE_ROOT))
        return -ESTALE;
    int dirfd = node_fd(view, node->parent);
    if (dirfd < 0)
        return dirfd;
    struct found found;
    int code = resolve(view, dirfd, node->name, false, &found);
    if (code != 0)
        return -code;
    int fd = (int)found.fd;
    if (found.st.st_dev != node->st.st_dev || found.st.st_ino != node->st.st_ino) {
        close_remote(view, &fd);
        return -ESTALE;
    }
    node->fd = fd;
    return fd;
}

/* ---- finding ---- */

/* The kernel's clock for file times may stand still for as long as this (a jiffy at HZ=100, and room): two changes within it look alike. */
#define TICK 20000000

static int64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return nanoseconds(&now);
}

bool node_settled(struct view *view, const struct node *node)
{
    return nanoseconds(&node->st.st_ctim) + TICK < view->latest || node->since + 2 * TICK < monotonic();
}

static void seen(struct view *view, const struct stat *st)
{
    int64_t changed = nanoseconds(&st->st_ctim);
    view->latest = RSYS_MAX(view->latest, changed);
}

void node_update(struct view *view, struct node *node, const struct stat *st)
{
    struct view_identity before;
    rsys_view_identity(&node->st, &before);
    if (!view_same_content(&before, st))
        node->since = monotonic();
    seen(view, st);
    struct stat as = *st;
    as.st_dev = node->st.st_dev; /* what it is found by in the hashes, whatever the server says by now */
    as.st_ino = node->st.st_ino;
    node->st = as;
    node->used = ++view->clock;
}

static struct node *node_new(struct view *view, struct found *found)
{
    struct node *node = calloc(1, sizeof *node);
    if (node == NULL)
        return NULL;
    node->kind = NODE_FILE;
    node->serial = NODE_SERIALS + ++view->serials;
    node->fd = (int)found->fd;
    node->read_fd = node->write_fd = -1;
    node->st = found->st;
    node->since = monotonic();
    seen(view, &found->st);
    /* What /proc's links say depends on who asks and when. */
    if (S_ISLNK(found->st.st_mode) && found->target_size > 0 && found->st.st_dev != view->proc_dev)
        node->target = strndup(found->target, (size_t)found->target_size);
    struct node **bucket = identity_bucket(view, node->st.st_dev, node->st.st_ino);
    node->next_identity = *bucket;
    *bucket = node;
    return node;
}

/* Whether what was known under that name is still there: one call instead of three. */
static struct node *still_there(struct view *view, struct node *parent, const char *name, int dirfd, const char *path, int *ret_code)
{
    struct node *guess = find_name(view, parent, name);
    struct stat st;
    *ret_code = 0;
    bool foretold = walk_take(view, parent, name, &st, ret_code);
    if (guess == NULL || guess->fd < 0)
        return NULL;
    if (!foretold) {
        unsigned index = pager_queue_stat_at(&view->pager, dirfd, path, AT_SYMLINK_NOFOLLOW, &st);
        pager_run(&view->pager);
        *ret_code = (int)-view->pager.result[index];
    }
    if (*ret_code != 0 || st.st_dev != guess->st.st_dev || st.st_ino != guess->st.st_ino || ((st.st_mode ^ guess->st.st_mode) & S_IFMT) != 0)
        return NULL;
    node_update(view, guess, &st);
    return guess;
}

int node_lookup(struct view *view, struct node *parent, const char *name, int dirfd, const char *path, bool follow, struct node **ret_node)
{
    int code = 0;
    struct node *node = follow ? NULL : still_there(view, parent, name, dirfd, path, &code);
    if (code != 0)
        return code;
    if (node != NULL) {
        node->lookups++;
        *ret_node = node;
        return 0;
    }
    struct found found;
    code = resolve(view, dirfd, path, follow, &found);
    if (code != 0)
        return code;
    int fd = (int)found.fd;
    if (!S_ISDIR(found.st.st_mode))
        node = find_identity(view, &found.st);
    if (node == NULL) {
        node = node_new(view, &found);
        if (node == NULL) {
            close_remote(view, &fd);
            return ENOMEM;
        }
    } else {
        node_update(view, node, &found.st);
        if (node->fd < 0)
            node->fd = fd;
        else
            close_remote(view, &fd);
    }
    node->lookups++;
    if (parent->kind == NODE_CWD && view->proc_dev == 0) {
        free(node->path);
        node->path = strdup(path);
    }
    code = follow ? 0 : link_name(view, node, parent, name);
    if (code != 0) {
        node_forget(view, node, 1);
        return code;
    }
    *ret_node = node;
    return 0;
}

void node_forget(struct view *view, struct node *node, uint64_t lookups)
{
    if (node->kind != NODE_FILE || node == &view->root)
        return;
    node->lookups -= RSYS_MIN(node->lookups, lookups);
    if (node->lookups > 0 || node->children > 0)
        return;
    if (S_ISDIR(node->st.st_mode))
        walk_reset(view);
    unlink_identity(view, node);
    close_remote(view, &node->fd);
    close_remote(view, &node->read_fd);
    close_remote(view, &node->write_fd);
    unlink_name(view, node);
    free(node->target);
    free(node->path);
    free(node);
}

int node_refresh(struct view *view, struct node *node)
{
    struct stat st;
    int fd = node_fd(view, node);
    if (fd < 0)
        return -fd;
    unsigned index = pager_queue_stat(&view->pager, fd, &st);
    pager_run(&view->pager);
    if (view->pager.result[index] < 0)
        return (int)-view->pager.result[index];
    node_update(view, node, &st);
    return 0;
}

/* ---- opening ---- */

/* Open what fd (O_PATH) refers to: through /proc exactly that file; without a /proc by its name, checked by its identity. */
static int64_t reopen(struct view *view, struct node *node, int flags)
{
    char path[64];
    struct stat st;
    make_room(view);
    int fd = node_fd(view, node);
    if (fd < 0)
        return fd;
    if (view->proc_dev != 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        unsigned opened = pager_queue_open(&view->pager, AT_FDCWD, path, flags);
        pager_run(&view->pager);
        return view->pager.result[opened];
    }
    bool named = node->parent != NULL && node->parent->kind == NODE_FILE;
    if (!named && node->path == NULL)
        return -ESTALE;
    int dirfd = named ? node_fd(view, node->parent) : AT_FDCWD;
    if (named && dirfd < 0)
        return dirfd;
    int next = pager_next_fd(&view->pager);
    unsigned opened = pager_queue_open(&view->pager, dirfd, named ? node->name : node->path, flags | O_NOFOLLOW);
    unsigned stat_index = pager_queue_stat(&view->pager, next, &st);
    pager_run(&view->pager);
    int64_t result = view->pager.result[opened];
    if (result >= 0 && (result != next || view->pager.result[stat_index] != 0 || st.st_dev != node->st.st_dev || st.st_ino != node->st.st_ino)) {
        pager_close(&view->pager, (int)result);
        return -ESTALE;
    }
    return result;
}

int node_open(struct view *view, struct node *node, bool writable)
{
    if (node->write_fd >= 0)
        return 0; /* reads go by it too */
    if (writable) {
        int64_t fd = reopen(view, node, O_RDWR | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
            return (int)-fd;
        node->write_fd = take_remote(view, fd);
        return 0;
    }
    /* A file of an overlay that was copied up since has another file behind it now; its times tell. */
    if (node->read_fd >= 0 && !view_same_content(&node->opened, &node->st))
        close_remote(view, &node->read_fd);
    if (node->read_fd >= 0)
        return 0;
    int64_t fd = reopen(view, node, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return (int)-fd;
    node->read_fd = take_remote(view, fd);
    rsys_view_identity(&node->st, &node->opened);
    return 0;
}

/* The mode and owner of a file are between it and the guest, whose own executor is asked (exec.c); interpreters are nobody's to ask for but the kernel's, here.  So
 * where access(2) already refuses the pager, that is not the domain's doing.  A kernel that does not know the question has been taken for good enough (sandbox/paths.c). */
int node_executable(struct view *view, struct node *node)
{
    static const uint64_t argv[2]; /* the first becomes the address of an empty string */
    uint64_t fd = (uint64_t)(node->write_fd >= 0 ? node->write_fd : node->read_fd);
    struct pager *pager = &view->pager;
    unsigned checked = pager_queue_call(pager, SYS_execveat, (uint64_t[6]){fd, 0, 0, 0, RSYS_AT_EXECVE_CHECK | AT_EMPTY_PATH});
    int64_t path = rsys_request_in(&pager->request[checked], 1, "", 1);
    int64_t array = path < 0 ? path : rsys_request_in(&pager->request[checked], 2, argv, sizeof argv);
    if (array < 0 || rsys_request_pointer(&pager->request[checked], (uint32_t)array, (uint32_t)path) < 0) {
        pager->queued--;
        return EACCES;
    }
    unsigned access = pager_queue_call(pager, SYS_faccessat2, (uint64_t[6]){fd, 0, X_OK, AT_EMPTY_PATH | AT_EACCESS});
    rsys_request_in(&pager->request[access], 1, "", 1);
    pager_run(pager);
    return pager->result[checked] == -EACCES && pager->result[access] == 0 ? EACCES : 0;
}

void node_learn(struct view *view, struct node *node)
{
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", node->write_fd >= 0 ? node->write_fd : node->read_fd);
    unsigned link = pager_queue_readlink(&view->pager, AT_FDCWD, name, path, sizeof path - 1);
    pager_run(&view->pager);
    int64_t length = view->pager.result[link];
    if (length <= 0 || length >= (int64_t)sizeof path)
        return;
    path[length] = 0;
    rsys_learn_path(path, RSYS_PATH_EXECUTE | RSYS_PATH_READ_FILE);
}

/* ---- the fixed nodes ---- */

static void fixed(struct view *view, struct node *node, enum node_kind kind, uint32_t mode)
{
    *node = (struct node){.kind = kind, .fd = -1, .read_fd = -1, .write_fd = -1};
    node->st.st_mode = mode;
    node->st.st_nlink = 1;
    node->serial = kind == NODE_LOCAL ? 2 : 1;
}

void node_setup(struct view *view)
{
    fixed(view, &view->root, NODE_FILE, S_IFDIR | 0755);
    fixed(view, &view->local_dir, NODE_LOCAL_DIR, S_IFDIR | 0755);
    fixed(view, &view->local, NODE_LOCAL, S_IFREG | 0755);
    for (unsigned i = 0; i <= RSYS_VIEW_CWD_DEPTH; i++) {
        fixed(view, &view->cwd[i], NODE_CWD, S_IFDIR | 0755);
        view->cwd[i].level = i;
    }
}

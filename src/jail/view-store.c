/* SPDX-License-Identifier: GPL-2.0-only */
/* view-store.c: the guests' root where there is no FUSE: a tmpfs with copies of what they execute and map.
 *
 * Each file is copied to the name that the server's kernel has for it, so that what the guests' kernel tells of it is right; other names that it is executed by are symbolic links to
 * that.  Directories are made as names need them: where the sandbox has a link in the midst of a name, the store has a directory.  Guests only read it, through a mount that is
 * read-only, and a name means to them only what the execve under way has made it mean.
 *
 * One name may mean different files for different guests (a relative one; one below another root).  The name is not turned to another file while a guest is
 * between our letting its execve go on and its kernel's having looked the name up; that ends with ptrace's event, or is found out by what the guest is doing. */
#include "src/jail/proc-status.h"
#include "src/jail/view-copy.h"

#include "src/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STORE_BYTES (UINT64_C(1) << 30) /* what is kept, beside what is in use */
#define UNNAMED ".rsys-copies"          /* copies of files whose name is none */
#define TEMPORARY ".rsys-new"
#define FLIGHT_MS 50                    /* a guest that runs for so long is not looking up names */

static int root_of(const struct view *view) { return view->start.mount_fd; }

/* ---- names ---- */

/* The directory `name` is in, made as needed: a descriptor (O_PATH), and its last component; or -errno. */
static int parent_of(struct view *view, const char *name, const char **ret_last)
{
    char part[NAME_MAX + 1];
    int at = openat(root_of(view), ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0) {
        name += strspn(name, "/");
        size_t length = strcspn(name, "/");
        if (name[length] == 0 || name[length + strspn(name + length, "/")] == 0)
            break;
        int next = -1;
        if (length <= NAME_MAX) {
            snprintf(part, sizeof part, "%.*s", (int)length, name);
            next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (next < 0 && (errno == ENOTDIR || errno == ELOOP))
                unlinkat(at, part, 0); /* it was a file at an earlier time */
            if (next < 0 && (mkdirat(at, part, 0755) == 0 || errno == EEXIST))
                next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        int code = length > NAME_MAX ? ENAMETOOLONG : errno;
        close(at);
        at = next;
        errno = code;
        name += length;
    }
    *ret_last = name;
    return at >= 0 ? at : -errno;
}

int store_directory(struct view *view, const char *path)
{
    char full[PATH_MAX + 4];
    const char *last;
    snprintf(full, sizeof full, "%s/.", path);
    RSYS_AUTO_FD parent = parent_of(view, full, &last);
    return parent < 0 ? parent : openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int store_prepare(struct view *view)
{
    RSYS_AUTO_FD cwd = store_directory(view, RSYS_VIEW_CWD), unnamed = store_directory(view, UNNAMED), local = store_directory(view, RSYS_VIEW_LOCAL);
    return cwd < 0 ? cwd : unnamed < 0 ? unnamed : local < 0 ? local : 0;
}

/* ---- copies ---- */

static struct copy **place_of(struct copies *copies, const char *path)
{
    uint32_t hash = 5381;
    for (const char *c = path; *c != 0; c++)
        hash = hash * 33 + (unsigned char)*c;
    struct copy **at = &copies->bucket[hash % STORE_BUCKETS];
    while (*at != NULL && strcmp((*at)->path, path) != 0)
        at = &(*at)->next;
    return at;
}

static void drop(struct view *view, struct copy **at)
{
    struct copy *copy = *at;
    struct stat st;
    pthread_mutex_lock(&view->lock);
    *at = copy->next;
    pthread_mutex_unlock(&view->lock);
    view->copies->bytes -= copy->size;
    if (fstatat(root_of(view), copy->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == copy->ino)
        unlinkat(root_of(view), copy->name, 0);
    struct former *former = &view->copies->former[view->copies->former_next++ % FORMER];
    free(former->path);
    *former = (struct former){copy->ino, copy->identity.dev, copy->identity.ino, copy->path};
    free(copy->name);
    free(copy);
}

struct copy *store_find(struct view *view, const char *path, const struct view_identity *identity)
{
    struct copy **at = place_of(view->copies, path), *copy = *at;
    struct stat st;
    if (copy == NULL)
        return NULL;
    const struct view_identity *had = &copy->identity;
    if (copy->settled && had->dev == identity->dev && had->ino == identity->ino && had->size == identity->size && had->mtime == identity->mtime &&
        had->ctime == identity->ctime && fstatat(root_of(view), copy->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == copy->ino) {
        copy->serial = ++view->copies->serials;
        return copy;
    }
    drop(view, at);
    return NULL;
}

/* Make room: what was used longest ago goes.  Who executes or maps it keeps it. */
static void trim(struct view *view, uint64_t size)
{
    struct copies *copies = view->copies;
    while (copies->bytes > 0 && copies->bytes + size > STORE_BYTES) {
        struct copy **oldest = NULL;
        for (size_t i = 0; i < STORE_BUCKETS; i++)
            for (struct copy **at = &copies->bucket[i]; *at != NULL; at = &(*at)->next)
                if ((*at)->size > 0 && (oldest == NULL || (*at)->serial < (*oldest)->serial))
                    oldest = at;
        if (oldest == NULL)
            return;
        drop(view, oldest);
    }
}

int store_new(struct view *view)
{
    unlinkat(root_of(view), TEMPORARY, 0);
    int fd = openat(root_of(view), TEMPORARY, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    return fd >= 0 ? fd : -errno;
}

/* Put TEMPORARY, whatever it is, at the name. */
static int place(struct view *view, const char *name)
{
    const char *last;
    RSYS_AUTO_FD parent = parent_of(view, name, &last);
    if (parent < 0)
        return parent;
    return renameat(root_of(view), TEMPORARY, parent, last) < 0 ? -errno : 0;
}

struct copy *store_put(struct view *view, int fd, const char *path, const struct view_identity *identity, bool settled)
{
    struct copy *copy = calloc(1, sizeof *copy), **at = place_of(view->copies, path);
    struct stat st;
    /* Who may execute it, the guest's executor has been asked; of interpreters it has not. */
    if (copy == NULL || fchmod(fd, identity->mode & 0111 ? 0555 : 0444) < 0 || fstat(fd, &st) < 0 || (copy->path = strdup(path)) == NULL)
        goto failed;
    trim(view, (uint64_t)st.st_size);
    /* A file that has been removed, a memory file: what the link says is no name, or another file's.  (The path is the server's word.) */
    bool named = path[0] == '/' && strstr(path, " (deleted)") == NULL && strstr(path, "/..") == NULL;
    if (!named || (copy->name = strdup(path + 1)) == NULL || place(view, copy->name) < 0) {
        free(rsys_steal(&copy->name));
        if (asprintf(&copy->name, UNNAMED "/%llu", (unsigned long long)++view->copies->serials) < 0) {
            copy->name = NULL;
            goto failed;
        }
        if (place(view, copy->name) < 0)
            goto failed;
    }
    if (*at != NULL)
        drop(view, at);
    at = place_of(view->copies, path);
    copy->identity = *identity;
    copy->settled = settled;
    copy->ino = st.st_ino;
    copy->serial = ++view->copies->serials;
    copy->size = (uint64_t)st.st_size;
    view->copies->bytes += copy->size;
    copy->next = *at;
    pthread_mutex_lock(&view->lock);
    *at = copy;
    pthread_mutex_unlock(&view->lock);
    return copy;
failed:
    if (copy != NULL) {
        free(copy->path);
        free(copy->name);
    }
    free(copy);
    return NULL;
}

int store_open(struct view *view, const struct copy *copy)
{
    int fd = openat(root_of(view), copy->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

char *view_copy_name(struct view *view, const char *path)
{
    char *name = NULL;
    if (strncmp(path, "/" UNNAMED "/", sizeof UNNAMED + 1) != 0)
        return strdup(path);
    pthread_mutex_lock(&view->lock);
    for (size_t i = 0; i < STORE_BUCKETS; i++)
        for (const struct copy *copy = view->copies->bucket[i]; copy != NULL && name == NULL; copy = copy->next)
            if (strcmp(copy->name, path + 1) == 0)
                name = strdup(copy->path);
    pthread_mutex_unlock(&view->lock);
    return name;
}

/* ---- names that guests execute by ---- */

/* Whether the guest may still be about to look the name up: it is in its execve, or runs (within the kernel or not), and not for long. */
static bool in_execve(struct view *view, pid_t tid)
{
    long nr = rsys_proc_syscall(view->copies->proc_fd, tid);
    return nr == RSYS_PROC_RUNNING || nr == SYS_execve || nr == SYS_execveat;
}

static pid_t flying(struct view *view, pid_t but, const char *name)
{
    pid_t tid = 0;
    pthread_mutex_lock(&view->lock);
    for (size_t i = 0; i < FLIGHTS; i++) {
        const struct flight *flight = &view->copies->flights[i];
        if (flight->tid != 0 && flight->tid != but && strcmp(flight->name, name) == 0)
            tid = flight->tid;
    }
    pthread_mutex_unlock(&view->lock);
    return tid;
}

void view_landed(struct view *view, pid_t tid)
{
    if (view->copies == NULL)
        return;
    pthread_mutex_lock(&view->lock);
    for (size_t i = 0; i < FLIGHTS; i++)
        if (view->copies->flights[i].tid == tid)
            view->copies->flights[i].tid = 0;
    pthread_mutex_unlock(&view->lock);
}

static void takes_off(struct view *view, pid_t tid, const char *name)
{
    char *own = strdup(name);
    pthread_mutex_lock(&view->lock);
    struct flight *flight = &view->copies->flights[view->copies->flights_next++ % FLIGHTS];
    free(flight->name);
    *flight = (struct flight){.tid = own != NULL ? tid : 0, .name = own};
    pthread_mutex_unlock(&view->lock);
}

int store_link(struct view *view, pid_t tid, const char *name, const struct copy *copy)
{
    char full[2 * PATH_MAX], target[PATH_MAX + 1], had[PATH_MAX + 1];
    const char *last;
    snprintf(full, sizeof full, "%s%s%s", name[0] == '/' ? "" : RSYS_VIEW_CWD, name[0] == '/' ? "" : "/", name);
    snprintf(target, sizeof target, "/%s", copy->name);
    if (strcmp(full, target) == 0)
        return 0;
    RSYS_AUTO_FD parent = parent_of(view, full, &last);
    if (parent < 0)
        return parent;
    ssize_t n = readlinkat(parent, last, had, sizeof had - 1);
    had[n > 0 ? n : 0] = 0;
    if (strcmp(had, target) != 0) {
        pid_t other;
        for (int ms = 0; (other = flying(view, tid, full)) != 0; ms++) {
            if (ms == FLIGHT_MS || !in_execve(view, other))
                view_landed(view, other);
            else
                poll(NULL, 0, 1);
        }
        unlinkat(root_of(view), TEMPORARY, 0);
        if (symlinkat(target, root_of(view), TEMPORARY) < 0 || renameat(root_of(view), TEMPORARY, parent, last) < 0)
            return -errno;
    }
    takes_off(view, tid, full);
    return 0;
}

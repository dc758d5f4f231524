/* SPDX-License-Identifier: GPL-2.0-only */
/* view-copy.c: the view where there is no /dev/fuse: what guests execute and map is copied, through the pager, into a tmpfs (view-store.c) that is their root.
 *
 * There is no view's thread: the opener does the jobs, and is the pager's only user.  Before a guest's execve goes on, the file that it names is copied, and what the kernel will open for
 * it: the interpreter of a script, and that one's; a program's dynamic linker.  A copy is used again while the file on the server is the same.
 *
 * What does not hold: a mapping that writes to its file (ENODEV), and that a mapping sees what is written to the file after it was made. */
#include "src/jail/view-copy.h"

#include "src/core/path-access.h"
#include "src/core/util.h"
#include "src/jail/learn.h"
#include "src/jail/proc-text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define HEAD 4096           /* where the kernel looks for what a file is; a program's headers lie there too, or the copy is read */
#define COPY_MAX (1 << 28)  /* bytes of one file */
#define INTERPRETERS 5      /* fs/exec.c: exec_binprm */
#define SETTLED 20000000    /* ns: a server's clock for file times has moved on by then */

/* ---- on the server ---- */

/* A file that is open there. */
struct found {
    int fd;
    struct stat st;
    char path[PATH_MAX]; /* what the server's kernel calls it */
    char head[HEAD];
    int64_t head_size;
};

/* Ask what is behind the descriptor that the request at `opened` makes. */
static int find_opened(struct view *view, unsigned opened, struct found *found)
{
    struct pager *pager = &view->pager;
    char link[48];
    int fd = found->fd = pager_next_fd(pager);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    unsigned asked = pager_queue_stat(pager, fd, &found->st);
    unsigned linked = pager_queue_readlink(pager, AT_FDCWD, link, found->path, sizeof found->path - 1);
    unsigned headed = pager_queue_call(pager, SYS_pread64, (uint64_t[6]){(uint64_t)fd, 0, sizeof found->head, 0});
    rsys_request_out(&pager->request[headed], 1, sizeof found->head, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = found->head});
    if (pager_run(pager) < 0)
        return -EIO;
    if (pager->result[opened] < 0)
        return (int)pager->result[opened];
    pager_took_fd(pager, (int)pager->result[opened]);
    int64_t length = pager->result[linked];
    if (pager->result[opened] != fd || pager->result[asked] < 0 || length <= 0 || length >= PATH_MAX) {
        pager_close(pager, (int)pager->result[opened]);
        return length <= 0 ? -ENOSYS : -EIO; /* a sandbox without a /proc */
    }
    found->path[length] = 0;
    found->head_size = pager->result[headed];
    return 0;
}

static int find(struct view *view, const char *path, int flags, struct found *found)
{
    return find_opened(view, pager_queue_open(&view->pager, AT_FDCWD, path, flags | O_NONBLOCK | O_NOCTTY), found);
}

/* The same in another root, out of which no link leads. */
static int find_in_root(struct view *view, const struct node *root, const char *path, struct found *found)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_IN_ROOT};
    unsigned opened = pager_queue_call(&view->pager, SYS_openat2, (uint64_t[6]){(uint64_t)root->fd, 0, 0, sizeof how});
    rsys_request_in(&view->pager.request[opened], 1, path, strlen(path) + 1);
    rsys_request_in(&view->pager.request[opened], 2, &how, sizeof how);
    return find_opened(view, opened, found);
}

/* A name of guest tid's as the server has it, but for the working directory: in the guest's own /proc, what it executes here, not its executor. */
static void translate(struct view *view, pid_t tid, const char *name, char path[2 * PATH_MAX])
{
    static const char *const selves[] = {"/proc/self/", "/proc/thread-self/"};
    pid_t of = 0;
    int end = 0;
    snprintf(path, 2 * PATH_MAX, "%s", name);
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(selves); i++)
        if (strncmp(name, selves[i], strlen(selves[i])) == 0)
            snprintf(path, 2 * PATH_MAX, "/proc/%d/%s", (int)tid, name + strlen(selves[i]));
    if (sscanf(path, "/proc/%9d/exe%n", &of, &end) == 1 && end > 0 && path[end] == 0)
        view_exe_path(view, of, path);
}

/* A name as guest tid has it. */
static int find_name(struct view *view, pid_t tid, const char *name, struct found *found)
{
    char path[2 * PATH_MAX], directory[PATH_MAX];
    int root = view_exec_root(view, tid);
    if (root < 0)
        return -EACCES;
    translate(view, tid, name, path);
    struct node *other = view_root_of(view, tid);
    if (name[0] != '/' && other == NULL && view->proc_dev != 0) {
        snprintf(path, sizeof path, "/proc/%d/cwd/%s", (int)tid, name);
        int code = find(view, path, O_RDONLY, found);
        if (code != -EACCES)
            return code;
        path[0] = 0; /* the guest has other ids than the pager */
    }
    if (name[0] != '/' && view_directory(view, tid, directory) > 0) /* as getcwd(2) has it there; "(unreachable)" outside of the root */
        snprintf(path, sizeof path, "%s/%s", directory, name);
    if (path[0] != '/')
        return -ENOENT;
    return other != NULL ? find_in_root(view, other, path, found) : find(view, path, O_RDONLY, found);
}

/* ---- copying ---- */

static bool settles(struct view *view, const struct stat *st)
{
    int64_t changed = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
    bool settled = view->latest - changed > SETTLED;
    view->latest = RSYS_MAX(view->latest, changed);
    return settled;
}

static int read_whole(struct view *view, const struct found *found, int fd)
{
    int64_t n = found->head_size, at = 0;
    if (n < 0)
        return (int)n;
    memcpy(view->buffer, found->head, (size_t)n);
    while (n > 0) {
        if (pwrite(fd, view->buffer, (size_t)n, at) != n)
            return -ENOMEM;
        at += n;
        if (n < HEAD && at < HEAD)
            break;
        n = at < COPY_MAX ? pager_read(&view->pager, found->fd, view->buffer, RSYS_ARENA_SIZE, (uint64_t)at) : -EFBIG;
    }
    return n < 0 ? (int)n : 0;
}

/* The file's copy, as it is now; its descriptor on the server is closed.  NULL and *ret_code. */
static struct copy *copy_found(struct view *view, struct found *found, int *ret_code)
{
    struct view_identity identity;
    struct copy *copy = NULL;
    rsys_view_identity(&found->st, &identity);
    *ret_code = !S_ISREG(found->st.st_mode) ? -EACCES : found->st.st_size > COPY_MAX ? -ENODEV : 0;
    if (*ret_code == 0)
        copy = store_find(view, found->path, &identity);
    if (*ret_code == 0 && copy == NULL) {
        bool settled = settles(view, &found->st);
        RSYS_AUTO_FD fd = store_new(view);
        *ret_code = fd < 0 ? fd : read_whole(view, found, fd);
        copy = *ret_code == 0 ? store_put(view, fd, found->path, &identity, settled) : NULL;
        if (*ret_code == 0 && copy == NULL)
            *ret_code = -ENOMEM;
    }
    pager_close(&view->pager, found->fd);
    return copy;
}

/* ---- what the kernel opens for an execve ---- */

/* What a script names. */
static bool script_interpreter(const char *head, int64_t size, char interpreter[PATH_MAX])
{
    if (size < 2 || head[0] != '#' || head[1] != '!')
        return false;
    const char *at = head + 2, *end = head + RSYS_MIN(size, (int64_t)256); /* BINPRM_BUF_SIZE */
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    size_t length = 0;
    while (at + length < end && strchr(" \t\n", at[length]) == NULL && at[length] != 0)
        length++;
    snprintf(interpreter, PATH_MAX, "%.*s", (int)length, at);
    return length > 0;
}

/* What a program names, by its copy: a file of the server's, which may say anything. */
static bool elf_interpreter(int fd, char interpreter[PATH_MAX])
{
    Elf64_Ehdr head;
    Elf64_Phdr part;
    if (pread(fd, &head, sizeof head, 0) != sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof part)
        return false;
    for (unsigned i = 0; i < head.e_phnum && i < 1024; i++) {
        if (pread(fd, &part, sizeof part, (off_t)(head.e_phoff + i * sizeof part)) != sizeof part)
            return false;
        if (part.p_type != PT_INTERP || part.p_filesz < 2 || part.p_filesz > PATH_MAX)
            continue;
        if (pread(fd, interpreter, part.p_filesz, (off_t)part.p_offset) != (ssize_t)part.p_filesz)
            return false;
        interpreter[part.p_filesz - 1] = 0;
        return interpreter[0] != 0;
    }
    return false;
}

static void learn(const struct found *found) { rsys_learn_path(found->path, RSYS_PATH_EXECUTE | RSYS_PATH_READ_FILE); }

static int provide(struct view *view, pid_t tid, const char *name, unsigned depth);

static int provide_interpreter(struct view *view, pid_t tid, int fd, unsigned depth)
{
    char head[256], interpreter[PATH_MAX] = "";
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (depth < INTERPRETERS && (script_interpreter(head, n, interpreter) || elf_interpreter(fd, interpreter)))
        return provide(view, tid, interpreter, depth + 1); /* as the kernel would say of it */
    return 0;
}

static bool is_local(const char *path) { return strncmp(path, RSYS_VIEW_LOCAL "/", sizeof RSYS_VIEW_LOCAL) == 0; }

/* The client's own program is here alone: by its name, or as what a process executes. */
static int provide_local(struct view *view, pid_t tid, const char *name, char *path, unsigned depth)
{
    struct copy local = {.name = path + 1};
    RSYS_AUTO_FD fd = store_open(view, &local);
    int code = fd < 0 ? fd : store_link(view, tid, name, &local);
    return code < 0 ? code : provide_interpreter(view, tid, fd, depth);
}

/* The file that guest tid calls by this name, and what it needs. */
static int provide(struct view *view, pid_t tid, const char *name, unsigned depth)
{
    struct found found;
    char path[2 * PATH_MAX];
    translate(view, tid, name, path);
    if (is_local(path))
        return provide_local(view, tid, name, path, depth);
    int code = find_name(view, tid, name, &found);
    if (code < 0)
        return code;
    if (view->start.confined) {
        struct node node = {.fd = -1, .read_fd = found.fd, .write_fd = -1};
        code = -node_executable(view, &node);
    }
    if (code < 0) {
        pager_close(&view->pager, found.fd);
        return code;
    }
    learn(&found);
    struct copy *copy = copy_found(view, &found, &code);
    if (copy == NULL)
        return code;
    code = store_link(view, tid, name, copy);
    RSYS_AUTO_FD fd = code < 0 ? -1 : store_open(view, copy);
    return code < 0 ? code : provide_interpreter(view, tid, fd, depth);
}

/* ---- jobs ---- */

static int open_copy(struct view *view, struct view_job *job)
{
    struct found found;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)job->tid, job->fd);
    int code = job->writable ? -ENODEV : find(view, job->name != NULL ? job->name : path, O_RDONLY, &found);
    if (code < 0)
        return code;
    if (job->name != NULL && (found.st.st_dev != job->expected.dev || found.st.st_ino != job->expected.ino)) {
        pager_close(&view->pager, found.fd);
        return -ENOENT;
    }
    if (S_ISDIR(found.st.st_mode)) { /* names will be looked up there */
        pager_close(&view->pager, found.fd);
        return store_directory(view, found.path);
    }
    if (job->kind == JOB_EXEC)
        learn(&found);
    struct copy *copy = copy_found(view, &found, &code);
    if (copy == NULL)
        return code;
    int fd = store_open(view, copy);
    code = fd >= 0 && job->kind == JOB_EXEC ? provide_interpreter(view, job->tid, fd, 0) : 0;
    if (code < 0)
        close(fd);
    return code < 0 ? code : fd;
}

/* execve by name: job->name, from the directory of descriptor job->fd unless that is -1. */
static int exec_copy(struct view *view, struct view_job *job)
{
    char *name = job->name;
    if (job->fd < 0 || is_local(name))
        return provide(view, job->tid, name, 0);
    job->name = NULL;
    int directory = open_copy(view, job); /* or the file itself, when the name is empty */
    job->name = name;
    if (directory < 0 || name[0] == 0)
        return directory;
    struct found found;
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)job->tid, job->fd);
    int code = find(view, path, O_PATH | O_DIRECTORY, &found);
    if (code == 0) {
        pager_close(&view->pager, found.fd);
        snprintf(path, sizeof path, "%s/%s", found.path, name);
        code = provide(view, job->tid, path, 0);
    }
    if (code < 0)
        close(directory);
    return code < 0 ? code : directory;
}

static void tell_copy(struct view_telling *telling, uint64_t ino, const char *path, uint64_t dev, uint64_t real_ino)
{
    for (size_t i = 0; i < telling->count; i++)
        if (telling->files[i].ino == ino && telling->files[i].path == NULL) {
            telling->files[i].path = strdup(path);
            telling->files[i].dev = dev;
            telling->files[i].real_ino = real_ino;
        }
}

static void tell_copies(struct view *view, struct view_telling *telling)
{
    for (size_t i = 0; i < STORE_BUCKETS; i++)
        for (const struct copy *copy = view->copies->bucket[i]; copy != NULL; copy = copy->next)
            tell_copy(telling, copy->ino, copy->path, copy->identity.dev, copy->identity.ino);
    for (size_t i = 0; i < FORMER; i++)
        if (view->copies->former[i].path != NULL)
            tell_copy(telling, view->copies->former[i].ino, view->copies->former[i].path, view->copies->former[i].dev, view->copies->former[i].real_ino);
}

int view_copy_job(struct view *view, struct view_job *job)
{
    int fd = -1;
    if (job->kind == JOB_OPEN)
        fd = job->result = open_copy(view, job);
    else if (job->kind == JOB_EXEC)
        fd = job->result = exec_copy(view, job);
    else if (job->kind == JOB_ROOT)
        job->result = view_root_add(view, job->tid);
    else if (job->kind == JOB_TELL)
        tell_copies(view, job->data);
    if (job->kind == JOB_EXEC && job->fd < 0)
        fd = -1;
    job->result = job->kind == JOB_ROOT ? job->result : RSYS_MIN(job->result, 0);
    return fd < 0 ? -1 : fd;
}

/* ---- the beginning ---- */

int rsys_view_mount_copies(struct rsys_error **err)
{
    RSYS_AUTO_FD fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", "rsys", 0) < 0 ||
        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return rsys_error_make(err, errno, "mount a tmpfs for the guests' files");
    int mount_fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    return mount_fd >= 0 ? mount_fd : rsys_error_make(err, errno, "mount a tmpfs for the guests' files");
}

static int copy_local(struct view *view)
{
    char name[PATH_MAX], buffer[65536];
    ssize_t n;
    if (view->start.local_fd < 0)
        return 0;
    snprintf(name, sizeof name, "%s/%s", RSYS_VIEW_LOCAL + 1, view->start.local_name);
    RSYS_AUTO_FD fd = openat(view->start.mount_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    if (fd < 0)
        return -errno;
    for (off_t at = 0; (n = pread(view->start.local_fd, buffer, sizeof buffer, at)) > 0; at += n)
        if (write(fd, buffer, (size_t)n) != n)
            return -errno;
    return n < 0 || fchmod(fd, 0555) < 0 ? -errno : 0;
}

int view_copy_start(struct view *view, struct rsys_error **err)
{
    view->copies = calloc(1, sizeof *view->copies);
    if (view->copies == NULL)
        return rsys_error_make(err, ENOMEM, "start the view");
    view->copies->proc_fd = view->start.proc_fd;
    int code = store_prepare(view);
    if (code == 0)
        code = copy_local(view);
    if (code < 0)
        return rsys_error_make(err, -code, "prepare the guests' files");
    code = provide(view, 0, view->start.program, 0);
    if (code == -EACCES) { /* so shall the guest's kernel say */
        struct view_identity nothing = {0};
        RSYS_AUTO_FD fd = store_new(view);
        code = fd >= 0 && store_put(view, fd, view->start.program, &nothing, false) != NULL ? 0 : code;
    }
    if (code < 0 && code != -ENOENT)
        return rsys_error_make(err, -code, "copy %s from the sandbox", view->start.program);
    rsys_close(view->start.local_fd);
    return 0;
}

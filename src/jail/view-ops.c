/* SPDX-License-Identifier: GPL-2.0-only */
/* view-ops.c: the kernel's requests to the view.  On the view's thread alone, which waits for nothing but the pager's executor.
 *
 * Nothing is valid in the kernel's caches for longer than the request that asked, but what cannot change: so every exec sees the sandbox as it is.
 * File data stays cached from open to open while the file's size and times are the same. */
#include "src/jail/view-inner.h"
#include "src/jail/learn.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define FOREVER 86400.0
/* The attributes that come with a lookup are good for the call that looks up: without this, the kernel asks for the mode of each program again.  (Whether a
 * mode has any execute bit is all that it decides by it; each execve looks up anew.) */
#define SAME_CALL 0.5
#define PROC_ROOT_INO 1 /* fs/proc/root.c */

static struct view *view_of(fuse_req_t req) { return fuse_req_userdata(req); }

/* The kernel of this machine is told our own ids as owners (others need not be mapped here), and never a set-id bit; who may execute what has been asked of the
 * guest's executor. */
static void local_stat(struct view *view, struct node *node, struct stat *ret_st)
{
    *ret_st = node->st;
    ret_st->st_ino = node->serial;
    ret_st->st_uid = view->uid;
    ret_st->st_gid = view->gid;
    ret_st->st_mode &= ~(mode_t)(S_ISUID | S_ISGID);
}

static void reply_node(fuse_req_t req, struct node *node)
{
    struct view *view = view_of(req);
    bool file = node->kind == NODE_FILE;
    struct fuse_entry_param entry = {.ino = node_ino(view, node), .attr_timeout = file ? SAME_CALL : FOREVER, .entry_timeout = file ? 0 : FOREVER};
    local_stat(view, node, &entry.attr);
    /* ENOENT: the asker was interrupted, and the kernel has not taken the reference. */
    if (fuse_reply_entry(req, &entry) == -ENOENT)
        node_forget(view, node, 1);
}

/* ---- lookups ---- */

/* Kept from one job to the next: the kernel may forget it between the two times that it asks. */
static void job_holds(struct view *view, struct view_job *job, struct node *node)
{
    node->lookups++;
    if (view->held != NULL)
        node_forget(view, view->held, 1);
    view->held = job->node = node;
}

/* What the opener asks for: a descriptor of some guest's executor.  Asked for once or twice (the kernel first validates the name's older meaning). */
static int lookup_job(struct view *view, struct view_job *job, struct node **ret_node)
{
    char path[64];
    if (job->node == NULL && job->kind != JOB_OPEN) {
        struct node *node = node_by_identity(view, job->expected.dev, job->expected.ino);
        if (node == NULL)
            return ENOENT; /* nobody has it */
        int failed = job->kind == JOB_REFRESH ? node_refresh(view, node) : 0;
        if (failed != 0)
            return failed;
        node->has_cache &= job->kind != JOB_REFRESH;
        job_holds(view, job, node);
    }
    if (job->node != NULL) {
        job->node->lookups++;
        *ret_node = job->node;
        return 0;
    }
    if (view->proc_dev == 0)
        return ENOSYS;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)job->tid, job->fd);
    int code = node_lookup(view, &view->root, JOB_NAME, AT_FDCWD, job->name != NULL ? job->name : path, true, ret_node);
    if (code != 0)
        return code;
    if (job->name != NULL && ((*ret_node)->st.st_dev != job->expected.dev || (*ret_node)->st.st_ino != job->expected.ino)) {
        node_forget(view, *ret_node, 1);
        return EACCES;
    }
    job_holds(view, job, *ret_node);
    return 0;
}

/* The name that was asked for in the directory of this level, behind the directory's `length` bytes in path. */
static void append_name(char path[2 * PATH_MAX], int length, unsigned level, const char *name)
{
    for (unsigned up = level; up < RSYS_VIEW_CWD_DEPTH; up++)
        length += snprintf(path + length, 2 * PATH_MAX - (size_t)length, "../");
    snprintf(path + length, 2 * PATH_MAX - (size_t)length, "%s", name);
}

/* A relative path: looked up in the remote current directory of whoever asks. */
static int lookup_cwd(struct view *view, struct node *parent, pid_t pid, const char *name, struct node **ret_node)
{
    char path[2 * PATH_MAX];
    if (pid <= 0)
        return ENOENT;
    int length = view->proc_dev != 0 ? snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid) : view_directory(view, pid, path);
    if (length < 0)
        return ENOENT;
    path[length++] = '/';
    append_name(path, length, parent->level, name);
    int code = node_lookup(view, parent, name, AT_FDCWD, path, false, ret_node);
    /* Who asks has other ids than the pager, which may not look at it then: what its executor said of itself at the beginning of this execve has to do. */
    if (code != EACCES || view->proc_dev == 0 || (length = view_directory(view, pid, path)) < 0)
        return code;
    path[length++] = '/';
    append_name(path, length, parent->level, name);
    return node_lookup(view, parent, name, AT_FDCWD, path, false, ret_node);
}

/* /proc/PID/exe: of the executor it would be the executor's program; guests mean their own. */
static int lookup_exe(struct view *view, struct node *parent, struct node **ret_node)
{
    char path[PATH_MAX];
    char *end;
    long pid = parent->name != NULL ? strtol(parent->name, &end, 10) : 0;
    if (pid <= 0 || view_exe_path(view, (pid_t)pid, path) < 0)
        return ENOENT;
    if (strncmp(path, RSYS_VIEW_LOCAL "/", sizeof RSYS_VIEW_LOCAL) == 0) {
        *ret_node = &view->local;
        return 0;
    }
    return node_lookup(view, parent, "exe", AT_FDCWD, path, true, ret_node);
}

/* In /proc, "self" is whoever asks, and links to open files lead to those files, whatever their text says. */
static int lookup_proc(struct view *view, struct node *parent, pid_t pid, const char *name, struct node **ret_node)
{
    char path[64];
    int dirfd = node_fd(view, parent);
    if (dirfd < 0)
        return -dirfd;
    if (parent->st.st_ino == PROC_ROOT_INO && (strcmp(name, "self") == 0 || strcmp(name, "thread-self") == 0)) {
        snprintf(path, sizeof path, "%d", (int)pid);
        return node_lookup(view, parent, path, dirfd, path, false, ret_node);
    }
    if (strcmp(name, "exe") == 0)
        return lookup_exe(view, parent, ret_node);
    int code = node_lookup(view, parent, name, dirfd, name, false, ret_node);
    if (code != 0 || !S_ISLNK((*ret_node)->st.st_mode) || parent->st.st_ino == PROC_ROOT_INO)
        return code;
    node_forget(view, *ret_node, 1);
    return node_lookup(view, parent, name, dirfd, name, true, ret_node);
}

static int lookup(struct view *view, struct node *parent, pid_t pid, const char *name, struct node **ret_node)
{
    struct view_job *job = atomic_load(&view->job);
    if (parent == &view->root) {
        if (strcmp(name, JOB_NAME) == 0 && job != NULL && pid == atomic_load(&view->opener_tid))
            return lookup_job(view, job, ret_node);
        if (strcmp(name, TELL_NAME) == 0 && job != NULL && pid == atomic_load(&view->opener_tid)) {
            if (job->kind == JOB_ROOT)
                job->result = view_root_add(view, job->tid);
            else
                view_tell(view, job->data);
            return EAGAIN; /* there is no such file: the answer is in the job, for which the opener waits */
        }
        *ret_node = strcmp(name, RSYS_VIEW_CWD_NAME) == 0 ? &view->cwd[0] :
                    view->start.local_fd >= 0 && strcmp(name, RSYS_VIEW_LOCAL + 1) == 0 ? &view->local_dir : NULL;
        if (*ret_node != NULL)
            return 0;
    }
    struct node *root = parent == &view->root || parent->kind == NODE_CWD ? view_root_of(view, pid) : NULL;
    if (root == NULL && parent == &view->root && view_exec_root(view, pid) < 0)
        return EACCES;
    if (root != NULL && parent == &view->root)
        parent = root;
    if (parent->kind == NODE_CWD) {
        if (strcmp(name, RSYS_VIEW_CWD_DOWN + 1) != 0)
            return root != NULL ? view_root_cwd(view, root, parent, pid, name, ret_node) : lookup_cwd(view, parent, pid, name, ret_node);
        *ret_node = &view->cwd[RSYS_MIN(parent->level + 1, (unsigned)RSYS_VIEW_CWD_DEPTH)];
        return parent->level < RSYS_VIEW_CWD_DEPTH ? 0 : ENOENT;
    }
    if (parent->kind == NODE_LOCAL_DIR) {
        *ret_node = &view->local;
        return strcmp(name, view->start.local_name) == 0 ? 0 : ENOENT;
    }
    if (parent->kind != NODE_FILE && parent->kind != NODE_ROOT)
        return ENOTDIR;
    if (view->proc_dev != 0 && parent->st.st_dev == view->proc_dev)
        return lookup_proc(view, parent, pid, name, ret_node);
    int dirfd = node_fd(view, parent);
    return dirfd < 0 ? -dirfd : node_lookup(view, parent, name, dirfd, name, false, ret_node);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct view *view = view_of(req);
    struct node *node = NULL;
    int code = lookup(view, node_of(view, parent), view->asker, name, &node);
    if (code != 0)
        fuse_reply_err(req, code);
    else
        reply_node(req, node);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
    node_forget(view_of(req), node_of(view_of(req), ino), lookups);
    fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        node_forget(view_of(req), node_of(view_of(req), forgets[i].ino), forgets[i].nlookup);
    fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct view *view = view_of(req);
    struct node *node = node_of(view, ino);
    int code = node->kind == NODE_FILE ? node_refresh(view, node) : 0;
    if (code != 0) {
        fuse_reply_err(req, code);
        return;
    }
    struct stat st;
    local_stat(view, node, &st);
    fuse_reply_attr(req, &st, node->kind == NODE_FILE ? 0 : FOREVER);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    struct view *view = view_of(req);
    struct node *node = node_of(view, ino);
    char target[PATH_MAX];
    if (node->target != NULL) {
        fuse_reply_readlink(req, node->target);
        return;
    }
    int fd = node_fd(view, node);
    if (fd < 0) {
        fuse_reply_err(req, -fd);
        return;
    }
    unsigned index = pager_queue_readlink(&view->pager, fd, "", target, sizeof target - 1);
    pager_run(&view->pager);
    int64_t size = view->pager.result[index];
    if (size < 0 || size >= (int64_t)sizeof target) {
        fuse_reply_err(req, size < 0 ? (int)-size : EIO);
        return;
    }
    target[size] = 0;
    fuse_reply_readlink(req, target);
}

/* ---- data ---- */

/* The kernel opens something to execute it: __FMODE_EXEC of its own headers, which no program can give. */
#define FMODE_EXEC 0x20

/* What an open file of the view is for: mappings go by what the opener opens for the supervisor; what is executed, and what the opener has for itself,
 * is of no concern to who writes to the file. */
enum handle { HANDLE_OTHER, HANDLE_READ, HANDLE_WRITABLE };

static enum handle handle_of(struct view *view, pid_t asker, const struct fuse_file_info *fi)
{
    const struct view_job *job = atomic_load(&view->job);
    if (job == NULL || job->kind != JOB_OPEN || asker != atomic_load(&view->opener_tid))
        return HANDLE_OTHER;
    return (fi->flags & O_ACCMODE) == O_RDONLY ? HANDLE_READ : HANDLE_WRITABLE;
}

static void released(struct view *view, struct node *node, uint64_t handle)
{
    node->opens -= node->opens > 0;
    if (handle != HANDLE_OTHER)
        mapped_released(view, node, handle == HANDLE_WRITABLE);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct view *view = view_of(req);
    struct node *node = node_of(view, ino);
    int code = 0;
    if (node->kind == NODE_LOCAL)
        fi->keep_cache = 1;
    else if (node->kind != NODE_FILE || !S_ISREG(node->st.st_mode))
        code = EACCES;
    else
        code = node_open(view, node, (fi->flags & O_ACCMODE) != O_RDONLY);
    if (code == 0 && node->kind == NODE_FILE && view->start.confined && (fi->flags & FMODE_EXEC) != 0)
        code = node_executable(view, node);
    if (code == 0 && node->kind == NODE_FILE && rsys_learns() && (fi->flags & FMODE_EXEC) != 0)
        node_learn(view, node);
    if (code == 0 && node->kind == NODE_FILE) {
        /* The name was looked up for this open: node->st is of now. */
        fi->keep_cache = node->has_cache && view_same_content(&node->cached, &node->st);
        rsys_view_identity(&node->st, &node->cached);
        node->has_cache = fi->keep_cache || node_settled(view, node);
    }
    if (code != 0) {
        fuse_reply_err(req, code);
        return;
    }
    fi->fh = handle_of(view, fuse_req_ctx(req)->pid, fi);
    if (fi->fh != HANDLE_OTHER && !mapped_opened(view, node, fi->fh == HANDLE_WRITABLE)) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    node->opens++;
    if (fuse_reply_open(req, fi) == -ENOENT)
        released(view, node, fi->fh);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    released(view_of(req), node_of(view_of(req), ino), fi->fh);
    fuse_reply_err(req, 0);
}

static int64_t read_some(struct view *view, struct node *node, char *buffer, size_t n, uint64_t offset)
{
    if (node->kind == NODE_LOCAL) {
        ssize_t got = pread(view->start.local_fd, buffer, n, (off_t)offset);
        return got < 0 ? -errno : got;
    }
    return pager_read(&view->pager, node->write_fd >= 0 ? node->write_fd : node->read_fd, buffer, n, offset);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    struct view *view = view_of(req);
    struct node *node = node_of(view, ino);
    size_t have = 0;
    int64_t n = 0;
    int code = node->kind == NODE_FILE && node->read_fd < 0 && node->write_fd < 0 ? node_open(view, node, false) : 0;
    size = RSYS_MIN(size, (size_t)RSYS_ARENA_SIZE);
    while (code == 0 && have < size) {
        n = read_some(view, node, view->buffer + have, size - have, (uint64_t)offset + have);
        if (n <= 0)
            break;
        have += (size_t)n;
        if ((uint64_t)offset + have >= (uint64_t)node->st.st_size)
            break;
    }
    if (code != 0 || (n < 0 && have == 0))
        fuse_reply_err(req, code != 0 ? code : (int)-n);
    else
        fuse_reply_buf(req, view->buffer, have);
}

/* Write, and learn what the file is then, in one round trip.  The count or -errno. */
static int64_t write_some(struct view *view, struct node *node, const char *data, size_t n, uint64_t offset, struct stat *ret_st, bool *ret_known)
{
    struct pager *pager = &view->pager;
    int fd = node_fd(view, node);
    n = RSYS_MIN(n, (size_t)RSYS_ARENA_SIZE);
    unsigned index = pager_queue_call(pager, SYS_pwrite64, (uint64_t[6]){(uint64_t)node->write_fd, 0, n, offset});
    rsys_request_in(&pager->request[index], 1, data, n);
    unsigned stat_index = pager_queue_stat(pager, fd, ret_st);
    pager_run(pager);
    *ret_known = pager->result[stat_index] == 0;
    return pager->result[index];
}

/* Pages of a shared mapping, on their way to the file.  They change bytes of the file and never its size: the kernel's idea of the size may be older than a
 * truncation on the server, and what lies behind the end is nobody's. */
static int write_back(struct view *view, struct node *node, const char *data, size_t size, uint64_t offset)
{
    int code = node_open(view, node, true);
    if (code == 0)
        code = node_refresh(view, node);
    if (code != 0)
        return code;
    bool same = view_same_content(&node->cached, &node->st), known = true;
    uint64_t length = (uint64_t)node->st.st_size, left = offset >= length ? 0 : RSYS_MIN((uint64_t)size, length - offset);
    struct stat st = node->st;
    while (left > 0) {
        int64_t n = write_some(view, node, data, left, offset, &st, &known);
        if (n <= 0)
            return n < 0 ? (int)-n : EIO;
        data += n;
        offset += (uint64_t)n;
        left -= (uint64_t)n;
    }
    /* What the cache holds is what the file holds now, unless somebody else has changed it too. */
    node_update(view, node, &st);
    if (same && known)
        rsys_view_identity(&node->st, &node->cached);
    else
        node->has_cache = false;
    return 0;
}

/* Only pages of shared mappings come this way. */
static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset, struct fuse_file_info *fi)
{
    struct view *view = view_of(req);
    struct node *node = node_of(view, ino);
    int code = node->kind == NODE_FILE ? write_back(view, node, data, size, (uint64_t)offset) : EROFS;
    if (code != 0)
        fuse_reply_err(req, code);
    else
        fuse_reply_write(req, size);
}

/* madvise(MADV_REMOVE) of a shared mapping.  Nothing else that fallocate can do comes this way: guests' descriptors are remote. */
static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *fi)
{
    struct view *view = view_of(req);
    struct node *node = node_of(view, ino);
    int code = mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) ? EOPNOTSUPP : node->kind == NODE_FILE ? node_open(view, node, true) : EROFS;
    if (code == 0) {
        unsigned index = pager_queue_call(&view->pager, SYS_fallocate,
                                          (uint64_t[6]){(uint64_t)node->write_fd, (uint64_t)mode, (uint64_t)offset, (uint64_t)length});
        pager_run(&view->pager);
        code = view->pager.result[index] < 0 ? (int)-view->pager.result[index] : node_refresh(view, node);
    }
    if (code == 0)
        rsys_view_identity(&node->st, &node->cached);
    fuse_reply_err(req, code);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    struct view *view = view_of(req);
    struct node *node = node_of(view, ino);
    if (node->kind != NODE_FILE || node->write_fd < 0) {
        fuse_reply_err(req, 0);
        return;
    }
    unsigned index = pager_queue_call(&view->pager, datasync ? SYS_fdatasync : SYS_fsync, (uint64_t[6]){(uint64_t)node->write_fd});
    pager_run(&view->pager);
    fuse_reply_err(req, view->pager.result[index] < 0 ? (int)-view->pager.result[index] : 0);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255};
    fuse_reply_statfs(req, &st);
}

/* The kernel asks for file capabilities at exec; guests cannot gain any (no_new_privs), so there are none. */
static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size) { fuse_reply_err(req, ENOSYS); }

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    /* Caches are kept or dropped at open, by us; not by a getattr before each read. */
    conn->want &= ~(unsigned)(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                              FUSE_CAP_SPLICE_MOVE | FUSE_CAP_READDIRPLUS);
    conn->max_readahead = RSYS_ARENA_SIZE;
}

const struct fuse_lowlevel_ops view_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .readlink = op_readlink,
    .open = op_open,
    .release = op_release,
    .read = op_read,
    .write = op_write,
    .fallocate = op_fallocate,
    .fsync = op_fsync,
    .statfs = op_statfs,
    .getxattr = op_getxattr,
};

/* SPDX-License-Identifier: GPL-2.0-only */
/* view.c: starting the view's thread, and what the supervisor tells the view. */
#include "src/jail/learn.h"
#include "src/jail/proc-status.h"
#include "src/jail/view-inner.h"

#include "sandbox/sandbox.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <linux/magic.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

/* ---- the view's thread ---- */

/* What has to be known before the first request: the root, and whether there is a /proc (its descriptors' links lead to files that have no name any more). */
static int find_root(struct view *view)
{
    struct pager *pager = &view->pager;
    struct statfs proc = {0};
    struct stat proc_st = {0};
    int fd = pager_next_fd(pager);
    unsigned opened = pager_queue_open(pager, AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    unsigned stat_index = pager_queue_stat(pager, fd, &view->root.st);
    unsigned proc_index = pager_queue_stat_at(pager, AT_FDCWD, "/proc", 0, &proc_st);
    unsigned statfs_index = pager_queue_call(pager, SYS_statfs, (uint64_t[6]){0});
    rsys_request_in(&pager->request[statfs_index], 0, "/proc", 6);
    rsys_request_out(&pager->request[statfs_index], 1, sizeof proc, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = &proc});
    if (pager_run(pager) < 0)
        return -EIO;
    if (pager->result[opened] < 0)
        return (int)pager->result[opened];
    view->root.fd = (int)pager->result[opened];
    view->root.lookups = 1;
    pager_took_fd(pager, view->root.fd);
    view->remote_fds++;
    if (pager->result[stat_index] < 0)
        return (int)pager->result[stat_index];
    view->latest = (int64_t)proc_st.st_ctim.tv_sec * 1000000000; /* a new /proc is as old as the session */
    if (pager->result[proc_index] == 0 && pager->result[statfs_index] == 0 && proc.f_type == PROC_SUPER_MAGIC)
        view->proc_dev = proc_st.st_dev;
    return 0;
}

static void tell_lost(struct view *view)
{
    struct view_job *none = NULL;
    (void)!send(view->opener_fd, &none, sizeof none, MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct starting {
    struct view *view;
    sem_t done;
    int code;
    char message[128];
};

/* A table of descriptors of our own: the guests' first process, which the supervisor forks, must not inherit /dev/fuse (a FUSE connection whose
 * device somebody holds, and nobody serves, is stuck). */
static int own_descriptors(struct view *view)
{
    if (unshare(CLONE_FILES) < 0)
        return -errno;
    const int keep[] = {2, view->start.proc_fd, view->start.fuse_fd, view->start.pager_fd, view->start.local_fd, view->opener_fd, view->start.connector_fd};
    unsigned next = 0;
    for (;;) {
        int lowest = -1;
        for (size_t i = 0; i < RSYS_ARRAY_SIZE(keep); i++)
            if (keep[i] >= (int)next && (lowest < 0 || keep[i] < lowest))
                lowest = keep[i];
        if (lowest < 0)
            return close_range(next, ~0u, 0) < 0 ? -errno : 0;
        if (lowest > (int)next && close_range(next, (unsigned)lowest - 1, 0) < 0)
            return -errno;
        next = (unsigned)lowest + 1;
    }
}

static bool is_dying(const struct view *view, pid_t tid)
{
    char status[RSYS_PROC_STATUS_SIZE];
    return tid > 0 && rsys_proc_status(view->start.proc_fd, tid, status, sizeof status) == 0 && rsys_proc_status_dies(status);
}

/* Whoever asks, or the guest whose end is the session's, will end as soon as it has its answer: the kernel waits for that whatever signal there is, once we have the request. */
static bool is_hopeless(void *of)
{
    struct view *view = of;
    return is_dying(view, view->asker) || is_dying(view, atomic_load(&view->first));
}

void rsys_view_first(struct view *view, pid_t pid)
{
    atomic_store(&view->first, pid);
}

static void *view_thread(void *argument)
{
    struct starting *starting = argument;
    struct view *view = starting->view;
    RSYS_AUTO_ERROR err = NULL;
    int code = own_descriptors(view);
    if (code == 0 && rsys_sandbox_drop_capabilities(0, &err) < 0)
        code = -EPERM;
    if (code == 0)
        code = find_root(view);
    if (code == 0)
        view->local.st.st_size = 0;
    struct stat st;
    if (code == 0 && view->start.local_fd >= 0 && fstat(view->start.local_fd, &st) == 0) {
        view->local.st.st_size = st.st_size;
        view->local.st.st_mtim = st.st_mtim;
    }
    snprintf(starting->message, sizeof starting->message, "%s", err != NULL ? rsys_error_text(err) : "start the view");
    starting->code = code;
    sem_post(&starting->done); /* *starting is not ours from here on */
    if (code < 0)
        return NULL;
    if (view->start.resume != 0)
        pager_resumes_by(&view->pager, view->start.connector_fd, view->start.resume, is_hopeless, view);
    struct fuse_buf buffer = {.mem = NULL};
    bool told = false;
    while (!fuse_session_exited(view->session)) {
        int n = fuse_session_receive_buf(view->session, &buffer);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            break;
        view->asker = (pid_t)((const struct fuse_in_header *)buffer.mem)->pid;
        fuse_session_process_buf(view->session, &buffer);
        if (view->pager.lost && !told) {
            told = true;
            tell_lost(view);
        }
    }
    tell_lost(view);
    return NULL;
}

static int start_session(struct view *view, struct rsys_error **err)
{
    char name[] = "rsys", mountpoint[32];
    char *argv[] = {name, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    view->session = fuse_session_new(&args, &view_ops, sizeof view_ops, view);
    fuse_opt_free_args(&args);
    if (view->session == NULL)
        return rsys_error_make(err, ENOMEM, "start a FUSE session");
    /* libfuse takes a mounted device by this name. */
    snprintf(mountpoint, sizeof mountpoint, "/dev/fd/%d", view->start.fuse_fd);
    if (fuse_session_mount(view->session, mountpoint) < 0)
        return rsys_error_make(err, 0, "start a FUSE session");
    return 0;
}

struct view *rsys_view_start(const struct view_start *start, struct rsys_error **err)
{
    struct view *view = calloc(1, sizeof *view);
    int pair[2];
    if (view == NULL || (view->buffer = malloc(RSYS_ARENA_SIZE)) == NULL || pager_start(&view->pager, start->pager_fd, start->pager_seq, start->nofile) < 0) {
        rsys_error_make(err, ENOMEM, "start the view");
        return NULL;
    }
    view->start = *start;
    view->pager.asked = rsys_learn_request;
    view->uid = getuid();
    view->gid = getgid();
    pthread_mutex_init(&view->lock, NULL);
    node_setup(view);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        rsys_error_make(err, errno, "start the view");
        return NULL;
    }
    view->event_fd = pair[0];
    view->opener_fd = pair[1];
    if (start->fuse_fd < 0) {
        if (start->resume != 0)
            pager_resumes_by(&view->pager, start->connector_fd, start->resume, NULL, NULL);
        int failed = find_root(view);
        if (failed < 0)
            rsys_error_make(err, -failed, "look at the sandbox's files");
        return failed < 0 || view_copy_start(view, err) < 0 ? NULL : view;
    }
    if (start_session(view, err) < 0)
        return NULL;
    struct starting starting = {.view = view};
    sem_init(&starting.done, 0, 0);
    int code = pthread_create(&view->thread, NULL, view_thread, &starting);
    if (code != 0) {
        rsys_error_make(err, code, "start the view's thread");
        return NULL;
    }
    while (sem_wait(&starting.done) < 0 && errno == EINTR)
        ;
    if (starting.code < 0) {
        rsys_error_make(err, -starting.code, "%s", starting.message);
        return NULL;
    }
    /* The thread has its own; nobody else may hold the device: when the thread is killed, the connection ends, and whoever waits for it goes on. */
    rsys_close(start->fuse_fd);
    rsys_close(start->pager_fd);
    rsys_close(start->local_fd);
    if (start->resume != 0)
        close(start->connector_fd);
    return view;
}

/* ---- the mount ---- */

int rsys_view_mount(int fuse_fd, struct rsys_error **err)
{
    char number[16];
    RSYS_AUTO_FD fs = fsopen("fuse", FSOPEN_CLOEXEC);
    if (fs < 0)
        return rsys_error_make(err, errno, "mount the view (fsopen fuse)");
    const char *const strings[][2] = {{"fd", number}, {"rootmode", "40000"}, {"user_id", "0"}, {"group_id", "0"}, {"source", "rsys"}};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(strings); i++) {
        /* user_id and group_id are for access control that allow_other turns off; they have to be mapped ids. */
        unsigned value = i == 0 ? (unsigned)fuse_fd : i == 2 ? getuid() : getgid();
        snprintf(number, sizeof number, "%u", value);
        const char *text = i == 1 || i == 4 ? strings[i][1] : number;
        if (fsconfig(fs, FSCONFIG_SET_STRING, strings[i][0], text, 0) < 0)
            return rsys_error_make(err, errno, "mount the view (%s=%s)", strings[i][0], text);
    }
    if (fsconfig(fs, FSCONFIG_SET_FLAG, "allow_other", NULL, 0) < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return rsys_error_make(err, errno, "mount the view (FUSE in a user namespace needs Linux 4.18)");
    int mount_fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    return mount_fd >= 0 ? mount_fd : rsys_error_make(err, errno, "mount the view");
}

/* ---- what guests execute ---- */

static struct exe_entry *find_exe(struct view *view, pid_t pid, bool make)
{
    struct exe_entry *entry = view->exes;
    while (entry != NULL && entry->pid != pid)
        entry = entry->next;
    if (entry == NULL && make && (entry = calloc(1, sizeof *entry)) != NULL) {
        entry->pid = pid;
        entry->next = view->exes;
        view->exes = entry;
    }
    return entry;
}

static void drop_exe(struct view *view, pid_t pid)
{
    struct exe_entry **at = &view->exes, *entry;
    while (*at != NULL && (*at)->pid != pid)
        at = &(*at)->next;
    if ((entry = *at) == NULL)
        return;
    *at = entry->next;
    free(entry->path);
    free(entry->directory);
    free(entry->exec);
    free(entry);
}

void rsys_view_set_exe(struct view *view, pid_t pid, const char *path)
{
    if (view == NULL)
        return;
    view_landed(view, pid);
    pthread_mutex_lock(&view->lock);
    struct exe_entry *entry = path != NULL ? find_exe(view, pid, true) : NULL;
    if (path == NULL)
        drop_exe(view, pid);
    if (entry != NULL) {
        free(entry->path);
        entry->path = strdup(path);
    }
    pthread_mutex_unlock(&view->lock);
}

void rsys_view_note_directory(struct view *view, pid_t tid, const char *directory)
{
    pthread_mutex_lock(&view->lock);
    struct exe_entry *entry = find_exe(view, tid, true);
    if (entry != NULL) {
        free(entry->directory);
        entry->directory = strdup(directory);
    }
    pthread_mutex_unlock(&view->lock);
}

int view_directory(struct view *view, pid_t tid, char path[PATH_MAX])
{
    pthread_mutex_lock(&view->lock);
    struct exe_entry *entry = find_exe(view, tid, false);
    bool found = entry != NULL && entry->directory != NULL;
    if (found)
        snprintf(path, PATH_MAX, "%s", entry->directory);
    pthread_mutex_unlock(&view->lock);
    return found ? (int)strlen(path) : -1;
}

void rsys_view_exec(struct view *view, pid_t tid, const char *path, int root)
{
    pthread_mutex_lock(&view->lock);
    struct exe_entry *entry = find_exe(view, tid, true);
    if (entry != NULL) {
        free(entry->exec);
        entry->exec = strdup(path);
        entry->root = root;
        entry->serial = ++view->execs;
    }
    pthread_mutex_unlock(&view->lock);
}

bool view_exec_path(struct view *view, pid_t tid, char path[PATH_MAX], uint64_t *ret_serial)
{
    pthread_mutex_lock(&view->lock);
    struct exe_entry *entry = find_exe(view, tid, false);
    bool found = entry != NULL && entry->exec != NULL && entry->root == 0; /* what is foretold is from the sandbox's root */
    if (found) {
        snprintf(path, PATH_MAX, "%s", entry->exec);
        *ret_serial = entry->serial;
    }
    pthread_mutex_unlock(&view->lock);
    return found;
}

int view_exec_root(struct view *view, pid_t tid)
{
    pthread_mutex_lock(&view->lock);
    struct exe_entry *entry = find_exe(view, tid, false);
    int root = entry != NULL ? entry->root : 0;
    pthread_mutex_unlock(&view->lock);
    return root;
}

int view_exe_path(struct view *view, pid_t pid, char path[PATH_MAX])
{
    pthread_mutex_lock(&view->lock);
    struct exe_entry *entry = find_exe(view, pid, false);
    bool found = entry != NULL && entry->path != NULL;
    if (found)
        snprintf(path, PATH_MAX, "%s", entry->path);
    pthread_mutex_unlock(&view->lock);
    return found ? 0 : -1;
}

/* The view's path of a relative execve is below RSYS_VIEW_CWD: put the remote directory in its place. */
static char *from_cwd(struct view *view, pid_t pid, const char *path)
{
    char full[2 * PATH_MAX];
    unsigned level = 0;
    path += sizeof "/" RSYS_VIEW_CWD_NAME - 1;
    for (size_t n = sizeof RSYS_VIEW_CWD_DOWN - 1; strncmp(path, RSYS_VIEW_CWD_DOWN, n) == 0; path += n)
        level++;
    pthread_mutex_lock(&view->lock);
    struct exe_entry *entry = find_exe(view, pid, false);
    snprintf(full, sizeof full, "%s", entry != NULL && entry->directory != NULL ? entry->directory : "/");
    pthread_mutex_unlock(&view->lock);
    for (; level < RSYS_VIEW_CWD_DEPTH; level++) {
        char *slash = strrchr(full, '/');
        if (slash != NULL)
            *slash = 0;
    }
    size_t length = strlen(full);
    while (length > 0 && full[length - 1] == '/')
        length--;
    snprintf(full + length, sizeof full - length, "%s", path);
    return strdup(full);
}

/* Executed by the name /proc/PID/exe: what that process executed (with "self", what the same one did before). */
static void follow_exe(struct view *view, pid_t pid, char path[PATH_MAX])
{
    long of = 0;
    int end = 0;
    if (strcmp(path, "/proc/self/exe") == 0 || strcmp(path, "/proc/thread-self/exe") == 0)
        view_exe_path(view, pid, path);
    else if (sscanf(path, "/proc/%9ld/exe%n", &of, &end) == 1 && end > 0 && path[end] == 0)
        view_exe_path(view, (pid_t)of, path);
}

char *rsys_view_exe(struct view *view, int proc_fd, pid_t pid)
{
    char name[32], path[PATH_MAX];
    if (view == NULL)
        return NULL;
    snprintf(name, sizeof name, "%d/exe", (int)pid);
    /* The kernel tells the name that it knows; nothing is looked up for it, so the view is not asked. */
    ssize_t n = proc_fd >= 0 ? readlinkat(proc_fd, name, path, sizeof path - 1) : -1;
    if (n < 0)
        return NULL;
    path[n] = 0;
    if (view->copies != NULL)
        return view_copy_name(view, path);
    follow_exe(view, pid, path);
    if (strncmp(path, "/" RSYS_VIEW_CWD_NAME "/", sizeof "/" RSYS_VIEW_CWD_NAME) == 0)
        return from_cwd(view, pid, path);
    return strdup(path);
}

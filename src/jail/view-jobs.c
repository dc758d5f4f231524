/* SPDX-License-Identifier: GPL-2.0-only */
/* view-jobs.c: the opener's thread, which may wait for the view, and the supervisor's side of it.
 *
 * Jobs travel as addresses over a socket pair, and descriptors with them: the opener has a table of its own, so that nothing of the view is
 * ever in the table that the first guest is forked with. */
#include "src/jail/view-inner.h"

#include "sandbox/sandbox.h"
#include "src/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static int send_job(int socket, struct view_job *job, int fd)
{
    union control control = {.bytes = {0}};
    struct iovec iov = {&job, sizeof job};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof job ? 0 : -errno;
}

/* 1: a job; 0: none there, or the end. */
static int receive_job(int socket, int flags, struct view_job **ret_job, int *ret_fd)
{
    union control control;
    struct iovec iov = {ret_job, sizeof *ret_job};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    *ret_fd = -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (n == (ssize_t)sizeof *ret_job && header != NULL && header->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(header), sizeof *ret_fd);
    return n == (ssize_t)sizeof *ret_job;
}

/* ---- the opener's thread ---- */

/* The descriptor, for the supervisor, or -1. */
static int job_open(struct view *view, struct view_job *job)
{
    /* Never O_PATH: SECCOMP_IOCTL_NOTIF_ADDFD does not take such descriptors. */
    int flags = job->writable ? O_RDWR : O_RDONLY;
    atomic_store(&view->job, job);
    int fd = openat(view->start.mount_fd, JOB_NAME, flags | O_CLOEXEC | O_NOCTTY);
    job->result = fd < 0 ? -errno : 0;
    atomic_store(&view->job, NULL);
    return fd;
}

/* The view's thread fills the job in while we ask for a name that there is not. */
static void job_tell(struct view *view, struct view_job *job)
{
    atomic_store(&view->job, job);
    rsys_close(openat(view->start.mount_fd, TELL_NAME, O_PATH | O_CLOEXEC));
    atomic_store(&view->job, NULL);
}

/* Opening anew is what makes the kernel drop what it has cached of a file, also from under mappings, and learn its size, which decides where a mapping
 * ends in SIGBUS.  (FUSE's own notification would need the device's descriptor here, and who waits for the view must not hold that:
 * when the view's thread is killed, the connection ends with the last descriptor, and with it all waiting.) */
static void job_refresh(struct view *view, struct view_job *job)
{
    int fd = job_open(view, job);
    rsys_close(fd);
}

/* The client's program, as guests' own kernel sees it. */
static int job_program(struct view *view, struct view_job *job)
{
    char path[PATH_MAX];
    if (view->start.local_name == NULL) {
        job->result = -ENOENT;
        return -1;
    }
    snprintf(path, sizeof path, "%s/%s", RSYS_VIEW_LOCAL + 1, view->start.local_name);
    int fd = openat(view->start.mount_fd, path, O_RDONLY | O_CLOEXEC);
    job->result = fd < 0 ? -errno : 0;
    return fd;
}

/* A descriptor to write a file back by, kept for the next time; -errno.  It cannot write, or nobody could execute the file: the pages are written by the
 * mapping's own.  It is an open file of its own: who waits for pages to be written is told of earlier failures, once for each open file, and the guests'
 * msync is to be told too. */
static int flush_fd(struct view *view, struct view_job *job)
{
    for (unsigned i = 0; i < FLUSHED_MAX; i++)
        if (view->flushed[i].fd >= 0 && view->flushed[i].dev == job->expected.dev && view->flushed[i].ino == job->expected.ino)
            return view->flushed[i].fd;
    int fd = job_open(view, job);
    if (fd < 0)
        return job->result;
    struct flushed *slot = &view->flushed[view->flushed_next++ % FLUSHED_MAX];
    rsys_close(slot->fd);
    *slot = (struct flushed){.dev = job->expected.dev, .ino = job->expected.ino, .fd = fd};
    return fd;
}

/* sync_file_range() waits until no page is under writeback.  Before Linux 6.15 FUSE's pages are not, as soon as they have been copied for the request that carries
 * them to us: there, only fsync, which would reach the server's disk, and a descriptor's end (fuse_flush) wait until we have written them.  The former tells of failures
 * as an open file sees them. */
static void job_flush(struct view *view, struct view_job *job)
{
    int fd = flush_fd(view, job);
    job->result = 0;
    if (fd >= 0)
        rsys_close(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (fd < 0)
        job->result = fd == -ENOENT ? 0 : fd; /* gone: what the kernel had of it was written before */
    else if (sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) < 0)
        job->result = -errno;
}

struct starting {
    struct view *view;
    sem_t done;
    int code;
};

void *view_opener(void *argument)
{
    struct starting *starting = argument;
    struct view *view = starting->view;
    atomic_store(&view->opener_tid, (pid_t)syscall(SYS_gettid));
    RSYS_AUTO_ERROR err = NULL;
    starting->code = unshare(CLONE_FILES) < 0 ? -errno : 0;
    /* It reads what the sandbox has.  CAP_SYS_PTRACE: to see which call a guest is in. */
    if (starting->code == 0 && view->copies != NULL && rsys_sandbox_drop_capabilities(UINT64_C(1) << CAP_SYS_PTRACE, &err) < 0)
        starting->code = -EPERM;
    int code = starting->code;
    if (code == 0)
        close(view->event_fd); /* so that the end of one side is seen by the other */
    sem_post(&starting->done);
    struct view_job *job;
    int unused;
    while (code == 0 && receive_job(view->opener_fd, 0, &job, &unused)) {
        int fd = -1;
        job->result = 0;
        if (job->kind == JOB_PROGRAM)
            fd = job_program(view, job);
        else if (job->kind == JOB_WAIT)
            poll(NULL, 0, 2);
        else if (view->copies != NULL)
            fd = view_copy_job(view, job);
        else if (job->kind == JOB_OPEN)
            fd = job_open(view, job);
        else if (job->kind == JOB_REFRESH)
            job_refresh(view, job);
        else if (job->kind == JOB_TELL || job->kind == JOB_ROOT)
            job_tell(view, job);
        else if (job->kind == JOB_FLUSH)
            job_flush(view, job);
        send_job(view->opener_fd, job, fd); /* the job is the supervisor's again */
        if (view->copies != NULL && view->pager.lost)
            send_job(view->opener_fd, NULL, -1);
        rsys_close(fd);
    }
    return NULL;
}

int rsys_view_start_opener(struct view *view, struct rsys_error **err)
{
    for (unsigned i = 0; i < FLUSHED_MAX; i++)
        view->flushed[i].fd = -1;
    struct starting starting = {.view = view};
    int pager_fd = view->pager.fd;
    sem_init(&starting.done, 0, 0);
    int code = pthread_create(&view->opener, NULL, view_opener, &starting);
    if (code != 0)
        return rsys_error_make(err, code, "start the view's opener");
    while (sem_wait(&starting.done) < 0 && errno == EINTR)
        ;
    if (starting.code < 0)
        return rsys_error_make(err, -starting.code, "start the view's opener");
    /* It has its own now; what the first guest is forked with holds nothing of the view. */
    rsys_close(view->start.mount_fd);
    rsys_close(view->opener_fd);
    if (view->copies != NULL) {
        rsys_close(pager_fd);
        if (view->start.resume != 0)
            rsys_close(view->start.connector_fd);
    }
    return 0;
}

/* ---- the supervisor ---- */

struct view_job *view_job_new(enum job_kind kind, struct call *call, void (*done)(struct view_job *))
{
    struct view_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    job->kind = kind;
    job->call = call;
    job->done = done;
    job->view_fd = -1;
    return job;
}

void view_job_free(struct view_job *job)
{
    if (job != NULL) {
        rsys_close(job->view_fd);
        free(job->name);
    }
    free(job);
}

void view_job_send(struct view *view, struct view_job *job)
{
    if (send_job(view->event_fd, job, -1) == 0) {
        view->pending++;
        return;
    }
    job->result = -EIO;
    job->done(job);
}

void view_job_leave(struct call *call)
{
    struct view_job *job = call->job;
    if (job != NULL)
        job->call = NULL;
    call->job = NULL;
}

/* The guest is gone, or a signal goes first. */
static void forget_call(struct call *call)
{
    view_job_leave(call);
    call->result = -512; /* ERESTARTSYS: the call is made anew */
}

enum verdict view_job_await(struct view *view, struct view_job *job)
{
    struct call *call = job->call;
    call->job = job;
    call->on_cancel = call->on_drop = forget_call;
    view_job_send(view, job);
    return VERDICT_LATER;
}

int rsys_view_event_fd(const struct view *view) { return view->event_fd; }

int rsys_view_dispatch(struct view *view)
{
    struct view_job *job;
    int fd;
    while (receive_job(view->event_fd, MSG_DONTWAIT, &job, &fd)) {
        if (job == NULL) {
            view->lost = true;
            continue;
        }
        view->pending--;
        if (fd >= 0)
            job->view_fd = fd;
        if (job->call != NULL)
            job->call->job = NULL;
        job->done(job);
    }
    return view->lost ? -1 : 0;
}

void rsys_view_finish(struct view *view) { view_flush_all(view); }

bool rsys_view_is_busy(const struct view *view) { return view->pending > 0 && !view->lost; }

/* SPDX-License-Identifier: GPL-2.0-only */
/* view-root.c: guests that have changed their root.
 *
 * The guests' own kernel has one root for all, the view; but it asks for each name anew, with who asks.  So a name in the view's root is looked up in the root of
 * the asker's executor: the pager has a descriptor of each such directory, taken from /proc/TID/root when the executor has just changed to it. */
#include "src/jail/view-inner.h"

#include "src/core/util.h"
#include "src/jail/internal.h"
#include "src/jail/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Directories that are some guest's root; 0 is the sandbox's own.  Bounded, because each keeps a descriptor. */
#define ROOTS 256

struct roots {
    struct node node[ROOTS];
    unsigned count;
};

/* ---- the view's thread ---- */

int view_root_add(struct view *view, pid_t tid)
{
    char path[64];
    struct stat st;
    struct roots *roots = view->roots;
    if (view->proc_dev == 0)
        return -ENOSYS;
    if (roots == NULL && (roots = view->roots = calloc(1, sizeof *roots)) == NULL)
        return -ENOMEM;
    snprintf(path, sizeof path, "/proc/%d/root", (int)tid);
    int fd = pager_next_fd(&view->pager);
    unsigned opened = pager_queue_open(&view->pager, AT_FDCWD, path, O_PATH | O_DIRECTORY), asked = pager_queue_stat(&view->pager, fd, &st);
    if (pager_run(&view->pager) < 0 || view->pager.result[opened] < 0)
        return (int)view->pager.result[opened];
    pager_took_fd(&view->pager, (int)view->pager.result[opened]);
    int found = view->pager.result[opened] != fd || view->pager.result[asked] < 0 ? -EIO : -EMFILE;
    if (found == -EMFILE && st.st_dev == view->root.st.st_dev && st.st_ino == view->root.st.st_ino)
        found = 0;
    for (unsigned i = 0; found == -EMFILE && i < roots->count; i++)
        if (roots->node[i].st.st_dev == st.st_dev && roots->node[i].st.st_ino == st.st_ino)
            found = (int)i + 1;
    if (found == -EMFILE && roots->count < ROOTS) {
        roots->node[roots->count] = (struct node){.kind = NODE_ROOT, .fd = fd, .read_fd = -1, .write_fd = -1, .st = st, .serial = 1};
        view->remote_fds++;
        return (int)++roots->count;
    }
    pager_close(&view->pager, (int)view->pager.result[opened]);
    return found;
}

struct node *view_root_of(struct view *view, pid_t tid)
{
    int root = view_exec_root(view, tid);
    struct roots *roots = view->roots;
    return root > 0 && roots != NULL && (unsigned)root <= roots->count ? &roots->node[root - 1] : NULL;
}

int view_root_cwd(struct view *view, struct node *root, struct node *parent, pid_t tid, const char *name, struct node **ret_node)
{
    char directory[PATH_MAX], path[2 * PATH_MAX];
    /* getcwd(2) of the asker's executor: from its root, without links; "(unreachable)" when it is outside of that. */
    if (view_directory(view, tid, directory) < 0 || directory[0] != '/')
        return ENOENT;
    for (unsigned up = parent->level; up < RSYS_VIEW_CWD_DEPTH; up++) {
        char *slash = strrchr(directory, '/');
        *(slash != NULL ? slash : directory) = 0; /* above the root is the root */
    }
    snprintf(path, sizeof path, ".%s/%s", directory, name);
    return node_lookup(view, parent, name, root->fd, path, false, ret_node);
}

/* ---- the supervisor ---- */

static void found(struct view_job *job)
{
    struct jail *jail = job->data;
    struct call *call = job->call;
    struct guest *guest = rsys_guest_find(jail, job->tid);
    /* A directory that the pager may not open (the guest has not the ids that the session began with): nothing of it can be executed. */
    if (guest != NULL && guest->process != NULL)
        guest->process->root = job->result < 0 ? -1 : job->result;
    view_job_free(job);
    if (call != NULL)
        rsys_call_answer(call, 0);
}

/* A signal: the root has been changed, so the call must not be made again. */
static void cancel(struct call *call)
{
    view_job_leave(call);
    call->result = 0;
}

enum verdict rsys_view_new_root(struct call *call)
{
    struct jail *jail = call->guest->process->jail;
    struct view_job *job = view_job_new(JOB_ROOT, call, found);
    call->guest->process->root = -1; /* until it is known */
    if (job == NULL)
        return rsys_call_done(call, 0);
    job->tid = call->guest->tid;
    job->data = jail;
    enum verdict verdict = view_job_await(rsys_jail_session(jail)->view, job);
    if (verdict == VERDICT_LATER)
        call->on_cancel = call->on_drop = cancel;
    return verdict;
}

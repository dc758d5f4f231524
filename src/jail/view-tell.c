/* SPDX-License-Identifier: GPL-2.0-only */
/* view-tell.c: where the files are that guests have mapped, for what /proc tells of mappings.
 *
 * Mapped files are files of the view, and descriptors were opened there under no name of theirs.  The view's number of a file (st_ino) is its node's serial number,
 * and the pager has a descriptor of each node: its link on the server says where the file is now, as the server's kernel would in a process of its own. */
#include "src/jail/view-inner.h"

#include "src/core/util.h"
#include "src/jail/proc-text.h"
#include "src/jail/session.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static struct rsys_text_file *wanted(struct view_telling *telling, const struct node *node)
{
    for (size_t i = 0; i < telling->count; i++)
        if (telling->files[i].ino == node->serial)
            return &telling->files[i];
    return NULL;
}

/* The names of up to PAGER_BATCH nodes, in one round trip. */
static void tell_some(struct view *view, struct node *const *nodes, struct rsys_text_file *const *files, unsigned count)
{
    static char links[PAGER_BATCH][PATH_MAX]; /* the view's thread is one */
    int fds[PAGER_BATCH];
    unsigned index[PAGER_BATCH];
    for (unsigned i = 0; i < count; i++)
        fds[i] = node_fd(view, nodes[i]); /* may ask by itself */
    for (unsigned i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fds[i]);
        index[i] = pager_queue_readlink(&view->pager, AT_FDCWD, path, links[i], sizeof links[i] - 1);
    }
    pager_run(&view->pager);
    for (unsigned i = 0; i < count; i++) {
        int64_t size = view->pager.result[index[i]];
        if (size <= 0 || size >= (int64_t)sizeof links[i] || files[i]->path != NULL)
            continue;
        files[i]->path = strndup(links[i], (size_t)size);
        files[i]->dev = nodes[i]->st.st_dev;
        files[i]->real_ino = nodes[i]->st.st_ino;
    }
}

void view_tell(struct view *view, struct view_telling *telling)
{
    struct node *nodes[PAGER_BATCH];
    struct rsys_text_file *files[PAGER_BATCH];
    unsigned count = 0;
    for (size_t i = 0; i < NODE_BUCKETS && view->proc_dev != 0; i++)
        for (struct node *node = view->identity[i]; node != NULL; node = node->next_identity) {
            if ((files[count] = wanted(telling, node)) == NULL)
                continue;
            nodes[count++] = node;
            if (count < PAGER_BATCH)
                continue;
            tell_some(view, nodes, files, count);
            count = 0;
        }
    if (count > 0)
        tell_some(view, nodes, files, count);
    /* The client's program is in the view alone. */
    struct rsys_text_file *local = wanted(telling, &view->local);
    if (local != NULL && local->path == NULL && view->start.local_name != NULL && asprintf(&local->path, RSYS_VIEW_LOCAL "/%s", view->start.local_name) < 0)
        local->path = NULL;
}

enum verdict rsys_view_tell(struct call *call, struct view_telling *telling, void (*done)(struct view_job *))
{
    struct view *view = rsys_jail_session(call->guest->process->jail)->view;
    struct view_job *job = view_job_new(JOB_TELL, call, done);
    if (job == NULL)
        return rsys_call_done(call, -ENOMEM);
    job->data = telling;
    return view_job_await(view, job);
}

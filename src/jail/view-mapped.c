/* SPDX-License-Identifier: GPL-2.0-only */
/* view-mapped.c: which files guests may have mapped.
 *
 * What guests map is an open file of the view that the opener opened for it.  The kernel tells when the last mapping and the last descriptor of an open file are gone
 * (FUSE_RELEASE); until then the file counts as mapped here.  A release comes a little late, and the supervisor keeps some open files itself (mmap.c), so
 * a file may count although nobody maps it any more; that costs time and nothing else.
 *
 * When the last mapping of a file by some process goes, the kernel has written its pages back (fuse_vma_close): what does not count has nothing left to write. */
#include "src/jail/view-inner.h"

#include "src/core/util.h"

static struct mapped **place_of(struct view *view, uint64_t dev, uint64_t ino)
{
    struct mapped **at = &view->mapped[(ino * UINT64_C(0x9e3779b97f4a7c15) ^ dev) % NODE_BUCKETS];
    while (*at != NULL && ((*at)->dev != dev || (*at)->ino != ino))
        at = &(*at)->next;
    return at;
}

bool mapped_opened(struct view *view, struct node *node, bool writable)
{
    pthread_mutex_lock(&view->lock);
    struct mapped **at = place_of(view, node->st.st_dev, node->st.st_ino);
    if (*at == NULL && (*at = calloc(1, sizeof **at)) != NULL)
        **at = (struct mapped){.dev = node->st.st_dev, .ino = node->st.st_ino};
    bool counted = *at != NULL;
    if (counted && (*at)->opens[writable]++ == 0)
        atomic_fetch_add(&view->mapped_files[writable], 1);
    pthread_mutex_unlock(&view->lock);
    return counted;
}

void mapped_released(struct view *view, struct node *node, bool writable)
{
    pthread_mutex_lock(&view->lock);
    struct mapped **at = place_of(view, node->st.st_dev, node->st.st_ino), *mapped = *at;
    if (mapped != NULL && mapped->opens[writable] > 0 && --mapped->opens[writable] == 0)
        atomic_fetch_sub(&view->mapped_files[writable], 1);
    if (mapped != NULL && mapped->opens[0] + mapped->opens[1] == 0) {
        *at = mapped->next;
        free(mapped);
    }
    pthread_mutex_unlock(&view->lock);
}

bool view_is_mapped(struct view *view, uint64_t dev, uint64_t ino, bool *ret_writable)
{
    pthread_mutex_lock(&view->lock);
    const struct mapped *mapped = *place_of(view, dev, ino);
    *ret_writable = mapped != NULL && mapped->opens[1] > 0;
    pthread_mutex_unlock(&view->lock);
    return mapped != NULL;
}

static void flushed(struct view_job *job) { view_job_free(job); }

void view_flush_all(struct view *view)
{
    struct view_job *jobs = NULL, *job; /* linked by data: nothing is sent with the lock held, for which the view's thread may wait */
    pthread_mutex_lock(&view->lock);
    for (size_t i = 0; i < NODE_BUCKETS; i++)
        for (const struct mapped *mapped = view->mapped[i]; mapped != NULL; mapped = mapped->next) {
            job = mapped->opens[1] > 0 ? view_job_new(JOB_FLUSH, NULL, flushed) : NULL;
            if (job == NULL)
                continue;
            job->expected.dev = mapped->dev;
            job->expected.ino = mapped->ino;
            job->data = jobs;
            jobs = job;
        }
    pthread_mutex_unlock(&view->lock);
    while ((job = jobs) != NULL) {
        jobs = job->data;
        view_job_send(view, job);
    }
}

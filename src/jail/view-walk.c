/* SPDX-License-Identifier: GPL-2.0-only */
/* view-walk.c: the names that an execve looks up, all asked for in one round trip.
 *
 * The kernel asks for one name after the other: each directory of the path, the program, its interpreter's path.  The same path asks for the same
 * names each time, so the names of the last time are asked for together when the first of them comes, and the answers are kept for this execve alone: it
 * is as if it had looked everything up at its beginning.  A name that turns out to be another one than foretold is asked for by itself. */
#include "src/jail/view-inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CHAINS 64
#define WALKS 16

struct step {
    const struct node *parent; /* compared only */
    char *name, *path;         /* path: from the sandbox's root; owned, name is its end */
};

/* What the last execve of a path looked up. */
struct chain {
    char *exec; /* the path; owned; NULL: free */
    struct step steps[PAGER_BATCH];
    unsigned count;
    uint64_t used;
};

/* An execve under way. */
struct walk {
    pid_t tid;
    uint64_t serial;
    struct chain *chain;
    unsigned recorded, foretold;
    struct {
        bool there;
        int code;
        struct stat st;
    } answers[PAGER_BATCH];
};

struct walks {
    struct chain chains[CHAINS];
    struct walk walks[WALKS];
    uint64_t clock;
};

static void step_free(struct step *step)
{
    free(step->path);
    *step = (struct step){NULL, NULL, NULL};
}

/* Nodes that steps name are gone, or may be: start learning anew. */
void walk_reset(struct view *view)
{
    struct walks *walks = view->walks;
    if (walks == NULL)
        return;
    for (size_t i = 0; i < CHAINS; i++) {
        for (unsigned j = 0; j < walks->chains[i].count; j++)
            step_free(&walks->chains[i].steps[j]);
        free(walks->chains[i].exec);
        walks->chains[i] = (struct chain){.exec = NULL};
    }
    memset(walks->walks, 0, sizeof walks->walks);
}

static struct chain *chain_of(struct walks *walks, const char *exec)
{
    struct chain *oldest = &walks->chains[0];
    for (size_t i = 0; i < CHAINS; i++) {
        struct chain *chain = &walks->chains[i];
        if (chain->exec != NULL && strcmp(chain->exec, exec) == 0)
            return chain;
        if (chain->exec == NULL || (oldest->exec != NULL && chain->used < oldest->used))
            oldest = chain;
    }
    for (size_t i = 0; i < WALKS; i++)
        if (walks->walks[i].chain == oldest)
            walks->walks[i] = (struct walk){.tid = 0};
    for (unsigned j = 0; j < oldest->count; j++)
        step_free(&oldest->steps[j]);
    free(oldest->exec);
    *oldest = (struct chain){.exec = strdup(exec)};
    return oldest->exec != NULL ? oldest : NULL;
}

/* Ask for all steps of the chain. */
static void foretell(struct view *view, struct walk *walk)
{
    struct chain *chain = walk->chain;
    if (chain->count < 2)
        return;
    for (unsigned i = 0; i < chain->count; i++)
        pager_queue_stat_at(&view->pager, AT_FDCWD, chain->steps[i].path, AT_SYMLINK_NOFOLLOW, &walk->answers[i].st);
    if (pager_run(&view->pager) < 0)
        return;
    walk->foretold = chain->count;
    for (unsigned i = 0; i < chain->count; i++) {
        walk->answers[i].there = true;
        walk->answers[i].code = (int)-view->pager.result[i];
    }
}

/* The walk of whoever asks, or NULL. */
static struct walk *walk_of(struct view *view)
{
    char exec[PATH_MAX];
    uint64_t serial;
    if (view->asker <= 0 || !view_exec_path(view, view->asker, exec, &serial))
        return NULL;
    if (view->walks == NULL && (view->walks = calloc(1, sizeof *view->walks)) == NULL)
        return NULL;
    struct walks *walks = view->walks;
    struct walk *walk = &walks->walks[(unsigned)view->asker % WALKS];
    if (walk->tid == view->asker && walk->serial == serial)
        return walk;
    *walk = (struct walk){.tid = view->asker, .serial = serial};
    struct chain *chain = chain_of(walks, exec);
    if (chain == NULL) {
        walk->tid = 0;
        return NULL;
    }
    chain->used = ++walks->clock;
    walk->chain = chain;
    foretell(view, walk);
    return walk;
}

/* The node's path from the sandbox's root, into the end of buffer; NULL: it has none. */
static char *path_of(struct view *view, const struct node *node, const char *name, char buffer[PATH_MAX])
{
    char *at = buffer + PATH_MAX - 1;
    *at = 0;
    for (;;) {
        size_t length = strlen(name);
        if (length + 1 > (size_t)(at - buffer))
            return NULL;
        at -= length;
        memcpy(at, name, length);
        *--at = '/';
        if (node == &view->root)
            return at;
        if (node->kind != NODE_FILE || node->parent == NULL || !S_ISDIR(node->st.st_mode))
            return NULL;
        name = node->name;
        node = node->parent;
    }
}

static void record(struct view *view, struct walk *walk, struct node *parent, const char *name)
{
    struct chain *chain = walk->chain;
    char buffer[PATH_MAX], *path;
    if (walk->recorded >= PAGER_BATCH || (path = path_of(view, parent, name, buffer)) == NULL || (path = strdup(path)) == NULL)
        return;
    unsigned at = walk->recorded++;
    if (at < chain->count)
        step_free(&chain->steps[at]);
    else
        chain->count = at + 1;
    chain->steps[at] = (struct step){.parent = parent, .path = path, .name = path + strlen(path) - strlen(name)};
    walk->answers[at].there = false; /* what was foretold for the older step here is not for this one */
}

bool walk_take(struct view *view, struct node *parent, const char *name, struct stat *ret_st, int *ret_code)
{
    struct walk *walk = walk_of(view);
    if (walk == NULL)
        return false;
    /* The foretold steps come in their order, if they come. */
    unsigned at = walk->recorded;
    if (at < walk->foretold && walk->answers[at].there && walk->chain->steps[at].parent == parent && strcmp(walk->chain->steps[at].name, name) == 0) {
        *ret_st = walk->answers[at].st;
        *ret_code = walk->answers[at].code;
        walk->answers[at].there = false;
        walk->recorded++;
        return true;
    }
    walk->foretold = 0; /* another way than the last time */
    record(view, walk, parent, name);
    return false;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* view-copy.h: the view without FUSE (view-copy.c), and where it keeps its copies (view-store.c). */
#ifndef RSYS_JAIL_VIEW_COPY_H
#define RSYS_JAIL_VIEW_COPY_H

#include "src/jail/view-inner.h"

#define STORE_BUCKETS 256

/* A file of the server, copied. */
struct copy {
    struct copy *next;
    char *path;                    /* what the server calls it; owned */
    char *name;                    /* in the store, without the first slash: the same, unless that cannot be a name; owned */
    struct view_identity identity; /* when it was copied */
    bool settled;                  /* a later change shows in that */
    uint64_t ino, size;            /* in the store */
    uint64_t serial;               /* grows with use */
};

/* A name that a guest executes by, between our letting it and its kernel's having looked it up. */
#define FLIGHTS 64
struct flight {
    pid_t tid; /* 0: none */
    char *name;
};

/* One that is not kept any more, but may be mapped: what it was of. */
#define FORMER 1024
struct former {
    uint64_t ino, dev, real_ino;
    char *path; /* owned; NULL: none */
};

/* The opener's, but what is said to be under view->lock. */
struct copies {
    struct copy *bucket[STORE_BUCKETS]; /* changed under the lock */
    uint64_t bytes, serials;
    struct flight flights[FLIGHTS];     /* under the lock */
    unsigned flights_next;
    struct former former[FORMER];       /* the last ones that went, for what /proc tells of mappings */
    unsigned former_next;
    int proc_fd;                        /* of the guests' pid namespace, or -1 */
};

/* view-store.c: 0 or -errno, where nothing else is said. */
int store_prepare(struct view *view);
/* The copy of this path, when it is as the identity says; NULL: there is none. */
struct copy *store_find(struct view *view, const char *path, const struct view_identity *identity);
/* A new file, open for writing; */
int store_new(struct view *view);
/* what was written to it becomes the copy of path.  NULL: no memory, or no room. */
struct copy *store_put(struct view *view, int fd, const char *path, const struct view_identity *identity, bool settled);
/* Open a copy for reading: a descriptor or -errno. */
int store_open(struct view *view, const struct copy *copy);
/* Have a name (absolute, or from the guests' directory) lead to the copy when guest tid executes it. */
int store_link(struct view *view, pid_t tid, const char *name, const struct copy *copy);
/* A directory, made as needed: its descriptor or -errno. */
int store_directory(struct view *view, const char *path);

#endif

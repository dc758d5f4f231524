/* SPDX-License-Identifier: GPL-2.0-only */
/* view-inner.h: what the files of the view share. */
#ifndef RSYS_JAIL_VIEW_INNER_H
#define RSYS_JAIL_VIEW_INNER_H

#define FUSE_USE_VERSION 312
#include "src/jail/pager.h"
#include "src/jail/view.h"

#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

enum node_kind {
    NODE_FILE,      /* of the server */
    NODE_CWD,       /* the directory that guests are in, `level` deep */
    NODE_LOCAL_DIR, /* holds the client's program */
    NODE_LOCAL,     /* the client's program */
    NODE_ROOT,      /* a directory of the server that is some guest's root: the parent of what is in it, unknown to the kernel */
};

/* A file that the kernel knows of (and directories of such).  Regular files of one identity are one node, however they were found, so that they share
 * their page cache; directories are nodes by parent and name, because the kernel wants one place for each. */
struct node {
    struct node *next_identity, *next_name; /* in the two hashes */
    struct node *parent;    /* counted by parent->children */
    char *name;             /* in parent; owned */
    uint64_t lookups;       /* the kernel's references */
    unsigned children, opens;
    enum node_kind kind;
    unsigned level;
    int fd;                 /* O_PATH, on the server; -1: closed to save descriptors, opened again by parent and name */
    int read_fd, write_fd;  /* on the server */
    struct stat st;         /* as last seen */
    struct view_identity opened, cached; /* when read_fd was opened; when the page cache began to fill */
    bool has_cache;
    int64_t since;          /* when `st` was seen first with this content, ns of our monotonic clock */
    char *target;           /* of a symbolic link; owned */
    char *path;             /* of what was found by a relative path, where the sandbox has no /proc; owned */
    uint64_t used;          /* the clock of the last use, for eviction */
    uint64_t serial;        /* its number in the view: no other node ever has it */
};

#define NODE_BUCKETS 512
#define JOB_NAME "\001"
#define TELL_NAME "\002"
#define NODE_SERIALS 16 /* below: the fixed nodes */

enum job_kind {
    JOB_OPEN,    /* open a descriptor of a guest's executor as a file of the view */
    JOB_FLUSH,   /* write back what guests have written through shared mappings of the file `expected` */
    JOB_REFRESH, /* the file `expected` has changed on the server: drop what is cached of it, learn its size */
    JOB_WAIT,    /* come back a little later */
    JOB_PROGRAM, /* open the client's program */
    JOB_ROOT,    /* what the root of executor thread `tid` is now: its number as the result */
    JOB_TELL,    /* where the files of a struct view_telling (data) are */
    JOB_EXEC,    /* where files are copied: what the execve of `name` by guest `tid` will look up; fd: execveat's descriptor, or -1 */
    JOB_NOTHING, /* come back when the jobs before are done */
};

/* Work for the opener.  The supervisor makes it, sends its address, and gets it back through the event descriptor. */
struct view_job {
    enum job_kind kind;
    pid_t tid;             /* JOB_OPEN: descriptor `fd` of the executor thread `tid` */
    int fd;
    bool writable;         /* open for writing too */
    char *name;            /* JOB_OPEN: or by this path of the sandbox, when it is the file `expected`; owned */
    struct view_identity expected;
    struct node *node;     /* the view's thread's: what the name JOB_NAME stands for during the job */
    int result;            /* 0 or -errno */
    int view_fd;           /* for the supervisor */
    void (*done)(struct view_job *job); /* on the supervisor's thread; frees the job */
    struct call *call;
    void *data;
};

/* A file that mappings may go by, by its numbers on the server. */
struct mapped {
    struct mapped *next;
    uint64_t dev, ino;
    unsigned opens[2]; /* read-only, writable */
};

/* The opener's own descriptors of files that it wrote back last. */
#define FLUSHED_MAX 8
struct flushed {
    uint64_t dev, ino;
    int fd; /* -1: free */
};

struct exe_entry {
    struct exe_entry *next;
    pid_t pid;
    char *path, *directory;
    char *exec;            /* the path of the execve under way */
    int root;              /* whose root it starts at: view_root_add's number, -1: one that is not known */
    uint64_t serial;       /* which one */
};

struct view {
    struct view_start start;
    /* the view's thread's */
    struct pager pager;
    struct fuse_session *session;
    struct node *identity[NODE_BUCKETS], *by_name[NODE_BUCKETS];
    struct node root, local_dir, local;
    struct node cwd[RSYS_VIEW_CWD_DEPTH + 1];
    uint64_t proc_dev;     /* st_dev of the sandbox's /proc; 0: it has none */
    struct node *held;     /* what the last job opened */
    pid_t asker;           /* whose request this is; 0: the kernel's own */
    _Atomic pid_t first;   /* the guest whose end is the session's; 0: it is not there yet */
    struct roots *roots;   /* view-root.c's; owned */
    struct walks *walks;   /* view-walk.c's; owned */
    struct copies *copies; /* view-copy.c's; NULL: there is a FUSE mount */
    uint64_t clock;
    uint64_t serials;      /* the last node's */
    int64_t latest;        /* the latest change time seen of any file: the server's clock is there at least */
    unsigned remote_fds;
    uid_t uid;
    gid_t gid;
    char *buffer;          /* RSYS_ARENA_SIZE bytes */
    pthread_t thread, opener;
    _Atomic(struct view_job *) job; /* the opener's, while it opens JOB_NAME */
    _Atomic pid_t opener_tid;
    /* the supervisor's */
    int event_fd;          /* its end to the opener */
    int opener_fd;         /* the opener's end; also used by the view's thread to tell that it is lost */
    struct flushed flushed[FLUSHED_MAX]; /* the opener's */
    unsigned flushed_next;
    bool lost;
    unsigned pending;      /* jobs under way */
    uint64_t changes;      /* counts calls that may change what files hold */
    void *mappings;        /* mmap.c's */
    pthread_mutex_t lock;  /* of exes and mapped; held for a few instructions */
    struct exe_entry *exes;
    struct mapped *mapped[NODE_BUCKETS];
    atomic_uint mapped_files[2]; /* how many there are with such opens */
    uint64_t execs;        /* counted */
};

/* view-nodes.c */
struct node *node_of(struct view *view, fuse_ino_t ino);
fuse_ino_t node_ino(struct view *view, struct node *node);
/* The regular file with these numbers on the server, or NULL. */
struct node *node_by_identity(struct view *view, uint64_t dev, uint64_t ino);
/* The child `path` (relative to dirfd) of parent, called name.  0 and *ret_node with one more lookup counted, or an errno. */
int node_lookup(struct view *view, struct node *parent, const char *name, int dirfd, const char *path, bool follow, struct node **ret_node);
void node_forget(struct view *view, struct node *node, uint64_t lookups);
/* Its O_PATH descriptor, or -errno. */
int node_fd(struct view *view, struct node *node);
/* Whether a later change of the file's content would show in its times. */
bool node_settled(struct view *view, const struct node *node);
int node_refresh(struct view *view, struct node *node);
/* What it is now, as the server says. */
void node_update(struct view *view, struct node *node, const struct stat *st);
/* Make sure of read_fd (and of write_fd).  0 or an errno. */
int node_open(struct view *view, struct node *node, bool writable);
/* Whether the sandbox's Landlock domain lets the file, which is open, be executed.  0, or EACCES. */
int node_executable(struct view *view, struct node *node);
/* --learn: the file, which is open, is executed. */
void node_learn(struct view *view, struct node *node);
void node_setup(struct view *view);

bool view_same_content(const struct view_identity *identity, const struct stat *st);

/* view-ops.c */
extern const struct fuse_lowlevel_ops view_ops;
/* view.c */
int view_exe_path(struct view *view, pid_t pid, char path[4096]);
/* The remote current directory of guest `tid`, as last noted: its length, or -1. */
int view_directory(struct view *view, pid_t tid, char path[4096]);
/* The path that guest `tid` executes, and the number of that execve; false: none. */
bool view_exec_path(struct view *view, pid_t tid, char path[4096], uint64_t *ret_serial);
/* view-walk.c: what a name of this execve was foretold to be.  False: nothing was. */
bool walk_take(struct view *view, struct node *parent, const char *name, struct stat *ret_st, int *ret_code);
void walk_reset(struct view *view);
/* view-jobs.c */
void *view_opener(void *view);
/* A new job of this kind for a call (or for nobody), with done; view_job_send hands it over, or calls done with -EIO. */
struct view_job *view_job_new(enum job_kind kind, struct call *call, void (*done)(struct view_job *));
void view_job_send(struct view *view, struct view_job *job);
/* A call of a guest waits for the job: VERDICT_LATER. */
enum verdict view_job_await(struct view *view, struct view_job *job);
/* The call does not wait any more; the job goes on, for nobody. */
void view_job_leave(struct call *call);
void view_job_free(struct view_job *job);
/* view-root.c */
/* The root of executor thread tid: its number, 0 for the sandbox's own, or -errno. */
int view_root_add(struct view *view, pid_t tid);
/* The root of whoever asks; NULL: the sandbox's own, or none that is known (view_exec_root says). */
struct node *view_root_of(struct view *view, pid_t tid);
/* A relative path of an asker with such a root. */
int view_root_cwd(struct view *view, struct node *root, struct node *parent, pid_t tid, const char *name, struct node **ret_node);
/* view.c: the number for the execve that thread `tid` is in. */
int view_exec_root(struct view *view, pid_t tid);
/* view-tell.c */
struct view_telling {
    struct rsys_text_file *files; /* by their serial numbers in the view (ino); the rest is filled in */
    size_t count;
};
void view_tell(struct view *view, struct view_telling *telling);
/* Have the view fill it in, on the view's thread; it stays the caller's, who gets it back as job->data in done, also when the call has been left. */
enum verdict rsys_view_tell(struct call *call, struct view_telling *telling, void (*done)(struct view_job *));
/* view-mapped.c: which files guests may have mapped.  The view's thread counts what it opens for mappings; */
bool mapped_opened(struct view *view, struct node *node, bool writable); /* false: no memory */
void mapped_released(struct view *view, struct node *node, bool writable);
/* the supervisor asks.  Whether a file may be mapped at all, and through a shared mapping that can write. */
bool view_is_mapped(struct view *view, uint64_t dev, uint64_t ino, bool *ret_writable);
/* Write back all that has been written through mappings; nobody waits for it yet. */
void view_flush_all(struct view *view);
/* view-copy.c: where files are copied.  Its beginning; a job, on the opener's thread: a descriptor for the supervisor, or -1. */
int view_copy_start(struct view *view, struct rsys_error **err);
int view_copy_job(struct view *view, struct view_job *job);
/* view-store.c: the guest has executed, or failed to.  What the server calls a file of the store; malloc'd. */
void view_landed(struct view *view, pid_t tid);
char *view_copy_name(struct view *view, const char *path);
/* mmap.c: forget the descriptors that are kept of a file, because it has changed. */
void view_mappings_drop(struct view *view, uint64_t dev, uint64_t ino);

#endif

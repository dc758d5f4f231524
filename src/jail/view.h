/* SPDX-License-Identifier: GPL-2.0-only */
/* view.h: the view: the guests' local root, a FUSE mount that shows the sandbox's files through the pager executor.
 *
 * Three parties.  The view's thread (tid 2) answers the kernel's FUSE requests from the pager's channel and waits for nobody else.  The
 * opener's thread opens files of the view, which blocks until the view's thread has answered.  The supervisor hands jobs to the
 * opener and is told through an event descriptor; it never waits for either and never touches the view itself.
 *
 * Guests' relative paths: the local directory of every guest is the view's "cwd" directory, in which each name is looked up in the remote
 * current directory of whoever asks; so a relative execve needs no rewriting, and chdir is remote alone. */
#ifndef RSYS_JAIL_VIEW_H
#define RSYS_JAIL_VIEW_H

#include "src/core/error.h"
#include "src/jail/jail.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct view;

/* How a file of the server is named: by its identity, and by what changes when its content does. */
struct view_identity {
    uint64_t dev, ino;
    uint64_t size;
    int64_t mtime, ctime; /* ns */
    uint32_t mode;
};
void rsys_view_identity(const struct stat *st, struct view_identity *ret_identity);

/* ---- launching (launch.c, cage.c) ---- */

struct view_start {
    int pager_fd;             /* the pager executor's channel, greeted; the view owns it */
    uint32_t pager_seq;       /* requests sent on it so far */
    uint32_t nofile;          /* the executor's descriptors */
    bool confined;            /* whether something may be executed is asked at its opening */
    unsigned resume;          /* for how many seconds its channel may be cut; 0: not at all */
    int connector_fd;         /* where others come from (rsys_connector_view_channel); the view's thread owns it; or -1 */
    int fuse_fd;              /* /dev/fuse, mounted; the view's thread owns it; -1: files are copied */
    int proc_fd;              /* the guests' procfs, or -1 */
    const char *program;      /* what will be executed first */
    int mount_fd;             /* the mount's root for the opener (writable, reachable from nowhere) */
    int local_fd;             /* the client's file to show as RSYS_VIEW_LOCAL "/" local_name, or -1 */
    const char *local_name;
};
#define RSYS_VIEW_LOCAL "/.rsys-local"
/* The directory that guests are in locally.  Its depth is how many leading ".." a relative path may have before it counts as one from "/". */
#define RSYS_VIEW_CWD_NAME ".rsys-cwd"
#define RSYS_VIEW_CWD_DOWN "/.rsys-down"
#define RSYS_VIEW_CWD_DOWN4 RSYS_VIEW_CWD_DOWN RSYS_VIEW_CWD_DOWN RSYS_VIEW_CWD_DOWN RSYS_VIEW_CWD_DOWN
#define RSYS_VIEW_CWD_DEPTH 20
#define RSYS_VIEW_CWD "/" RSYS_VIEW_CWD_NAME RSYS_VIEW_CWD_DOWN4 RSYS_VIEW_CWD_DOWN4 RSYS_VIEW_CWD_DOWN4 RSYS_VIEW_CWD_DOWN4 RSYS_VIEW_CWD_DOWN4
/* A mount of the device, attached nowhere: its descriptor, or -1.  Nothing can be looked up in it before rsys_view_start. */
int rsys_view_mount(int fuse_fd, struct rsys_error **err);
/* The same for copies: a tmpfs. */
int rsys_view_mount_copies(struct rsys_error **err);
struct view *rsys_view_start(const struct view_start *start, struct rsys_error **err);
int rsys_view_start_opener(struct view *view, struct rsys_error **err);

/* ---- the supervisor ---- */

/* Readable when jobs are done; then call rsys_view_dispatch, which calls their callbacks.  Also readable when the view has failed
 * (the pager's connection is lost): rsys_view_dispatch returns -1 then. */
int rsys_view_event_fd(const struct view *view);
int rsys_view_dispatch(struct view *view);

/* The guest whose end is the session's is there. */
void rsys_view_first(struct view *view, pid_t pid);
/* Where only chosen calls are captured there is no view: then these three do nothing, and say NULL and false. */
/* What thread group `pid` executes now, for an execve of /proc/self/exe.  NULL: it has ended. */
void rsys_view_set_exe(struct view *view, pid_t pid, const char *path);
/* The sandbox's path of the file that a guest executes (after PTRACE_EVENT_EXEC); malloc'd, or NULL. */
char *rsys_view_exe(struct view *view, int proc_fd, pid_t pid);

/* Guest `tid` is about to execute `path`: what it looks up from now on belongs to that execve. */
void rsys_view_exec(struct view *view, pid_t tid, const char *path, int root);
/* The guest's executor has changed its root: learn it, and answer the call with 0. */
enum verdict rsys_view_new_root(struct call *call);
/* The remote current directory in which guest `tid` is about to execute a relative path. */
void rsys_view_note_directory(struct view *view, pid_t tid, const char *directory);
/* Before the session ends well: what guests have written through shared mappings goes to the server.  It has when rsys_view_is_busy() is false. */
void rsys_view_finish(struct view *view);
/* Whether jobs are under way. */
bool rsys_view_is_busy(const struct view *view);

/* ---- other ways to read and write files that guests have mapped (coherence.c) ---- */

/* Whether any file is mapped by what can write to it. */
bool rsys_view_watching(const struct view *view);
/* Before a remote call that reads the file fd (or, writes, changes it): write back what guests have written through shared mappings of that file, then go on with
 * next(call).  The call has `own` and `scratch` for itself. */
enum verdict rsys_view_settle(struct call *call, int fd, bool writes, enum verdict (*next)(struct call *call));
/* A remote call has changed bytes of fd, or its size: when mappings see it, the call is done with `result`. */
enum verdict rsys_view_changed(struct call *call, int fd, int64_t result);

#endif

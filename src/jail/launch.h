/* SPDX-License-Identifier: GPL-2.0-only */
/* launch.h: what the launching files share: launch.c (the parent), program.c (finding PROGRAM), cage.c (the child's namespaces). */
#ifndef RSYS_JAIL_LAUNCH_H
#define RSYS_JAIL_LAUNCH_H

#include "src/jail/session.h"

#include <signal.h>
#include <sys/types.h>

struct pager;

/* Do all of it: connect, cage, wait.  Returns rsys-jail's exit status; err is set when there is something to say. */
int rsys_launch(struct rsys_options *options, struct rsys_error **err);

/* What is to be executed first. */
struct program {
    char *path;       /* in the view; owned */
    int local_fd;     /* the client's file, or -1 */
    char *local_name; /* its last component; owned */
};
/* Find PROGRAM.  0; or the exit status for the failure (126, 127, 125) and err. */
int program_find(struct program *program, const struct rsys_options *options, struct pager *pager, struct rsys_error **err);
/* HOME and USER of the sandbox's user, for the guest, and that --chdir's directory is there.  0 or an exit status and err. */
int program_prepare(struct rsys_options *options, struct pager *pager, uid_t uid, struct rsys_error **err);
void program_free(struct program *program);

/* The guests' namespaces and ids, decided by the parent. */
struct cage {
    struct rsys_session session; /* without view and proc_fd, which the cage makes */
    uint32_t range;              /* how many ids are mapped: 1: our own one; else a range (privileged) */
    uid_t outside_uid;
    gid_t outside_gid;
    uid_t supervisor_uid;        /* inside */
    gid_t supervisor_gid;
    int pager_fd;
    uint32_t pager_seq;
    struct program program;
    int ready_fd;                /* a pipe's end: one byte comes when the maps are written */
};
/* Choose the ids, by what we are and may. */
void cage_choose_ids(struct cage *cage);
/* The parent has done its part; and the child dies with it from now on. */
int cage_wait(struct cage *cage, struct rsys_error **err);
/* Where only chosen calls are captured, there is no cage (beside.c): what the user's limits are; to be the supervisor; to find PROGRAM (as program_find()). */
void beside_note(struct cage *cage);
int beside_enter(struct cage *cage, struct rsys_error **err);
int beside_find(struct program *program, const struct rsys_options *options, struct rsys_error **err);
/* The child of the parent's clone: never returns. */
void cage_main(struct cage *cage) __attribute__((noreturn));

#endif

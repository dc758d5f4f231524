/* SPDX-License-Identifier: GPL-2.0-only */
/* executor.h: what the executor program finds when it is executed, and by whom.
 *
 * One freestanding static program, two roles, told apart by the environment (an executor's argv is its guest's):
 *
 *   "init"      pid 1 of a sandbox.  sandbox/ executes it as the last stage of the confinement, so nothing of the daemon's memory is left in it
 *               and all of the policy (namespaces, root, seccomp, capabilities, no_new_privs, limits) holds before its first instruction.
 *   otherwise   an executor.  init forks one for RSYS_OP_SPAWN; it executes itself for RSYS_OP_EXEC, with one string or more of environment (exec.c).
 *
 * init's arguments: { "init", L, CAPS, RESUME, NULL }, L in decimal, CAPS in hexadecimal: the capabilities that an executor keeps (the
 * policy's and CAP_CHECKPOINT_RESTORE), RESUME "1" when channels that are cut are resumed, else "0".  No environment.
 *
 * init finds:
 *   L + RSYS_FD_BROKER_TAKE, L + RSYS_FD_BROKER_GIVE   the two ends of the broker (SOCK_SEQPACKET)
 *   L + RSYS_FD_SELF                                   this program
 *   L + RSYS_FD_PLACEHOLDER                            O_PATH of an empty file that is nowhere
 *   L + RSYS_FD_COUNTERS                               the page to count in, or a placeholder when nothing is to be counted
 *   L + RSYS_FD_CHANNEL                                the control connection (a stream, blocking)
 *   nothing else open, 0, 1 and 2 neither; none of these is close-on-exec
 *   RLIMIT_NOFILE soft = L, hard > L + RSYS_EXECUTOR_FDS
 *   cwd "/", umask 022, the first guest's uid and gid, no supplementary groups, every signal at its default and unblocked, PR_SET_PDEATHSIG = SIGKILL
 *   capabilities CAPS and CAP_KILL in the permitted, effective, inheritable, ambient and bounding sets: init drops CAP_KILL from
 *   all of them in the child of a SPAWN unless CAPS has it, so that no executor may trace or signal init.
 *
 * The ambient set makes an execution keep the capabilities whatever the uid is.  The kernel clears it, and the permitted set, when a guest's
 * executor gives up uid 0 (capabilities(7), "Effect of user ID changes"): that is what the guest has to see of the policy's capabilities, but the executor
 * needs CAP_CHECKPOINT_RESTORE to choose its children's pids.  So it sets PR_SET_KEEPCAPS around such a call and
 * then puts its sets right by itself: CAP_CHECKPOINT_RESTORE always stays, in the inheritable and ambient sets too. */
#ifndef RSYS_SERVER_EXECUTOR_EXECUTOR_H
#define RSYS_SERVER_EXECUTOR_EXECUTOR_H

#include "src/core/wire.h"

/* How many descriptors above L there have to be at least: the fixed ones and a channel for each thread of one process. */
#define RSYS_EXECUTOR_FDS 1024

/* The cancel signal: pid 1 sends it with tgkill to the executor thread whose call is to be interrupted. */
#define RSYS_EXECUTOR_CANCEL 63

/* SIGTTOU: the thread that gets it drops its channel when it comes to wait on it, and takes another.  pid 1 sends it to executors, the session process to pid 1. */
#define RSYS_EXECUTOR_DROP 22
/* SIGTTIN: the session process has pid 1 send the other one to the view's executor. */
#define RSYS_EXECUTOR_DROP_VIEW 21
/* The byte with which a channel for the view's executor alone lies in the broker. */
#define RSYS_EXECUTOR_FOR_VIEW 'v'
/* A channel that can be resumed has this SO_RCVTIMEO and SO_SNDTIMEO: a thread that waits longer does so in a way that the signal interrupts (resume.c). */
#define RSYS_EXECUTOR_PATIENCE_MS 200

#endif

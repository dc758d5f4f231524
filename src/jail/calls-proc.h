/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-proc.h: which files of /proc tell what the client knows. */
#ifndef RSYS_JAIL_CALLS_PROC_H
#define RSYS_JAIL_CALLS_PROC_H

#include "src/jail/names.h"
#include "src/jail/proc-text.h"

/* Whether /proc/PID/REST, or /proc/REST (of the machine), is the client's to tell. */
bool rsys_proc_is_ours(const struct call *call, const char *rest, bool of_process);
/* An open by a name that is not known, but may be another way to such a file: true: it has been seen to. */
bool rsys_proc_open_suspect(struct call *call, const char *path, uint64_t flags, enum verdict *ret_verdict);
/* A call on a relative name that may be /proc/PID/exe: true: it has been seen to. */
bool rsys_proc_relative_exe(struct call *call, const char *path, enum verdict *ret_verdict);
/* How many seccomp filters the caller has beside the session's own. */
unsigned rsys_proc_filters(const struct call *call);

/* ---- for the files that are texts ---- */

#define RSYS_PROC_TEXT "proc:" /* begins the names of memory files that stand for files of /proc; then the path below /proc */

/* All of a file in a directory of the client's procfs ("12/"), terminated; malloc'd; NULL: there is none, or no memory. */
char *rsys_proc_read(const struct call *call, const char *directory, const char *name);
/* The call has opened `number` on the executor: the guest gets this text there, as a file that is only read.  Takes the text.  path: below /proc. */
enum verdict rsys_proc_give_text(struct call *call, const char *path, int64_t number, uint64_t flags, struct rsys_text text);
/* It fails after all. */
enum verdict rsys_proc_give_error(struct call *call, int64_t number, int error);
/* The same for maps, smaps and numa_maps (calls-maps.c). */
enum verdict rsys_proc_give_maps(struct call *call, const char *directory, const char *name, int64_t number, uint64_t flags);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-proc.h: which files of /proc tell what the client knows. */
#ifndef RSYS_JAIL_CALLS_PROC_H
#define RSYS_JAIL_CALLS_PROC_H

#include "src/jail/names.h"

/* Whether /proc/PID/REST, or /proc/REST (of the machine), is the client's to tell. */
bool rsys_proc_is_ours(const struct call *call, const char *rest, bool of_process);

#endif

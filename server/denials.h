/* SPDX-License-Identifier: GPL-2.0-only */
/* denials.h: what a session's policy has denied, told in the log: from the kernel, which asks us about each such call of an executor (seccomp_unotify(2)). */
#ifndef RSYS_SERVER_DENIALS_H
#define RSYS_SERVER_DENIALS_H

#include "src/core/spec.h"

struct denials;
struct session_counters;

/* Takes the listener of the executors' filter over.  NULL: no memory. */
struct denials *denials_new(int listener, const struct rsys_spec *spec, struct session_counters *counters);
/* The listener is readable: answer one call. */
void denials_ready(struct denials *denials);
/* How many milliseconds until denials_tell has something to say; -1: nothing. */
int denials_timeout(const struct denials *denials);
/* Say what has been kept back for a while; at the end of the session, all of it. */
void denials_tell(struct denials *denials, bool end);
void denials_free(struct denials *denials);

#endif

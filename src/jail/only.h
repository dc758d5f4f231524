/* SPDX-License-Identifier: GPL-2.0-only */
/* only.h: --only: which calls go to the server. */
#ifndef RSYS_JAIL_ONLY_H
#define RSYS_JAIL_ONLY_H

#include "src/core/error.h"
#include "src/core/spec.h"

/* The rules (REMOTE ones, over a default of LOCAL) that text means: names of calls and @groups, separated by commas, and `policy` for what the policy has chosen.  policy: the session's
 * rules, which a named call has to be allowed by; NULL: before they are known, to look at the text alone.  *ret is to be freed.  0 or -1. */
int rsys_only_rules(const char *text, const struct rsys_rules *policy, struct rsys_rules *ret, struct rsys_error **err);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-process.c: clone and exit, where a policy has them notified.
 *
 * The guest's filter lets them through (ptrace's events do the work); a policy with conditions on them makes the filter ask, and the
 * answer is the same. */
#include "src/jail/internal.h"

enum verdict rsys_handle_CLONE(struct call *call)
{
    (void)call;
    return VERDICT_CONTINUE;
}

enum verdict rsys_handle_EXIT(struct call *call)
{
    (void)call;
    return VERDICT_CONTINUE;
}

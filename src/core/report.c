/* SPDX-License-Identifier: GPL-2.0-only */
/* report.c: what the policy denies, or wants logged, told to the server's log. */
#include "src/core/report.h"

#define TOLD_SINGLY 16u
#define TOLD_TOGETHER 256u

bool rsys_report(struct rsys_request *request, uint32_t counts[RSYS_CALLS_MAX], uint64_t nr, const uint64_t args[6])
{
    if (nr >= RSYS_CALLS_MAX)
        return false;
    if (++counts[nr] <= TOLD_SINGLY)
        rsys_request_start(request, (uint16_t)(RSYS_OP_REPORT + nr), args);
    else if ((counts[nr] - TOLD_SINGLY) % TOLD_TOGETHER == 0)
        rsys_request_start(request, (uint16_t)(RSYS_OP_REPORT_MORE + nr), (const uint64_t[6]){TOLD_TOGETHER});
    else
        return false;
    return true;
}

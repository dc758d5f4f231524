/* SPDX-License-Identifier: GPL-2.0-only */
/* report.h: what the policy denies, or wants logged, told to the server's log. */
#ifndef RSYS_CORE_REPORT_H
#define RSYS_CORE_REPORT_H

#include "src/core/encode.h"

/* Such a call has been made: whether a request is due, for nobody to wait for.  Of each call the first ones are told one by one; then only, now and then, how many they were, so that a
 * program that asks for the impossible all the time costs the server little.  counts: of the session, zero at its beginning. */
bool rsys_report(struct rsys_request *request, uint32_t counts[RSYS_CALLS_MAX], uint64_t nr, const uint64_t args[6]);

#endif

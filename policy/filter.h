/* SPDX-License-Identifier: GPL-2.0-only */
/* filter.h: from verdicts for each call to a seccomp program.
 *
 * libseccomp makes the program's frame: the checks of architecture and x32, and the binary tree over the calls' numbers.  What looks at
 * arguments is written here: libseccomp takes one comparison an argument, keeps no order between rules that overlap, and lets a rule without conditions swallow those with
 * conditions, while a policy means "the strictest rule that matches".  Such calls get a marker from libseccomp (SECCOMP_RET_TRACE with the number), which then
 * becomes a jump to their block behind its program. */
#ifndef RSYS_POLICY_FILTER_H
#define RSYS_POLICY_FILTER_H

#include "src/core/error.h"
#include "src/core/spec.h"
#include "src/core/table.h"

#include <linux/filter.h>

/* A verdict is one of the kernel's SECCOMP_RET_* with its data, or: */
#define FILTER_NEXT_STAGE 0u /* (SECCOMP_RET_KILL_THREAD, which nothing here wants) */

#define FILTER_COMPARES 6
struct filter_condition {
    uint32_t verdict;
    unsigned count; /* all have to hold */
    struct rsys_wire_compare compare[FILTER_COMPARES];
};

/* Conditions are tried in their order; the first that holds decides. */
struct filter_stage {
    struct filter_condition *conditions; /* owned */
    size_t count, room;
    uint32_t otherwise;
};

/* A call's stages, one after the other; the last one's verdicts are none of FILTER_NEXT_STAGE. */
#define FILTER_STAGES 3
struct filter_call {
    struct filter_stage stage[FILTER_STAGES];
};

struct filter {
    struct filter_call call[RSYS_CALLS_MAX];
    uint32_t unknown; /* the verdict of numbers that are not in the table */
    uint32_t report;  /* the verdict of RSYS_OP_REPORT's numbers, or 0 when they are as unknown as others */
    bool failed;      /* out of memory while conditions were added */
};

struct filter *filter_new(void); /* NULL: no memory */
void filter_free(struct filter *filter);
void filter_add(struct filter *filter, struct filter_stage *stage, uint32_t verdict, const struct rsys_wire_compare *compare, unsigned count);
/* (args[index] & mask) == value */
void filter_add_masked(struct filter *filter, struct filter_stage *stage, uint32_t verdict, uint8_t index, uint64_t mask, uint64_t value);
/* What the rules say of a call, strictest first, into the stage.  `verdict` turns an action (with a DENY's errno) into a verdict. */
typedef uint32_t filter_verdict(const struct rsys_rules *rules, const struct rsys_call *call, enum rsys_action action, uint16_t error);
void filter_add_rules(struct filter *filter, struct filter_stage *stage, const struct rsys_rules *rules, const struct rsys_call *call,
                      filter_verdict *verdict);
/* The same for numbers without a row. */
uint32_t filter_unknown_verdict(const struct rsys_rules *rules);
uint32_t filter_errno(int code);

/* The program: malloc'd. */
int filter_build(const struct filter *filter, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err);

#endif

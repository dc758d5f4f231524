/* SPDX-License-Identifier: GPL-2.0-only */
/* filter-guest.c: the filter of the guests, on the client.
 *
 * What the table has as local goes through without a stop; everything else sleeps until the supervisor has answered (SECCOMP_RET_USER_NOTIF).
 * What the policy denies is the supervisor's to deny, so that it can tell of it; what never runs is refused by the kernel.  The supervisor hears of births and ends from ptrace, so those calls go through too. */
#include "policy/filter.h"
#include "policy/policy.h"

#include "src/core/chosen.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* A child that nobody traces, or one in namespaces of its own, would be outside of the cage.  (CLONE_NEWTIME's bit is part of clone's exit signal.) */
#define CLONE_REFUSED \
    (CLONE_UNTRACED | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Process group 0 is the caller's, which may be the one that rsys-jail was started in, with other processes of the user. */
static void refuse_own_group(struct filter *filter, struct filter_stage *stage, uint64_t kind)
{
    const struct rsys_wire_compare own_group[2] = {
        {.value = UINT32_MAX, .value_two = kind, .index = 0, .op = RSYS_CMP_MASKED_EQ},
        {.value = UINT32_MAX, .value_two = 0, .index = 1, .op = RSYS_CMP_MASKED_EQ},
    };
    filter_add(filter, stage, filter_errno(EPERM), own_group, 2);
}

/* What the guest's kernel is to do with a call that is not denied. */
static void add_own(struct filter *filter, struct filter_stage *stage, const struct rsys_call *call)
{
    stage->otherwise = SECCOMP_RET_USER_NOTIF;
    if (call->where == RSYS_NEVER)
        stage->otherwise = filter_errno(call->refusal);
    else if (call->where == RSYS_LOCAL || call->handler == RSYS_HANDLER_EXIT || call->nr == SYS_fork || call->nr == SYS_vfork)
        stage->otherwise = SECCOMP_RET_ALLOW;
    if (call->nr == SYS_setpriority) {
        refuse_own_group(filter, stage, PRIO_PGRP);
    } else if (call->nr == SYS_ioprio_set) {
        refuse_own_group(filter, stage, IOPRIO_WHO_PGRP);
    } else if (call->nr == SYS_mmap) {
        /* No descriptor takes part. */
        filter_add_masked(filter, stage, SECCOMP_RET_ALLOW, 3, MAP_ANONYMOUS, MAP_ANONYMOUS);
    } else if (call->nr == SYS_clone) {
        /* CLONE_PIDFD: a descriptor that the executor's kernel has not numbered.  EINVAL is what kernels without it say. */
        filter_add_masked(filter, stage, SECCOMP_RET_ALLOW, 0, CLONE_REFUSED | CLONE_PIDFD, 0);
        filter_add_masked(filter, stage, filter_errno(EINVAL), 0, CLONE_REFUSED, 0);
        stage->otherwise = filter_errno(EPERM);
    }
}

static uint32_t verdict(const struct rsys_rules *rules, const struct rsys_call *call, enum rsys_action action, uint16_t error)
{
    (void)rules;
    if (action == RSYS_ACTION_KILL)
        return SECCOMP_RET_KILL_PROCESS;
    if (action == RSYS_ACTION_DENY)
        return filter_errno(error);
    if (action == RSYS_ACTION_TRAP)
        return SECCOMP_RET_TRAP | (error & SECCOMP_RET_DATA);
    if (action == RSYS_ACTION_LOCAL && (call->flags & RSYS_CALL_EITHER) != 0)
        return SECCOMP_RET_ALLOW;
    return FILTER_NEXT_STAGE;
}

static uint32_t verdict_chosen(const struct rsys_rules *rules, const struct rsys_call *call, enum rsys_action action, uint16_t error)
{
    return action < RSYS_ACTION_DENY ? FILTER_NEXT_STAGE : verdict(rules, call, action, error);
}

static void become_notification(uint32_t *verdict, uint32_t action)
{
    if ((*verdict & SECCOMP_RET_ACTION_FULL) == action)
        *verdict = SECCOMP_RET_USER_NOTIF;
}

/* What the policy denies becomes a question to the supervisor, which denies it and tells of it; never: what the table refuses, too.  Those refusals that it leaves to the
 * filter (clone's flags) stay. */
static void tell(struct filter_call *call, bool never)
{
    struct filter_stage *rules = &call->stage[1], *own = &call->stage[2];
    for (size_t i = 0; i < rules->count; i++)
        become_notification(&rules->conditions[i].verdict, SECCOMP_RET_ERRNO);
    become_notification(&rules->otherwise, SECCOMP_RET_ERRNO);
    if (never)
        own->otherwise = SECCOMP_RET_USER_NOTIF;
}

/* What would go through unseen is seen, and let through by the supervisor.  Births, ends and the ways out of a handler are not: ptrace tells of the former, and nobody
 * makes the latter by himself. */
static void tell_unseen(struct filter_call *call, uint64_t nr)
{
    struct filter_stage *rules = &call->stage[1], *own = &call->stage[2];
    if (nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone || nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn || nr == SYS_restart_syscall ||
        nr == SYS_mmap)
        return;
    for (size_t i = 0; i < rules->count; i++)
        become_notification(&rules->conditions[i].verdict, SECCOMP_RET_ALLOW);
    become_notification(&rules->otherwise, SECCOMP_RET_ALLOW);
    become_notification(&own->otherwise, SECCOMP_RET_ALLOW);
}

/* The same where only chosen calls go to the server (core/chosen.h). */
static void add_own_chosen(struct filter *filter, struct filter_stage *stage, const struct rsys_call *call, bool chosen)
{
    struct rsys_wire_compare compare[2];
    unsigned count = 0;
    stage->otherwise = SECCOMP_RET_USER_NOTIF;
    switch (rsys_choice_of(call)) {
    case RSYS_CHOICE_OWN:
        stage->otherwise = SECCOMP_RET_ALLOW;
        break;
    case RSYS_CHOICE_NEVER:
        stage->otherwise = filter_errno(call->refusal);
        break;
    case RSYS_CHOICE_NAMED:
        stage->otherwise = chosen ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW;
        break;
    case RSYS_CHOICE_AT: /* a directory's descriptor may be at home on the server */
        for (uint8_t i = 0; i < call->nargs; i++)
            if (call->args[i].shape == RSYS_ARG_DIRFD)
                compare[count++] = (struct rsys_wire_compare){.value = UINT32_MAX, .value_two = (uint32_t)AT_FDCWD, .index = i, .op = RSYS_CMP_MASKED_EQ};
        if (!chosen)
            filter_add(filter, stage, SECCOMP_RET_ALLOW, compare, count);
        break;
    case RSYS_CHOICE_BY_FD:
    case RSYS_CHOICE_BOTH:
        break;
    }
    if (call->nr == SYS_mmap) {
        filter_add_masked(filter, stage, SECCOMP_RET_ALLOW, 3, MAP_ANONYMOUS, MAP_ANONYMOUS);
    } else if (call->nr == SYS_clone) { /* whose calls nobody would answer */
        filter_add_masked(filter, stage, SECCOMP_RET_ALLOW, 0, CLONE_UNTRACED, 0);
        stage->otherwise = filter_errno(EPERM);
    }
}

static bool has_rule(const struct rsys_rules *rules, uint64_t nr)
{
    for (size_t i = 0; i < rules->count; i++)
        if (rules->rules[i].nr == nr)
            return true;
    return false;
}

int rsys_filter_guest(const struct rsys_rules *rules, const struct rsys_rules *choice, enum rsys_filter_telling telling, struct sock_filter **ret_program,
                      unsigned *ret_count, struct rsys_error **err)
{
    struct filter *filter = filter_new();
    if (filter == NULL)
        return rsys_error_make(err, ENOMEM, "make the guests' filter");
    filter->unknown = filter_unknown_verdict(rules);
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        if (call == NULL)
            continue;
        filter_add_rules(filter, &filter->call[nr].stage[1], rules, call, choice != NULL ? verdict_chosen : verdict);
        if (choice != NULL)
            add_own_chosen(filter, &filter->call[nr].stage[2], call, has_rule(choice, nr));
        else
            add_own(filter, &filter->call[nr].stage[2], call);
        tell(&filter->call[nr], telling >= RSYS_FILTER_TELL_REFUSALS && (choice != NULL ? rsys_choice_of(call) == RSYS_CHOICE_NEVER : call->where == RSYS_NEVER));
        if (telling == RSYS_FILTER_TELL_ALL || rsys_rules_log(rules, nr))
            tell_unseen(&filter->call[nr], nr);
    }
    int result = filter_build(filter, ret_program, ret_count, err);
    filter_free(filter);
    return result;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* rules.c: what a policy's rules say of one call; what is checked of rules that came over the wire; the end of a spec. */
#include "src/core/spec.h"

#include <errno.h>
#include <stdlib.h>

#include "src/core/chosen.h"
#include "src/core/table.h"

#define ERRNO_MAX 4095

static bool compare_holds(const struct rsys_wire_compare *compare, const uint64_t args[6])
{
    uint64_t arg = args[compare->index];
    switch (compare->op) {
    case RSYS_CMP_NE:
        return arg != compare->value;
    case RSYS_CMP_LT:
        return arg < compare->value;
    case RSYS_CMP_LE:
        return arg <= compare->value;
    case RSYS_CMP_EQ:
        return arg == compare->value;
    case RSYS_CMP_GE:
        return arg >= compare->value;
    case RSYS_CMP_GT:
        return arg > compare->value;
    case RSYS_CMP_MASKED_EQ:
        return (arg & compare->value) == compare->value_two;
    default:
        return false;
    }
}

static bool rule_matches(const struct rsys_wire_rule *rule, const uint64_t args[6])
{
    for (unsigned i = 0; i < rule->compares; i++)
        if (!compare_holds(&rule->compare[i], args))
            return false;
    return true;
}

/* The first rule of nr, or where it would be. */
static size_t first_of(const struct rsys_rules *rules, uint64_t nr)
{
    size_t low = 0, high = rules->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rules->rules[middle].nr < nr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where the table lets a call run that the policy wants at `wanted`.  A policy cannot move what only one side can do, so rules from the other
 * side of the wire cannot either. */
static enum rsys_action table_limits(const struct rsys_rules *rules, const struct rsys_call *call, enum rsys_action wanted)
{
    if (call->where == RSYS_LOCAL)
        return RSYS_ACTION_LOCAL;
    if (wanted == RSYS_ACTION_LOCAL && rsys_rules_may_be_local(rules, call))
        return RSYS_ACTION_LOCAL;
    return RSYS_ACTION_REMOTE;
}

bool rsys_rules_may_be_local(const struct rsys_rules *rules, const struct rsys_call *call)
{
    return rules->default_action == RSYS_ACTION_LOCAL ? rsys_is_choosable(call) : (call->flags & RSYS_CALL_MAY_BE_LOCAL) != 0;
}

struct rsys_decision rsys_rules_judge(const struct rsys_rules *rules, uint64_t nr, const uint64_t args[6])
{
    const struct rsys_call *call = rsys_call_by_number(nr);
    const struct rsys_wire_rule *strictest = NULL;
    bool logged = false;
    for (size_t i = first_of(rules, nr); i < rules->count && rules->rules[i].nr == nr; i++) {
        const struct rsys_wire_rule *rule = &rules->rules[i];
        if (!rule_matches(rule, args))
            continue;
        logged = logged || (rule->action < RSYS_ACTION_DENY && rule->error != 0);
        if (strictest == NULL || rule->action > strictest->action)
            strictest = rule;
    }
    struct rsys_decision decision = {.action = rules->default_action, .error = rules->default_error};
    if (strictest != NULL)
        decision = (struct rsys_decision){.action = strictest->action, .error = strictest->error, .source = strictest->source};
    else
        logged = rules->default_action < RSYS_ACTION_DENY && rules->default_error != 0;
    if (decision.action >= RSYS_ACTION_DENY)
        return decision;
    if (call == NULL || call->where == RSYS_NEVER)
        return (struct rsys_decision){.action = RSYS_ACTION_DENY, .error = call == NULL ? ENOSYS : call->refusal, .table = true};
    /* Unless it is local, a default says nothing of placement: then it is the table's, which is remote for what may be either. */
    decision.action = table_limits(rules, call, decision.action);
    decision.error = 0;
    decision.logged = logged;
    return decision;
}

enum rsys_action rsys_rules_decide(const struct rsys_rules *rules, uint64_t nr, const uint64_t args[6], uint16_t *ret_error)
{
    struct rsys_decision decision = rsys_rules_judge(rules, nr, args);
    if (decision.action == RSYS_ACTION_DENY && ret_error != NULL)
        *ret_error = decision.error;
    return decision.action;
}

bool rsys_rules_log(const struct rsys_rules *rules, uint64_t nr)
{
    if (rules->default_action < RSYS_ACTION_DENY && rules->default_error != 0)
        return true; /* conditions may leave some call to the default */
    for (size_t i = first_of(rules, nr); i < rules->count && rules->rules[i].nr == nr; i++)
        if (rules->rules[i].action < RSYS_ACTION_DENY && rules->rules[i].error != 0)
            return true;
    return false;
}

bool rsys_rules_conditional(const struct rsys_rules *rules, uint64_t nr)
{
    for (size_t i = first_of(rules, nr); i < rules->count && rules->rules[i].nr == nr; i++)
        if (rules->rules[i].compares > 0)
            return true;
    return false;
}

static bool rule_is_sane(const struct rsys_wire_rule *rule)
{
    if (rsys_call_by_number(rule->nr) == NULL || rule->action < RSYS_ACTION_LOCAL || rule->action > RSYS_ACTION_KILL)
        return false;
    if (rule->compares > RSYS_RULE_COMPARES || rule->error > ERRNO_MAX)
        return false;
    for (unsigned i = 0; i < rule->compares; i++)
        if (rule->compare[i].index >= 6 || rule->compare[i].op < RSYS_CMP_NE || rule->compare[i].op > RSYS_CMP_MASKED_EQ)
            return false;
    return true;
}

int rsys_rules_check(const struct rsys_rules *rules)
{
    if (rules->default_action < RSYS_ACTION_LOCAL || rules->default_action > RSYS_ACTION_KILL || rules->default_error > ERRNO_MAX)
        return -1;
    for (size_t i = 0; i < rules->count; i++) {
        if (!rule_is_sane(&rules->rules[i]))
            return -1;
        if (i > 0 && rules->rules[i - 1].nr > rules->rules[i].nr)
            return -1; /* the search relies on the order */
    }
    return 0;
}

void rsys_rules_free(struct rsys_rules *rules)
{
    if (rules == NULL)
        return;
    free(rules->rules);
    rules->rules = NULL;
    rules->count = 0;
}

void rsys_sandbox_spec_free(struct rsys_sandbox_spec *spec)
{
    if (spec == NULL)
        return;
    for (size_t i = 0; i < spec->mounts; i++) {
        free(spec->mount[i].source);
        free(spec->mount[i].target);
    }
    for (size_t i = 0; i < spec->paths; i++)
        free(spec->path[i].path);
    for (size_t i = 0; i < spec->group.ios; i++)
        free(spec->group.io[i].device);
    free(spec->group.io);
    free(spec->path);
    for (size_t i = 0; i < RSYS_PORTS_KINDS; i++)
        free(spec->ports[i].port);
    free(spec->mount);
    free(spec->root);
    free(spec->hostname);
    *spec = (struct rsys_sandbox_spec){0};
}

void rsys_spec_free(struct rsys_spec *spec)
{
    if (spec == NULL)
        return;
    rsys_rules_free(&spec->rules);
    rsys_clients_spec_free(&spec->clients);
    rsys_sandbox_spec_free(&spec->sandbox);
    for (size_t i = 0; i < spec->origins; i++)
        free(spec->origin[i]);
    for (size_t i = 0; i < spec->warnings; i++)
        free(spec->warning[i]);
    free(spec->origin);
    free(spec->warning);
    *spec = (struct rsys_spec){.rules = {0}};
}

const char *rsys_spec_origin(const struct rsys_spec *spec, uint16_t source) { return source < spec->origins ? spec->origin[source] : "the policy"; }

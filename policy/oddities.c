/* SPDX-License-Identifier: GPL-2.0-only */
/* oddities.c: rules that have no effect, because their conditions never hold or a stricter rule always comes first: most likely not what was meant. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <string.h>

/* The values that one argument may have under comparisons with whole values; masks are looked at for the bits that they fix. */
struct possible {
    uint64_t least, most, ones, zeros;
};

static bool narrow(struct possible *possible, const struct rsys_wire_compare *compare)
{
    uint64_t value = compare->value;
    switch (compare->op) {
    case RSYS_CMP_EQ:
        possible->least = RSYS_MAX(possible->least, value);
        possible->most = RSYS_MIN(possible->most, value);
        break;
    case RSYS_CMP_LT:
        if (value == 0)
            return false;
        possible->most = RSYS_MIN(possible->most, value - 1);
        break;
    case RSYS_CMP_LE:
        possible->most = RSYS_MIN(possible->most, value);
        break;
    case RSYS_CMP_GT:
        if (value == UINT64_MAX)
            return false;
        possible->least = RSYS_MAX(possible->least, value + 1);
        break;
    case RSYS_CMP_GE:
        possible->least = RSYS_MAX(possible->least, value);
        break;
    case RSYS_CMP_MASKED_EQ:
        possible->ones |= compare->value_two;
        possible->zeros |= compare->value & ~compare->value_two;
        break;
    default:
        break;
    }
    if (possible->least == possible->most && ((possible->least & possible->zeros) != 0 || (~possible->least & possible->ones) != 0))
        return false;
    return possible->least <= possible->most && (possible->ones & possible->zeros) == 0;
}

/* Whether the conditions contradict each other. */
static bool never_holds(const struct rsys_wire_rule *rule)
{
    for (uint8_t index = 0; index < 6; index++) {
        struct possible possible = {.most = UINT64_MAX};
        bool excluded = false;
        for (unsigned i = 0; i < rule->compares; i++)
            if (rule->compare[i].index == index && !narrow(&possible, &rule->compare[i]))
                return true;
        for (unsigned i = 0; i < rule->compares; i++)
            excluded = excluded || (rule->compare[i].index == index && rule->compare[i].op == RSYS_CMP_NE && possible.least == possible.most &&
                                    rule->compare[i].value == possible.least);
        if (excluded)
            return true;
    }
    return false;
}

/* The rule without conditions that leaves nothing to this one: a stricter one, or one that denies as well and comes first.  NULL: none. */
static const struct rsys_wire_rule *shadow_of(const struct rsys_rules *rules, size_t index)
{
    const struct rsys_wire_rule *rule = &rules->rules[index];
    size_t first = index;
    while (first > 0 && rules->rules[first - 1].nr == rule->nr)
        first--;
    for (size_t i = first; i < rules->count && rules->rules[i].nr == rule->nr; i++) {
        const struct rsys_wire_rule *other = &rules->rules[i];
        bool earlier = i < index && other->action == rule->action && rule->action >= RSYS_ACTION_DENY;
        if (i != index && other->compares == 0 && (other->action > rule->action || earlier))
            return other;
    }
    return NULL;
}

/* An entry is told of when none of its rules has an effect: an exception to a group is what rules are for. */
void policy_find_oddities(struct rsys_spec *spec)
{
    const struct rsys_rules *rules = &spec->rules;
    RSYS_AUTO_FREE const struct rsys_wire_rule **shadow = calloc(spec->origins, sizeof *shadow);
    RSYS_AUTO_FREE bool *effective = calloc(spec->origins, sizeof *effective), *impossible = calloc(spec->origins, sizeof *impossible);
    RSYS_AUTO_FREE uint16_t *call = calloc(spec->origins, sizeof *call);
    if (shadow == NULL || effective == NULL || impossible == NULL || call == NULL)
        return;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rsys_wire_rule *rule = &rules->rules[i], *other = shadow_of(rules, i);
        impossible[rule->source] = never_holds(rule);
        effective[rule->source] = effective[rule->source] || other == NULL;
        shadow[rule->source] = other;
        call[rule->source] = rule->nr;
    }
    for (size_t source = 1; source < spec->origins; source++) {
        const char *place = spec->origin[source];
        if (impossible[source])
            policy_warn(spec, (struct json_value){0}, "%s: the conditions on the arguments never hold together: it has no effect", place);
        else if (shadow[source] != NULL && !effective[source])
            policy_warn(spec, (struct json_value){0}, "%s: it has no effect on any call that it names: %s, say, is decided by %s", place,
                        rsys_call_by_number(call[source])->name, rsys_spec_origin(spec, shadow[source]->source));
    }
}

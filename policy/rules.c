/* SPDX-License-Identifier: GPL-2.0-only */
/* rules.c: the `syscalls` of a policy: each entry becomes one rule a call that it names. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* One entry of `syscalls`, as written. */
struct entry {
    struct json_value value, names, action, error, args;
    bool has_names, has_action, has_error, has_args;
    bool applies; /* includes and excludes */
    enum policy_action act;
    struct rsys_wire_rule rule; /* all but nr and action */
    bool oci;
    struct rsys_spec *spec;
    size_t *room;
};

/* ---- conditions on arguments ---- */

struct compare_keys {
    struct json_value index, value, value_two, op;
    bool has_index, has_value, has_two, has_op;
};

#define KEEP(type, function, field, has) \
    static int function(void *context, struct json_value value, struct rsys_error **err) \
    { \
        type *keys = context; \
        keys->field = value; \
        keys->has = true; \
        return 0; \
    }
KEEP(struct compare_keys, keep_index, index, has_index)
KEEP(struct compare_keys, keep_value, value, has_value)
KEEP(struct compare_keys, keep_two, value_two, has_two)
KEEP(struct compare_keys, keep_op, op, has_op)

static const struct json_key compare_keys[] = {
    {"index", keep_index, NULL}, {"value", keep_value, NULL}, {"valueTwo", keep_two, NULL}, {"op", keep_op, NULL}, {0},
};

static int read_compare(struct json_value value, struct rsys_wire_compare *compare, struct rsys_error **err)
{
    struct compare_keys keys = {0};
    uint64_t index;
    if (json_read_object(value, "a condition of args", compare_keys, &keys, err) < 0)
        return -1;
    if (!keys.has_index || !keys.has_value || !keys.has_op)
        return json_error(value, err, "a condition needs \"%s\"", !keys.has_index ? "index" : !keys.has_value ? "value" : "op");
    if (json_get_number(keys.index, 5, &index, err) < 0 || json_get_number(keys.value, UINT64_MAX, &compare->value, err) < 0 ||
        policy_get_compare(keys.op, &compare->op, err) < 0)
        return -1;
    compare->index = (uint8_t)index;
    if (keys.has_two && json_get_number(keys.value_two, UINT64_MAX, &compare->value_two, err) < 0)
        return -1;
    if (compare->op == RSYS_CMP_MASKED_EQ) {
        if ((compare->value_two & ~compare->value) != 0)
            return json_error(keys.has_two ? keys.value_two : value, err,
                              "(argument & value) == valueTwo never holds: valueTwo has bits that the mask in value has not");
    } else if (compare->value_two != 0) {
        return json_error(keys.value_two, err, "valueTwo means something for SCMP_CMP_MASKED_EQ only");
    }
    return 0;
}

static int read_args(struct entry *entry, struct rsys_error **err)
{
    if (!entry->has_args || json_is_null(entry->args.json))
        return 0;
    if (json_expect_array(entry->args, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(entry->args); json_next(&element);) {
        if (entry->rule.compares == RSYS_RULE_COMPARES)
            return json_error(element.value, err, "an entry may have at most %d conditions", RSYS_RULE_COMPARES);
        if (read_compare(element.value, &entry->rule.compare[entry->rule.compares++], err) < 0)
            return -1;
    }
    return 0;
}

/* ---- includes and excludes, as the profiles that container engines ship have them ---- */

struct filter_result {
    const struct rsys_sandbox_spec *sandbox;
    bool all_caps, any_cap, arches, kernel;
    bool has_caps, has_arches, has_kernel;
};

static int filter_caps(void *context, struct json_value value, struct rsys_error **err)
{
    struct filter_result *result = context;
    result->has_caps = result->all_caps = true;
    if (json_expect_array(value, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(value); json_next(&element);) {
        unsigned capability;
        if (policy_get_capability(element.value, &capability, err) < 0)
            return -1;
        bool has = (result->sandbox->capabilities & UINT64_C(1) << capability) != 0;
        result->any_cap = result->any_cap || has;
        result->all_caps = result->all_caps && has;
    }
    return 0;
}

static int filter_arches(void *context, struct json_value value, struct rsys_error **err)
{
    struct filter_result *result = context;
    result->has_arches = true;
    if (json_expect_array(value, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(value); json_next(&element);) {
        const char *name = NULL;
        if (json_get_string(element.value, &name, err) < 0)
            return -1;
        if (strcmp(name, "amd64") == 0 || strcmp(name, "x86_64") == 0)
            result->arches = true;
    }
    return 0;
}

static int filter_kernel(void *context, struct json_value value, struct rsys_error **err)
{
    struct filter_result *result = context;
    const char *text = NULL;
    unsigned wanted[2], have[2] = {0, 0};
    struct utsname name;
    char rest;
    if (json_get_string(value, &text, err) < 0)
        return -1;
    if (sscanf(text, "%u.%u%c", &wanted[0], &wanted[1], &rest) != 2)
        return json_error(value, err, "a kernel's version (\"4.8\") is expected here, not \"%s\"", text);
    uname(&name);
    sscanf(name.release, "%u.%u", &have[0], &have[1]);
    result->has_kernel = true;
    result->kernel = have[0] > wanted[0] || (have[0] == wanted[0] && have[1] >= wanted[1]);
    return 0;
}

static const struct json_key filter_keys[] = {
    {"caps", filter_caps, NULL}, {"arches", filter_arches, NULL}, {"minKernel", filter_kernel, NULL}, {0},
};

static int read_includes(void *context, struct json_value value, struct rsys_error **err)
{
    struct entry *entry = context;
    struct filter_result result = {.sandbox = &entry->spec->sandbox};
    if (json_read_object(value, "\"includes\"", filter_keys, &result, err) < 0)
        return -1;
    if ((result.has_caps && !result.all_caps) || (result.has_arches && !result.arches) || (result.has_kernel && !result.kernel))
        entry->applies = false;
    return 0;
}

static int read_excludes(void *context, struct json_value value, struct rsys_error **err)
{
    struct entry *entry = context;
    struct filter_result result = {.sandbox = &entry->spec->sandbox};
    if (json_read_object(value, "\"excludes\"", filter_keys, &result, err) < 0)
        return -1;
    if (result.any_cap || result.arches || result.kernel)
        entry->applies = false;
    return 0;
}

/* ---- an entry ---- */

KEEP(struct entry, keep_names, names, has_names)
KEEP(struct entry, keep_action, action, has_action)
KEEP(struct entry, keep_error, error, has_error)
KEEP(struct entry, keep_args, args, has_args)

static int read_comment(void *context, struct json_value value, struct rsys_error **err)
{
    const char *text;
    return json_get_string(value, &text, err);
}

static const struct json_key entry_keys[] = {
    {"names", keep_names, NULL},
    {"action", keep_action, NULL},
    {"errnoRet", keep_error, NULL},
    {"errno", read_comment, NULL}, /* the name of errnoRet, in profiles of container engines */
    {"args", keep_args, NULL},
    {"comment", read_comment, NULL},
    {"includes", read_includes, NULL},
    {"excludes", read_excludes, NULL},
    {0},
};

/* Whether the call can be where the entry wants it; else why not. */
static const char *impossible(const struct rsys_call *call, enum policy_action action)
{
    static char text[256];
    if (action != POLICY_LOCAL && action != POLICY_REMOTE)
        return NULL;
    if (call->where == RSYS_NEVER) {
        snprintf(text, sizeof text, "it is never executed (%s); leave it out, or deny it", call->note);
        return text;
    }
    bool client = call->where == RSYS_LOCAL || (call->where == RSYS_SPECIAL && policy_bound_to_client(call));
    if (action == POLICY_REMOTE && client)
        return "it acts on the program's own memory, threads or signals, which are on the client; use \"allow\" or \"local\"";
    if (action == POLICY_LOCAL && !client && (call->flags & RSYS_CALL_MAY_BE_LOCAL) == 0)
        return call->where == RSYS_REMOTE ? "what it acts on is the server's; use \"allow\" or \"remote\""
                                          : "it goes to the side where its descriptors are at home; use \"allow\"";
    return NULL;
}

static int add_rule(struct entry *entry, struct json_value name, const struct rsys_call *call, struct rsys_error **err)
{
    for (unsigned i = 0; i < entry->rule.compares; i++)
        if (call->where != RSYS_NEVER && entry->rule.compare[i].index >= call->nargs)
            return json_error(name, err, "%s has %u argument%s: no condition can look at argument %u (they count from 0)", call->name, call->nargs,
                              call->nargs == 1 ? "" : "s", entry->rule.compare[i].index);
    struct rsys_rules *rules = &entry->spec->rules;
    if (rules->count == *entry->room) {
        size_t room = *entry->room == 0 ? 512 : *entry->room * 2;
        struct rsys_wire_rule *grown = reallocarray(rules->rules, room, sizeof *grown);
        if (grown == NULL)
            return rsys_error_make(err, ENOMEM, "compile the policy");
        rules->rules = grown;
        *entry->room = room;
    }
    struct rsys_wire_rule *rule = &rules->rules[rules->count++];
    *rule = entry->rule;
    rule->nr = call->nr;
    switch (entry->act) {
    case POLICY_DENY:
        rule->action = RSYS_ACTION_DENY;
        break;
    case POLICY_KILL:
        rule->action = RSYS_ACTION_KILL;
        break;
    case POLICY_TRAP:
        rule->action = RSYS_ACTION_TRAP;
        break;
    case POLICY_LOCAL:
        rule->action = RSYS_ACTION_LOCAL;
        break;
    case POLICY_REMOTE:
        rule->action = RSYS_ACTION_REMOTE;
        break;
    case POLICY_LOG:
    case POLICY_ALLOW: /* where the table says */
        rule->action = call->where == RSYS_LOCAL ? RSYS_ACTION_LOCAL : RSYS_ACTION_REMOTE;
        break;
    }
    return 0;
}

static int add_group(struct entry *entry, struct json_value value, int group, struct rsys_error **err)
{
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        if (call == NULL || (call->groups & UINT64_C(1) << group) == 0)
            continue;
        /* What never runs is in many groups, and a group that is wanted somewhere does not mean it. */
        if (call->where == RSYS_NEVER && (entry->act == POLICY_LOCAL || entry->act == POLICY_REMOTE))
            continue;
        const char *why = impossible(call, entry->act);
        if (why != NULL)
            return json_error(value, err, "%s cannot be %s as a whole: of %s, %s", rsys_group_name(group),
                              entry->act == POLICY_LOCAL ? "local" : "remote", call->name, why);
        if (add_rule(entry, value, call, err) < 0)
            return -1;
    }
    return 0;
}

static int add_name(struct entry *entry, struct json_value value, struct rsys_error **err)
{
    const char *name = NULL;
    if (json_get_string(value, &name, err) < 0)
        return -1;
    int group = name[0] == '@' ? rsys_group_by_name(name) : -1;
    if (group >= 0)
        return add_group(entry, value, group, err);
    const struct rsys_call *call = rsys_call_by_name(name);
    if (call != NULL) {
        const char *why = impossible(call, entry->act);
        if (why != NULL)
            return json_error(value, err, "%s cannot be %s: %s", name, entry->act == POLICY_LOCAL ? "local" : "remote", why);
        if (call->where == RSYS_NEVER && entry->act < POLICY_DENY && !entry->oci)
            policy_warn(entry->spec, value, "%s never runs under any policy (%s): allowed, it is refused with %s", name, call->note, policy_errno_name(call->refusal));
        return add_rule(entry, value, call, err);
    }
    if (policy_call_is_foreign(name))
        return 0; /* another architecture's: no guest can make it, because every foreign call is fatal */
    struct near_name near = {.wanted = name};
    policy_suggest_call(&near);
    if (entry->oci && name[0] != '@') {
        /* As container engines do it: such a profile names calls of kernels and machines to come.  Here every call that the table has not fails with ENOSYS. */
        policy_warn(entry->spec, value, "nobody here knows a call \"%s\": it has no effect%s", name, near_text(&near));
        return 0;
    }
    return json_error(value, err, "unknown %s \"%s\"%s", name[0] == '@' ? "group of calls" : "system call", name, near_text(&near));
}

static int read_entry(struct entry *entry, struct rsys_error **err)
{
    if (json_read_object(entry->value, "an entry of \"syscalls\"", entry_keys, entry, err) < 0)
        return -1;
    if (!entry->has_names || !entry->has_action)
        return json_error(entry->value, err, "an entry of \"syscalls\" needs \"%s\"", !entry->has_names ? "names" : "action");
    if (policy_get_action(entry->action, &entry->act, err) < 0 || read_args(entry, err) < 0)
        return -1;
    entry->rule.error = entry->act == POLICY_DENY ? EPERM : entry->act == POLICY_LOG;
    if (entry->has_error && !json_is_null(entry->error.json)) {
        if (entry->act != POLICY_DENY && entry->act != POLICY_TRAP)
            return json_key_error(entry->error, err, "errnoRet means something for \"deny\" and \"SCMP_ACT_ERRNO\" only, and for \"trap\"");
        if (policy_get_errno(entry->error, &entry->rule.error, err) < 0)
            return -1;
    }
    if (json_expect_array(entry->names, err) < 0)
        return -1;
    struct json_cursor name = json_begin(entry->names);
    size_t count = 0;
    for (; json_next(&name); count++)
        if (entry->applies ? add_name(entry, name.value, err) < 0 : !json_is_string(name.value.json))
            return entry->applies ? -1 : json_error(name.value, err, "a string is expected here, not %s", json_type_text(name.value.json));
    if (count == 0)
        return json_error(entry->names, err, "\"names\" is empty: name a call or a group");
    return 0;
}

static int compare_rules(const void *a, const void *b)
{
    const struct rsys_wire_rule *x = a, *y = b;
    return x->nr != y->nr ? (x->nr < y->nr ? -1 : 1) : x->source < y->source ? -1 : x->source > y->source;
}

int policy_read_syscalls(struct rsys_spec *spec, size_t *room, struct json_value value, bool oci, struct rsys_error **err)
{
    if (json_is_null(value.json) && oci)
        return 0;
    if (json_expect_array(value, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(value); json_next(&element);) {
        if (spec->origins > UINT16_MAX)
            return json_error(element.value, err, "too many entries: at most %u", UINT16_MAX);
        struct entry entry = {.value = element.value, .applies = true, .oci = oci, .spec = spec, .room = room};
        entry.rule.source = (uint16_t)spec->origins;
        if (policy_add_origin(spec, element.value, err) < 0 || read_entry(&entry, err) < 0)
            return -1;
    }
    return 0;
}

void policy_sort_rules(struct rsys_rules *rules)
{
    if (rules->count > 1)
        qsort(rules->rules, rules->count, sizeof *rules->rules, compare_rules);
}

int policy_read_defaults(struct rsys_rules *rules, struct json_value value, struct json_value error, struct rsys_error **err)
{
    static const uint8_t actions[] = {
        [POLICY_ALLOW] = RSYS_ACTION_REMOTE, [POLICY_LOCAL] = RSYS_ACTION_LOCAL, [POLICY_REMOTE] = RSYS_ACTION_REMOTE, [POLICY_LOG] = RSYS_ACTION_REMOTE, [POLICY_DENY] = RSYS_ACTION_DENY,
        [POLICY_TRAP] = RSYS_ACTION_TRAP, [POLICY_KILL] = RSYS_ACTION_KILL,
    };
    enum policy_action action;
    if (policy_get_action(value, &action, err) < 0)
        return -1;
    rules->default_action = actions[action];
    rules->default_error = action == POLICY_DENY ? EPERM : action == POLICY_LOG;
    if (error.json == NULL || json_is_null(error.json))
        return 0;
    if (action != POLICY_DENY && action != POLICY_TRAP)
        return json_key_error(error, err, "defaultErrnoRet means something for a defaultAction of \"deny\", \"SCMP_ACT_ERRNO\" or \"trap\" only");
    return policy_get_errno(error, &rules->default_error, err);
}

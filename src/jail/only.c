/* SPDX-License-Identifier: GPL-2.0-only */
/* only.c: --only: which calls go to the server, as rules. */
#include "src/jail/only.h"

#include "src/core/chosen.h"
#include "src/core/util.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

struct only {
    const struct rsys_rules *policy; /* NULL: not known yet */
    struct rsys_rules *choice;
};

static int add_rule(struct only *only, const struct rsys_wire_rule *rule, struct rsys_error **err)
{
    struct rsys_wire_rule *grown = reallocarray(only->choice->rules, only->choice->count + 1, sizeof *grown);
    if (grown == NULL)
        return rsys_error_make(err, ENOMEM, "--only");
    only->choice->rules = grown;
    grown[only->choice->count++] = *rule;
    return 0;
}

/* A group means the sockets of a network.  Local sockets have names among the files, which are this machine's: those of its services (names, the session's bus, the display, the
 * system's log) have nothing on the server to be connected to.  Whoever wants them there as well says `socket`. */
static int add_call(struct only *only, const struct rsys_call *call, bool of_group, struct rsys_error **err)
{
    struct rsys_wire_rule rule = {.nr = call->nr, .action = RSYS_ACTION_REMOTE};
    if (of_group && call->nr == SYS_socket) {
        rule.compares = 1;
        rule.compare[0] = (struct rsys_wire_compare){.value = AF_UNIX, .index = 0, .op = RSYS_CMP_NE};
    }
    return add_rule(only, &rule, err);
}

/* What the server's policy says of a call whatever its arguments are: an action; REMOTE when it depends on them. */
static enum rsys_action policy_says(const struct only *only, const struct rsys_call *call)
{
    static const uint64_t none[6];
    if (only->policy == NULL || rsys_rules_conditional(only->policy, call->nr))
        return RSYS_ACTION_REMOTE;
    return rsys_rules_decide(only->policy, call->nr, none, NULL);
}

/* What the policy does to them. */
static int refuse(const char *name, enum rsys_action action, const char *what, struct rsys_error **err)
{
    bool left = action == RSYS_ACTION_LOCAL;
    return rsys_error_make(err, 0, "--only %s: the server's policy %s %s%s", name, left ? "leaves" : "denies", what, left ? " to this machine" : "");
}

static int add_group(struct only *only, const char *name, int group, struct rsys_error **err)
{
    unsigned members = 0, allowed = 0;
    enum rsys_action last = RSYS_ACTION_REMOTE;
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        if (call == NULL || (call->groups & UINT64_C(1) << group) == 0 || !rsys_is_choosable(call))
            continue;
        enum rsys_action action = policy_says(only, call);
        members++;
        allowed += action == RSYS_ACTION_REMOTE;
        last = action == RSYS_ACTION_REMOTE ? last : action;
        if (action == RSYS_ACTION_REMOTE && add_call(only, call, true, err) < 0)
            return -1;
    }
    if (members == 0)
        return rsys_error_make(err, 0, "--only %s: none of its calls can be chosen: they are this machine's, or go where their descriptors are at home", name);
    return allowed > 0 ? 0 : refuse(name, last, "all of its calls that can be chosen", err);
}

static int add_name(struct only *only, const char *name, struct rsys_error **err)
{
    int group = name[0] == '@' ? rsys_group_by_name(name) : -1;
    if (group >= 0)
        return add_group(only, name, group, err);
    const struct rsys_call *call = rsys_call_by_name(name);
    if (call == NULL)
        return rsys_error_make(err, 0, "--only %s: there is no such %s (rsys-calls(7) lists them)", name, name[0] == '@' ? "group of calls" : "system call");
    if (!rsys_is_choosable(call))
        return rsys_error_make(err, 0, "--only %s: it cannot be chosen: %s", name, rsys_choice_why_not(call));
    enum rsys_action action = policy_says(only, call);
    if (action != RSYS_ACTION_REMOTE)
        return refuse(name, action, "it", err);
    return add_call(only, call, false, err);
}

/* What the policy itself has chosen. */
static int add_policys(struct only *only, struct rsys_error **err)
{
    if (only->policy == NULL)
        return 0;
    if (only->policy->default_action != RSYS_ACTION_LOCAL)
        return rsys_error_make(err, 0, "--only policy: the server's policy chooses no calls (its defaultAction is not \"local\"): name those that are to go to the server");
    for (size_t i = 0; i < only->policy->count; i++) {
        const struct rsys_wire_rule *rule = &only->policy->rules[i];
        const struct rsys_call *call = rsys_call_by_number(rule->nr);
        if (rule->action == RSYS_ACTION_REMOTE && call != NULL && rsys_is_choosable(call) && add_rule(only, rule, err) < 0)
            return -1;
    }
    return only->choice->count > 0 ? 0 : rsys_error_make(err, 0, "--only policy: the server's policy chooses no calls: it has no rules with the action \"remote\"");
}

static int compare_numbers(const void *a, const void *b)
{
    const struct rsys_wire_rule *x = a, *y = b;
    return (x->nr > y->nr) - (x->nr < y->nr);
}

int rsys_only_rules(const char *text, const struct rsys_rules *policy, struct rsys_rules *ret, struct rsys_error **err)
{
    struct rsys_rules choice = {.default_action = RSYS_ACTION_LOCAL};
    struct only only = {policy, &choice};
    RSYS_AUTO_FREE char *names = strdup(text);
    int result = names == NULL ? rsys_error_make(err, ENOMEM, "--only") : 0;
    for (char *rest = names, *name; result == 0 && (name = strsep(&rest, ",")) != NULL;) {
        if (name[0] == 0)
            result = rsys_error_make(err, 0, "--only %s: an empty name: system calls and @groups are wanted, separated by commas", text);
        else
            result = strcmp(name, "policy") == 0 ? add_policys(&only, err) : add_name(&only, name, err);
    }
    if (result < 0) {
        rsys_rules_free(&choice);
        return -1;
    }
    if (choice.count > 1)
        qsort(choice.rules, choice.count, sizeof *choice.rules, compare_numbers);
    *ret = choice;
    return 0;
}

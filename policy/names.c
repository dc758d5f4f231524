/* SPDX-License-Identifier: GPL-2.0-only */
/* names.c: the words of a policy: actions, error numbers, comparisons, capabilities, calls. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

static const struct {
    const char *name;
    enum policy_action action;
    const char *refused;
} actions[] = {
    {"allow", POLICY_ALLOW, NULL},
    {"remote", POLICY_REMOTE, NULL},
    {"local", POLICY_LOCAL, NULL},
    {"deny", POLICY_DENY, NULL},
    {"kill", POLICY_KILL, NULL},
    {"SCMP_ACT_ALLOW", POLICY_ALLOW, NULL},
    {"SCMP_ACT_ERRNO", POLICY_DENY, NULL},
    {"SCMP_ACT_KILL", POLICY_KILL, NULL},
    {"SCMP_ACT_KILL_THREAD", POLICY_KILL, NULL}, /* the whole process: half of one is of no use to anybody */
    {"SCMP_ACT_KILL_PROCESS", POLICY_KILL, NULL},
    {"log", POLICY_LOG, NULL},
    {"trap", POLICY_TRAP, NULL},
    {"SCMP_ACT_LOG", POLICY_LOG, NULL},
    {"SCMP_ACT_TRAP", POLICY_TRAP, NULL},
    {"SCMP_ACT_TRACE", 0, "not possible: a guest has a tracer already; use \"SCMP_ACT_ERRNO\""},
    {"SCMP_ACT_NOTIFY", 0, "not possible: the listener is rsys itself; use \"SCMP_ACT_ERRNO\""},
};

int policy_get_action(struct json_value value, enum policy_action *ret, struct rsys_error **err)
{
    const char *word = NULL;
    if (json_get_string(value, &word, err) < 0)
        return -1;
    struct near_name near = {.wanted = word};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(actions); i++) {
        near_offer(&near, actions[i].name);
        if (strcmp(actions[i].name, word) != 0)
            continue;
        if (actions[i].refused != NULL)
            return json_error(value, err, "the action %s is %s", word, actions[i].refused);
        *ret = actions[i].action;
        return 0;
    }
    return json_error(value, err, "unknown action \"%s\"%s", word,
                      near.best != NULL ? near_text(&near) : ": it may be allow, remote, local, log, deny, trap, kill or one of SCMP_ACT_*");
}

#define ERRNO_MAX 4095 /* what the kernel's ERR_PTR can carry */

int policy_get_errno(struct json_value value, uint16_t *ret, struct rsys_error **err)
{
    uint64_t number;
    if (json_is_string(value.json) && json_string_value(value.json)[0] == 'E') {
        const char *word = json_string_value(value.json);
        struct near_name near = {.wanted = word};
        for (int code = 1; code < 256; code++) {
            const char *name = strerrorname_np(code);
            if (name == NULL)
                continue;
            near_offer(&near, name);
            if (strcmp(name, word) == 0) {
                *ret = (uint16_t)code;
                return 0;
            }
        }
        return json_error(value, err, "unknown error \"%s\"%s", word, near_text(&near));
    }
    if (json_get_number(value, ERRNO_MAX, &number, err) < 0)
        return -1;
    if (number == 0)
        return json_error(value, err, "an error number of 0 would look like success to the program: give one from 1 to %d", ERRNO_MAX);
    *ret = (uint16_t)number;
    return 0;
}

const char *policy_errno_name(int code)
{
    static char number[16];
    const char *name = strerrorname_np(code);
    if (name != NULL)
        return name;
    snprintf(number, sizeof number, "%d", code);
    return number;
}

static const struct {
    const char *name, *text;
    uint8_t op;
} compares[] = {
    {"SCMP_CMP_NE", "!=", RSYS_CMP_NE}, {"SCMP_CMP_LT", "<", RSYS_CMP_LT},  {"SCMP_CMP_LE", "<=", RSYS_CMP_LE},
    {"SCMP_CMP_EQ", "==", RSYS_CMP_EQ}, {"SCMP_CMP_GE", ">=", RSYS_CMP_GE}, {"SCMP_CMP_GT", ">", RSYS_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", "&", RSYS_CMP_MASKED_EQ},
};

int policy_get_compare(struct json_value value, uint8_t *ret, struct rsys_error **err)
{
    const char *word = NULL;
    if (json_get_string(value, &word, err) < 0)
        return -1;
    struct near_name near = {.wanted = word};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(compares); i++) {
        near_offer(&near, compares[i].name);
        if (strcmp(compares[i].name, word) == 0 || strcmp(compares[i].text, word) == 0) {
            *ret = compares[i].op;
            return 0;
        }
    }
    return json_error(value, err, "unknown comparison \"%s\"%s", word,
                      near.best != NULL ? near_text(&near) : ": it may be SCMP_CMP_EQ, _NE, _LT, _LE, _GE, _GT or _MASKED_EQ");
}

const char *policy_compare_text(uint8_t op)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(compares); i++)
        if (compares[i].op == op)
            return compares[i].text;
    return "?";
}

const char *policy_capability_name(unsigned capability)
{
    static char name[48];
    char *known = capability < 64 ? cap_to_name((cap_value_t)capability) : NULL;
    snprintf(name, sizeof name, "%s", known != NULL ? known : "?");
    cap_free(known);
    for (char *p = name; *p != 0; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return name;
}

int policy_get_capability(struct json_value value, unsigned *ret, struct rsys_error **err)
{
    const char *word = NULL;
    cap_value_t found;
    if (json_get_string(value, &word, err) < 0)
        return -1;
    if (strncmp(word, "CAP_", 4) == 0 && cap_from_name(word, &found) == 0 && found >= 0 && found < 64) {
        *ret = (unsigned)found;
        return 0;
    }
    char names[64][48];
    struct near_name near = {.wanted = word};
    for (unsigned i = 0; i <= CAP_LAST_CAP; i++) {
        snprintf(names[i], sizeof names[i], "%s", policy_capability_name(i));
        near_offer(&near, names[i]);
    }
    return json_error(value, err, "unknown capability \"%s\"%s", word, near_text(&near));
}

bool policy_call_is_foreign(const char *name)
{
    int number = seccomp_syscall_resolve_name(name);
    return number != __NR_SCMP_ERROR && rsys_call_by_name(name) == NULL;
}

void policy_suggest_call(struct near_name *near)
{
    for (uint64_t nr = 0; near->wanted[0] != '@' && nr < RSYS_CALLS_MAX; nr++)
        if (rsys_call_by_number(nr) != NULL)
            near_offer(near, rsys_call_by_number(nr)->name);
    for (int group = 0; group < RSYS_GROUPS; group++)
        near_offer(near, rsys_group_name(group));
}

bool policy_bound_to_client(const struct rsys_call *call)
{
    switch (call->handler) {
    case RSYS_HANDLER_MMAP:
    case RSYS_HANDLER_MSYNC:
    case RSYS_HANDLER_CLONE:
    case RSYS_HANDLER_EXIT:
    case RSYS_HANDLER_EXEC:
    case RSYS_HANDLER_KILL:
    case RSYS_HANDLER_PRCTL:
    case RSYS_HANDLER_VM:
    case RSYS_HANDLER_SIGNALFD:
    case RSYS_HANDLER_PIDFD:
        return true;
    default:
        return false;
    }
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* explain-calls.c: what a compiled policy says of each call, by which rule, and what enforces it: for people, and as JSON. */
#include "policy/internal.h"

#include "src/core/chosen.h"
#include "src/core/util.h"

#include <linux/filter.h>
#include <string.h>
#include <sys/syscall.h>

/* Names in lines of at most 100 columns. */
struct wrapped {
    FILE *out;
    size_t column;
};

static void print_word(struct wrapped *line, const char *word)
{
    if (line->column == 0 || line->column + 1 + strlen(word) > 100) {
        fprintf(line->out, "%s    ", line->column == 0 ? "" : "\n");
        line->column = 4;
    } else {
        fputc(' ', line->out);
        line->column++;
    }
    fputs(word, line->out);
    line->column += strlen(word);
}

/* ---- calls ---- */

/* What becomes of a call, for the lists. */
enum fate { FATE_LOCAL, FATE_REMOTE, FATE_BY_FD, FATE_BOTH, FATE_DENIED, FATE_TRAPPED, FATE_KILLED, FATE_NEVER, FATE_CONDITIONAL, FATE_PLACED, FATES };

static const char *const titles[FATES] = {
    [FATE_LOCAL] = "on the client",
    [FATE_PLACED] = "makes descriptors that are at home on the client",
    [FATE_REMOTE] = "in the sandbox",
    [FATE_BY_FD] = "on the side where the descriptor is at home",
    [FATE_BOTH] = "both sides take part",
    [FATE_DENIED] = "denied",
    [FATE_TRAPPED] = "trapped",
    [FATE_KILLED] = "fatal",
    [FATE_NEVER] = "never, under any policy",
    [FATE_CONDITIONAL] = "by its arguments",
};

/* Where only chosen calls go to the server, of one that is not denied. */
static enum fate fate_chosen(const struct rsys_call *call, enum rsys_action action)
{
    switch (rsys_choice_of(call)) {
    case RSYS_CHOICE_NEVER:
        return FATE_NEVER;
    case RSYS_CHOICE_BY_FD:
        return FATE_BY_FD;
    case RSYS_CHOICE_BOTH:
        return FATE_BOTH;
    case RSYS_CHOICE_NAMED:
    case RSYS_CHOICE_AT:
        return action == RSYS_ACTION_LOCAL ? FATE_LOCAL : FATE_REMOTE;
    default:
        return FATE_LOCAL;
    }
}

static enum fate fate_of(const struct rsys_rules *rules, const struct rsys_call *call)
{
    static const uint64_t none[6];
    if (rsys_rules_conditional(rules, call->nr))
        return FATE_CONDITIONAL;
    struct rsys_decision decision = rsys_rules_judge(rules, call->nr, none);
    enum rsys_action action = decision.action;
    if (action == RSYS_ACTION_KILL)
        return FATE_KILLED;
    if (action == RSYS_ACTION_TRAP)
        return FATE_TRAPPED;
    if (rules->default_action == RSYS_ACTION_LOCAL && (action < RSYS_ACTION_DENY || decision.table))
        return fate_chosen(call, action);
    if (action == RSYS_ACTION_DENY)
        return decision.table ? FATE_NEVER : FATE_DENIED;
    if (action == RSYS_ACTION_LOCAL)
        return (call->flags & RSYS_CALL_PLACEABLE) != 0 ? FATE_PLACED : FATE_LOCAL;
    return call->where == RSYS_BY_FD ? FATE_BY_FD : call->where == RSYS_SPECIAL ? FATE_BOTH : FATE_REMOTE;
}

/* The executors' filter lets some of its forms through, because executors need them. */
static bool is_need(uint64_t nr)
{
    static const uint16_t needs[] = {
#define RSYS_NEED(name, why) SYS_##name,
#include "src/core/needs.def"
#undef RSYS_NEED
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(needs); i++)
        if (needs[i] == nr)
            return true;
    return false;
}

static void add_layer(char *text, size_t size, const char *layer)
{
    size_t at = strlen(text);
    snprintf(text + at, size - at, "%s%s", at > 0 ? ", " : "", layer);
}

/* What bounds a call that is executed: the walls that stand where its groups reach. */
static void bounds_of(const struct rsys_spec *spec, const struct rsys_call *call, char *text, size_t size)
{
    static const struct {
        uint64_t groups;
        const char *layer;
    } walls[] = {
#define G(id) (UINT64_C(1) << RSYS_GROUP_##id)
        {G(file_system), "mounts"},
        {G(network_io), "network namespace"},
        {G(ipc), "ipc namespace"},
        {G(process) | G(signal), "pid namespace"},
        {G(chown) | G(setuid) | G(privileged), "capabilities"},
        {G(resources) | G(memlock), "limits"},
#undef G
    };
    if (call->nr == SYS_ioctl || call->nr == SYS_fcntl || call->nr == SYS_prctl || call->nr == SYS_socket || call->nr == SYS_socketpair)
        add_layer(text, size, "executors' filter (its lists of requests and families)");
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(walls); i++) {
        if ((call->groups & walls[i].groups) == 0)
            continue;
        add_layer(text, size, walls[i].layer);
        if (i == 0 && spec->sandbox.confined)
            add_layer(text, size, "Landlock");
        if (i == 1 && (spec->sandbox.ports[RSYS_PORTS_BIND].limited || spec->sandbox.ports[RSYS_PORTS_CONNECT].limited))
            add_layer(text, size, "Landlock");
    }
    if (text[0] == 0)
        add_layer(text, size, "the sandbox as a whole");
}

static char *layers_of(const struct rsys_spec *spec, const struct rsys_call *call, enum fate fate, char *text, size_t size)
{
    text[0] = 0;
    if (fate == FATE_LOCAL || fate == FATE_PLACED) {
        add_layer(text, size, "the client's kernel");
    } else if (fate == FATE_DENIED || fate == FATE_TRAPPED || fate == FATE_KILLED || fate == FATE_NEVER) {
        add_layer(text, size, "guests' filter");
        add_layer(text, size, is_need(call->nr) ? "executors' filter but for what executors need" : "executors' filter");
    } else if (fate == FATE_CONDITIONAL) {
        add_layer(text, size, "guests' filter, executors' filter");
        bounds_of(spec, call, text, size);
    } else {
        bounds_of(spec, call, text, size);
    }
    return text;
}

static const char *action_text(uint8_t action, uint16_t error)
{
    static char text[64];
    switch (action) {
    case RSYS_ACTION_KILL:
        return "kill the program";
    case RSYS_ACTION_DENY:
        snprintf(text, sizeof text, "deny with %s", policy_errno_name(error));
        return text;
    case RSYS_ACTION_TRAP:
        return "send SIGSYS";
    case RSYS_ACTION_LOCAL:
        return error != 0 ? "run on the client, and log" : "run on the client";
    default:
        return error != 0 ? "run where it belongs, and log" : "run where it belongs";
    }
}

static void print_condition(const struct rsys_wire_compare *compare, FILE *out)
{
    if (compare->op == RSYS_CMP_MASKED_EQ)
        fprintf(out, "(argument %u & %#llx) == %#llx", compare->index, (unsigned long long)compare->value, (unsigned long long)compare->value_two);
    else
        fprintf(out, "argument %u %s %llu", compare->index, policy_compare_text(compare->op), (unsigned long long)compare->value);
}

/* What --check says of a call that no condition decides: calls of one heading are listed together. */
static void heading_of(const struct rsys_spec *spec, const struct rsys_call *call, enum fate fate, char *text, size_t size)
{
    static const uint64_t none[6];
    char layers[300];
    struct rsys_decision decision = rsys_rules_judge(&spec->rules, call->nr, none);
    snprintf(text, size, "%s%s%s%s%s%s; %s: %s", titles[fate], fate == FATE_DENIED ? " with " : "", fate == FATE_DENIED ? policy_errno_name(decision.error) : "",
             decision.logged ? ", and logged" : "", fate == FATE_NEVER ? "" : ", by ", fate == FATE_NEVER ? "" : rsys_spec_origin(spec, decision.source),
             fate >= FATE_DENIED && fate <= FATE_NEVER ? "enforced by" : "bounded by", layers_of(spec, call, fate, layers, sizeof layers));
}

/* Each heading of the fate once, where its first call is. */
static void print_fate(const struct rsys_spec *spec, enum fate fate, FILE *out)
{
    static char headings[RSYS_CALLS_MAX][600];
    bool told[RSYS_CALLS_MAX] = {false};
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        told[nr] = call == NULL || fate_of(&spec->rules, call) != fate;
        if (!told[nr])
            heading_of(spec, call, fate, headings[nr], sizeof headings[nr]);
    }
    for (uint64_t first = 0; first < RSYS_CALLS_MAX; first++) {
        struct wrapped line = {.out = out};
        unsigned count = 0;
        if (told[first])
            continue;
        for (uint64_t nr = first; nr < RSYS_CALLS_MAX; nr++)
            count += !told[nr] && strcmp(headings[nr], headings[first]) == 0;
        fprintf(out, "  %s: %u\n", headings[first], count);
        for (uint64_t nr = first; nr < RSYS_CALLS_MAX; nr++)
            if (!told[nr] && strcmp(headings[nr], headings[first]) == 0) {
                print_word(&line, rsys_call_by_number(nr)->name);
                told[nr] = true;
            }
        fputc('\n', out);
    }
}

/* The rules of calls that have conditions, as they are asked: strictest first. */
static void print_conditional(const struct rsys_spec *spec, FILE *out)
{
    const struct rsys_rules *rules = &spec->rules;
    bool any = false;
    for (size_t first = 0, end; first < rules->count; first = end) {
        uint16_t nr = rules->rules[first].nr;
        for (end = first; end < rules->count && rules->rules[end].nr == nr;)
            end++;
        if (!rsys_rules_conditional(rules, nr))
            continue;
        if (!any)
            fprintf(out, "  by their arguments (the first line that holds counts):\n");
        any = true;
        bool settled = false;
        for (int action = RSYS_ACTION_KILL; action >= RSYS_ACTION_LOCAL && !settled; action--)
            for (size_t i = first; i < end && !settled; i++) {
                const struct rsys_wire_rule *rule = &rules->rules[i];
                if (rule->action != action)
                    continue;
                bool chosen = rules->default_action == RSYS_ACTION_LOCAL && rule->action == RSYS_ACTION_REMOTE && rsys_is_choosable(rsys_call_by_number(nr));
                fprintf(out, "    %-16s %s", rsys_call_by_number(nr)->name, chosen ? "run on the server" : action_text(rule->action, rule->error));
                for (unsigned c = 0; c < rule->compares; c++) {
                    fputs(c == 0 ? " if " : " and ", out);
                    print_condition(&rule->compare[c], out);
                }
                fprintf(out, "  [%s]\n", rsys_spec_origin(spec, rule->source));
                settled = rule->compares == 0;
            }
        if (!settled)
            fprintf(out, "    %-16s %s otherwise  [%s]\n", rsys_call_by_number(nr)->name, action_text(rules->default_action, rules->default_error),
                    rsys_spec_origin(spec, 0));
    }
}

/* Calls without which no program starts: it is read through the view, by these calls of the session's own executor. */
static void print_warnings(const struct rsys_rules *rules, FILE *out)
{
    static const struct {
        uint16_t nr;
        const char *why;
    } wanted[] = {
        {SYS_execve, "no program can be executed"},
        {SYS_openat, "programs and libraries cannot be read from the sandbox"},
        {SYS_pread64, "programs and libraries cannot be read from the sandbox"},
        {SYS_newfstatat, "programs and libraries cannot be found in the sandbox"},
        {SYS_fstat, "files of the sandbox cannot be executed or mapped"},
        {SYS_readlinkat, "programs behind symbolic links cannot be found"},
        {SYS_readlink, "programs cannot be executed by a relative path"},
        {SYS_faccessat2, "programs cannot be executed by a relative path"},
    };
    static const uint64_t none[6];
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(wanted); i++) {
        uint16_t error;
        const struct rsys_call *call = rsys_call_by_number(wanted[i].nr);
        if (rsys_rules_decide(rules, call->nr, none, &error) >= RSYS_ACTION_DENY)
            fprintf(out, "  note: %s is refused, so %s\n", call->name, wanted[i].why);
    }
    /* What the executor needs for its own work its filter cannot refuse in all forms. */
    static const struct {
        uint16_t nr;
        const char *name;
    } needs[] = {
#define RSYS_NEED(name, why) {SYS_##name, #name},
#include "src/core/needs.def"
#undef RSYS_NEED
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(needs); i++) {
        const struct rsys_call *call = rsys_call_by_number(needs[i].nr);
        uint16_t error;
        bool served = call->where == RSYS_REMOTE || call->where == RSYS_BY_FD;
        for (size_t r = 0; served && r < rules->count; r++)
            if (rules->rules[r].nr == call->nr && rules->rules[r].action >= RSYS_ACTION_DENY) {
                rsys_rules_decide(rules, call->nr, none, &error);
                fprintf(out, "  note: the executor itself needs %s, so a client that lies can use it in the forms that it needs\n", needs[i].name);
                break;
            }
    }
}

static void print_filters(const struct rsys_rules *rules, FILE *out)
{
    struct sock_filter *program;
    unsigned guest = 0, executor = 0;
    RSYS_AUTO_ERROR err = NULL;
    if (rsys_filter_guest(rules, rules->default_action == RSYS_ACTION_LOCAL ? rules : NULL, RSYS_FILTER_TELL_DENIALS, &program, &guest, &err) == 0)
        free(program);
    if (err == NULL && rsys_filter_executor(rules, &program, &executor, &err) == 0)
        free(program);
    if (err != NULL)
        fprintf(out, "  the filters cannot be made: %s\n", rsys_error_text(err));
    else
        fprintf(out, "  seccomp: %u instructions for the program, %u for its executors; at most %d\n", guest, executor, BPF_MAXINSNS);
}

void policy_explain_calls(const struct rsys_spec *spec, FILE *out)
{
    const struct rsys_rules *rules = &spec->rules;
    static const enum fate order[] = {FATE_LOCAL, FATE_PLACED, FATE_REMOTE, FATE_BY_FD, FATE_BOTH, FATE_DENIED, FATE_TRAPPED, FATE_KILLED, FATE_NEVER};
    fprintf(out, "system calls\n  default: %s  [%s]\n", action_text(rules->default_action, rules->default_error), rsys_spec_origin(spec, 0));
    if (rules->default_action == RSYS_ACTION_LOCAL)
        fprintf(out, "  only what is chosen goes to the server; the rest is the program's own kernel's, on the client's own files, to which the client has to agree (rsys-jail --only policy)\n");
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(order); i++)
        print_fate(spec, order[i], out);
    print_conditional(spec, out);
    fprintf(out, "  calls of other architectures (i386, x32): fatal\n");
    print_warnings(rules, out);
    print_filters(rules, out);
}

/* ---- JSON ---- */

static json_t *json_condition(const struct rsys_wire_compare *compare)
{
    char value[24], two[24];
    snprintf(value, sizeof value, "%#llx", (unsigned long long)compare->value);
    snprintf(two, sizeof two, "%#llx", (unsigned long long)compare->value_two);
    return compare->op == RSYS_CMP_MASKED_EQ
               ? json_pack("{s:i, s:s, s:s, s:s}", "index", compare->index, "op", policy_compare_text(compare->op), "value", value, "valueTwo", two)
               : json_pack("{s:i, s:s, s:s}", "index", compare->index, "op", policy_compare_text(compare->op), "value", value);
}

static const char *const action_words[] = {[RSYS_ACTION_LOCAL] = "allow", [RSYS_ACTION_REMOTE] = "allow", [RSYS_ACTION_DENY] = "deny",
                                           [RSYS_ACTION_TRAP] = "trap", [RSYS_ACTION_KILL] = "kill"};

static void set_outcome(json_t *object, uint8_t action, uint16_t error, const char *rule)
{
    json_object_set_new(object, "action", json_string(action < RSYS_ACTION_DENY && error != 0 ? "log" : action_words[action]));
    if (action == RSYS_ACTION_DENY)
        json_object_set_new(object, "errno", json_string(policy_errno_name(error)));
    if (rule != NULL)
        json_object_set_new(object, "rule", json_string(rule));
}

/* The rules of a call in the order in which they are asked: the first whose conditions hold counts. */
static json_t *json_rules(const struct rsys_spec *spec, uint64_t nr)
{
    json_t *list = json_array();
    bool settled = false;
    for (int action = RSYS_ACTION_KILL; action >= RSYS_ACTION_LOCAL && !settled; action--)
        for (size_t i = 0; i < spec->rules.count && !settled; i++) {
            const struct rsys_wire_rule *rule = &spec->rules.rules[i];
            if (rule->nr != nr || rule->action != action)
                continue;
            json_t *one = json_object(), *args = json_array();
            set_outcome(one, rule->action, rule->error, rsys_spec_origin(spec, rule->source));
            for (unsigned c = 0; c < rule->compares; c++)
                json_array_append_new(args, json_condition(&rule->compare[c]));
            json_object_set_new(one, "args", args);
            json_array_append_new(list, one);
            settled = rule->compares == 0;
        }
    if (!settled) {
        json_t *one = json_object();
        set_outcome(one, spec->rules.default_action, spec->rules.default_error, rsys_spec_origin(spec, 0));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *json_call(const struct rsys_spec *spec, const struct rsys_call *call)
{
    static const uint64_t none[6];
    char layers[300];
    enum fate fate = fate_of(&spec->rules, call);
    struct rsys_decision decision = rsys_rules_judge(&spec->rules, call->nr, none);
    json_t *object = json_pack("{s:s, s:i, s:s}", "name", call->name, "number", call->nr, "where", titles[fate]);
    if (fate == FATE_CONDITIONAL)
        json_object_set_new(object, "rules", json_rules(spec, call->nr));
    else
        set_outcome(object, decision.action, decision.action < RSYS_ACTION_DENY ? decision.logged : decision.error,
                    decision.table ? NULL : rsys_spec_origin(spec, decision.source));
    json_object_set_new(object, "layers", json_string(layers_of(spec, call, fate, layers, sizeof layers)));
    return object;
}

int rsys_policy_explain_json(const struct rsys_spec *spec, FILE *out)
{
    char text[300];
    json_t *root = json_object(), *calls = json_array(), *warnings = json_array(), *paths = json_array(), *first = json_object();
    set_outcome(first, spec->rules.default_action, spec->rules.default_error, rsys_spec_origin(spec, 0));
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++)
        if (rsys_call_by_number(nr) != NULL)
            json_array_append_new(calls, json_call(spec, rsys_call_by_number(nr)));
    for (size_t i = 0; i < spec->warnings; i++)
        json_array_append_new(warnings, json_string(spec->warning[i]));
    for (size_t i = 0; i < spec->sandbox.paths; i++)
        json_array_append_new(paths, json_pack("{s:s, s:s, s:b}", "path", spec->sandbox.path[i].path, "access",
                                               policy_access_text(spec->sandbox.path[i].access, text, sizeof text), "optional", spec->sandbox.path[i].optional));
    json_object_set_new(root, "default", first);
    json_object_set_new(root, "calls", calls);
    if (spec->sandbox.confined)
        json_object_set_new(root, "paths", paths);
    else
        json_decref(paths);
    json_object_set_new(root, "warnings", warnings);
    int result = json_dumpf(root, out, JSON_INDENT(1));
    json_decref(root);
    fputc('\n', out);
    return result;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* explain.c: a compiled policy, told to a person (rsys-sandboxd --check). */
#include "policy/internal.h"

#include "src/core/util.h"

#include <linux/filter.h>
#include <string.h>
#include <sys/syscall.h>

/* ---- text ---- */

static void print_size(FILE *out, uint64_t bytes)
{
    static const char units[] = " KMGT";
    size_t unit = 0;
    while (unit < 4 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    fprintf(out, unit == 0 ? "%llu bytes" : "%llu%c", (unsigned long long)bytes, units[unit]);
}

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
enum fate { FATE_LOCAL, FATE_REMOTE, FATE_BY_FD, FATE_BOTH, FATE_DENIED, FATE_KILLED, FATE_NEVER, FATE_CONDITIONAL, FATE_PLACED, FATES };

static enum fate fate_of(const struct rsys_rules *rules, const struct rsys_call *call)
{
    static const uint64_t none[6];
    uint16_t error;
    if (rsys_rules_conditional(rules, call->nr))
        return FATE_CONDITIONAL;
    enum rsys_action action = rsys_rules_decide(rules, call->nr, none, &error);
    if (action == RSYS_ACTION_KILL)
        return FATE_KILLED;
    if (call->where == RSYS_NEVER)
        return FATE_NEVER;
    if (action == RSYS_ACTION_DENY)
        return FATE_DENIED;
    if (action == RSYS_ACTION_LOCAL)
        return (call->flags & RSYS_CALL_PLACEABLE) != 0 ? FATE_PLACED : FATE_LOCAL;
    return call->where == RSYS_BY_FD ? FATE_BY_FD : call->where == RSYS_SPECIAL ? FATE_BOTH : FATE_REMOTE;
}

static void print_fate(const struct rsys_rules *rules, enum fate fate, const char *title, FILE *out)
{
    struct wrapped line = {.out = out};
    unsigned count = 0;
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        count += call != NULL && fate_of(rules, call) == fate;
    }
    if (count == 0)
        return;
    fprintf(out, "  %s: %u\n", title, count);
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        char word[64];
        uint16_t error = 0;
        if (call == NULL || fate_of(rules, call) != fate)
            continue;
        if (fate == FATE_DENIED)
            rsys_rules_decide(rules, nr, (const uint64_t[6]){0}, &error);
        if (fate == FATE_DENIED)
            snprintf(word, sizeof word, "%s=%s", call->name, policy_errno_name(error));
        else
            snprintf(word, sizeof word, "%s", call->name);
        print_word(&line, word);
    }
    fputc('\n', out);
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
    case RSYS_ACTION_LOCAL:
        return "run on the client";
    default:
        return "run where it belongs";
    }
}

static void print_condition(const struct rsys_wire_compare *compare, FILE *out)
{
    if (compare->op == RSYS_CMP_MASKED_EQ)
        fprintf(out, "(argument %u & %#llx) == %#llx", compare->index, (unsigned long long)compare->value, (unsigned long long)compare->value_two);
    else
        fprintf(out, "argument %u %s %llu", compare->index, policy_compare_text(compare->op), (unsigned long long)compare->value);
}

/* The rules of calls that have conditions, as they are asked: strictest first. */
static void print_conditional(const struct rsys_rules *rules, FILE *out)
{
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
                fprintf(out, "    %-16s %s", rsys_call_by_number(nr)->name, action_text(rule->action, rule->error));
                for (unsigned c = 0; c < rule->compares; c++) {
                    fputs(c == 0 ? " if " : " and ", out);
                    print_condition(&rule->compare[c], out);
                }
                fprintf(out, "  [entry %u]\n", rule->source);
                settled = rule->compares == 0;
            }
        if (!settled)
            fprintf(out, "    %-16s %s otherwise\n", rsys_call_by_number(nr)->name, action_text(rules->default_action, rules->default_error));
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
    if (rsys_filter_guest(rules, RSYS_FILTER_TELL_DENIALS, &program, &guest, &err) == 0)
        free(program);
    if (err == NULL && rsys_filter_executor(rules, &program, &executor, &err) == 0)
        free(program);
    if (err != NULL)
        fprintf(out, "  the filters cannot be made: %s\n", rsys_error_text(err));
    else
        fprintf(out, "  seccomp: %u instructions for the program, %u for its executors; at most %d\n", guest, executor, BPF_MAXINSNS);
}

static void explain_calls(const struct rsys_rules *rules, FILE *out)
{
    fprintf(out, "system calls\n  default: %s\n", action_text(rules->default_action, rules->default_error));
    print_fate(rules, FATE_LOCAL, "on the client, without a stop", out);
    print_fate(rules, FATE_PLACED, "makes descriptors that are at home on the client", out);
    print_fate(rules, FATE_REMOTE, "in the sandbox", out);
    print_fate(rules, FATE_BY_FD, "on the side where the descriptor is at home", out);
    print_fate(rules, FATE_BOTH, "both sides take part", out);
    print_fate(rules, FATE_DENIED, "denied", out);
    print_fate(rules, FATE_KILLED, "fatal", out);
    print_fate(rules, FATE_NEVER, "never, under any policy", out);
    print_conditional(rules, out);
    fprintf(out, "  calls of other architectures (i386, x32): fatal\n");
    print_warnings(rules, out);
    print_filters(rules, out);
}

/* ---- the sandbox ---- */

static void explain_mount(const struct rsys_mount_spec *mount, FILE *out)
{
    fprintf(out, "  %-24s ", mount->target);
    switch (mount->type) {
    case RSYS_MOUNT_BIND:
        fprintf(out, "the server's %s, %s", mount->source, mount->writable ? "WRITABLE" : "read-only");
        break;
    case RSYS_MOUNT_OVERLAY:
        fprintf(out, "the server's %s, with what is written kept in memory", mount->source);
        break;
    case RSYS_MOUNT_TMPFS:
        fprintf(out, "empty, in memory, mode %04o", mount->mode != 0 ? mount->mode : 0755);
        if (mount->size != 0) {
            fprintf(out, ", at most ");
            print_size(out, mount->size);
        }
        break;
    case RSYS_MOUNT_PROC:
        fprintf(out, "the sandbox's own processes");
        break;
    default:
        fprintf(out, "null, zero, full, random, urandom, fd, stdin, stdout, stderr, shm");
        break;
    }
    fprintf(out, "%s\n", mount->optional ? " (left out where it is missing)" : "");
}

static void explain_sandbox(const struct rsys_sandbox_spec *sandbox, FILE *out)
{
    static const char *const modes[] = {"?", "read-only", "WRITABLE", "with what is written kept in memory"};
    fprintf(out, "sandbox\n  %-24s ", "/");
    if (sandbox->root == NULL)
        fprintf(out, "empty, in memory%s\n", sandbox->root_mode == RSYS_ROOT_RO ? ", read-only" : "");
    else
        fprintf(out, "the server's %s, %s\n", sandbox->root, modes[sandbox->root_mode]);
    for (size_t i = 0; i < sandbox->mounts; i++)
        explain_mount(&sandbox->mount[i], out);
    policy_explain_paths(sandbox, out);
    fprintf(out, "  host name                %s\n", sandbox->hostname != NULL ? sandbox->hostname : "sandbox");
    policy_explain_network(sandbox, out);
    fprintf(out, "  user                     uid %u, gid %u; ", sandbox->uid, sandbox->gid);
    if (sandbox->uid_range > 1)
        fprintf(out, "%u ids where the server runs as root, else only this one\n", sandbox->uid_range);
    else
        fprintf(out, "no other id\n");
    fprintf(out, "  capabilities             ");
    bool any = false;
    for (unsigned i = 0; i < 64; i++)
        if ((sandbox->capabilities & UINT64_C(1) << i) != 0) {
            fprintf(out, "%s%s", any ? " " : "", policy_capability_name(i));
            any = true;
        }
    fprintf(out, "%s (in the sandbox's user namespace)\n", any ? "" : "none");
    fprintf(out, "  open files               %u a process\n", sandbox->nofile);
    if (sandbox->nproc != 0)
        fprintf(out, "  processes                %u a user\n", sandbox->nproc);
    if (sandbox->fsize != 0) {
        fprintf(out, "  largest file             ");
        print_size(out, sandbox->fsize);
        fputc('\n', out);
    }
    if (sandbox->memory_file != 0) {
        fprintf(out, "  files kept in memory     at most ");
        print_size(out, sandbox->memory_file);
        fputc('\n', out);
    }
}

void rsys_policy_explain(const struct rsys_spec *spec, FILE *out)
{
    policy_explain_clients(&spec->clients, out);
    explain_sandbox(&spec->sandbox, out);
    fputc('\n', out);
    explain_calls(&spec->rules, out);
}

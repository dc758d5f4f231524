/* SPDX-License-Identifier: GPL-2.0-only */
/* learned.c: what runs have needed, as a policy (learned.h). */
#include "policy/learned.h"

#include "policy/internal.h"
#include "src/core/path-access.h"
#include "src/core/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define INT_MASK 0xffffffffu /* the kernel takes 32 bits of these arguments */

static const struct {
    uint16_t nr;
    uint8_t argument;
} by_argument[LEARNED_BY_ARGUMENT] = {{SYS_socket, 0}, {SYS_socketpair, 0}, {SYS_ioctl, 1}, {SYS_prctl, 0}};

static struct learned_values *values_of(struct learned *learned, uint64_t nr)
{
    for (size_t i = 0; i < LEARNED_BY_ARGUMENT; i++)
        if (by_argument[i].nr == nr)
            return &learned->values[i];
    return NULL;
}

static void add_value(struct learned_values *values, uint32_t value)
{
    for (unsigned i = 0; i < values->count; i++)
        if (values->value[i] == value)
            return;
    if (values->count == LEARNED_VALUES)
        values->any = true;
    else
        values->value[values->count++] = value;
}

void rsys_learned_call(struct learned *learned, uint64_t nr, const uint64_t args[6], bool local)
{
    struct learned_values *values = values_of(learned, nr);
    if (nr >= RSYS_CALLS_MAX || rsys_call_by_number(nr) == NULL)
        return;
    learned->called[nr] = true;
    learned->local[nr] = learned->local[nr] || local;
    for (size_t i = 0; values != NULL && i < LEARNED_BY_ARGUMENT; i++)
        if (by_argument[i].nr == nr)
            add_value(values, (uint32_t)args[by_argument[i].argument]);
}

static void add_path(struct learned *learned, struct learned_path **list, size_t *count, const char *path, size_t length, uint64_t access)
{
    for (size_t i = 0; i < *count; i++)
        if (strncmp((*list)[i].path, path, length) == 0 && (*list)[i].path[length] == 0) {
            (*list)[i].access |= access;
            return;
        }
    struct learned_path *grown = reallocarray(*list, *count + 1, sizeof *grown);
    char *copy = strndup(path, length);
    if (grown != NULL)
        *list = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        learned->failed = true;
        return;
    }
    (*list)[(*count)++] = (struct learned_path){copy, access};
}

/* No file of the sandbox: the link of a pipe, a socket, or something that has no name any more. */
static bool is_name(const char *path)
{
    size_t length = strlen(path);
    return path[0] == '/' && strncmp(path, "/memfd:", 7) != 0 && (length < 10 || strcmp(path + length - 10, " (deleted)") != 0);
}

void rsys_learned_path(struct learned *learned, const char *path, uint64_t access)
{
    if (is_name(path) && access != 0)
        add_path(learned, &learned->paths, &learned->path_count, path, strlen(path), access);
}

void rsys_learned_made(struct learned *learned, const char *path)
{
    if (is_name(path))
        add_path(learned, &learned->made, &learned->made_count, path, strlen(path), 0);
}

void rsys_learned_free(struct learned *learned)
{
    for (size_t i = 0; i < learned->path_count; i++)
        free(learned->paths[i].path);
    for (size_t i = 0; i < learned->made_count; i++)
        free(learned->made[i].path);
    free(learned->paths);
    free(learned->made);
    *learned = (struct learned){.paths = NULL};
}

/* ---- read back ---- */

int rsys_learned_read(struct learned *learned, const char *text, size_t size, const char *name, struct rsys_error **err)
{
    struct rsys_spec *spec = rsys_policy_parse(text, size, name, err);
    int result = spec == NULL ? -1 : 0;
    if (spec != NULL && spec->rules.default_action != RSYS_ACTION_DENY)
        result = rsys_error_make(err, 0, "%s: its default is not \"deny\": it was not made by --learn, so nothing can be added to it", name);
    for (size_t i = 0; result == 0 && i < spec->rules.count; i++) {
        const struct rsys_wire_rule *rule = &spec->rules.rules[i];
        const struct rsys_wire_compare *compare = &rule->compare[0];
        struct learned_values *values = values_of(learned, rule->nr);
        uint64_t args[6] = {0};
        bool one = rule->compares == 1 && values != NULL && compare->op == RSYS_CMP_MASKED_EQ && compare->value == INT_MASK && compare->index < 6;
        if (rule->action >= RSYS_ACTION_DENY || (rule->compares > 0 && !one)) {
            result = rsys_error_make(err, 0, "%s: it has rules that --learn does not make, so nothing can be added to it: learn to another file and include that",
                                     rsys_spec_origin(spec, rule->source));
            break;
        }
        if (one)
            args[compare->index] = compare->value_two;
        bool placed = rule->action == RSYS_ACTION_LOCAL && (rsys_call_by_number(rule->nr)->flags & RSYS_CALL_MAY_BE_LOCAL) != 0;
        rsys_learned_call(learned, rule->nr, args, placed);
        if (values != NULL && !one)
            values->any = true;
    }
    for (size_t i = 0; result == 0 && i < spec->sandbox.paths; i++)
        rsys_learned_path(learned, spec->sandbox.path[i].path, spec->sandbox.path[i].access);
    if (spec != NULL)
        rsys_policy_free(spec);
    return result;
}

/* ---- paths, folded: what a run has touched is an instance, a rule is meant for the next ones too ---- */

static bool is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static size_t parent_length(const char *path, size_t length)
{
    while (length > 1 && path[length - 1] != '/')
        length--;
    return length > 1 ? length - 1 : 1;
}

/* What was made in the session is its directory's matter, the first one that was there before. */
static size_t lasting_length(const struct learned *learned, const char *path)
{
    size_t length = strlen(path);
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < learned->made_count; i++) {
            size_t made = strlen(learned->made[i].path);
            if (made > length || strncmp(learned->made[i].path, path, made) != 0 || (made < length && path[made] != '/'))
                continue;
            length = parent_length(path, made);
            again = length > 1;
        }
    }
    return length;
}

static void fold_one(struct learned *to, const struct learned *learned, const struct learned_path *one)
{
    /* Libraries and data that come with programs: what is read of them differs from one version to the next. */
    static const char *const whole[] = {"/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/local/lib", "/usr/share", "/lib", "/lib32", "/lib64"};
    uint64_t access = one->access, executed = RSYS_PATH_EXECUTE | RSYS_PATH_READ_FILE;
    if (is_below(one->path, "/proc")) { /* numbers of processes */
        add_path(to, &to->paths, &to->path_count, "/proc", 5, access);
        return;
    }
    if (is_below(one->path, "/dev") && learned->called[SYS_ioctl])
        access |= RSYS_PATH_IOCTL_DEV;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(whole); i++) {
        if (!is_below(one->path, whole[i]) || (access & ~(RSYS_PATH_EXECUTE | RSYS_PATH_READ)) != 0)
            continue;
        if ((access & RSYS_PATH_EXECUTE) != 0)
            add_path(to, &to->paths, &to->path_count, one->path, strlen(one->path), executed);
        add_path(to, &to->paths, &to->path_count, whole[i], strlen(whole[i]), RSYS_PATH_READ);
        return;
    }
    add_path(to, &to->paths, &to->path_count, one->path, lasting_length(learned, one->path), access);
}

/* Several files of one directory that are only read: the directory. */
#define SIBLINGS 6
static bool fold_siblings(struct learned *to)
{
    for (size_t i = 0; i < to->path_count; i++) {
        const char *path = to->paths[i].path;
        size_t length = parent_length(path, strlen(path)), count = 0;
        for (size_t k = 0; k < to->path_count; k++)
            count += to->paths[k].access == RSYS_PATH_READ_FILE && parent_length(to->paths[k].path, strlen(to->paths[k].path)) == length &&
                     strncmp(to->paths[k].path, path, length) == 0;
        if (length > 1 && count >= SIBLINGS) {
            char *directory = strndup(path, length);
            if (directory == NULL)
                return false;
            for (size_t k = 0; k < to->path_count;) {
                struct learned_path *other = &to->paths[k];
                bool goes = other->access == RSYS_PATH_READ_FILE && parent_length(other->path, strlen(other->path)) == length && strncmp(other->path, directory, length) == 0;
                if (goes) {
                    free(other->path);
                    *other = to->paths[--to->path_count];
                } else {
                    k++;
                }
            }
            add_path(to, &to->paths, &to->path_count, directory, length, RSYS_PATH_READ);
            free(directory);
            return true;
        }
    }
    return false;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct learned_path *)a)->path, ((const struct learned_path *)b)->path);
}

/* What a directory above allows already is left out. */
static bool is_covered(const struct learned *folded, size_t index)
{
    for (size_t i = 0; i < folded->path_count; i++)
        if (i != index && is_below(folded->paths[index].path, folded->paths[i].path) && (folded->paths[index].access & ~folded->paths[i].access) == 0)
            return true;
    return false;
}

/* ---- written ---- */

/* "name", in lines of some 100 columns. */
static void write_name(FILE *out, size_t *column, const char *name)
{
    if (*column > 100) {
        fprintf(out, ",\n                ");
        *column = 16;
    } else if (*column > 0) {
        fprintf(out, ", ");
    }
    *column += (size_t)fprintf(out, "\"%s\"", name) + 2;
}

/* Whether every call of the group that ever runs may be named with it. */
static bool is_whole(const struct learned *learned, int group, const bool *plain)
{
    bool any = false;
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        if (call == NULL || (call->groups & UINT64_C(1) << group) == 0 || call->where == RSYS_NEVER)
            continue;
        if (!plain[nr])
            return false;
        any = true;
    }
    return any;
}

static void write_calls(const struct learned *learned, FILE *out)
{
    bool plain[RSYS_CALLS_MAX], told[RSYS_CALLS_MAX] = {false};
    size_t column = 0;
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct learned_values *values = values_of((struct learned *)learned, nr);
        plain[nr] = learned->called[nr] && !learned->local[nr] && (values == NULL || values->any);
    }
    fprintf(out, "        {\n            \"names\": [\n                ");
    for (int group = 0; group < RSYS_GROUPS; group++) {
        if (!is_whole(learned, group, plain))
            continue;
        write_name(out, &column, rsys_group_name(group));
        for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++)
            told[nr] = told[nr] || (rsys_call_by_number(nr) != NULL && (rsys_call_by_number(nr)->groups & UINT64_C(1) << group) != 0);
    }
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++)
        if (plain[nr] && !told[nr])
            write_name(out, &column, rsys_call_by_number(nr)->name);
    fprintf(out, "\n            ],\n            \"action\": \"allow\"\n        }");
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const char *name = learned->called[nr] ? rsys_call_by_number(nr)->name : NULL;
        const struct learned_values *values = values_of((struct learned *)learned, nr);
        if (name == NULL || plain[nr])
            continue;
        if (values == NULL || values->any || learned->local[nr]) {
            fprintf(out, ",\n        {\"names\": [\"%s\"], \"action\": \"local\"}", name);
            continue;
        }
        for (size_t i = 0; i < LEARNED_BY_ARGUMENT; i++)
            for (unsigned v = 0; by_argument[i].nr == nr && v < values->count; v++)
                fprintf(out, ",\n        {\"names\": [\"%s\"], \"action\": \"allow\", \"args\": [{\"index\": %u, \"op\": \"&\", \"value\": \"%#x\", \"valueTwo\": \"%#x\"}]}",
                        name, by_argument[i].argument, INT_MASK, values->value[v]);
    }
}

static void write_string(FILE *out, const char *text)
{
    json_t *string = json_string(text);
    if (string != NULL)
        json_dumpf(string, out, JSON_ENCODE_ANY);
    json_decref(string);
}

static void write_paths(const struct learned *learned, FILE *out)
{
    struct learned folded = {.paths = NULL};
    bool first = true;
    for (size_t i = 0; i < learned->path_count; i++)
        fold_one(&folded, learned, &learned->paths[i]);
    while (fold_siblings(&folded))
        ;
    if (folded.path_count > 1)
        qsort(folded.paths, folded.path_count, sizeof *folded.paths, by_path);
    for (size_t i = 0; i < folded.path_count; i++) {
        char words[300], *save = NULL;
        const struct learned_path *one = &folded.paths[i];
        json_t *utf8 = json_string(one->path);
        bool sayable = utf8 != NULL; /* else no policy can say it */
        json_decref(utf8);
        if (is_covered(&folded, i) || !sayable)
            continue;
        fprintf(out, "%s\n        {\"path\": ", first ? "" : ",");
        first = false;
        write_string(out, one->path);
        fprintf(out, ", \"access\": [");
        policy_access_text(one->access, words, sizeof words);
        for (char *word = strtok_r(words, " ", &save), *before = NULL; word != NULL; before = word, word = strtok_r(NULL, " ", &save))
            fprintf(out, "%s\"%s\"", before != NULL ? ", " : "", word);
        fprintf(out, "], \"optional\": true}");
    }
    rsys_learned_free(&folded);
}

char *rsys_learned_text(const struct learned *learned)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fprintf(out, "{\n    \"comment\": \"Learned by rsys-jail --learn: what the runs needed, and nothing else.  %s%s\",\n",
            learned->network ? "They spoke to other addresses than the loopback's, so the sandbox has to have a network."
                             : "They needed no network but a loopback.",
            learned->called[SYS_mq_open] ? "  They opened message queues, which nobody can under paths, so there are none." : "");
    /* ENOSYS: libraries then try an older way. */
    fprintf(out, "    \"defaultAction\": \"deny\",\n    \"defaultErrnoRet\": \"ENOSYS\",\n    \"syscalls\": [\n");
    write_calls(learned, out);
    fprintf(out, "\n    ]");
    /* Landlock lets nobody open a message queue: those are files of no directory. */
    if (!learned->called[SYS_mq_open]) {
        fprintf(out, ",\n    \"paths\": [");
        write_paths(learned, out);
        fprintf(out, "\n    ]");
    }
    fprintf(out, "\n}\n");
    if (fclose(out) != 0 || learned->failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* compile.c: the top of a policy, and several of them put together.
 *
 * What a file includes counts as though it stood in it: the rules of all are one set, of which the strictest that matches wins, and the strictest of the default actions is the
 * default.  `sandbox`, `paths`, `ports` and `clients` are taken whole: a file's own, else those of what it includes. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <stdio.h>
#include <string.h>

#define KEEP_VALUE(function, field) \
    static int function(void *context, struct json_value value, struct rsys_error **err) \
    { \
        struct policy_top *top = context; \
        top->field = value; \
        return 0; \
    }
KEEP_VALUE(top_default_action, default_action)
KEEP_VALUE(top_default_error, default_error)
KEEP_VALUE(top_syscalls, syscalls)
KEEP_VALUE(top_sandbox, sandbox)
KEEP_VALUE(top_paths, paths)
KEEP_VALUE(top_ports, ports)
KEEP_VALUE(top_include, include)
KEEP_VALUE(top_clients, clients)

static int top_text(void *context, struct json_value value, struct rsys_error **err)
{
    const char *text;
    return json_get_string(value, &text, err);
}

/* Calls of all other architectures are fatal, so a profile that is for x86-64 among others loses nothing; one that is not for it is a mistake. */
static int top_architectures(void *context, struct json_value value, struct rsys_error **err)
{
    struct policy_top *top = context;
    bool ours = false;
    top->oci = true;
    if (json_is_null(value.json))
        return 0;
    if (json_expect_array(value, err) < 0)
        return -1;
    struct json_cursor element = json_begin(value);
    size_t count = 0;
    for (; json_next(&element); count++) {
        const char *name = NULL;
        if (json_get_string(element.value, &name, err) < 0)
            return -1;
        if (strncmp(name, "SCMP_ARCH_", 10) != 0)
            return json_error(element.value, err, "unknown architecture \"%s\": they are called SCMP_ARCH_*", name);
        ours = ours || strcmp(name, "SCMP_ARCH_X86_64") == 0;
    }
    if (count > 0 && !ours)
        return json_error(value, err, "the policy is not for SCMP_ARCH_X86_64, the only architecture whose calls rsys knows");
    return 0;
}

static int top_arch_map(void *context, struct json_value value, struct rsys_error **err)
{
    struct policy_top *top = context;
    top->oci = true;
    return json_is_null(value.json) ? 0 : json_expect_array(value, err); /* which of them may run beside another: none may beside x86-64 */
}

/* How the kernel installs the filter: nothing of it changes what a policy allows. */
static int top_flags(void *context, struct json_value value, struct rsys_error **err)
{
    static const char *const known[] = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                                        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", NULL};
    size_t which;
    if (json_expect_array(value, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(value); json_next(&element);)
        if (json_get_word(element.value, "flag", known, &which, err) < 0)
            return -1;
    return 0;
}

static const struct json_key top_keys[] = {
    {"include", top_include, NULL},
    {"defaultAction", top_default_action, NULL},
    {"defaultErrnoRet", top_default_error, NULL},
    {"syscalls", top_syscalls, NULL},
    {"sandbox", top_sandbox, NULL},
    {"clients", top_clients, NULL},
    {"paths", top_paths, NULL},
    {"ports", top_ports, NULL},
    {"comment", top_text, NULL},
    {"defaultErrno", top_text, NULL}, /* the name of defaultErrnoRet, in profiles of container engines */
    {"architectures", top_architectures, NULL},
    {"archMap", top_arch_map, NULL},
    {"flags", top_flags, NULL},
    {"listenerPath", NULL, "not possible: the listener of notifications is rsys itself"},
    {"listenerMetadata", NULL, "not possible: the listener of notifications is rsys itself"},
    {0},
};

/* A profile that says nothing of files gets those of the built-in policy. */
static int builtin_sandbox(struct rsys_sandbox_spec *sandbox, struct rsys_error **err)
{
    struct json_document document;
    if (json_document_parse(&document, rsys_policy_default_text, strlen(rsys_policy_default_text), "the built-in policy", err) < 0)
        return -1;
    int result = 0;
    for (struct json_cursor member = json_begin(json_document_root(&document)); result == 0 && json_next(&member);)
        if (strcmp(member.key, "sandbox") == 0)
            result = policy_read_sandbox(sandbox, member.value, err);
    json_document_free(&document);
    return result;
}

int policy_read_top(struct json_value root, struct policy_top *top, struct rsys_error **err)
{
    return json_read_object(root, "a policy", top_keys, top, err);
}

/* The file's own value, else the only one among what it includes.  which: the offset of the value in struct policy_top. */
static int find_whole(const struct policy_files *files, size_t index, size_t which, const char *name, struct json_value *ret, struct rsys_error **err)
{
    *ret = *(const struct json_value *)((const char *)&files->file[index]->top + which);
    if (ret->json != NULL)
        return 0;
    for (size_t i = index + 1; i < files->count; i++) {
        struct json_value found;
        if (files->file[i]->includer != index)
            continue;
        if (find_whole(files, i, which, name, &found, err) < 0)
            return -1;
        if (found.json != NULL && ret->json != NULL)
            return json_key_error(files->file[index]->top.include, err, "more than one of the included profiles has \"%s\": say here which it is to be", name);
        if (found.json != NULL)
            *ret = found;
    }
    return 0;
}

int policy_add_origin(struct rsys_spec *spec, struct json_value value, struct rsys_error **err)
{
    char *text = NULL, **grown = reallocarray(spec->origin, spec->origins + 1, sizeof *grown);
    if (grown != NULL)
        spec->origin = grown;
    if (grown == NULL || asprintf(&text, "%s:%zu", value.document->name, json_line(value)) < 0)
        return rsys_error_make(err, ENOMEM, "compile the policy");
    spec->origin[spec->origins++] = text;
    return 0;
}

void policy_warn(struct rsys_spec *spec, struct json_value value, const char *format, ...)
{
    va_list arguments;
    char text[600], *line = NULL, **grown = reallocarray(spec->warning, spec->warnings + 1, sizeof *grown);
    if (grown == NULL)
        return; /* it changes nothing */
    spec->warning = grown;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if ((value.json != NULL ? asprintf(&line, "%s:%zu: %s", value.document->name, json_line(value), text) : asprintf(&line, "%s", text)) >= 0)
        spec->warning[spec->warnings++] = line;
}

static int compile_defaults(const struct policy_files *files, struct rsys_spec *spec, struct rsys_error **err)
{
    struct json_value origin = {0};
    for (size_t i = 0; i < files->count; i++) {
        struct rsys_rules one;
        const struct policy_top *top = &files->file[i]->top;
        if (top->default_action.json == NULL && top->default_error.json != NULL)
            return json_key_error(top->default_error, err, "defaultErrnoRet without a defaultAction means nothing");
        if (top->default_action.json == NULL)
            continue;
        if (policy_read_defaults(&one, top->default_action, top->default_error, err) < 0)
            return -1;
        bool logs = one.default_action < RSYS_ACTION_DENY && one.default_error > spec->rules.default_error;
        if (origin.json == NULL || one.default_action > spec->rules.default_action || (one.default_action == spec->rules.default_action && logs)) {
            spec->rules.default_action = one.default_action;
            spec->rules.default_error = one.default_error;
            origin = top->default_action;
        }
    }
    if (origin.json == NULL)
        return json_error(json_document_root(&files->file[0]->document), err,
                          "\"defaultAction\" is missing: \"allow\" lets every call run where it belongs, \"deny\" refuses what is not named");
    return policy_add_origin(spec, origin, err);
}

int policy_compile(const struct policy_files *files, struct rsys_spec *spec, struct rsys_error **err)
{
    struct json_value sandbox, paths, ports, clients;
    policy_sandbox_defaults(&spec->sandbox);
    if (compile_defaults(files, spec, err) < 0 || find_whole(files, 0, offsetof(struct policy_top, sandbox), "sandbox", &sandbox, err) < 0 ||
        find_whole(files, 0, offsetof(struct policy_top, paths), "paths", &paths, err) < 0 ||
        find_whole(files, 0, offsetof(struct policy_top, ports), "ports", &ports, err) < 0 ||
        find_whole(files, 0, offsetof(struct policy_top, clients), "clients", &clients, err) < 0)
        return -1;
    if (clients.json != NULL && policy_read_clients(&spec->clients, clients, err) < 0)
        return -1;
    if ((sandbox.json != NULL ? policy_read_sandbox(&spec->sandbox, sandbox, err) : builtin_sandbox(&spec->sandbox, err)) < 0)
        return -1;
    if (spec->sandbox.root == NULL && spec->sandbox.mounts == 0)
        return json_key_error(sandbox, err, "nothing says what the sandbox's files are: give it a \"root\" or \"mounts\" (rsys-policy(5))");
    if (paths.json != NULL && policy_read_paths(&spec->sandbox, paths, err) < 0)
        return -1;
    if (ports.json != NULL && policy_read_ports(&spec->sandbox, ports, err) < 0)
        return -1;
    size_t room = 0;
    for (size_t i = 0; i < files->count; i++)
        if (files->file[i]->top.syscalls.json != NULL && policy_read_syscalls(spec, &room, files->file[i]->top.syscalls, files->file[i]->top.oci, err) < 0)
            return -1;
    policy_sort_rules(&spec->rules);
    policy_find_oddities(spec);
    return 0;
}

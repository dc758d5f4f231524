/* SPDX-License-Identifier: GPL-2.0-only */
/* compile.c: the top of a policy. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <string.h>

struct top {
    struct policy_defaults defaults;
    struct json_value syscalls, sandbox, paths;
    bool has_syscalls, has_sandbox, has_paths;
    struct rsys_clients_spec *clients;
};

static int top_default_action(void *context, struct json_value value, struct rsys_error **err)
{
    struct top *top = context;
    top->defaults.action = value;
    top->defaults.has_action = true;
    return 0;
}

static int top_default_error(void *context, struct json_value value, struct rsys_error **err)
{
    struct top *top = context;
    top->defaults.error = value;
    top->defaults.has_error = true;
    return 0;
}

static int top_syscalls(void *context, struct json_value value, struct rsys_error **err)
{
    struct top *top = context;
    top->syscalls = value;
    top->has_syscalls = true;
    return 0;
}

static int top_sandbox(void *context, struct json_value value, struct rsys_error **err)
{
    struct top *top = context;
    top->sandbox = value;
    top->has_sandbox = true;
    return 0;
}

static int top_clients(void *context, struct json_value value, struct rsys_error **err)
{
    struct top *top = context;
    return policy_read_clients(top->clients, value, err);
}

static int top_paths(void *context, struct json_value value, struct rsys_error **err)
{
    struct top *top = context;
    top->paths = value;
    top->has_paths = true;
    return 0;
}

static int top_text(void *context, struct json_value value, struct rsys_error **err)
{
    const char *text;
    return json_get_string(value, &text, err);
}

/* Calls of all other architectures are fatal, so a profile that is for x86-64 among others loses nothing; one that is not for it is a mistake. */
static int top_architectures(void *context, struct json_value value, struct rsys_error **err)
{
    bool ours = false;
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
    return json_expect_array(value, err); /* which of them may run beside another: none may beside x86-64 */
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
    {"defaultAction", top_default_action, NULL},
    {"defaultErrnoRet", top_default_error, NULL},
    {"syscalls", top_syscalls, NULL},
    {"sandbox", top_sandbox, NULL},
    {"clients", top_clients, NULL},
    {"paths", top_paths, NULL},
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

int policy_compile(struct json_value root, struct rsys_spec *spec, struct rsys_error **err)
{
    struct top top = {.clients = &spec->clients};
    policy_sandbox_defaults(&spec->sandbox);
    if (json_read_object(root, "a policy", top_keys, &top, err) < 0 ||
        policy_read_defaults(&spec->rules, &top.defaults, root, err) < 0)
        return -1;
    if ((top.has_sandbox ? policy_read_sandbox(&spec->sandbox, top.sandbox, err) : builtin_sandbox(&spec->sandbox, err)) < 0)
        return -1;
    if (spec->sandbox.root == NULL && spec->sandbox.mounts == 0)
        return json_key_error(top.sandbox, err, "nothing says what the sandbox's files are: give it a \"root\" or \"mounts\" (rsys-policy(5))");
    if (top.has_paths && policy_read_paths(&spec->sandbox, top.paths, err) < 0)
        return -1;
    if (top.has_syscalls && policy_read_syscalls(&spec->rules, &spec->sandbox, top.syscalls, err) < 0)
        return -1;
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* load.c: a policy from a file, from text, or from this library. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <string.h>

/* The files have been read, or not (result < 0). */
static struct rsys_spec *compile(struct policy_files *files, int result, const char *name, struct rsys_error **err)
{
    struct rsys_spec *spec = result == 0 ? calloc(1, sizeof *spec) : NULL;
    if (result == 0 && spec == NULL)
        rsys_error_make(err, ENOMEM, "%s", name);
    if (spec != NULL && policy_compile(files, spec, err) < 0) {
        rsys_policy_free(spec);
        spec = NULL;
    }
    policy_files_free(files);
    return spec;
}

struct rsys_spec *rsys_policy_parse(const char *text, size_t size, const char *name, struct rsys_error **err)
{
    struct policy_files files = {.count = 0};
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        rsys_error_make(err, ENOMEM, "%s", name);
        return NULL;
    }
    memcpy(copy, text, size);
    return compile(&files, policy_files_read(&files, copy, size, name, err), name, err);
}

struct rsys_spec *rsys_policy_load(const char *path, struct rsys_error **err)
{
    struct policy_files files = {.count = 0};
    return compile(&files, policy_files_open(&files, path, err), path, err);
}

struct rsys_spec *rsys_policy_default(struct rsys_error **err)
{
    return rsys_policy_parse(rsys_policy_default_text, strlen(rsys_policy_default_text), "the built-in policy", err);
}

void rsys_policy_free(struct rsys_spec *spec)
{
    rsys_spec_free(spec);
    free(spec);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* paths-keys.c: the `paths` of a policy: which files may be opened, executed and changed, and its `ports`: which TCP ports may be bound and connected to; by Landlock. */
#include "policy/internal.h"

#include "src/core/path-access.h"
#include "src/core/util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct path_keys {
    struct rsys_path_spec path;
    bool has_access;
};

static int path_path(void *context, struct json_value value, struct rsys_error **err)
{
    struct path_keys *keys = context;
    const char *path = NULL;
    if (json_get_string(value, &path, err) < 0)
        return -1;
    if (path[0] != '/' || strlen(path) >= PATH_MAX)
        return json_error(value, err, "\"%s\" has to be an absolute path of the sandbox", path);
    keys->path.path = strdup(path);
    return keys->path.path != NULL ? 0 : rsys_error_make(err, ENOMEM, "compile the policy");
}

static int add_word(struct path_keys *keys, struct json_value value, struct rsys_error **err)
{
    const char *word = NULL;
    if (json_get_string(value, &word, err) < 0)
        return -1;
    struct near_name near = {.wanted = word};
    size_t counts[2];
    const struct rsys_path_access *const lists[2] = {rsys_path_words(&counts[0]), rsys_path_rights(&counts[1])};
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; i < counts[list]; i++) {
            near_offer(&near, lists[list][i].name);
            if (strcmp(lists[list][i].name, word) != 0)
                continue;
            keys->path.access |= lists[list][i].bits;
            return 0;
        }
    return json_error(value, err, "unknown access \"%s\"%s", word,
                      near.best != NULL ? near_text(&near) : ": it may be \"ro\", \"rx\", \"rw\", \"rwx\", or a list of \"read\", \"execute\", \"write\", \"create\", \"remove\" and others");
}

static int path_access(void *context, struct json_value value, struct rsys_error **err)
{
    struct path_keys *keys = context;
    keys->has_access = true;
    if (json_is_string(value.json))
        return add_word(keys, value, err);
    if (json_expect_array(value, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(value); json_next(&element);)
        if (add_word(keys, element.value, err) < 0)
            return -1;
    return keys->path.access != 0 ? 0 : json_error(value, err, "\"access\" is empty: name what may be done, or leave the path out");
}

static int path_optional(void *context, struct json_value value, struct rsys_error **err)
{
    struct path_keys *keys = context;
    return json_get_bool(value, &keys->path.optional, err);
}

static int path_comment(void *context, struct json_value value, struct rsys_error **err)
{
    const char *text;
    return json_get_string(value, &text, err);
}

static const struct json_key path_keys[] = {
    {"path", path_path, NULL}, {"access", path_access, NULL}, {"optional", path_optional, NULL}, {"comment", path_comment, NULL}, {0},
};

static int read_rule(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err)
{
    struct path_keys keys = {0};
    int result = json_read_object(value, "an entry of \"paths\"", path_keys, &keys, err);
    if (result == 0 && (keys.path.path == NULL || !keys.has_access))
        result = json_error(value, err, "an entry of \"paths\" needs \"%s\"", keys.path.path == NULL ? "path" : "access");
    struct rsys_path_spec *grown = result == 0 ? reallocarray(sandbox->path, sandbox->paths + 1, sizeof *grown) : NULL;
    if (grown == NULL) {
        free(keys.path.path);
        return result < 0 ? -1 : rsys_error_make(err, ENOMEM, "compile the policy");
    }
    sandbox->path = grown;
    sandbox->path[sandbox->paths++] = keys.path;
    return 0;
}

static int read_rules(void *context, struct json_value value, struct rsys_error **err)
{
    if (json_expect_array(value, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(value); json_next(&element);)
        if (read_rule(context, element.value, err) < 0)
            return -1;
    return 0;
}

static int read_best_effort(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return json_get_bool(value, &sandbox->best_effort, err);
}

static const struct json_key paths_keys[] = {
    {"rules", read_rules, NULL}, {"bestEffort", read_best_effort, NULL}, {"comment", path_comment, NULL}, {0},
};

int policy_read_paths(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err)
{
    sandbox->confined = true;
    return json_is_array(value.json) ? read_rules(sandbox, value, err) : json_read_object(value, "\"paths\"", paths_keys, sandbox, err);
}

/* ---- ports ---- */

static int read_port_list(struct rsys_ports_spec *ports, struct json_value value, struct rsys_error **err)
{
    if (json_expect_array(value, err) < 0)
        return -1;
    ports->limited = true;
    for (struct json_cursor element = json_begin(value); json_next(&element);) {
        uint64_t port;
        if (json_get_number(element.value, UINT16_MAX, &port, err) < 0)
            return -1;
        uint16_t *grown = reallocarray(ports->port, ports->count + 1, sizeof *grown);
        if (grown == NULL)
            return rsys_error_make(err, ENOMEM, "compile the policy");
        ports->port = grown;
        ports->port[ports->count++] = (uint16_t)port;
    }
    return 0;
}

static int ports_bind(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return read_port_list(&sandbox->ports[RSYS_PORTS_BIND], value, err);
}

static int ports_connect(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return read_port_list(&sandbox->ports[RSYS_PORTS_CONNECT], value, err);
}

static const struct json_key ports_keys[] = {{"bind", ports_bind, NULL}, {"connect", ports_connect, NULL}, {"comment", path_comment, NULL}, {0}};

int policy_read_ports(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err)
{
    return json_read_object(value, "\"ports\"", ports_keys, sandbox, err);
}

/* ---- told ---- */

static void explain_ports(const struct rsys_ports_spec *ports, const char *what, FILE *out)
{
    if (!ports->limited)
        return;
    fprintf(out, "  TCP ports to %-11s ", what);
    for (size_t i = 0; i < ports->count; i++)
        fprintf(out, "%s%u", i > 0 ? " " : "", ports->port[i]);
    fprintf(out, "%s (Landlock)\n", ports->count > 0 ? "" : "none");
}

char *policy_access_text(uint64_t access, char *text, size_t size)
{
    size_t counts[2], at = 0;
    const struct rsys_path_access *const lists[2] = {rsys_path_words(&counts[0]), rsys_path_rights(&counts[1])};
    text[0] = 0;
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; i < counts[list] && at < size; i++) {
            if ((access & lists[list][i].bits) != lists[list][i].bits)
                continue;
            int n = snprintf(text + at, size - at, "%s%s", at > 0 ? " " : "", lists[list][i].name);
            at += n > 0 ? (size_t)n : 0;
            access &= ~lists[list][i].bits;
        }
    return text;
}

void policy_explain_paths(const struct rsys_sandbox_spec *sandbox, FILE *out)
{
    char text[300];
    explain_ports(&sandbox->ports[RSYS_PORTS_BIND], "bind", out);
    explain_ports(&sandbox->ports[RSYS_PORTS_CONNECT], "connect to", out);
    if (!sandbox->confined)
        return;
    fprintf(out, "  files (Landlock)         only these, with what is below them%s\n", sandbox->best_effort ? "; as far as the kernel can" : "");
    for (size_t i = 0; i < sandbox->paths; i++)
        fprintf(out, "    %-22s %s%s\n", sandbox->path[i].path, policy_access_text(sandbox->path[i].access, text, sizeof text),
                sandbox->path[i].optional ? " (if it is there)" : "");
}

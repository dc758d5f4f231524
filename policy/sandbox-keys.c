/* SPDX-License-Identifier: GPL-2.0-only */
/* sandbox-keys.c: the `sandbox` of a policy: a key for every field of struct rsys_sandbox_spec. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#define ID_MAX 0xfffffffeu /* (uid_t)-1 means "leave it" */

int policy_get_path(struct json_value value, char **field, struct rsys_error **err)
{
    const char *path = NULL;
    if (json_get_string(value, &path, err) < 0)
        return -1;
    if (path[0] != '/')
        return json_error(value, err, "\"%s\" has to be an absolute path", path);
    if (strlen(path) >= PATH_MAX)
        return json_error(value, err, "the path is too long");
    char *copy = strdup(path);
    if (copy == NULL)
        return rsys_error_make(err, ENOMEM, "compile the policy");
    free(*field);
    *field = copy;
    return 0;
}

/* ---- root ---- */

static const char *const root_modes[] = {"ro", "rw", "overlay", NULL};

static int root_path(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return policy_get_path(value, &sandbox->root, err);
}

static int root_mode(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    size_t mode;
    if (json_get_word(value, "root mode", root_modes, &mode, err) < 0)
        return -1;
    sandbox->root_mode = (uint8_t)(RSYS_ROOT_RO + mode);
    return 0;
}

static const struct json_key root_keys[] = {{"path", root_path, NULL}, {"mode", root_mode, NULL}, {0}};

static int read_root(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    if (json_is_string(value.json))
        return policy_get_path(value, &sandbox->root, err);
    if (json_read_object(value, "\"root\"", root_keys, sandbox, err) < 0)
        return -1;
    if (sandbox->root == NULL && sandbox->root_mode == RSYS_ROOT_OVERLAY)
        return json_error(value, err, "an overlay needs the \"path\" of what lies below it");
    return 0;
}

/* ---- mounts ---- */

static const char *const mount_types[] = {"bind", "tmpfs", "proc", "dev", "overlay", NULL};

struct mount_keys {
    struct rsys_mount_spec mount;
    struct json_value size, mode, source, writable, optional;
    bool has_size, has_mode, has_source, has_writable, has_optional;
};

static int mount_type(void *context, struct json_value value, struct rsys_error **err)
{
    struct mount_keys *keys = context;
    size_t type;
    if (json_get_word(value, "type of mount", mount_types, &type, err) < 0)
        return -1;
    keys->mount.type = (uint8_t)(RSYS_MOUNT_BIND + type);
    return 0;
}

static int mount_source(void *context, struct json_value value, struct rsys_error **err)
{
    struct mount_keys *keys = context;
    keys->source = value;
    keys->has_source = true;
    return policy_get_path(value, &keys->mount.source, err);
}

static int mount_target(void *context, struct json_value value, struct rsys_error **err)
{
    struct mount_keys *keys = context;
    if (policy_get_path(value, &keys->mount.target, err) < 0)
        return -1;
    if (keys->mount.target[strspn(keys->mount.target, "/")] == 0)
        return json_error(value, err, "nothing can be mounted on /: that is what \"root\" is for");
    return 0;
}

static int mount_writable(void *context, struct json_value value, struct rsys_error **err)
{
    struct mount_keys *keys = context;
    keys->writable = value;
    keys->has_writable = true;
    return json_get_bool(value, &keys->mount.writable, err);
}

static int mount_optional(void *context, struct json_value value, struct rsys_error **err)
{
    struct mount_keys *keys = context;
    keys->optional = value;
    keys->has_optional = true;
    return json_get_bool(value, &keys->mount.optional, err);
}

static int mount_size(void *context, struct json_value value, struct rsys_error **err)
{
    struct mount_keys *keys = context;
    keys->size = value;
    keys->has_size = true;
    return json_get_size(value, &keys->mount.size, err);
}

static int mount_mode(void *context, struct json_value value, struct rsys_error **err)
{
    struct mount_keys *keys = context;
    uint64_t mode;
    const char *text;
    unsigned parsed;
    char rest;
    keys->mode = value;
    keys->has_mode = true;
    /* JSON has no octal numbers, and 755 in decimal is never meant. */
    if (!json_is_string(value.json))
        return json_error(value, err, "a mode is a string of octal digits (\"1777\"), not %s", json_type_text(value.json));
    text = json_string_value(value.json);
    if (text[0] == 0 || strspn(text, "01234567") != strlen(text) || sscanf(text, "%o%c", &parsed, &rest) != 1 || parsed > 07777)
        return json_error(value, err, "a mode is a string of octal digits (\"1777\"), not \"%s\"", text);
    mode = parsed;
    keys->mount.mode = (uint32_t)mode;
    return 0;
}

static const struct json_key mount_keys[] = {
    {"type", mount_type, NULL},         {"source", mount_source, NULL},     {"target", mount_target, NULL}, {"writable", mount_writable, NULL},
    {"optional", mount_optional, NULL}, {"size", mount_size, NULL},         {"mode", mount_mode, NULL},
    {"options", NULL, "not supported yet: there are \"writable\", \"size\" and \"mode\""}, {0},
};

/* Keys that mean nothing for the type. */
static int check_mount(const struct mount_keys *keys, struct json_value value, struct rsys_error **err)
{
    const struct rsys_mount_spec *mount = &keys->mount;
    bool sourced = mount->type == RSYS_MOUNT_BIND || mount->type == RSYS_MOUNT_OVERLAY;
    if (mount->type == 0)
        return json_error(value, err, "a mount needs \"type\"");
    if (mount->target == NULL)
        return json_error(value, err, "a mount needs \"target\"");
    const char *type = mount_types[mount->type - RSYS_MOUNT_BIND];
    if (sourced && !keys->has_source)
        return json_error(value, err, "a mount of type %s needs \"source\"", type);
    if (!sourced && keys->has_source)
        return json_key_error(keys->source, err, "a mount of type %s has no \"source\"", type);
    if (!sourced && keys->has_optional)
        return json_key_error(keys->optional, err, "a mount of type %s has no source that could be missing", type);
    if (mount->type != RSYS_MOUNT_BIND && keys->has_writable)
        return json_key_error(keys->writable, err, "\"writable\" is for mounts of type bind; one of type %s %s", type,
                              mount->type == RSYS_MOUNT_TMPFS || mount->type == RSYS_MOUNT_OVERLAY ? "always is" : "has its own rules");
    if (mount->type != RSYS_MOUNT_TMPFS && (keys->has_size || keys->has_mode))
        return json_key_error(keys->has_size ? keys->size : keys->mode, err, "\"size\" and \"mode\" are for mounts of type tmpfs");
    return 0;
}

static int read_mount(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err)
{
    struct mount_keys keys = {0};
    int result = json_read_object(value, "a mount", mount_keys, &keys, err);
    if (result == 0)
        result = check_mount(&keys, value, err);
    struct rsys_mount_spec *grown = result == 0 ? reallocarray(sandbox->mount, sandbox->mounts + 1, sizeof *grown) : NULL;
    if (grown == NULL) {
        free(keys.mount.source);
        free(keys.mount.target);
        return result < 0 ? -1 : rsys_error_make(err, ENOMEM, "compile the policy");
    }
    sandbox->mount = grown;
    sandbox->mount[sandbox->mounts++] = keys.mount;
    return 0;
}

static int read_mounts(void *context, struct json_value value, struct rsys_error **err)
{
    if (json_expect_array(value, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(value); json_next(&element);)
        if (read_mount(context, element.value, err) < 0)
            return -1;
    return 0;
}

/* ---- who, where ---- */

static int read_hostname(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    const char *name = NULL;
    if (json_get_string(value, &name, err) < 0)
        return -1;
    if (name[0] == 0 || strlen(name) > 64 /* __NEW_UTS_LEN */)
        return json_error(value, err, "a host name has 1 to 64 characters");
    free(sandbox->hostname);
    sandbox->hostname = strdup(name);
    return sandbox->hostname != NULL ? 0 : rsys_error_make(err, ENOMEM, "compile the policy");
}

static int read_network(void *context, struct json_value value, struct rsys_error **err)
{
    return policy_read_network(context, value, err);
}

static int get_id(struct json_value value, uint32_t *field, struct rsys_error **err)
{
    uint64_t id;
    if (json_get_number(value, ID_MAX, &id, err) < 0)
        return -1;
    *field = (uint32_t)id;
    return 0;
}
static int user_uid(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return get_id(value, &sandbox->uid, err);
}
static int user_gid(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return get_id(value, &sandbox->gid, err);
}
static int user_range(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    if (get_id(value, &sandbox->uid_range, err) < 0)
        return -1;
    return sandbox->uid_range > 0 ? 0 : json_error(value, err, "at least one id has to be mapped");
}

static const struct json_key user_keys[] = {{"uid", user_uid, NULL}, {"gid", user_gid, NULL}, {"range", user_range, NULL}, {0}};

static int read_user(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    if (json_read_object(value, "\"user\"", user_keys, sandbox, err) < 0)
        return -1;
    if (sandbox->uid_range > 1 && (sandbox->uid >= sandbox->uid_range || sandbox->gid >= sandbox->uid_range))
        return json_error(value, err, "uid %u and gid %u have to be among the %u ids of \"range\" (0 to %u)", sandbox->uid, sandbox->gid,
                          sandbox->uid_range, sandbox->uid_range - 1);
    return 0;
}

static int read_capabilities(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    if (json_expect_array(value, err) < 0)
        return -1;
    sandbox->capabilities = 0;
    for (struct json_cursor element = json_begin(value); json_next(&element);) {
        unsigned capability;
        if (policy_get_capability(element.value, &capability, err) < 0)
            return -1;
        /* namespaces(7): in a user namespace it is the power over /proc/sys/user, whose limits keep a sandbox from making more namespaces. */
        if (capability == CAP_SYS_RESOURCE)
            return json_error(element.value, err, "no sandbox can have CAP_SYS_RESOURCE: it would lift the limits that keep it from making namespaces, "
                              "and resource limits need that of the machine anyway");
        sandbox->capabilities |= UINT64_C(1) << capability;
    }
    return 0;
}

/* ---- limits ---- */

static int limit_nofile(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    uint64_t number;
    if (json_get_number(value, 1u << 20, &number, err) < 0)
        return -1;
    if (number < 64)
        return json_error(value, err, "fewer than 64 descriptors are not enough for programs to work with");
    sandbox->nofile = (uint32_t)number;
    return 0;
}
static int limit_nproc(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return get_id(value, &sandbox->nproc, err);
}
static int limit_fsize(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return json_get_size(value, &sandbox->fsize, err);
}
static int limit_tmpfs(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    return json_get_size(value, &sandbox->memory_file, err);
}

static const struct json_key limit_keys[] = {
    {"nofile", limit_nofile, NULL},        {"nproc", limit_nproc, NULL},      {"fsize", limit_fsize, NULL},    {"tmpfs", limit_tmpfs, NULL},
    {"memory", policy_limit_memory, NULL}, {"swap", policy_limit_swap, NULL}, {"cpu", policy_limit_cpu, NULL}, {"pids", policy_limit_pids, NULL},
    {"io", policy_limit_io, NULL},         {0},
};

static int read_limits(void *context, struct json_value value, struct rsys_error **err)
{
    return json_read_object(value, "\"limits\"", limit_keys, context, err);
}

static int read_comment(void *context, struct json_value value, struct rsys_error **err)
{
    const char *text;
    return json_get_string(value, &text, err);
}

static const struct json_key sandbox_keys[] = {
    {"root", read_root, NULL},
    {"mounts", read_mounts, NULL},
    {"hostname", read_hostname, NULL},
    {"network", read_network, NULL},
    {"user", read_user, NULL},
    {"capabilities", read_capabilities, NULL},
    {"limits", read_limits, NULL},
    {"comment", read_comment, NULL},
    {"cgroup", NULL, "there is nothing to choose: a session whose \"limits\" need a control group gets one of its own"},
    {"devices", NULL, "there is nothing to allow: a mount of type dev has the usual ones, and only devices that \"mounts\" bind by name can be used"},
    {0},
};

void policy_sandbox_defaults(struct rsys_sandbox_spec *sandbox)
{
    *sandbox = (struct rsys_sandbox_spec){
        .network = RSYS_NETWORK_NONE,
        .uid_range = 65536,
        .nofile = 1024,
        .nproc = 4096,
    };
}

int policy_read_sandbox(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err)
{
    if (json_read_object(value, "\"sandbox\"", sandbox_keys, sandbox, err) < 0)
        return -1;
    if (sandbox->root_mode == 0) /* an empty root is private to the session anyway; somebody's directory is not written to unasked */
        sandbox->root_mode = sandbox->root == NULL ? RSYS_ROOT_RW : RSYS_ROOT_OVERLAY;
    return 0;
}

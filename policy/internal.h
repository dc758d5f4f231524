/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h: what the files of policy/ share. */
#ifndef RSYS_POLICY_INTERNAL_H
#define RSYS_POLICY_INTERNAL_H

#include "policy/json.h"
#include "policy/policy.h"
#include "src/core/table.h"

/* The text of the built-in policy (default-profile.c, made from profiles/default.json). */
extern const char rsys_policy_default_text[];

/* The members of a policy's top; their json is NULL where they are not given. */
struct policy_top {
    struct json_value default_action, default_error, syscalls, sandbox, paths, ports, clients, include;
    bool oci; /* it has keys of OCI profiles, which name calls that other machines' libraries know */
};

/* A policy's file and those that it includes, an includer before what it includes. */
#define POLICY_FILES_MAX 32
#define POLICY_DEPTH_MAX 8
struct policy_file {
    char *path, *text;     /* owned */
    size_t size;
    uint64_t device, inode;/* 0 0: not read from a file */
    size_t includer;       /* an index; the first is its own */
    unsigned depth;
    struct json_document document; /* owned */
    struct policy_top top;
};
struct policy_files {
    struct policy_file *file[POLICY_FILES_MAX]; /* owned */
    size_t count;
};

/* include.c */
/* A policy's text (taken over, malloc'd) with all that it includes. */
int policy_files_read(struct policy_files *files, char *text, size_t size, const char *path, struct rsys_error **err);
int policy_files_open(struct policy_files *files, const char *path, struct rsys_error **err);
void policy_files_free(struct policy_files *files);

/* compile.c */
int policy_read_top(struct json_value root, struct policy_top *top, struct rsys_error **err);
/* The whole policy.  spec is zeroed; on failure the caller frees what is in it. */
int policy_compile(const struct policy_files *files, struct rsys_spec *spec, struct rsys_error **err);
/* The place of the next rule's entry (the first: of the default). */
int policy_add_origin(struct rsys_spec *spec, struct json_value value, struct rsys_error **err);
/* Something odd about the policy, at a value (or at none of them, when its json is NULL). */
void policy_warn(struct rsys_spec *spec, struct json_value value, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* rules.c: `syscalls`, `defaultAction`, `defaultErrnoRet`. */
int policy_read_defaults(struct rsys_rules *rules, struct json_value action, struct json_value error, struct rsys_error **err);
/* Add a file's rules.  spec->sandbox is complete: rules may depend on its capabilities (includes, excludes).  oci: names that nobody knows have no effect. */
int policy_read_syscalls(struct rsys_spec *spec, size_t *room, struct json_value value, bool oci, struct rsys_error **err);
void policy_sort_rules(struct rsys_rules *rules);

/* sandbox-keys.c: `sandbox`. */
void policy_sandbox_defaults(struct rsys_sandbox_spec *sandbox);
int policy_read_sandbox(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err);

/* A path of the server's that has to be absolute, to a field that owns it. */
int policy_get_path(struct json_value value, char **field, struct rsys_error **err);

/* group-keys.c: those of its `limits` that take a control group. */
int policy_limit_memory(void *context, struct json_value value, struct rsys_error **err);
int policy_limit_swap(void *context, struct json_value value, struct rsys_error **err);
int policy_limit_cpu(void *context, struct json_value value, struct rsys_error **err);
int policy_limit_pids(void *context, struct json_value value, struct rsys_error **err);
int policy_limit_io(void *context, struct json_value value, struct rsys_error **err);
void policy_explain_group(const struct rsys_sandbox_spec *sandbox, FILE *out);
void policy_print_size(FILE *out, uint64_t bytes); /* explain.c */

/* network-keys.c: its `network`. */
int policy_read_network(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err);
void policy_explain_network(const struct rsys_sandbox_spec *sandbox, FILE *out);

/* clients-keys.c: `clients`. */
int policy_read_clients(struct rsys_clients_spec *clients, struct json_value value, struct rsys_error **err);
void policy_explain_clients(const struct rsys_clients_spec *clients, FILE *out);
/* paths-keys.c: `paths` and `ports`. */
int policy_read_ports(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err);
int policy_read_paths(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err);
void policy_explain_paths(const struct rsys_sandbox_spec *sandbox, FILE *out);
/* The rights in words, into text, which is returned. */
char *policy_access_text(uint64_t access, char *text, size_t size);

/* explain-calls.c */
void policy_explain_calls(const struct rsys_spec *spec, FILE *out);

/* oddities.c: warnings about rules that have no effect. */
void policy_find_oddities(struct rsys_spec *spec);

/* names.c */
enum policy_action { /* as written; ALLOW: where the table says */
    POLICY_ALLOW, POLICY_REMOTE, POLICY_LOCAL, POLICY_LOG, POLICY_DENY, POLICY_TRAP, POLICY_KILL,
};
int policy_get_action(struct json_value value, enum policy_action *ret, struct rsys_error **err);
int policy_get_errno(struct json_value value, uint16_t *ret, struct rsys_error **err);
int policy_get_compare(struct json_value value, uint8_t *ret, struct rsys_error **err);
int policy_get_capability(struct json_value value, unsigned *ret, struct rsys_error **err);
/* Whether the name is one of a call that other architectures have and x86-64 has not. */
bool policy_call_is_foreign(const char *name);
void policy_suggest_call(struct near_name *near);
const char *policy_errno_name(int code);   /* "EPERM", or a number in a static buffer */
const char *policy_compare_text(uint8_t op); /* "==" and so on */
const char *policy_capability_name(unsigned capability);

/* A SPECIAL call whose doing is the client's, whatever follows on the server (mmap, clone, exit, ...). */
bool policy_bound_to_client(const struct rsys_call *call);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h: what the files of policy/ share. */
#ifndef RSYS_POLICY_INTERNAL_H
#define RSYS_POLICY_INTERNAL_H

#include "policy/json.h"
#include "policy/policy.h"
#include "src/core/table.h"

/* The text of the built-in policy (default-profile.c, made from profiles/default.json). */
extern const char rsys_policy_default_text[];

/* compile.c: the whole policy.  spec is zeroed; on failure the caller frees what is in it. */
int policy_compile(struct json_value root, struct rsys_spec *spec, struct rsys_error **err);

/* rules.c: `syscalls`, `defaultAction`, `defaultErrnoRet`. */
struct policy_defaults {
    struct json_value action, error;
    bool has_action, has_error;
};
int policy_read_defaults(struct rsys_rules *rules, const struct policy_defaults *defaults, struct json_value root, struct rsys_error **err);
/* sandbox is complete: rules may depend on its capabilities (includes, excludes). */
int policy_read_syscalls(struct rsys_rules *rules, const struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err);

/* sandbox-keys.c: `sandbox`. */
void policy_sandbox_defaults(struct rsys_sandbox_spec *sandbox);
int policy_read_sandbox(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err);

/* network-keys.c: its `network`. */
int policy_read_network(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err);
void policy_explain_network(const struct rsys_sandbox_spec *sandbox, FILE *out);

/* clients-keys.c: `clients`. */
int policy_read_clients(struct rsys_clients_spec *clients, struct json_value value, struct rsys_error **err);
void policy_explain_clients(const struct rsys_clients_spec *clients, FILE *out);
/* paths-keys.c: `paths`. */
int policy_read_paths(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err);
void policy_explain_paths(const struct rsys_sandbox_spec *sandbox, FILE *out);
/* The rights in words, into text, which is returned. */
char *policy_access_text(uint64_t access, char *text, size_t size);

/* names.c */
enum policy_action { /* as written; ALLOW: where the table says */
    POLICY_ALLOW, POLICY_REMOTE, POLICY_LOCAL, POLICY_DENY, POLICY_KILL,
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

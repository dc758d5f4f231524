/* SPDX-License-Identifier: GPL-2.0-only */
/* policy.h: JSON to a checked, compiled policy (rsys-policy(5)). */
#ifndef RSYS_POLICY_POLICY_H
#define RSYS_POLICY_POLICY_H

#include "src/core/error.h"
#include "src/core/spec.h"

#include <stdbool.h>
#include <stdio.h>

/* Read and compile a policy file.  Returns NULL and err ("FILE:LINE:COLUMN: what is wrong, and what would be right") on failure. */
struct rsys_spec *rsys_policy_load(const char *path, struct rsys_error **err);
/* The same from text; name stands for the file in messages. */
struct rsys_spec *rsys_policy_parse(const char *text, size_t size, const char *name, struct rsys_error **err);
/* The built-in default policy: policy/profiles/default.json, linked in. */
struct rsys_spec *rsys_policy_default(struct rsys_error **err);
void rsys_policy_free(struct rsys_spec *spec); /* rsys_spec_free and free */

/* For --check: what the policy compiles to, in prose and tables, for a person. */
void rsys_policy_explain(const struct rsys_spec *spec, FILE *out);
/* The calls of it as JSON: {"default", "calls": [{"name", "number", "where", "action", "errno", "rule", "layers"} or with "rules"], "paths", "warnings"}.  -1: no memory, or
 * it cannot be written. */
int rsys_policy_explain_json(const struct rsys_spec *spec, FILE *out);

/* The two filters, as classic BPF programs made with libseccomp (seccomp_export_bpf_mem is newer than Debian 12's 2.5.4: export through a memfd).
 * *ret_program is malloc'd `struct sock_filter`s, *ret_count of them. */
struct sock_filter;
/* The guest's (client side; notification for all that does not run untouched).  x32 and foreign architectures are killed; CLONE_UNTRACED, CLONE_NEW*
 * are refused with EPERM; clone3 and io_uring_setup get ENOSYS; ptrace EPERM.  The calls that the first guest
 * itself makes between installing the filter and its exec are notified too.  What the policy denies, or wants logged, is notified; telling: what more is. */
enum rsys_filter_telling {
    RSYS_FILTER_TELL_DENIALS,  /* nothing */
    RSYS_FILTER_TELL_REFUSALS, /* what never runs (--trace) */
    RSYS_FILTER_TELL_ALL,      /* and what the guest's own kernel does by itself (--learn) */
};
/* choice: the calls that were chosen (REMOTE rules), where only such go to the server and the rest is the guest's own kernel's; NULL: all calls are captured. */
int rsys_filter_guest(const struct rsys_rules *rules, const struct rsys_rules *choice, enum rsys_filter_telling telling, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err);
/* A guest's own, of the kernel's format, for a guest that is traced: recvmsg, dup3, close, close_range and pause pass when their fifth argument is the cookie.  -1: too long, or no memory. */
int rsys_filter_own(const struct sock_filter *program, unsigned count, uint64_t cookie, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err);
/* The session's for tracing, from the one for notifications: what would be notified, and seccomp, has the verdict SECCOMP_RET_TRACE with RSYS_FILTER_TRACED as its data.  Those calls pass when
 * their sixth argument is the cookie. */
#define RSYS_FILTER_TRACED 0x7273u
int rsys_filter_trace(const struct sock_filter *program, unsigned count, uint64_t cookie, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err);
/* The executor's (server side): what the policy lets run remotely, with its argument conditions, and what the executor itself needs
 * (src/core/needs.def); everything else fails: ENOSYS for calls that never run on a server, and for what a rule denies a notification with the rule's errno as its data. */
int rsys_filter_executor(const struct rsys_rules *rules, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* explain.c: a compiled policy, told to a person (rsys-sandboxd --check). */
#include "policy/internal.h"

#include "src/core/util.h"

#include <string.h>

/* ---- text ---- */

void policy_print_size(FILE *out, uint64_t bytes)
{
    static const char units[] = " KMGT";
    size_t unit = 0;
    while (unit < 4 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    fprintf(out, unit == 0 ? "%llu bytes" : "%llu%c", (unsigned long long)bytes, units[unit]);
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
            policy_print_size(out, mount->size);
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
        fprintf(out, "  processes                %u in all\n", sandbox->nproc);
    policy_explain_group(sandbox, out);
    if (sandbox->fsize != 0) {
        fprintf(out, "  largest file             ");
        policy_print_size(out, sandbox->fsize);
        fputc('\n', out);
    }
    if (sandbox->memory_file != 0) {
        fprintf(out, "  files kept in memory     at most ");
        policy_print_size(out, sandbox->memory_file);
        fputc('\n', out);
    }
}

void rsys_policy_explain(const struct rsys_spec *spec, FILE *out)
{
    policy_explain_clients(&spec->clients, out);
    explain_sandbox(&spec->sandbox, out);
    fputc('\n', out);
    policy_explain_calls(spec, out);
    if (spec->warnings > 0)
        fprintf(out, "\nodd\n");
    for (size_t i = 0; i < spec->warnings; i++)
        fprintf(out, "  %s\n", spec->warning[i]);
}

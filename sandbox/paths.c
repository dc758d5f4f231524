/* SPDX-License-Identifier: GPL-2.0-only */
/* paths.c: the policy's `paths` and `ports`, as a Landlock domain that everything in the sandbox is in from its first process on.
 *
 * Landlock's rules are of files, not of names: a rule is for what is at its path now and for all that is below it, by whatever way it is reached (landlock(7)).
 * Every right that the kernel has is handled, so what no rule allows is refused. */
#include "sandbox/internal.h"

#include "src/core/path-access.h"
#include "src/core/table.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* linux/landlock.h, newer than Debian 12's. */
struct ruleset {
    uint64_t files, ports;
};
struct port_rule {
    uint64_t allowed, port;
};
#define RULE_NET_PORT 2
#define PORTS_ABI 4
#define PORTS_ACCESS(kind) (UINT64_C(1) << (kind)) /* LANDLOCK_ACCESS_NET_BIND_TCP, _CONNECT_TCP */
_Static_assert(RSYS_PORTS_BIND == 0 && RSYS_PORTS_CONNECT == 1, "the bits of Landlock");

static int landlock_abi(void) { return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION); }

/* Whether the kernel tells what may be executed (Linux 6.14).  Asked with what is no program at all: the question is refused only if it is not known. */
static bool knows_execve_check(void)
{
    char *const none[] = {NULL};
    return syscall(SYS_execveat, AT_FDCWD, "/", none, none, RSYS_AT_EXECVE_CHECK) < 0 && errno != EINVAL;
}

static uint64_t limited_ports(const struct rsys_sandbox_spec *spec)
{
    uint64_t access = 0;
    for (size_t kind = 0; kind < RSYS_PORTS_KINDS; kind++)
        access |= spec->ports[kind].limited ? PORTS_ACCESS(kind) : 0;
    return access;
}

int rsys_sandbox_check_paths(const struct rsys_sandbox_spec *spec, struct rsys_error **err)
{
    if (!spec->confined && limited_ports(spec) == 0)
        return 0;
    int abi = landlock_abi();
    if (abi < 1)
        return rsys_error_make(err, errno, "the policy has \"paths\" or \"ports\", and this kernel has no Landlock for them%s",
                               errno == EOPNOTSUPP ? " (it is built in, but not enabled: boot with lsm=landlock,...)" : " (Linux 5.13, CONFIG_SECURITY_LANDLOCK)");
    if (limited_ports(spec) != 0 && abi < PORTS_ABI)
        return rsys_error_make(err, 0, "the policy has \"ports\", and this kernel's Landlock (version %d) knows nothing of them: Linux 6.7 does", abi);
    if (!spec->confined || spec->best_effort)
        return 0;
    size_t count;
    const struct rsys_path_access *rights = rsys_path_rights(&count);
    uint64_t missing = ~rsys_path_rights_of(abi);
    for (size_t i = 0; i < count; i++)
        if ((rights[i].bits & missing) != 0)
            return rsys_error_make(err, 0, "the policy has \"paths\", and this kernel's Landlock (version %d) cannot refuse to %s (\"%s\"): use a newer kernel, or "
                                   "say \"bestEffort\": true there to do without", abi, rights[i].about, rights[i].name);
    if (!knows_execve_check())
        return rsys_error_make(err, 0, "the policy has \"paths\", and this kernel cannot be asked whether a program may be executed (Linux 6.14 can): use a newer "
                               "kernel, or say \"bestEffort\": true there to do without");
    return 0;
}

/* No symbolic link is followed: who could write where one of its names is in an earlier session would choose what the rule is for. */
static int open_path(const struct rsys_path_spec *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, AT_FDCWD, path->path, &how, sizeof how);
}

static int add_rule(int ruleset, const struct rsys_path_spec *path, uint64_t handled, struct rsys_error **err)
{
    struct stat st;
    RSYS_AUTO_FD fd = open_path(path);
    if (fd < 0 && path->optional && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return rsys_error_make(err, errno, "stage paths: %s%s", path->path, errno == ELOOP ? " is or goes through a symbolic link: name what it leads to, or say "
                               "\"optional\": true" : errno == ENOENT ? " is not in the sandbox: make it there, or say \"optional\": true" : "");
    struct landlock_path_beneath_attr rule = {.parent_fd = fd, .allowed_access = path->access & handled};
    if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= rsys_path_rights_of_files();
    if (rule.allowed_access == 0)
        return 0; /* nothing of it is left for a file, or here */
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return rsys_error_make(err, errno, "stage paths: allow %s", path->path);
    return 0;
}

static int add_ports(int ruleset, const struct rsys_ports_spec *ports, uint64_t access, struct rsys_error **err)
{
    for (size_t i = 0; i < ports->count; i++) {
        struct port_rule rule = {access, ports->port[i]};
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) < 0)
            return rsys_error_make(err, errno, "stage paths: allow TCP port %u", ports->port[i]);
    }
    return 0;
}

int sandbox_confine(const struct rsys_sandbox_spec *spec, struct rsys_error **err)
{
    uint64_t ports = limited_ports(spec);
    if (!spec->confined && ports == 0)
        return 0;
    if (rsys_sandbox_check_paths(spec, err) < 0)
        return rsys_error_prefix(err, "stage paths");
    uint64_t handled = spec->confined ? rsys_path_rights_of(landlock_abi()) : 0;
    /* The kernel takes a struct that is shorter than its own. */
    struct ruleset attr = {handled, ports};
    RSYS_AUTO_FD ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, ports != 0 ? sizeof attr : sizeof attr.files, 0);
    if (ruleset < 0)
        return rsys_error_make(err, errno, "stage paths: make a Landlock ruleset");
    for (size_t i = 0; i < spec->paths; i++)
        if (add_rule(ruleset, &spec->path[i], handled, err) < 0)
            return -1;
    for (size_t kind = 0; kind < RSYS_PORTS_KINDS; kind++)
        if (add_ports(ruleset, &spec->ports[kind], PORTS_ACCESS(kind), err) < 0)
            return -1;
    /* Landlock asks for no_new_privs, which the stage of capabilities sets for all. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return rsys_error_make(err, errno, "stage paths: enter the Landlock domain");
    return 0;
}

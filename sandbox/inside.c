/* SPDX-License-Identifier: GPL-2.0-only */
/* inside.c: the sandbox's first process, from its birth in fresh namespaces to the execution of init.
 *
 * The stages, in this order, and what holds after each:
 *
 *   namespaces    (birth.c) a process of its own user, mount, pid, net, ipc and uts namespace, with every capability in them and none outside
 *   ids           it has the ids that its creator mapped, a cgroup namespace, no supplementary groups and no keys of the server's
 *   network       lo is up, and the policy's interface connected; the host name is the sandbox's.  Needs CAP_NET_ADMIN and CAP_SYS_ADMIN, which go below
 *   root          no path leads out: the old root is unmounted.  No namespace can be made below this one.  Descriptors are the last ties
 *   paths         of the files in there, only those of the policy's paths can be opened, executed or changed, whoever opened what leads there (Landlock)
 *   limits        what one session may use is bounded
 *   descriptors   of the server's descriptors only those remain that init is given, at and above L
 *   capabilities  only the policy's are left (and two for pids and signals); nothing executed can gain any
 *   seccomp       only calls that the policy allows remain; the session's process is asked about, and denies, those that a rule denies
 *   exec          the daemon's memory is gone: the address space is the executor program's
 *
 * Each stage needs what the one before leaves and takes away what only it needed; nothing here reads a byte from the network. */
#include "sandbox/internal.h"

#include "src/core/util.h"
#include "src/core/wire.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int stage_ids(const struct sandbox_inside *inside, struct rsys_error **err)
{
    /* Its root is the group that we are in by now, so "/" is all that /proc/PID/cgroup tells. */
    if (unshare(CLONE_NEWCGROUP) < 0)
        return rsys_error_make(err, errno, "stage ids: get a cgroup namespace");
    /* Keys count for a user, and an ordinary one has few: his sessions have the server's own empty keyring, which nothing inside may name (no keyctl). */
    if (inside->privileged && rsys_sandbox_new_keyring(err) < 0)
        return rsys_error_prefix(err, "stage ids");
    /* An ordinary user's groups cannot be given up (user_namespaces(7), setgroups is denied); inside they are nobody's. */
    if (setgroups(0, NULL) < 0 && inside->privileged)
        return rsys_error_make(err, errno, "stage ids: give up the supplementary groups");
    if (!inside->privileged)
        return 0; /* the one id that is mapped is ours already */
    const struct rsys_sandbox_spec *spec = inside->start->spec;
    uid_t uid = spec->uid_range > 1 ? 0 : spec->uid;
    gid_t gid = spec->uid_range > 1 ? 0 : spec->gid;
    if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return rsys_error_make(err, errno, "stage ids: become the sandbox's uid %u and gid %u", uid, gid);
    return 0;
}

static int stage_network(const struct sandbox_inside *inside, struct rsys_error **err)
{
    const struct rsys_sandbox_spec *spec = inside->start->spec;
    const char *hostname = spec->hostname != NULL ? spec->hostname : "sandbox";
    if (sethostname(hostname, strlen(hostname)) < 0)
        return rsys_error_make(err, errno, "stage network: set the host name to %s", hostname);
    if (spec->network == RSYS_NETWORK_HOST)
        return 0;
    if (rsys_sandbox_loopback_up(err) < 0)
        return -1;
    return spec->network == RSYS_NETWORK_VETH ? sandbox_veth_equip(inside->start, err) : 0;
}

/* What stands at the number of a descriptor that is at home on the client: an empty file that nobody can change.  No directory: a name that
 * starts there has to fail with ENOTDIR.  O_PATH, so that reading it fails too; without a /proc to get that from, reading tells the end. */
static int make_placeholder(struct rsys_error **err)
{
    char path[64];
    RSYS_AUTO_FD file = memfd_create("placeholder", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0 || fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return rsys_error_make(err, errno, "stage descriptors: make a placeholder");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int by_path = open(path, O_PATH | O_CLOEXEC);
    return by_path >= 0 ? by_path : rsys_fd_steal(&file);
}

/* Put init's descriptors at L and above, the way to report failures behind them, and close everything else. */
static int stage_descriptors(struct sandbox_inside *inside, struct rsys_error **err)
{
    const uint32_t L = inside->nofile;
    struct rlimit limit;
    if (sandbox_limit_nofile(L, err) < 0)
        return -1;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return rsys_error_make(err, errno, "stage descriptors: read RLIMIT_NOFILE");
    limit.rlim_cur = limit.rlim_max; /* to reach above L */
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return rsys_error_make(err, errno, "stage descriptors: raise RLIMIT_NOFILE");
    RSYS_AUTO_FD placeholder = make_placeholder(err);
    if (placeholder < 0)
        return -1;
    const int from[] = {
        [RSYS_FD_BROKER_TAKE] = inside->broker_take,      [RSYS_FD_BROKER_GIVE] = inside->broker_give,
        [RSYS_FD_SELF] = inside->start->executor_fd,      [RSYS_FD_PLACEHOLDER] = placeholder,
        [RSYS_FD_COUNTERS] = inside->start->counters_fd >= 0 ? inside->start->counters_fd : placeholder,
        [RSYS_FD_CHANNEL] = inside->start->control_fd,    [RSYS_FD_CHANNEL + 1] = inside->sync_fd,
    };
    const int count = (int)RSYS_ARRAY_SIZE(from);
    int high[RSYS_ARRAY_SIZE(from)] = {0};
    /* First all out of the way, then down: a daemon with many sessions gives us numbers that are among those where they go. */
    for (int i = 0; i < count; i++)
        if ((high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, (int)L + count)) < 0)
            return rsys_error_make(err, errno, "stage descriptors: move descriptor %d above %u", from[i], L);
    inside->sync_fd = high[count - 1]; /* so that a failure below is told */
    for (int i = 0; i < count; i++)
        if (dup3(high[i], (int)L + i, i == count - 1 ? O_CLOEXEC : 0) < 0)
            return rsys_error_make(err, errno, "stage descriptors: place descriptor %u", L + (unsigned)i);
    inside->sync_fd = (int)L + count - 1;
    placeholder = -1; /* it goes with all the others: */
    if (syscall(SYS_close_range, 0, L - 1, 0) < 0 || syscall(SYS_close_range, L + (unsigned)count, ~0u, 0) < 0)
        return rsys_error_make(err, errno, "stage descriptors: close what is not init's");
    return 0;
}

/* Only now: sending a descriptor is refused to whoever's user has more of them under way, in all sessions of an ordinary user, than this limit of the sender's. */
static int lower_descriptors(const struct sandbox_inside *inside, struct rsys_error **err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return rsys_error_make(err, errno, "stage exec: read RLIMIT_NOFILE");
    limit.rlim_cur = inside->nofile;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return rsys_error_make(err, errno, "stage exec: set RLIMIT_NOFILE");
    return 0;
}

static int raise_effective(struct rsys_error **err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (capget(&head, data) < 0)
        return rsys_error_make(err, errno, "stage capabilities: read the capabilities");
    for (int i = 0; i < 2; i++)
        data[i].effective = data[i].permitted;
    if (capset(&head, data) < 0)
        return rsys_error_make(err, errno, "stage capabilities: make the permitted capabilities effective");
    return 0;
}

static int stage_capabilities(const struct sandbox_inside *inside, uint64_t keep, struct rsys_error **err)
{
    const struct rsys_sandbox_spec *spec = inside->start->spec;
    if (inside->privileged) {
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(spec->gid, spec->gid, spec->gid) < 0 ||
            setresuid(spec->uid, spec->uid, spec->uid) < 0 || prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
            return rsys_error_make(err, errno, "stage capabilities: become uid %u and gid %u (the range has %u ids)", spec->uid, spec->gid,
                                   spec->uid_range);
        if (raise_effective(err) < 0)
            return -1;
    }
    if (rsys_sandbox_drop_capabilities(keep, err) < 0)
        return -1;
    /* Ambient: what stays, stays over an execution for every uid. */
    for (unsigned cap = 0; cap < 64; cap++)
        if ((keep & 1ull << cap) != 0 && cap_set_ambient((cap_value_t)cap, CAP_SET) < 0 && errno != EPERM && errno != EINVAL)
            return rsys_error_make(err, errno, "stage capabilities: make capability %u ambient", cap);
    return 0;
}

/* Where no listener can be had (one above us has one already, as in some containers), what it would be asked about is refused at once: the verdict's data is the errno. */
static void refuse_notified(struct sock_filter *filter, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (filter[i].code == (BPF_RET | BPF_K) && (filter[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
            filter[i].k = SECCOMP_RET_ERRNO | (filter[i].k & SECCOMP_RET_DATA);
}

/* The listener's descriptor, -1 where there is none, -2 on failure. */
static int install_filter(struct sock_filter *filter, unsigned count, struct rsys_error **err)
{
    struct sock_fprog program = {.len = (unsigned short)count, .filter = filter};
    /* WAIT_KILLABLE_RECV (Linux 5.19): no other signal makes the same call be asked about twice. */
    long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | (1UL << 5), &program);
    if (listener < 0 && errno == EINVAL)
        listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener >= 0)
        return (int)listener;
    refuse_notified(filter, count);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
        rsys_error_make(err, errno, "stage seccomp: install the filter of %u instructions", count);
        return -2;
    }
    return -1;
}

/* The listener leaves the sandbox before anything else runs in it.  From the filter on, only what the executor needs for itself is called here: nobody answers yet what a
 * rule denies. */
static int stage_seccomp(const struct sandbox_inside *inside, struct rsys_error **err)
{
    unsigned count = inside->start->filter_count;
    struct sock_filter *filter = count != 0 ? malloc(count * sizeof *filter) : NULL; /* it goes with the execution */
    if (filter == NULL)
        return rsys_error_make(err, count != 0 ? ENOMEM : EINVAL, "stage seccomp: there is no filter");
    memcpy(filter, inside->start->filter, count * sizeof *filter);
    int listener = install_filter(filter, count, err);
    if (listener < -1)
        return -1;
    /* The start is a success when the outer half sees the end of this connection (it is close-on-exec) after this byte. */
    if (sandbox_send_ready(inside->sync_fd, listener) < 0)
        return rsys_error_make(err, errno, "stage seccomp: hand the listener over");
    return 0; /* our copy of the listener is close-on-exec */
}

/* Signals as a fresh program expects them: what the daemon ignores or blocks is not inherited. */
static void default_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &action, NULL); /* SIGKILL, SIGSTOP and libc's own refuse */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The session process is to be our end.  The kernel forgets that with every change of credentials, so: after the last one. */
static int bind_to_parent(const struct sandbox_inside *inside, struct rsys_error **err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return rsys_error_make(err, errno, "stage exec: PR_SET_PDEATHSIG");
    struct pollfd parent = {.fd = inside->sync_fd};
    if (poll(&parent, 1, 0) != 0)
        return rsys_error_make(err, 0, "stage exec: the session process has ended");
    return 0;
}

void sandbox_inside(struct sandbox_inside *inside, struct rsys_error **err)
{
    const struct rsys_sandbox_spec *spec = inside->start->spec;
    const uint64_t executors = spec->capabilities | 1ull << CAP_CHECKPOINT_RESTORE;
    umask(022);
    setsid();
    default_signals();
    if (stage_ids(inside, err) < 0 || stage_network(inside, err) < 0 || sandbox_enter_root(inside, err) < 0 ||
        sandbox_confine(spec, err) < 0 || sandbox_limits(spec, err) < 0 || stage_descriptors(inside, err) < 0 ||
        stage_capabilities(inside, executors | 1ull << CAP_KILL, err) < 0 || bind_to_parent(inside, err) < 0 ||
        stage_seccomp(inside, err) < 0 || lower_descriptors(inside, err) < 0)
        return;
    char limit[16], capabilities[24];
    snprintf(limit, sizeof limit, "%u", inside->nofile);
    snprintf(capabilities, sizeof capabilities, "%llx", (unsigned long long)executors);
    char *const arguments[] = {"init", limit, capabilities, inside->start->resumable ? "1" : "0", NULL}, *const environment[] = {NULL};
    syscall(SYS_execveat, inside->nofile + RSYS_FD_SELF, "", arguments, environment, AT_EMPTY_PATH);
    rsys_error_make(err, errno, "stage exec: execute the executor");
}

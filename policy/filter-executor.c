/* SPDX-License-Identifier: GPL-2.0-only */
/* filter-executor.c: the filter of the executors, on the server: all that bounds a hostile client's calls.
 *
 * Three stages a call.  First what the executor itself needs (needs.def), in the forms in which it needs it: these pass whatever the policy
 * says.  Then the policy.  Then what the call may be at most: a call that the table has on the client only or that never runs
 * does not run here; ioctl, fcntl and prctl have the requests that guests may make and no others, sockets the usual families.
 * What a rule denies is not refused here but handed to the session's process (server/denials.c), which answers and tells the log; the verdict's data is the errno, for a
 * sandbox that can have no listener (sandbox/inside.c).
 *
 * What no filter can see, the sandbox closes: clone3's flags lie in memory, so no namespace can be made because the sandbox's user namespace is
 * allowed none (sandbox/limits.c). */
#include "policy/filter.h"
#include "policy/internal.h"

#include "src/core/subcalls.h"
#include "src/core/util.h"
#include "src/core/wire.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define CANCEL 63 /* RSYS_EXECUTOR_CANCEL: server/ is not for us to include */
#define INT 0xffffffffu /* the kernel takes 32 bits of the register */

/* The forms of needs.def's calls.  One that has no line here is needed as it is. */
static const struct {
    uint16_t nr;
    uint8_t count;
    struct {
        uint8_t index;
        uint64_t mask, value;
    } condition[3];
} forms[] = {
    {SYS_recvmsg, 1, {{2, INT, MSG_DONTWAIT | MSG_CMSG_CLOEXEC}}}, /* from the broker */
    {SYS_sendmsg, 1, {{2, INT, MSG_NOSIGNAL}}},                    /* a reply */
    {SYS_sendmsg, 1, {{2, INT, MSG_DONTWAIT}}},                    /* a channel, to the broker */
    {SYS_recvfrom, 1, {{4, UINT64_MAX, 0}}},                       /* from whom it is connected to */
    {SYS_sendto, 2, {{4, UINT64_MAX, 0}, {3, INT, MSG_NOSIGNAL}}},
    {SYS_fcntl, 1, {{1, INT, F_DUPFD}}},
    {SYS_fcntl, 1, {{1, INT, F_DUPFD_CLOEXEC}}},
    {SYS_fcntl, 1, {{1, INT, F_SETFD}}},
    {SYS_prlimit64, 2, {{0, INT, 0}, {1, INT, RLIMIT_NOFILE}}},
    /* Memory that is nobody else's and is never executed. */
    {SYS_mmap, 2, {{2, ~(uint64_t)(PROT_READ | PROT_WRITE), 0}, {3, MAP_ANONYMOUS | MAP_PRIVATE | MAP_SHARED, MAP_ANONYMOUS | MAP_PRIVATE}}},
    /* The page that is counted in.  No other file has anything at that offset, and the next page ends every file system's largest file: so nothing but that page, or a
     * file that somebody made to be written so, can be changed. */
    {SYS_mmap, 3, {{2, ~(uint64_t)(PROT_READ | PROT_WRITE), 0}, {3, INT, MAP_SHARED}, {5, UINT64_MAX, RSYS_COUNTERS_OFFSET}}},
    {SYS_execveat, 1, {{4, INT, AT_EMPTY_PATH}}},
    /* Asks whether a file may be executed, and executes nothing (an older kernel: EINVAL). */
    {SYS_execveat, 1, {{4, INT & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), RSYS_AT_EXECVE_CHECK}}},
    {SYS_kcmp, 1, {{2, INT, KCMP_VM}}}, /* whether a guest may look at another one */
    {SYS_rt_tgsigqueueinfo, 1, {{2, INT, CANCEL}}},
    {SYS_rt_tgsigqueueinfo, 1, {{2, INT, SIGTTOU}}}, /* RSYS_EXECUTOR_DROP */
    {SYS_tgkill, 1, {{2, INT, CANCEL}}},
    {SYS_kill, 1, {{1, INT, SIGKILL}}},
    {SYS_kill, 1, {{1, INT, 0}}}, /* whether a guest may signal another one: executors have their ids */
    {SYS_prctl, 1, {{0, INT, PR_SET_NAME}}},
    {SYS_prctl, 1, {{0, INT, PR_SET_THP_DISABLE}}},
    {SYS_prctl, 1, {{0, INT, PR_GET_KEEPCAPS}}},
    {SYS_prctl, 1, {{0, INT, PR_SET_KEEPCAPS}}},
    {SYS_prctl, 1, {{0, INT, PR_GET_SECUREBITS}}},
    {SYS_prctl, 1, {{0, INT, PR_CAPBSET_DROP}}},
    {SYS_prctl, 1, {{0, INT, PR_CAP_AMBIENT}}},
};

static const uint16_t needs[] = {
#define RSYS_NEED(name, why) SYS_##name,
#include "src/core/needs.def"
#undef RSYS_NEED
};

/* The options of prctl that are the executor's to carry out for a guest (src/jail/calls-misc.c). */
static const int prctl_options[] = {
    PR_SET_NAME, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_GET_KEEPCAPS, PR_SET_KEEPCAPS, PR_CAPBSET_READ, PR_CAPBSET_DROP,
    PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS,
};

/* The families of sockets whose reach a network namespace bounds.  Others (vsock: the hypervisor and its other machines; Bluetooth; the kernel's ciphers) reach
 * what no sandbox's network stands between. */
static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static void add_need(struct filter *filter, struct filter_stage *stage, uint16_t nr)
{
    bool formed = false;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(forms); i++) {
        struct rsys_wire_compare compare[3] = {{0}};
        if (forms[i].nr != nr)
            continue;
        for (uint8_t c = 0; c < forms[i].count; c++)
            compare[c] = (struct rsys_wire_compare){.value = forms[i].condition[c].mask, .value_two = forms[i].condition[c].value,
                                                    .index = forms[i].condition[c].index, .op = RSYS_CMP_MASKED_EQ};
        filter_add(filter, stage, SECCOMP_RET_ALLOW, compare, forms[i].count);
        formed = true;
    }
    if (!formed)
        stage->otherwise = SECCOMP_RET_ALLOW;
}

static void add_requests(struct filter *filter, struct filter_stage *stage, const struct rsys_subcall *list, size_t count, int refusal)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].refusal == 0)
            filter_add_masked(filter, stage, SECCOMP_RET_ALLOW, 1, INT, list[i].nr);
    stage->otherwise = filter_errno(refusal);
}

/* What a call may be at most. */
static void add_own(struct filter *filter, struct filter_stage *stage, const struct rsys_call *call)
{
    size_t count;
    const struct rsys_subcall *list;
    stage->otherwise = SECCOMP_RET_ALLOW;
    if (call->where == RSYS_NEVER) {
        stage->otherwise = filter_errno(call->refusal);
    } else if (call->nr == SYS_ioctl) {
        list = rsys_ioctl_list(&count);
        add_requests(filter, stage, list, count, ENOTTY);
    } else if (call->nr == SYS_fcntl) {
        list = rsys_fcntl_list(&count);
        add_requests(filter, stage, list, count, EINVAL);
    } else if (call->nr == SYS_socket || call->nr == SYS_socketpair) {
        for (size_t i = 0; i < RSYS_ARRAY_SIZE(families); i++)
            filter_add_masked(filter, stage, SECCOMP_RET_ALLOW, 0, INT, (uint64_t)families[i]);
        stage->otherwise = filter_errno(EAFNOSUPPORT);
    } else if (call->nr == SYS_setsockopt) {
        /* A channel may be a vsock stream, and that family lets anybody set how much of what the client sends the kernel keeps, without a bound. */
        filter_add_masked(filter, stage, filter_errno(ENOPROTOOPT), 1, INT, AF_VSOCK);
        stage->otherwise = SECCOMP_RET_ALLOW;
    } else if (call->nr == SYS_unshare) {
        filter_add_masked(filter, stage, SECCOMP_RET_ALLOW, 0, ~(uint64_t)(CLONE_FS | CLONE_FILES), 0);
        stage->otherwise = filter_errno(EPERM);
    } else if (call->nr == SYS_prctl) {
        for (size_t i = 0; i < RSYS_ARRAY_SIZE(prctl_options); i++)
            filter_add_masked(filter, stage, SECCOMP_RET_ALLOW, 0, INT, (uint64_t)prctl_options[i]);
        stage->otherwise = filter_errno(EINVAL);
    } else if (call->where == RSYS_LOCAL || (call->where == RSYS_SPECIAL && policy_bound_to_client(call))) {
        stage->otherwise = filter_errno(ENOSYS);
    }
}

static uint32_t verdict(const struct rsys_rules *rules, const struct rsys_call *call, enum rsys_action action, uint16_t error)
{
    if (action == RSYS_ACTION_KILL)
        return SECCOMP_RET_KILL_PROCESS;
    if (action == RSYS_ACTION_DENY)
        return SECCOMP_RET_USER_NOTIF | (error & SECCOMP_RET_DATA);
    if (action == RSYS_ACTION_TRAP)
        return SECCOMP_RET_USER_NOTIF | ENOSYS; /* a signal would be the executor's, and a guest has its own already */
    if (action == RSYS_ACTION_LOCAL && rsys_rules_may_be_local(rules, call))
        return filter_errno(ENOSYS); /* the client's */
    return FILTER_NEXT_STAGE;
}

int rsys_filter_executor(const struct rsys_rules *rules, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err)
{
    struct filter *filter = filter_new();
    if (filter == NULL)
        return rsys_error_make(err, ENOMEM, "make the executors' filter");
    filter->unknown = rules->default_action == RSYS_ACTION_TRAP ? filter_errno(ENOSYS) : filter_unknown_verdict(rules);
    filter->report = SECCOMP_RET_USER_NOTIF | ENOSYS;
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        if (call == NULL)
            continue;
        filter_add_rules(filter, &filter->call[nr].stage[1], rules, call, verdict);
        add_own(filter, &filter->call[nr].stage[2], call);
    }
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(needs); i++)
        add_need(filter, &filter->call[needs[i]].stage[0], needs[i]);
    int result = filter_build(filter, ret_program, ret_count, err);
    filter_free(filter);
    return result;
}

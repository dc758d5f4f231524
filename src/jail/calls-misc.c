/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-misc.c: limits, prctl, credentials and kill: calls whose subject is divided between the guest and its executor. */
#include "src/core/util.h"
#include "src/jail/calls-proc.h"
#include "src/jail/internal.h"
#include "src/jail/jail.h"
#include "src/jail/session.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

bool rsys_is_supervisor(uint64_t pid)
{
    return (int32_t)pid > 0 && syscall(SYS_tgkill, getpid(), (pid_t)pid, 0) == 0;
}

/* ---- limits ----
 *
 * Memory, CPU, stacks, processes, signals: the guest's own kernel.  What bounds files is the executor's: the largest file, locks, message queues, and the
 * number of descriptors, which the executor's kernel assigns.  There the numbers end at the session's nofile; above it the executor has
 * its own, so that its hard limit is higher than what guests are told and may set. */

struct limit {
    uint32_t resource;
    bool sets, gets;
    int32_t pid;           /* 0: oneself */
    uint64_t old_address;
    struct rlimit wanted;
};
_Static_assert(sizeof(struct limit) <= sizeof(((struct call *)NULL)->own), "a limit has to fit the call");

static struct limit *limit_of(struct call *call) { return (struct limit *)(void *)&call->own; }

static bool limit_is_remote(uint64_t resource)
{
    return resource == RLIMIT_NOFILE || resource == RLIMIT_FSIZE || resource == RLIMIT_LOCKS || resource == RLIMIT_MSGQUEUE;
}

/* Cores: none is made on the client (cage.c says how), so there is nothing to set.  Guests see the limit of one who may have none. */
static enum verdict limit_core(struct call *call, const struct limit *limit, uint64_t new_address)
{
    struct rlimit none = {0, 0}, wanted;
    if (new_address != 0 && rsys_memory_read(rsys_guest_memory(call->guest), new_address, &wanted, sizeof wanted) < 0)
        return rsys_call_done(call, -EFAULT);
    if (new_address != 0 && wanted.rlim_cur > wanted.rlim_max)
        return rsys_call_done(call, -EINVAL);
    if (new_address != 0 && wanted.rlim_max > 0)
        return rsys_call_done(call, -EPERM);
    if (limit->old_address != 0 && rsys_memory_write(rsys_guest_memory(call->guest), limit->old_address, &none, sizeof none) < 0)
        return rsys_call_done(call, -EFAULT);
    return rsys_call_done(call, 0);
}

uint64_t rsys_nofile_max(const struct process *process)
{
    return process->nofile_max != 0 ? process->nofile_max - 1 : rsys_jail_session(process->jail)->welcome.nofile;
}

/* Whose limit it is; NULL: of no guest (any more), or of init, whose limits the executor's kernel tells. */
static struct process *process_of(const struct call *call, const struct limit *limit)
{
    const struct guest *guest = limit->pid == 0 ? call->guest : rsys_guest_find(call->guest->process->jail, limit->pid);
    return guest != NULL ? guest->process : NULL;
}

static enum verdict on_limit_set(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct limit *limit = limit_of(call);
    struct process *process = process_of(call, limit);
    if (reply->result == 0 && limit->resource == RLIMIT_NOFILE && process != NULL) {
        process->nofile = limit->wanted.rlim_cur + 1;
        process->nofile_max = limit->wanted.rlim_max + 1;
    }
    return rsys_call_done(call, reply->result);
}

#define PASSING_TRIPS 8 /* so often it is asked for; guests that set it at the same time may leave another value than was told last */

/* Whether a limit of descriptors is not what a guest has set: an executor raises its own for some microseconds, and then puts back what there was (executor/thread.c). */
static bool is_passing(const struct call *call, const struct process *process, const struct rlimit *told)
{
    uint64_t session = rsys_jail_session(process->jail)->welcome.nofile;
    uint64_t set = process->nofile != 0 ? process->nofile - 1 : session;
    return told->rlim_cur > session || (told->rlim_cur != set && call->trips < PASSING_TRIPS);
}

static enum verdict ask_limit(struct call *call, const struct limit *limit);

static enum verdict on_limit(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct limit *limit = limit_of(call);
    struct rlimit old;
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0 || call->request.targets[0].got != sizeof old)
        return rsys_call_done(call, -EIO);
    memcpy(&old, data + 4, sizeof old);
    struct rlimit shown = old;
    const struct process *process = process_of(call, limit);
    if (process == NULL)
        return rsys_call_done(call, -ESRCH);
    if (limit->resource == RLIMIT_NOFILE && is_passing(call, process, &old))
        return ask_limit(call, limit);
    if (limit->resource == RLIMIT_NOFILE) {
        shown.rlim_max = rsys_nofile_max(process);
        shown.rlim_cur = RSYS_MIN(shown.rlim_cur, shown.rlim_max);
    }
    if (limit->sets && limit->resource == RLIMIT_NOFILE && limit->wanted.rlim_max > shown.rlim_max)
        return rsys_call_done(call, -EPERM);
    if (limit->gets && rsys_memory_write(rsys_guest_memory(call->guest), limit->old_address, &shown, sizeof shown) < 0)
        return rsys_call_done(call, -EFAULT);
    if (!limit->sets)
        return rsys_call_done(call, 0);
    struct rlimit wanted = limit->wanted;
    if (limit->resource == RLIMIT_NOFILE)
        wanted.rlim_max = old.rlim_max;
    rsys_request_start(&call->request, __NR_prlimit64, (uint64_t[6]){(uint64_t)limit->pid, limit->resource});
    if (rsys_request_in(&call->request, 2, &wanted, sizeof wanted) < 0)
        return rsys_call_done(call, -ENOMEM);
    call->on_reply = on_limit_set;
    return rsys_call_send(call);
}

static enum verdict ask_limit(struct call *call, const struct limit *limit)
{
    rsys_request_start(&call->request, __NR_prlimit64, (uint64_t[6]){(uint64_t)limit->pid, limit->resource});
    if (rsys_request_out(&call->request, 3, sizeof(struct rlimit), RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){0}) < 0)
        return rsys_call_done(call, -ENOMEM);
    call->on_reply = on_limit;
    return rsys_call_send(call);
}

enum verdict rsys_handle_RLIMIT(struct call *call)
{
    struct limit limit = {0};
    uint64_t new_address = 0;
    if (call->nr == __NR_prlimit64) {
        limit.pid = (int32_t)call->args[0] == call->guest->process->pid ? 0 : (int32_t)call->args[0];
        limit.resource = (uint32_t)call->args[1];
        new_address = call->args[2];
        limit.old_address = call->args[3];
    } else {
        limit.resource = (uint32_t)call->args[0];
        *(call->nr == __NR_setrlimit ? &new_address : &limit.old_address) = call->args[1];
    }
    if (rsys_is_supervisor((uint64_t)limit.pid))
        return rsys_call_done(call, -EPERM);
    if (limit.resource == RLIMIT_CORE)
        return limit_core(call, &limit, new_address);
    if (!limit_is_remote(limit.resource))
        return VERDICT_CONTINUE;
    limit.sets = new_address != 0;
    limit.gets = limit.old_address != 0;
    if (call->nr != __NR_prlimit64 && !limit.sets && !limit.gets)
        return rsys_call_done(call, -EFAULT);
    if (limit.sets && rsys_memory_read(rsys_guest_memory(call->guest), new_address, &limit.wanted, sizeof limit.wanted) < 0)
        return rsys_call_done(call, -EFAULT);
    if (limit.sets && limit.wanted.rlim_cur > limit.wanted.rlim_max)
        return rsys_call_done(call, -EINVAL);
    if (limit.sets && limit.resource == RLIMIT_NOFILE)
        rsys_jail_session(call->guest->process->jail)->nofile_differs = true;
    *limit_of(call) = limit;
    return ask_limit(call, limit_of(call));
}

/* ---- prctl ---- */

enum side { LOCAL, REMOTE, BOTH, FILTERS, REFUSED };

/* Options that are not here are the guest's own kernel's: they are about its memory, its CPU, its place in the tree, and the kernel refuses what it
 * does not know.  Remote ones take numbers alone, no pointers. */
static const struct {
    int option;
    enum side side;
} options[] = {
    {PR_SET_NAME, BOTH},            /* ps on the client, /proc/self/comm in the sandbox */
    {PR_GET_DUMPABLE, REMOTE},      /* who owns /proc/PID; locally the supervisor has to be able to read the guest */
    {PR_SET_DUMPABLE, REMOTE},
    {PR_GET_KEEPCAPS, REMOTE},      /* credentials are the executor's */
    {PR_SET_KEEPCAPS, REMOTE},
    {PR_CAPBSET_READ, REMOTE},
    {PR_CAPBSET_DROP, REMOTE},
    {PR_GET_SECUREBITS, REMOTE},
    {PR_SET_SECUREBITS, REMOTE},
    {PR_CAP_AMBIENT, REMOTE},
    {PR_GET_NO_NEW_PRIVS, REMOTE},
    {PR_SET_NO_NEW_PRIVS, REMOTE},  /* locally it is set since before the guest began */
    {PR_GET_SECCOMP, FILTERS},
    {PR_SET_MM, REFUSED},           /* would let a guest lie about what it executes; needs CAP_SYS_RESOURCE */
};

static enum side side_of(uint64_t option)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(options); i++)
        if (options[i].option == (int)option)
            return options[i].side;
    return LOCAL;
}

/* Whether the executor has a capability that is not the guest's to know of. */
static bool asks_for_executors(const uint64_t args[6])
{
    bool reads = (int)args[0] == PR_CAPBSET_READ, is_set = (int)args[0] == PR_CAP_AMBIENT && args[1] == PR_CAP_AMBIENT_IS_SET;
    uint64_t capability = reads ? args[1] : args[2];
    return (reads || is_set) && capability < 64 && (RSYS_EXECUTOR_CAPABILITIES & UINT64_C(1) << capability) != 0;
}

enum verdict rsys_handle_PRCTL(struct call *call)
{
    char name[16] = "";
    switch (side_of(call->args[0])) {
    case LOCAL:
        return VERDICT_CONTINUE;
    case REFUSED:
        return rsys_call_done(call, -EPERM);
    case FILTERS: /* the session's own is not a guest's to see */
        return rsys_call_done(call, rsys_proc_filters(call) > 0 ? SECCOMP_MODE_FILTER : SECCOMP_MODE_DISABLED);
    case REMOTE:
        if (asks_for_executors(call->args))
            return rsys_call_done(call, 0);
        rsys_request_start(&call->request, __NR_prctl, call->args);
        return rsys_call_send(call);
    case BOTH:
        break;
    }
    /* The name: nobody waits for the executor's, and the guest's own kernel says what there is to say of the address. */
    int64_t length = rsys_memory_read_string(rsys_guest_memory(call->guest), call->args[1], name, sizeof name);
    if (length < 0 && length != -ENAMETOOLONG)
        return rsys_call_done(call, length);
    name[sizeof name - 1] = 0;
    rsys_request_start(&call->request, __NR_prctl, (uint64_t[6]){PR_SET_NAME});
    if (rsys_request_in(&call->request, 1, name, sizeof name) >= 0)
        rsys_guest_post(call->guest, &call->request);
    return VERDICT_CONTINUE;
}

/* ---- credentials ----
 *
 * A guest's ids are its executor thread's.  Nothing but that thread's own calls changes them (an executor gains nothing by executing itself again), so that
 * the four that cannot fail are asked for once, and again after each call that may have changed one. */

static int known_index(uint64_t nr)
{
    switch (nr) {
    case __NR_getuid: return 0;
    case __NR_geteuid: return 1;
    case __NR_getgid: return 2;
    case __NR_getegid: return 3;
    default: return -1;
    }
}

static enum verdict on_creds(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int index = known_index(call->nr);
    if (reply->result >= 0) {
        call->guest->creds[index] = (uint32_t)reply->result;
        call->guest->creds_known |= (uint8_t)(1u << index);
    }
    return rsys_call_done(call, reply->result);
}

enum verdict rsys_handle_CREDS(struct call *call)
{
    int index = known_index(call->nr);
    if (index < 0)
        return rsys_call_forward(call);
    if (call->guest->creds_known & (1u << index))
        return rsys_call_done(call, call->guest->creds[index]);
    call->on_reply = on_creds;
    return rsys_call_forward(call);
}

enum verdict rsys_handle_SETCREDS(struct call *call)
{
    call->guest->creds_known = 0;
    rsys_jail_session(call->guest->process->jail)->ids_differ = true;
    return rsys_call_forward(call);
}

/* A thread's capability sets: struct __user_cap_data_struct[2], without what every executor has. */
static enum verdict on_capabilities(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct __user_cap_data_struct sets[2];
    int failed = rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest));
    if (failed < 0 || reply->result < 0)
        return rsys_call_done(call, failed < 0 ? failed : reply->result);
    memcpy(sets, &call->own, sizeof sets);
    uint32_t shown = (uint32_t)(~RSYS_EXECUTOR_CAPABILITIES >> 32);
    sets[1].effective &= shown;
    sets[1].permitted &= shown;
    sets[1].inheritable &= shown;
    return rsys_call_done(call, rsys_memory_write(rsys_guest_memory(call->guest), call->args[1], sets, sizeof sets));
}

enum verdict rsys_handle_CAPGET(struct call *call)
{
    int result = rsys_encode_call(&call->request, call->row, call->args, rsys_guest_memory(call->guest));
    if (result < 0)
        return rsys_call_done(call, result);
    struct rsys_out_target *sets = &call->request.targets[call->request.head.outs - 1];
    if (call->args[1] != 0) { /* the last out-range: kept here first */
        *sets = (struct rsys_out_target){.own = &call->own};
        call->on_reply = on_capabilities;
    }
    return rsys_call_send(call);
}

/* ---- kill ----
 *
 * Signals are the client kernel's.  The supervisor looks to guests like the init process of another user: no signal may be sent to it.
 * kill(-1) spares pid 1 of the namespace by itself, with all its threads. */

static enum verdict on_permission(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    return reply->result == -EPERM ? rsys_call_done(call, -EPERM) : VERDICT_CONTINUE;
}

enum verdict rsys_call_ask_permission(struct call *call, pid_t pid)
{
    rsys_request_start(&call->request, __NR_kill, (uint64_t[6]){(uint64_t)pid, 0});
    call->on_reply = on_permission;
    return rsys_call_send(call);
}

enum verdict rsys_handle_KILL(struct call *call)
{
    bool of_thread = call->nr == __NR_tgkill || call->nr == __NR_rt_tgsigqueueinfo;
    if (rsys_is_supervisor(call->args[0]) || (of_thread && rsys_is_supervisor(call->args[1])))
        return rsys_call_done(call, (pid_t)call->args[0] == getpid() || (of_thread && (pid_t)call->args[1] == getpid()) ? -EPERM : -ESRCH); /* /proc shows no others of it */
    bool ids_differ = rsys_jail_session(call->guest->process->jail)->ids_differ;
    /* In one session everybody may continue everybody. */
    bool continues = call->nr == __NR_kill && (int)call->args[1] == SIGCONT && getsid((pid_t)call->args[0]) == getsid(call->guest->process->pid);
    if (ids_differ && (int32_t)call->args[0] > 0 && (int32_t)call->args[0] != call->guest->process->pid && !continues)
        return rsys_call_ask_permission(call, (pid_t)call->args[0]);
    if (ids_differ && call->nr == __NR_kill && (int32_t)call->args[0] <= 0)
        return rsys_call_signal_each(call);
    /* The caller's process group is the shell's that started rsys-jail, with whatever else runs there, unless a guest has made one since.  (It cannot
     * go back to that one, which has no number here.) */
    if (call->nr == __NR_kill && (int32_t)call->args[0] == 0 && getpgid(call->guest->process->pid) == 0)
        return rsys_call_done(call, rsys_signal_group(call->guest->process->jail, (int)call->args[1]));
    return VERDICT_CONTINUE;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-confine.c: guests that confine themselves further: unshare, chroot, Landlock, the names of security modules.
 *
 * What is confined is the executor: it is where the files, sockets and names are.  What of that has to hold on the client too (what may be executed, who may be
 * signalled) is asked of the executor from then on (exec.c, calls-misc.c). */
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"
#include "src/jail/view.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

/* ---- unshare ---- */

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */)
/* For one thread these are what it has anyway (fs/fork.c, check_unshare_flags). */
#define THREADS (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)
#define EXECUTORS (CLONE_FS | CLONE_FILES)

/* The executor has its own directory, mask and table.  The guest's kernel does the same: all that it is told is in registers. */
static enum verdict unshared(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct process *process = call->guest->process;

    (void)data;
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    if ((call->args[0] & CLONE_FILES) && rsys_fdtable_unshare(&process->fds) < 0)
        return rsys_call_done(call, -ENOMEM);
    return VERDICT_CONTINUE;
}

enum verdict rsys_handle_UNSHARE(struct call *call)
{
    uint64_t flags = call->args[0], known = NAMESPACES | THREADS | EXECUTORS | CLONE_SYSVSEM;

    if (flags & ~known)
        return rsys_call_done(call, -EINVAL);
    if (flags & NAMESPACES)
        return rsys_call_done(call, -EPERM);
    /* The table would become that of one thread, while tables are kept for processes. */
    if ((flags & (THREADS | CLONE_FILES)) && call->guest->process->threads > 1)
        return rsys_call_done(call, -EINVAL);
    if (!(flags & EXECUTORS))
        return VERDICT_CONTINUE;
    call->on_reply = unshared;
    return rsys_call_forward_args(call, (uint64_t[6]){flags & EXECUTORS});
}

/* ---- chroot ---- */

/* What the guest executes from now on starts there too. */
static enum verdict rooted(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    if (reply->result < 0 || rsys_jail_session(call->guest->process->jail)->chosen) /* what is executed is the client's */
        return rsys_call_done(call, reply->result);
    return rsys_view_new_root(call);
}

enum verdict rsys_handle_CHROOT(struct call *call)
{
    call->on_reply = rooted;
    return rsys_call_forward(call);
}

/* ---- Landlock ---- */

static enum verdict restricted(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    if (reply->result == 0) {
        call->guest->process->confined = true;
        rsys_jail_session(call->guest->process->jail)->ids_differ = true; /* a domain may bound signals too */
    }
    return rsys_call_done(call, reply->result);
}

/* One rule: its struct is the kind's, and a descriptor in it is one of the guest's own. */
static enum verdict add_rule(struct call *call)
{
    union {
        struct landlock_path_beneath_attr path;
        uint64_t words[2];
    } rule = {.words = {0}};
    size_t size = call->args[1] == LANDLOCK_RULE_PATH_BENEATH ? sizeof rule.path : call->args[1] == 2 /* LANDLOCK_RULE_NET_PORT */ ? sizeof rule.words : 0;

    if (size && rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &rule, size) < 0)
        return rsys_call_done(call, -EFAULT);
    if (call->args[1] == LANDLOCK_RULE_PATH_BENEATH && rsys_fd_is_beyond(call, (uint64_t)(int64_t)rule.path.parent_fd))
        rule.path.parent_fd = -1;
    rsys_request_start(&call->request, SYS_landlock_add_rule, (uint64_t[6]){call->args[0], call->args[1], 0, call->args[3]});
    if (size && rsys_request_in(&call->request, 2, &rule, size) < 0)
        return rsys_call_done(call, -ENOMEM);
    return rsys_call_send(call);
}

enum verdict rsys_handle_LANDLOCK(struct call *call)
{
    if (rsys_fd_is_local(call->guest->process->fds, (int64_t)call->args[0]))
        return rsys_call_done(call, -EBADFD);
    if (call->nr == SYS_landlock_add_rule)
        return add_rule(call);
    call->on_reply = restricted;
    return rsys_call_forward(call);
}

/* ---- security modules ---- */

#define LIST_MAX 65536u

/* lsm_get_self_attr(attribute, list, &size, flags), lsm_list_modules(list, &size, flags): the size comes back also when the list has no room. */
enum verdict rsys_handle_LSM(struct call *call)
{
    int list = call->nr == 461 /* lsm_list_modules: newer than Debian 12's headers */ ? 0 : 1;
    uint32_t size;

    if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[list + 1], &size, sizeof size) < 0)
        return rsys_call_done(call, -EFAULT);
    size = size > LIST_MAX ? LIST_MAX : size;
    rsys_request_start(&call->request, call->row->nr, call->args);
    for (int i = call->row->nargs; i < 6; i++)
        call->request.head.args[i] = 0;
    call->request.head.args[list] = 0;
    int64_t at = rsys_request_in(&call->request, list + 1, &size, sizeof size);
    if (at >= 0)
        at = rsys_request_out_at(&call->request, (uint32_t)at, sizeof size, RSYS_OUT_ALWAYS, 0, (struct rsys_out_target){.guest = call->args[list + 1]});
    if (at >= 0 && call->args[list]) {
        int64_t area = rsys_request_out(&call->request, list, size, RSYS_OUT_VALUE, 1, (struct rsys_out_target){.guest = call->args[list]});

        call->request.outs[call->request.head.outs - 1].at = (uint32_t)at;
        at = area;
    }
    return at < 0 ? rsys_call_done(call, at) : rsys_call_send(call);
}

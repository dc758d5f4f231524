/* SPDX-License-Identifier: GPL-2.0-only */
/* chosen.c: where a call goes, when only chosen ones go to the server (--only).
 *
 * The guest is the user's own program, with the user's files and rights: what is let through to its own kernel may be anything that the program could do without us, so
 * to look at memory and then let the call go on is no hole here.  Three things decide, in this order: what the policy denies, is denied; a call by a
 * descriptor goes where that is at home; a call by a name, or by neither, goes to the server if it was chosen. */
#include "src/jail/chosen.h"

#include "src/core/chosen.h"
#include "src/core/util.h"
#include "src/jail/internal.h"
#include "src/jail/trap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static struct fdtable *table_of(const struct call *call) { return call->guest->process->fds; }
static struct rsys_session *session_of(const struct call *call) { return call->guest->process->jail->session; }

static bool has_rule(const struct rsys_rules *rules, uint64_t nr)
{
    for (size_t i = 0; i < rules->count; i++)
        if (rules->rules[i].nr == nr)
            return true;
    return false;
}

bool rsys_chosen_is_seen(const struct rsys_session *session, const struct rsys_call *row, const uint64_t args[6])
{
    return rsys_choice_is_seen(row, args) || (rsys_is_choosable(row) && has_rule(&session->choice, row->nr));
}

/* ---- homes ---- */

/* Chosen, and the policy has it on the server. */
static bool is_chosen(const struct call *call)
{
    return call->placed == RSYS_ACTION_REMOTE && rsys_rules_decide(&session_of(call)->choice, call->nr, call->args, NULL) == RSYS_ACTION_REMOTE;
}

/* Whether the name is looked up from a directory's descriptor.  What cannot be read is the kernel's to refuse. */
static bool is_relative(const struct call *call, uint64_t address)
{
    char first = 0;
    return rsys_memory_read(rsys_guest_memory(call->guest), address, &first, 1) < 0 || first != '/';
}

/* Of calls with names: local, remote, or both (of two names). */
enum home { NOWHERE = 0, HERE = 1, THERE = 2, ASUNDER = 3 };

static enum home home_of_names(const struct call *call)
{
    const struct rsys_call *row = call->row;
    unsigned homes = NOWHERE;
    for (int i = 0; i + 1 < row->nargs; i++) {
        if (row->args[i].shape != RSYS_ARG_DIRFD)
            continue;
        bool by_fd = (int32_t)call->args[i] != AT_FDCWD && is_relative(call, call->args[i + 1]);
        homes |= (by_fd ? !rsys_fd_is_local(table_of(call), (int32_t)call->args[i]) : is_chosen(call)) ? THERE : HERE;
    }
    return homes;
}

static int64_t first_fd(const struct call *call)
{
    for (int i = 0; i < call->row->nargs; i++)
        if (call->row->args[i].shape == RSYS_ARG_FD)
            return (int32_t)call->args[i];
    return -1;
}

static enum home home_of(const struct call *call)
{
    switch (rsys_choice_of(call->row)) {
    case RSYS_CHOICE_BY_FD:
        return rsys_fd_is_local(table_of(call), first_fd(call)) ? HERE : THERE;
    case RSYS_CHOICE_AT:
        return home_of_names(call);
    case RSYS_CHOICE_NAMED:
        return is_chosen(call) ? THERE : HERE;
    default:
        return HERE;
    }
}

/* Where guests are traced they have a descriptor of ours, at a number that none has got from its kernel. */
static bool is_hand(const struct call *call, uint64_t fd)
{
    const struct jail *jail = call->guest->process->jail;
    return jail->intercept == &rsys_intercept_ptrace && (int32_t)fd == jail->tracing->number;
}

/* ---- calls that are neither ---- */

/* A set that was there before us is the guest's own kernel's, which knows nothing of what is remote. */
static enum verdict epoll(struct call *call)
{
    bool makes = call->nr == SYS_epoll_create || call->nr == SYS_epoll_create1;
    if (makes || !rsys_fd_is_local(table_of(call), (int32_t)call->args[0]))
        return rsys_call_handle(call);
    if (call->nr == SYS_epoll_ctl && !rsys_fd_is_local(table_of(call), (int32_t)call->args[2]))
        return rsys_call_done(call, -EPERM); /* as of what cannot be waited for */
    return VERDICT_CONTINUE;
}

static enum verdict unshared(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int64_t result = reply->result < 0 ? reply->result : rsys_fdtable_unshare(&call->guest->process->fds);
    (void)data;
    if (result < 0)
        return rsys_call_done(call, result);
    return rsys_call_pass_once(call);
}

/* Namespaces and the rest are the guest's own; a table of descriptors of its own is both's. */
static enum verdict unshare_table(struct call *call)
{
    if ((call->args[0] & CLONE_FILES) == 0)
        return VERDICT_CONTINUE;
    if (call->guest->process->threads > 1) /* it would become one thread's, while tables are kept for processes */
        return rsys_call_done(call, -EINVAL);
    if (table_of(call)->users == 1)
        return VERDICT_CONTINUE;
    call->on_reply = unshared;
    return rsys_call_forward_args(call, (uint64_t[6]){CLONE_FILES});
}

/* A signalfd is local.  That there is one is what waits over both homes have to know. */
static enum verdict signalfd(struct call *call)
{
    if ((int32_t)call->args[0] != -1 && !rsys_fd_is_local(table_of(call), (int32_t)call->args[0]))
        return rsys_call_done(call, -EINVAL);
    call->guest->process->jail->signalfds = true;
    call->guest->process->jail->masks_change = true;
    return VERDICT_CONTINUE;
}

/* Who is not dumpable cannot be looked into by an ordinary user's supervisor: so for such guests it is only remembered. */
static enum verdict prctl_of(struct call *call)
{
    struct process *process = call->guest->process;
    switch ((int)call->args[0]) {
    case PR_SET_NAME:
    case PR_GET_SECCOMP:
        return rsys_call_handle(call);
    case PR_SET_DUMPABLE:
        if (session_of(call)->privileged || call->args[1] > 1)
            return VERDICT_CONTINUE;
        process->undumpable = call->args[1] == 0;
        return rsys_call_done(call, 0);
    case PR_GET_DUMPABLE:
        return process->undumpable ? rsys_call_done(call, 0) : VERDICT_CONTINUE;
    default:
        return VERDICT_CONTINUE;
    }
}

static enum verdict place_both(struct call *call)
{
    switch (call->row->handler) {
    case RSYS_HANDLER_EPOLL:
        return epoll(call);
    case RSYS_HANDLER_CLOSE_RANGE:
        return rsys_chosen_close_range(call);
    case RSYS_HANDLER_UNSHARE:
        return unshare_table(call);
    case RSYS_HANDLER_SIGNALFD:
        return signalfd(call);
    case RSYS_HANDLER_PRCTL:
        return prctl_of(call);
    default: /* poll, select, sendfile, mmap: they go by each descriptor's home */
        return rsys_call_handle(call);
    }
}

/* ---- a call ---- */

static enum verdict place_here(struct call *call)
{
    switch (call->row->handler) {
    case RSYS_HANDLER_CLOSE: /* epoll sets may know it by its number */
        rsys_fd_closed(table_of(call), (int32_t)call->args[0]);
        return VERDICT_CONTINUE;
    case RSYS_HANDLER_DUP: /* perhaps over a remote one */
        return rsys_chosen_dup(call);
    case RSYS_HANDLER_MSG: /* with a remote one in it */
        return rsys_call_handle(call);
    default:
        return VERDICT_CONTINUE;
    }
}

static enum verdict place_there(struct call *call)
{
    switch (call->row->handler) {
    case RSYS_HANDLER_CLOSE:
        return rsys_chosen_close(call);
    case RSYS_HANDLER_DUP:
        return rsys_chosen_dup(call);
    case RSYS_HANDLER_FCNTL:
        return rsys_chosen_fcntl(call);
    case RSYS_HANDLER_IOCTL:
        if ((uint32_t)call->args[1] != FIOCLEX && (uint32_t)call->args[1] != FIONCLEX)
            break;
        rsys_fd_set_remote(table_of(call), (int)call->args[0], (uint32_t)call->args[1] == FIOCLEX);
        rsys_fd_marked(table_of(call), (int32_t)call->args[0], (uint32_t)call->args[1] == FIOCLEX);
        return VERDICT_CONTINUE; /* the flag is the guest's own table's */
    default:
        break;
    }
    return rsys_call_handle(call);
}

enum verdict rsys_chosen_place(struct call *call)
{
    enum rsys_choice choice = rsys_choice_of(call->row);
    if (choice == RSYS_CHOICE_NEVER)
        return rsys_call_done(call, -(int64_t)call->row->refusal);
    if (choice == RSYS_CHOICE_OWN)
        return VERDICT_CONTINUE;
    if ((choice == RSYS_CHOICE_BY_FD && is_hand(call, (uint64_t)first_fd(call))) || (call->row->handler == RSYS_HANDLER_DUP && is_hand(call, call->args[1])))
        return rsys_call_done(call, -EBADF);
    if (choice == RSYS_CHOICE_BOTH)
        return place_both(call);
    switch (home_of(call)) {
    case ASUNDER:
        return rsys_call_done(call, -EXDEV);
    case THERE:
        call->placed = RSYS_ACTION_REMOTE;
        return place_there(call);
    default:
        call->placed = RSYS_ACTION_LOCAL;
        return place_here(call);
    }
}

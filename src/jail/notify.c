/* SPDX-License-Identifier: GPL-2.0-only */
/* notify.c: a call's way: from the guest's notification to its answer.
 *
 * The guest sleeps in the kernel until we answer, or a signal wakes it: then what we know as the call's notification is void, and the guest either
 * stops for us with that signal (signals.c takes the call from there), or, when there was nothing to deliver after all, makes the same call
 * again, which takes up the one in flight.  A result that could not be told is kept for either.
 *
 * Arguments are copied out of the notification once and the copy is acted on.  A call that is let through to the guest's own kernel is one that harms nobody: its
 * own memory and threads, or the local descriptors that the user gave it. */
#include "src/jail/chosen.h"
#include "src/jail/intercept.h"
#include "src/jail/internal.h"
#include "src/jail/learn.h"
#include "src/jail/look.h"
#include "src/jail/names.h"
#include "src/jail/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Of the kernel's own headers: they never reach a program. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* newer than Debian 12's headers */
#define SO_PEERPIDFD 77
#endif

static enum verdict (*const handlers[RSYS_HANDLERS])(struct call *call) = {
    [RSYS_HANDLER_REGULAR] = rsys_call_forward,
#define RSYS_HANDLER(name) [RSYS_HANDLER_##name] = rsys_handle_##name,
#include "src/core/handlers.def"
#undef RSYS_HANDLER
};

/* ---- answers ---- */

bool rsys_call_valid(const struct call *call) { return call->guest->process->jail->intercept->valid(call); }

static bool answer(struct call *call, bool pass) { return call->guest->process->jail->intercept->answer(call, call->result, pass); }

/* The call has its end: tell the guest, or whoever holds it. */
static void call_finish(struct call *call, enum verdict verdict)
{
    struct guest *guest = call->guest;
    bool pass = verdict == VERDICT_CONTINUE;

    if (!pass && rsys_learn_asks(call))
        return;
    call->phase = pass ? CALL_PASS : CALL_ANSWERED;
    rsys_look_call_ends(call);
    if (guest->held) {
        rsys_signal_verdict(guest, verdict);
        return;
    }
    if (!pass && call->result == -ERESTARTSYS) {
        if (!rsys_call_valid(call))
            return; /* interrupted in the middle of what its handler did, and undone: made again behind the signal */
        call->result = -EINTR; /* the server says so without having been asked to cancel: it must not reach the program */
    }
    if (!pass && rsys_mask_end(guest))
        return;
    /* A signal has come before the call was seen: it is to come before the guest's kernel can do the call, or in its waiting (signals.c). */
    if (pass && !call->once && (call->row->flags & RSYS_CALL_BLOCKS) && guest->process->jail->intercept->loses_answers && rsys_signal_after_call(guest))
        return;
    rsys_trace_call_ready(call, verdict);
    if (!answer(call, pass))
        return; /* it comes again or stops */
    rsys_call_told(call);
}

void rsys_call_told(struct call *call)
{
    /* What the guest's own kernel does may stop inside of it as often as it likes. */
    call->guest->told_pass = call->phase == CALL_PASS && call->once;
    call->guest->told = call->guest->process->jail->intercept->loses_answers && (call->phase == CALL_ANSWERED || call->guest->told_pass);
    call->guest->passed = call->phase == CALL_PASS;
    call->guest->told_id = call->guest->process->jail->last_id;
    call->guest->told_received = call->guest->process->jail->received;
    rsys_trace_call_end(call, call->phase == CALL_PASS ? VERDICT_CONTINUE : VERDICT_DONE);
    call->phase = CALL_IDLE;
    if (call->guest->postponed)
        rsys_signal_after_call(call->guest);
}

static void call_verdict(struct call *call, enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_DONE:
    case VERDICT_CONTINUE:
        call_finish(call, verdict);
        break;
    case VERDICT_SENT:
        break;
    case VERDICT_LATER:
        if (call->phase == CALL_SENT) /* unless it has been answered already */
            call->phase = CALL_LATER;
        if (call->guest->cancelling)
            rsys_signal_cancel(call->guest);
        break;
    }
}

void rsys_call_resume(struct call *call, enum verdict verdict) { call_verdict(call, verdict); }

void rsys_call_answer(struct call *call, int64_t result)
{
    call->result = result;
    call_finish(call, VERDICT_DONE);
}

/* ---- requests ---- */

enum verdict rsys_call_send(struct call *call)
{
    int64_t seq = rsys_channel_send_call(call->guest->channel, &call->request);

    if (seq < 0)
        return rsys_call_done(call, seq);
    call->seq = (uint32_t)seq;
    call->trips++;
    call->phase = CALL_SENT;
    if (call->guest->cancelling)
        rsys_signal_cancel(call->guest);
    return VERDICT_SENT;
}

/* So many bytes of posted requests may be kept for a cut before one of them is to have a reply, which tells that they have been received. */
#define POSTED_MAX 65536u

int rsys_guest_post(struct guest *guest, struct rsys_request *request)
{
    bool asks = rsys_sent_size(&guest->channel->sent) > POSTED_MAX && !guest->channel->errands && request->head.nr != RSYS_OP_EXEC;
    int64_t seq = asks ? rsys_channel_errand(guest->channel, request, guest->tid, NULL) : rsys_channel_send(guest->channel, request, RSYS_REQUEST_NOREPLY);

    return seq < 0 ? (int)seq : 0;
}

bool rsys_fd_is_beyond(const struct call *call, uint64_t fd)
{
    return (uint32_t)fd >= call->guest->process->jail->session->welcome.nofile;
}

void rsys_call_fence(struct call *call)
{
    rsys_request_fence(&call->request, call->row, call->guest->process->jail->session->welcome.nofile);
}

enum verdict rsys_call_forward_args(struct call *call, const uint64_t args[6])
{
    int result = rsys_encode_call(&call->request, call->row, args, &call->guest->memory);
    enum verdict verdict;

    if (result < 0)
        return rsys_call_done(call, result);
    rsys_call_fence(call);
    if (rsys_name_take(call, &verdict))
        return verdict;
    rsys_coherence_forwards(call);
    rsys_look_ask(call);
    return rsys_call_send(call);
}

enum verdict rsys_call_forward(struct call *call)
{
    return rsys_call_forward_args(call, call->args);
}

static enum verdict call_reply_default(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int result = rsys_request_finish(&call->request, reply, data, &call->guest->memory);

    if (result == -EPROTO)
        rsys_jail_lost(call->guest->process->jail, "the server's answer to %s makes no sense", call->row->name);
    return rsys_call_done(call, result < 0 ? result : reply->result);
}

void rsys_call_reply(struct guest *guest, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct call *call = guest->call;
    uint64_t signals = reply->signals;
    enum verdict verdict;

    if (guest->state == GUEST_EXITING) {
        rsys_call_abandon(guest);
        return;
    }
    /* A handler that goes on (to install a descriptor, to let the call through) needs a guest that is still there; an interrupted one
     * will come again, and a blocking call is settled in the stop. */
    if (call->on_reply && !guest->held && !(call->row->flags & RSYS_CALL_BLOCKS) && !rsys_call_valid(call)) {
        if (rsys_call_defer(call, reply, data) == 0)
            return;
    }
    /* The executor was interrupted by a signal that it only tells of: whether the call is, is between the guest and that signal.  (Waits know how much of their time
     * is left.) */
    if (reply->result == -EINTR && !guest->cancelling && !call->hurried && (call->row->flags & RSYS_CALL_BLOCKS) && call->row->where != RSYS_SPECIAL &&
        rsys_call_send(call) == VERDICT_SENT)
        return;
    call->phase = CALL_SENT;
    if (call->on_reply)
        verdict = call->on_reply(call, reply, data);
    else
        verdict = call_reply_default(call, reply, data);
    /* A large write that goes in pieces may run into the limit with a later one: to the guest it is one write that came as far as the limit.  (What splices
     * into a file is told of the limit natively too, however far it came.) */
    if ((call->row->handler == RSYS_HANDLER_WRITE || call->row->handler == RSYS_HANDLER_WRITEV) && (verdict != VERDICT_DONE || call->result >= 0))
        signals &= ~(UINT64_C(1) << (SIGXFSZ - 1));
    if (signals)
        rsys_signal_raised(guest, signals);
    if (verdict == VERDICT_DONE && guest->process->jail->session->chosen)
        verdict = rsys_chosen_result(call);
    call_verdict(call, verdict);
}

int rsys_call_defer(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct rsys_wire_reply *copy = malloc(sizeof(*reply) + reply->size);

    if (!copy)
        return -ENOMEM;
    *copy = *reply;
    memcpy(copy + 1, data, reply->size);
    free(call->deferred);
    call->deferred = copy;
    return 0;
}

void rsys_call_abandon(struct guest *guest)
{
    struct call *call = guest->call;

    if (call->phase == CALL_LATER && call->on_cancel)
        call->on_cancel(call);
    rsys_look_call_ends(call);
    if (guest->channel)
        rsys_sent_settle(&guest->channel->sent); /* out of memory: a cut that comes now sends less than all, and the executor ends */
    if ((call->phase == CALL_SENT || call->phase == CALL_LATER) && call->on_drop)
        call->on_drop(call);
    call->phase = CALL_IDLE;
    free(call->deferred);
    call->deferred = NULL;
    if (guest->cancelling) {
        guest->cancelling = false;
        guest->process->jail->cancels--;
    }
}

/* ---- notifications ---- */

/* The descriptor that decides where a BY_FD row runs. */
static int64_t deciding_fd(const struct call *call)
{
    for (int i = 0; i < call->row->nargs; i++)
        if (call->row->args[i].shape == RSYS_ARG_FD)
            return (int64_t)call->args[i];
    return -1;
}

/* Whether an argument names a descriptor that no guest can have. */
static bool names_beyond(const struct call *call)
{
    for (int i = 0; i < call->row->nargs; i++)
        if (call->row->args[i].shape == RSYS_ARG_FD && rsys_fd_is_beyond(call, call->args[i]))
            return true;
    return false;
}

/* What a guest may not do by a descriptor that the user has left open for it, though the user might: the descriptor is for the file's data and the
 * socket's connection.  The file's mode and owner stay; no other address of the client's network is reached by a socket (with MSG_FASTOPEN TCP too
 * connects anew); and no descriptors are received, which nobody here would know of.  Message headers lie in memory, where a look at them now says
 * nothing of later; so with what the session itself has made, too.  And what is refused on the user's is never let through on the session's own: another thread could
 * put one of the user's at the number before the guest's kernel looks at it.  0: it may. */
static int64_t refused_locally(const struct call *call)
{
    bool users = rsys_fd_is_users(call->guest->process->fds, deciding_fd(call));

    switch (call->nr) {
    case SYS_fchmod:
    case SYS_fchown:
        return users ? -EPERM : 0;
    case SYS_fsetxattr:
    case SYS_fremovexattr:
        return -EPERM;
    case SYS_sendto:
        if (call->args[4] != 0 || (call->args[3] & MSG_FASTOPEN))
            return users ? -EPERM : -EISCONN; /* the session's are pairs */
        return 0;
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_recvmsg:
    case SYS_recvmmsg:
        return users ? -EOPNOTSUPP : 0;
    case SYS_getsockopt:
    case SYS_setsockopt: /* they make a descriptor, at once or with a message */
        return (int32_t)call->args[1] == SOL_SOCKET && ((int32_t)call->args[2] == SO_PASSPIDFD || (int32_t)call->args[2] == SO_PEERPIDFD) ? -ENOPROTOOPT : 0;
    default:
        return 0;
    }
}

enum verdict rsys_call_handle(struct call *call)
{
    return handlers[call->row->handler] ? handlers[call->row->handler](call) : rsys_call_forward(call);
}

static enum verdict call_place(struct call *call)
{
    struct guest *guest = call->guest;
    struct rsys_session *session = guest->process->jail->session;
    const struct rsys_call *row = call->row;
    struct rsys_decision decision = rsys_rules_judge(&session->rules, call->nr, call->args);
    enum verdict verdict;

    if (session->chosen && decision.table) { /* the table's refusals are for guests in a sandbox */
        decision.table = false;
        decision.action = RSYS_ACTION_LOCAL;
    }
    call->placed = decision.action;
    if ((call->placed == RSYS_ACTION_DENY && !decision.table) || decision.logged)
        rsys_denial_tell(call);
    if (call->placed < RSYS_ACTION_DENY || decision.table) /* what never runs, too: it is to be refused in the same way */
        rsys_learn_call(call);
    if (!row || call->placed == RSYS_ACTION_DENY)
        return rsys_call_done(call, -(int64_t)(decision.error ? decision.error : ENOSYS));
    if (call->placed >= RSYS_ACTION_TRAP) { /* the filter does it by itself */
        syscall(SYS_tgkill, guest->process->pid, guest->tid, SIGKILL);
        return rsys_call_done(call, -ENOSYS);
    }
    if (session->chosen)
        return rsys_chosen_place(call);
    if (row->where == RSYS_NEVER)
        return rsys_call_done(call, -(int64_t)row->refusal);
    if (row->where == RSYS_LOCAL)
        return VERDICT_CONTINUE;
    if (call->placed == RSYS_ACTION_LOCAL && (row->flags & RSYS_CALL_EITHER))
        return VERDICT_CONTINUE;
    if (row->where != RSYS_SPECIAL && names_beyond(call))
        return rsys_call_done(call, -EBADF);
    if (row->where == RSYS_BY_FD && rsys_fd_is_local(guest->process->fds, deciding_fd(call))) {
        int64_t refused = refused_locally(call);

        if (refused < 0)
            return rsys_call_done(call, refused);
        if (call->nr == SYS_fchmod || call->nr == SYS_fchown)
            return rsys_terminal_change(call);
        if (row->handler == RSYS_HANDLER_REGULAR)
            return VERDICT_CONTINUE;
    }
    if (rsys_look_answer(call, &verdict))
        return verdict;
    return rsys_call_handle(call);
}

/* The guest makes the call that is in flight once more: nothing has happened but that it was woken. */
static void call_again(struct call *call, uint64_t id)
{
    struct guest *guest = call->guest;
    struct rsys_wire_reply *deferred = call->deferred;

    call->id = id;
    if (call->phase == CALL_ANSWERED) {
        call_finish(call, VERDICT_DONE);
    } else if (call->phase == CALL_PASS) {
        call_finish(call, VERDICT_CONTINUE);
    } else if (deferred) {
        call->deferred = NULL;
        rsys_call_reply(guest, deferred, (const uint8_t *)(deferred + 1));
        free(deferred);
    }
}

/* ---- answers that were not taken ----
 *
 * That the kernel has accepted our answer does not mean that the guest has it: a signal may have woken it just before, and then it returns
 * -ERESTARTSYS all the same (seccomp_do_user_notification: after an interrupted wait the reply is not looked at).  Doing the call again would write
 * twice what was written.  Such a guest stops for the signal inside of the call that has been answered.  Another one looks the same there: one that had its
 * answer, made the same call once more, and was interrupted before we received that.  But that has used up a number: the kernel numbers
 * notifications one by one.  So the signal waits, the guest makes its call again, and if no number is missing that cannot be accounted for, it gets the
 * answer that it had not taken.
 *
 * What remains: a wake-up for a signal that another thread has then taken leaves no stop; and another guest's interrupted call in the same few
 * microseconds is mistaken for this one's. */

static bool stands_in(const struct call *call, const struct user_regs_struct *regs)
{
    return regs->orig_rax == call->nr && regs->rdi == call->args[0] && regs->rsi == call->args[1] && regs->rdx == call->args[2] &&
           regs->r10 == call->args[3] && regs->r8 == call->args[4] && regs->r9 == call->args[5];
}

bool rsys_call_doubt(struct guest *guest)
{
    const struct call *call = guest->call;
    struct user_regs_struct regs;

    if (!guest->told || ptrace(PTRACE_GETREGS, guest->tid, NULL, &regs) < 0)
        return false;
    if (regs.rax != (uint64_t)-ERESTARTSYS || regs.orig_rax != call->nr)
        return guest->doubtful; /* about to make it again */
    if (!stands_in(call, &regs))
        return false;
    /* Made again all the same, but a further signal that stops it before that is not counted once more. */
    regs.rax = (uint64_t)-ERESTARTNOINTR;
    if (ptrace(PTRACE_SETREGS, guest->tid, NULL, &regs) < 0)
        return false;
    guest->doubtful++;
    return true;
}

/* Whether we are told of such a call at all: of local ones when they are denied, logged or learned (filter-guest.c). */
static bool is_told(const struct guest *guest, const struct rsys_call *row, const struct user_regs_struct *regs)
{
    const struct rsys_rules *rules = &guest->process->jail->session->rules;
    const uint64_t args[6] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};

    if (guest->process->jail->session->chosen && rsys_chosen_is_seen(guest->process->jail->session, row, args))
        return true;
    return (row->where != RSYS_LOCAL && !guest->process->jail->session->chosen) || rsys_learns() || rsys_rules_log(rules, row->nr) ||
           rsys_rules_decide(rules, row->nr, args, NULL) == RSYS_ACTION_DENY;
}

const struct rsys_call *rsys_call_unseen(const struct guest *guest, const struct user_regs_struct *regs)
{
    const struct rsys_call *row = regs->rax == (uint64_t)-ERESTARTSYS ? rsys_call_by_number(regs->orig_rax) : NULL;

    if (!row || !guest->process->jail->intercept->loses_answers || !is_told(guest, row, regs))
        return NULL;
    /* What the guest's own kernel was let to do may have waited there. */
    return guest->passed && (row->flags & RSYS_CALL_BLOCKS) && stands_in(guest->call, regs) ? NULL : row;
}

static bool same_call(const struct call *call, const struct seccomp_notif *notif)
{
    return call->nr == (uint64_t)notif->data.nr && !memcmp(call->args, notif->data.args, sizeof(call->args));
}

/* The guest comes from a doubtful stop: true when it has been given the answer that it had not taken. */
static bool tell_again(struct guest *guest, const struct seccomp_notif *notif)
{
    struct jail *jail = guest->process->jail;
    struct call *call = guest->call;
    uint64_t hidden = (notif->id - guest->told_id) - (jail->received - guest->told_received), own = guest->doubtful - 1u;

    guest->doubtful = 0;
    if (!guest->told || hidden > own || !same_call(call, notif))
        return false;
    call->id = notif->id;
    if (!answer(call, guest->told_pass)) {
        call->phase = guest->told_pass ? CALL_PASS : CALL_ANSWERED; /* once more */
        return true;
    }
    guest->told_id = jail->last_id;
    guest->told_received = jail->received;
    rsys_signal_after_call(guest);
    return true;
}

void rsys_call_arrives(struct guest *guest, const struct seccomp_notif *notif)
{
    struct call *call = guest->call;

    if (call->phase != CALL_IDLE) {
        /* -ERESTARTSYS is for the kernel, at a signal.  There was none: the call begins anew. */
        bool anew = call->phase == CALL_ANSWERED && call->result == -ERESTARTSYS;

        if (!anew && call->nr == (uint64_t)notif->data.nr && !memcmp(call->args, notif->data.args, sizeof(call->args))) {
            call_again(call, notif->id);
            return;
        }
        rsys_call_abandon(guest);
    }
    if (guest->doubtful && tell_again(guest, notif))
        return;
    guest->told = guest->passed = false;
    call->id = notif->id;
    call->nr = (uint64_t)notif->data.nr;
    memcpy(call->args, notif->data.args, sizeof(call->args));
    call->row = rsys_call_by_number(call->nr);
    call->result = 0;
    call->on_reply = NULL;
    call->file.known = false;
    call->file_seq = 0;
    call->on_cancel = NULL;
    call->on_drop = NULL;
    call->once = false;
    call->learnt = false;
    call->adopted = false;
    call->trips = 0;
    memset(&call->own, 0, sizeof(call->own));
    call->phase = CALL_SENT;
    rsys_trace_call_begin(call);
    rsys_mmap_call_begins(call);
    rsys_look_call_begins(call);
    call_verdict(call, call_place(call));
    if (guest->postponed && call->phase != CALL_IDLE) /* the signal came before we had received this call: it interrupts it */
        rsys_signal_after_call(guest);
}

/* ---- descriptors ---- */

int rsys_call_add_fd(struct call *call, int fd, int at, bool cloexec) { return call->guest->process->jail->intercept->add_fd(call, fd, at, cloexec); }

int rsys_call_drop_fd(struct call *call, int fd) { return call->guest->process->jail->intercept->drop_fd(call, fd); }

int rsys_guest_get_fd(struct guest *guest, int fd)
{
    struct process *process = guest->process;
    int own;

    if (process->pidfd < 0)
        process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (process->pidfd < 0)
        return -errno;
    own = (int)syscall(SYS_pidfd_getfd, process->pidfd, fd, 0);
    return own < 0 ? -errno : own;
}

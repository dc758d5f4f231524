/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-msg.c: sendmsg, recvmsg, sendmmsg, recvmmsg, and the large sendto and recvfrom on remote sockets.
 *
 * What goes over is src/core/message.h's.  Remote descriptors in SCM_RIGHTS need no translation: a guest's remote numbers are its executor's.  Local ones travel as
 * rights.c tells.  The many of sendmmsg and recvmmsg are one request each. */
#include "src/core/message.h"
#include "src/core/util.h"
#include "src/jail/calls-fd.h"
#include "src/jail/calls-io.h"
#include "src/jail/chosen.h"
#include "src/jail/internal.h"
#include "src/jail/rights.h"
#include "src/jail/session.h"

#include <asm/unistd.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ERESTARTSYS 512 /* of the kernel's own headers: it never reaches a program */
#define VECTOR_ROOM (UIO_MAXIOV * sizeof(struct iovec) + 16) /* of call->scratch */
#define HEADER_SIZE sizeof(struct rsys_message_header)
#define STRIDE 64u /* of struct mmsghdr: the header, msg_len, padding */

/* A call, in call->scratch behind the vector. */
struct message {
    struct rsys_message one; /* the message at hand */
    uint32_t index, many;/* which of how many; many 0: sendmsg or recvmsg */
    int64_t deadline;    /* recvmmsg: CLOCK_MONOTONIC ns, < 0: none */
    uint64_t timeout_address;
    int64_t result;      /* received: the message's, while its descriptors are seen to */
    struct rsys_rights rights;
};
#define SCRATCH (VECTOR_ROOM + sizeof(struct message) + RSYS_CONTROL_MAX) /* at the end a copy of a message's control data */

static struct message *message_of(struct call *call) { return (struct message *)(void *)((char *)call->scratch + VECTOR_ROOM); }

static bool sends(const struct call *call) { return call->nr == __NR_sendmsg || call->nr == __NR_sendmmsg || call->nr == __NR_sendto; }

/* The call's storage, or NULL. */
static struct message *make_message(struct call *call, uint64_t address, uint64_t flags)
{
    struct iovec *vector = rsys_call_scratch(call, SCRATCH);
    if (vector == NULL)
        return NULL;
    struct message *m = message_of(call);
    *m = (struct message){.one = {.vector = vector, .control = (uint8_t *)(m + 1), .fd = call->args[0], .address = address,
                                  .flags = (uint32_t)flags & ~(uint32_t)MSG_ZEROCOPY, .sends = sends(call)}, .deadline = -1};
    return m;
}

/* A call without a header of its own: a vector of one buffer. */
static struct message *make_plain(struct call *call)
{
    struct message *m = make_message(call, 0, call->args[3]);
    if (m == NULL)
        return NULL;
    m->one.total = RSYS_MIN(call->args[2], (uint64_t)INT_MAX);
    m->one.count = 1;
    *m->one.vector = (struct iovec){(void *)(uintptr_t)call->args[1], m->one.total};
    return m;
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static enum verdict on_message(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);

/* ---- the call's end ---- */

static enum verdict end(struct call *call, int64_t result)
{
    struct message *m = message_of(call);
    int64_t left[2] = {0, 0};
    if (m->one.done > 0 && result < 0)
        result = (int64_t)m->one.done;
    if (m->many > 0 && m->index > 0)
        result = m->index;
    if (m->deadline >= 0 && result >= 0) {
        int64_t rest = m->deadline - now();
        if (rest > 0) {
            left[0] = rest / 1000000000;
            left[1] = rest % 1000000000;
        }
        if (rsys_memory_write(rsys_guest_memory(call->guest), m->timeout_address, left, sizeof left) < 0)
            result = -EFAULT;
    }
    return rsys_call_done(call, result);
}

static enum verdict piece(struct call *call)
{
    int64_t failed = rsys_message_request(&message_of(call)->one, &call->request, rsys_guest_memory(call->guest));
    if (failed < 0)
        return end(call, failed);
    call->row = rsys_call_by_number(call->nr); /* which may block, unlike what is done about descriptors */
    call->on_reply = on_message;
    return rsys_call_send(call);
}

static enum verdict rights_ready(struct call *call, int64_t failed)
{
    if (failed == 0)
        return piece(call);
    rsys_rights_sent(call, &message_of(call)->rights, false);
    return end(call, failed);
}

/* A message whose header has been read. */
static enum verdict start(struct call *call)
{
    struct message *m = message_of(call);
    m->rights.count = 0;
    m->rights.size = 0;
    if (!sends(call) || m->one.control_size == 0)
        return piece(call);
    m->rights.control = m->one.control;
    m->rights.size = m->one.control_size;
    if (call->guest->process->fds->of_remote) /* tokens are for whom the server's numbers are his own */
        return rsys_rights_are_remote(call, &m->rights) ? piece(call) : end(call, -EOPNOTSUPP);
    return rsys_rights_send(call, &m->rights, rights_ready);
}

/* A message is done: of many, its length is told and the next is begun. */
static enum verdict next(struct call *call, int64_t result)
{
    struct message *m = message_of(call);
    uint32_t length = (uint32_t)result;
    if (m->many == 0)
        return end(call, result);
    if (rsys_memory_write(rsys_guest_memory(call->guest), m->one.address + HEADER_SIZE, &length, sizeof length) < 0)
        return end(call, -EFAULT);
    m->index++;
    if (m->index >= m->many || (m->deadline >= 0 && now() >= m->deadline))
        return end(call, 0);
    if (call->args[3] & MSG_WAITFORONE)
        m->one.flags |= MSG_DONTWAIT;
    m->one.address += STRIDE;
    int64_t failed = rsys_message_read(&m->one, rsys_guest_memory(call->guest));
    return failed < 0 ? end(call, failed) : start(call);
}

/* The descriptors of the message are in the guest's table, or some could not be put there: which looks as if there had been no room for them. */
static enum verdict rights_placed(struct call *call, int64_t failed)
{
    struct message *m = message_of(call);
    uint64_t at = m->one.address + offsetof(struct rsys_message_header, flags);
    uint32_t flags = 0;
    if (failed < 0 && rsys_memory_read(rsys_guest_memory(call->guest), at, &flags, sizeof flags) == 0) {
        flags |= MSG_CTRUNC;
        rsys_memory_write(rsys_guest_memory(call->guest), at, &flags, sizeof flags);
    }
    return next(call, m->result);
}

/* ---- received by a guest of which only chosen calls are captured: its own kernel gives the numbers ---- */

static enum verdict adopt_all(struct call *call);

static enum verdict adopt_rest(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)reply;
    (void)data;
    return adopt_all(call);
}

static enum verdict adopted(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)reply;
    (void)data;
    return rights_placed(call, message_of(call)->rights.failed ? -EMFILE : 0);
}

/* Each number in the guest's copy of the control data becomes one of its own; rights.at: the one at hand, when it had to wait for the guest to be there. */
static enum verdict adopt_all(struct call *call)
{
    struct message *m = message_of(call);
    const struct rsys_wire_reply again = {.seq = 0};
    int64_t at;
    while ((at = m->rights.at != 0 ? m->rights.at : rsys_rights_next(&m->rights)) >= 0) {
        int32_t number = rsys_chosen_receive(call, rsys_rights_number(&m->rights, at), m->rights.cloexec);
        m->rights.at = (uint32_t)at;
        if (number == -ERESTARTSYS) {
            call->on_reply = adopt_rest;
            return rsys_call_defer(call, &again, NULL) < 0 ? end(call, -ENOMEM) : VERDICT_SENT;
        }
        m->rights.at = 0;
        m->rights.failed |= number < 0;
        number = RSYS_MAX(number, -1);
        rsys_memory_write(rsys_guest_memory(call->guest), m->one.head.control + (uint64_t)at, &number, sizeof number);
    }
    rsys_request_start(&call->request, RSYS_OP_NULL, (uint64_t[6]){0}); /* behind what was posted: another thread may use them as soon as this one is told */
    call->on_reply = adopted;
    return rsys_call_send(call);
}

static enum verdict adopt_rights(struct call *call)
{
    struct message *m = message_of(call);
    m->rights.cursor = (struct rsys_rights_cursor){0, 0};
    m->rights.failed = false;
    m->rights.at = 0;
    if (rsys_rights_next(&m->rights) < 0)
        return next(call, m->result);
    m->rights.cursor = (struct rsys_rights_cursor){0, 0};
    rsys_call_is_short(call);
    rsys_signal_behind_call(call->guest);
    return adopt_all(call);
}

static enum verdict message_done(struct call *call, int64_t result)
{
    struct message *m = message_of(call);
    bool own_numbers = call->guest->process->fds->of_remote;
    if (sends(call) || m->rights.size == 0 || (!own_numbers && !rsys_rights_any(call->guest->process->jail)))
        return next(call, result);
    m->result = result;
    m->rights.peeks = m->one.flags & MSG_PEEK;
    m->rights.cloexec = m->one.flags & MSG_CMSG_CLOEXEC;
    if (own_numbers)
        return adopt_rights(call);
    return rsys_rights_receive(call, &m->rights, rights_placed);
}

static enum verdict on_message(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct message *m = message_of(call);
    int64_t result = 0;
    if (m->one.done == 0)
        rsys_rights_sent(call, &m->rights, reply->result >= 0);
    if (rsys_message_reply(&m->one, &call->request, reply, data, rsys_guest_memory(call->guest), &result) > 0)
        return piece(call);
    m->one.done = 0;
    if (result < 0)
        return end(call, result);
    if (!sends(call)) {
        m->rights.control = m->one.control;
        m->rights.size = m->one.control_size;
    }
    return message_done(call, result);
}

/* sendto is a regular call; more than a request holds goes as a message. */
static enum verdict send_to(struct call *call)
{
    if (call->args[2] <= RSYS_ARENA_SIZE)
        return rsys_call_forward(call);
    struct message *m = make_plain(call);
    if (m == NULL)
        return rsys_call_done(call, -ENOMEM);
    if (call->args[4] != 0)
        m->one.head = (struct rsys_message_header){.name = call->args[4], .namelen = (int32_t)call->args[5]};
    if (m->one.head.namelen < 0 || m->one.head.namelen > (int32_t)sizeof(struct sockaddr_storage))
        return rsys_call_done(call, -EINVAL);
    return piece(call);
}

/* recvfrom is a regular call but for two.  MSG_WAITALL for more than a request holds goes as a message. */
static enum verdict receive_from(struct call *call)
{
    if (call->args[4] != 0 || call->args[1] == 0) /* a stream tells no address */
        return rsys_call_forward(call);
    if ((call->args[3] & MSG_WAITALL) && call->args[2] > RSYS_ARENA_SIZE)
        return make_plain(call) != NULL ? piece(call) : rsys_call_done(call, -ENOMEM);
    if (!(call->args[3] & MSG_TRUNC))
        return rsys_call_forward(call);
    int64_t failed = rsys_encode_receive_truncated(&call->request, call->args, rsys_guest_memory(call->guest));
    return failed < 0 ? rsys_call_done(call, failed) : rsys_call_send(call);
}

/* ---- local sockets ---- */

/* Whether one of the descriptors in a message is at home on the other side than the socket, which is `local`. */
static bool is_astray(struct call *call, uint64_t at, uint64_t size, bool local)
{
    for (int32_t number; size >= sizeof number; at += sizeof number, size -= sizeof number)
        if (rsys_memory_read(rsys_guest_memory(call->guest), at, &number, sizeof number) == 0 && rsys_fd_is_local(call->guest->process->fds, number) != local)
            return true;
    return false;
}

/* Whether there are descriptors in a message; where only chosen calls are captured: such that cannot be sent. */
static bool has_rights(struct call *call, uint64_t address)
{
    struct rsys_message_header head;
    struct cmsghdr one;
    if (rsys_memory_read(rsys_guest_memory(call->guest), address, &head, sizeof head) < 0 || head.control == 0)
        return false;
    for (uint64_t at = 0; head.controllen <= RSYS_CONTROL_MAX && head.controllen - at >= sizeof one;) {
        if (rsys_memory_read(rsys_guest_memory(call->guest), head.control + at, &one, sizeof one) < 0 || one.cmsg_len < sizeof one)
            return false;
        if (one.cmsg_level == SOL_SOCKET && one.cmsg_type == SCM_RIGHTS &&
            (!call->guest->process->fds->of_remote || is_astray(call, head.control + at + sizeof one, RSYS_MIN(one.cmsg_len, head.controllen - at) - sizeof one, true)))
            return true;
        if (CMSG_ALIGN(one.cmsg_len) > head.controllen - at)
            return false;
        at += CMSG_ALIGN(one.cmsg_len);
    }
    return false;
}

/* Of the session's own making (others have been refused): the guest's kernel does it.  Descriptors cannot be passed so, because what is received would have no
 * number on the executor: an honest program is told by EINVAL.  One that changes the header behind this look passes only what its own kind has already, and
 * the receiver gets a number that is not local, which nothing local is ever done with. */
static enum verdict message_local(struct call *call)
{
    const struct process *process = call->guest->process;
    uint32_t many = call->nr == __NR_sendmmsg ? RSYS_MIN((uint32_t)call->args[2], (uint32_t)UIO_MAXIOV) : call->nr == __NR_sendmsg;
    for (uint32_t i = 0; i < many; i++)
        if (has_rights(call, call->args[1] + (uint64_t)i * STRIDE))
            return rsys_call_done(call, process->fds->of_remote ? -EOPNOTSUPP : -EINVAL);
    if (process->fds->of_remote)
        return VERDICT_CONTINUE;
    /* Another thread could put a socket of the user's at the number meanwhile, and the header could name any address of his network. */
    if (rsys_jail_session(process->jail)->has_sockets && (process->threads > 1 || process->fds->users > 1))
        return rsys_call_done(call, -EOPNOTSUPP);
    return VERDICT_CONTINUE;
}

enum verdict rsys_handle_MSG(struct call *call)
{
    bool many = call->nr == __NR_sendmmsg || call->nr == __NR_recvmmsg;
    if (rsys_fd_is_local(call->guest->process->fds, (int64_t)call->args[0]))
        return message_local(call);
    if (call->nr == __NR_sendto)
        return send_to(call);
    if (call->nr == __NR_recvfrom)
        return receive_from(call);
    uint64_t flags = call->args[many ? 3 : 2] & ~(uint64_t)(many ? MSG_WAITFORONE : 0);
    if (flags & 0x80000000u) /* MSG_CMSG_COMPAT, which is no program's to give */
        return rsys_call_done(call, -EINVAL);
    struct message *m = make_message(call, call->args[1], flags);
    if (m == NULL)
        return rsys_call_done(call, -ENOMEM);
    if (many) {
        m->many = RSYS_MIN((uint32_t)call->args[2], (uint32_t)UIO_MAXIOV);
        if (m->many == 0)
            return rsys_call_done(call, 0);
    }
    if (call->nr == __NR_recvmmsg && call->args[4] != 0) {
        int64_t pair[2];
        if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[4], pair, sizeof pair) < 0)
            return rsys_call_done(call, -EFAULT);
        if (pair[0] < 0 || pair[1] < 0 || pair[1] >= 1000000000)
            return rsys_call_done(call, -EINVAL);
        if (pair[0] < INT64_MAX / 2000000000)
            m->deadline = now() + pair[0] * 1000000000 + pair[1];
        m->timeout_address = call->args[4];
    }
    int64_t failed = rsys_message_read(&m->one, rsys_guest_memory(call->guest));
    return failed < 0 ? end(call, failed) : start(call);
}

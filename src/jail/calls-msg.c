/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-msg.c: sendmsg, recvmsg, sendmmsg, recvmmsg, and the large sendto and recvfrom on remote sockets.
 *
 * The header goes over with one buffer in the place of the vector, and with name and control data beside it.  Remote descriptors in
 * SCM_RIGHTS need no translation: a guest's remote numbers are its executor's.  Local ones travel as rights.c tells.  More than 1 MiB of a stream goes
 * in pieces, as with write; MSG_ZEROCOPY is ignored, since the data is copied anyway.  The many of sendmmsg and recvmmsg are one request each. */
#include "src/core/util.h"
#include "src/jail/calls-io.h"
#include "src/jail/rights.h"
#include "src/jail/session.h"

#include <asm/unistd.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define VECTOR_ROOM (UIO_MAXIOV * sizeof(struct iovec) + 16) /* of call->scratch, for rsys_call_vector */
#define CONTROL_MAX 32768u
#define HEADER_SIZE 56u
#define STRIDE 64u /* of struct mmsghdr: the header, msg_len, padding */

/* struct user_msghdr, as guests have it and as the executor's kernel reads it. */
struct header {
    uint64_t name;
    int32_t namelen;
    uint32_t pad;
    uint64_t vector, count, control, controllen;
    uint32_t flags, pad2;
};
_Static_assert(sizeof(struct header) == HEADER_SIZE, "struct user_msghdr of x86-64");

/* A call, in call->scratch behind the vector. */
struct message {
    struct header head;  /* the guest's, of the message at hand */
    uint64_t address;    /* where it is */
    uint64_t total, done, piece;
    uint32_t count;      /* of the vector */
    uint32_t index, many;/* which of how many; many 0: sendmsg or recvmsg */
    uint32_t flags;
    int64_t deadline;    /* recvmmsg: CLOCK_MONOTONIC ns, < 0: none */
    uint64_t timeout_address;
    int64_t result;      /* received: the message's, while its descriptors are seen to */
    struct rsys_rights rights;
};
#define SCRATCH (VECTOR_ROOM + sizeof(struct message) + CONTROL_MAX) /* at the end a copy of a message's control data */

static struct message *message_of(struct call *call) { return (struct message *)(void *)((char *)call->scratch + VECTOR_ROOM); }

static uint8_t *control_of(struct call *call) { return (uint8_t *)(message_of(call) + 1); }

/* A call without a header of its own: a vector of one buffer. */
static struct message *make_message(struct call *call)
{
    struct iovec *vector = rsys_call_scratch(call, SCRATCH);
    if (vector == NULL)
        return NULL;
    *vector = (struct iovec){(void *)(uintptr_t)call->args[1], RSYS_MIN(call->args[2], (uint64_t)INT_MAX)};
    struct message *m = message_of(call);
    *m = (struct message){.total = vector->iov_len, .count = 1, .deadline = -1, .flags = (uint32_t)call->args[3] & ~(uint32_t)MSG_ZEROCOPY};
    return m;
}

static bool sends(const struct call *call) { return call->nr == __NR_sendmsg || call->nr == __NR_sendmmsg || call->nr == __NR_sendto; }

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

/* ---- the header ---- */

/* Read the message at m->address, with its vector.  0 or the guest's result. */
static int64_t read_header(struct call *call)
{
    struct message *m = message_of(call);
    int64_t failed = rsys_memory_read(rsys_guest_memory(call->guest), m->address, &m->head, sizeof m->head);
    if (failed < 0)
        return failed;
    if (m->head.name == 0)
        m->head.namelen = 0;
    if (m->head.namelen < 0)
        return -EINVAL;
    m->head.namelen = RSYS_MIN(m->head.namelen, (int32_t)sizeof(struct sockaddr_storage));
    if (m->head.count > UIO_MAXIOV)
        return -EMSGSIZE;
    if (m->head.controllen > INT_MAX || (sends(call) && m->head.controllen > CONTROL_MAX))
        return -ENOBUFS;
    if (m->head.control == 0)
        m->head.controllen = 0;
    m->head.controllen = RSYS_MIN(m->head.controllen, (uint64_t)CONTROL_MAX);
    failed = rsys_call_vector(call, m->head.vector, m->head.count, &m->total);
    if (failed < 0)
        return failed;
    m->count = (uint32_t)failed;
    m->done = 0;
    if (sends(call) && m->head.controllen > 0)
        return rsys_memory_read(rsys_guest_memory(call->guest), m->head.control, control_of(call), m->head.controllen);
    return 0;
}

/* n bytes of the vector are used up. */
static void advance(struct call *call, uint64_t n)
{
    struct iovec *vector = call->scratch;
    for (uint32_t i = 0; n > 0 && i < message_of(call)->count; i++) {
        uint64_t step = RSYS_MIN(n, (uint64_t)vector[i].iov_len);
        vector[i].iov_base = (char *)vector[i].iov_base + step;
        vector[i].iov_len -= step;
        n -= step;
    }
}

/* ---- one piece of one message ---- */

static enum verdict on_message(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);

/* The request with its header at the arena's start and a vector of one entry behind it: the vector's offset, or -errno. */
static int64_t begin(struct call *call, uint64_t n)
{
    struct message *m = message_of(call);
    struct header head = {.count = 1, .namelen = m->head.namelen, .controllen = m->head.controllen};
    uint64_t one[2] = {0, n};
    if (m->done > 0)
        head.namelen = 0, head.controllen = 0; /* they went with the first piece */
    m->piece = n;
    rsys_request_start(&call->request, sends(call) ? __NR_sendmsg : __NR_recvmsg, (uint64_t[6]){call->args[0], 0, m->flags});
    if (rsys_request_in(&call->request, 1, &head, sizeof head) < 0)
        return -ENOMEM;
    int64_t at = rsys_request_in(&call->request, -1, one, sizeof one);
    return at < 0 || rsys_request_pointer(&call->request, offsetof(struct header, vector), (uint32_t)at) < 0 ? -ENOMEM : at;
}

static int64_t add_in(struct call *call, uint32_t pointer, uint64_t address, uint64_t n)
{
    if (n == 0)
        return 0;
    int64_t at = rsys_request_in_guest(&call->request, -1, rsys_guest_memory(call->guest), address, n);
    if (at >= 0 && rsys_request_pointer(&call->request, pointer, (uint32_t)at) < 0)
        return -ENOMEM;
    return at;
}

static int64_t build_send(struct call *call, uint64_t n)
{
    struct message *m = message_of(call);
    int64_t vector = begin(call, n), at;
    if (vector < 0)
        return vector;
    if (m->done == 0) {
        at = add_in(call, offsetof(struct header, name), m->head.name, (uint64_t)m->head.namelen);
        if (at >= 0 && m->head.controllen > 0) {
            at = rsys_request_in(&call->request, -1, control_of(call), m->head.controllen);
            if (at >= 0 && rsys_request_pointer(&call->request, offsetof(struct header, control), (uint32_t)at) < 0)
                at = -ENOMEM;
        }
        if (at < 0)
            return at;
    }
    at = rsys_request_in_room(&call->request, n);
    if (at < 0)
        return at;
    if (rsys_vector_gather(rsys_guest_memory(call->guest), call->scratch, m->count, call->request.in + at, n) < n)
        return -EFAULT;
    at = rsys_request_in_taken(&call->request, -1, (uint32_t)at, n);
    return at < 0 ? at : rsys_request_pointer(&call->request, (uint32_t)vector, (uint32_t)at);
}

static int64_t add_out(struct call *call, uint32_t pointer, uint64_t n, enum rsys_out_how how, uint32_t length_at)
{
    int64_t at = rsys_request_out(&call->request, -1, n, how, 1, (struct rsys_out_target){0});
    if (at < 0)
        return at;
    call->request.outs[call->request.head.outs - 1].at = length_at;
    return n == 0 ? 0 : rsys_request_pointer(&call->request, pointer, (uint32_t)at);
}

/* Four out-ranges: the header, the name, the control data, the data. */
static int64_t build_receive(struct call *call, uint64_t n)
{
    struct message *m = message_of(call);
    bool first = m->done == 0;
    int64_t vector = begin(call, n);
    if (vector < 0)
        return vector;
    int64_t at = rsys_request_out_at(&call->request, 0, HEADER_SIZE, RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){0});
    if (at >= 0)
        at = add_out(call, offsetof(struct header, name), first ? (uint64_t)m->head.namelen : 0, RSYS_OUT_VALUE, offsetof(struct header, namelen));
    if (at >= 0)
        at = add_out(call, offsetof(struct header, control), first ? m->head.controllen : 0, RSYS_OUT_VALUE, offsetof(struct header, controllen));
    if (at >= 0)
        at = add_out(call, (uint32_t)vector, n, RSYS_OUT_RESULT, 0);
    return at;
}

/* ---- the call's end ---- */

static enum verdict end(struct call *call, int64_t result)
{
    struct message *m = message_of(call);
    int64_t left[2] = {0, 0};
    if (m->done > 0 && result < 0)
        result = (int64_t)m->done;
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
    struct message *m = message_of(call);
    uint64_t n = RSYS_MIN(m->total - m->done, (uint64_t)RSYS_ARENA_SIZE);
    int64_t built = sends(call) ? build_send(call, n) : build_receive(call, n);
    if (built < 0)
        return end(call, built);
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
    if (!sends(call) || m->head.controllen == 0)
        return piece(call);
    m->rights.control = control_of(call);
    m->rights.size = m->head.controllen;
    return rsys_rights_send(call, &m->rights, rights_ready);
}

/* A message is done: of many, its length is told and the next is begun. */
static enum verdict next(struct call *call, int64_t result)
{
    struct message *m = message_of(call);
    uint32_t length = (uint32_t)result;
    if (m->many == 0)
        return end(call, result);
    if (rsys_memory_write(rsys_guest_memory(call->guest), m->address + HEADER_SIZE, &length, sizeof length) < 0)
        return end(call, -EFAULT);
    m->index++;
    if (m->index >= m->many || (m->deadline >= 0 && now() >= m->deadline))
        return end(call, 0);
    if (call->args[3] & MSG_WAITFORONE)
        m->flags |= MSG_DONTWAIT;
    m->address += STRIDE;
    int64_t failed = read_header(call);
    return failed < 0 ? end(call, failed) : start(call);
}

/* What came beside the data: name, control data, flags.  0 or -EFAULT. */
static int store_header(struct call *call, const uint8_t *data)
{
    struct message *m = message_of(call);
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    struct rsys_out_target *got = call->request.targets;
    const uint8_t *name = data + HEADER_SIZE, *control = name + got[1].got;
    struct header head;
    if (got[0].got != HEADER_SIZE)
        return -EFAULT;
    memcpy(&head, data, sizeof head);
    if (m->address == 0) /* recvfrom has no header */
        return 0;
    if (m->head.name != 0 && (rsys_memory_write(memory, m->head.name, name, got[1].got) < 0 ||
                              rsys_memory_write(memory, m->address + offsetof(struct header, namelen), &head.namelen, sizeof head.namelen) < 0))
        return -EFAULT;
    if (rsys_memory_write(memory, m->head.control, control, got[2].got) < 0 ||
        rsys_memory_write(memory, m->address + offsetof(struct header, controllen), &head.controllen, sizeof head.controllen) < 0 ||
        rsys_memory_write(memory, m->address + offsetof(struct header, flags), &head.flags, sizeof head.flags) < 0)
        return -EFAULT;
    return 0;
}

/* The descriptors of the message are in the guest's table, or some could not be put there: which looks as if there had been no room for them. */
static enum verdict rights_placed(struct call *call, int64_t failed)
{
    struct message *m = message_of(call);
    uint64_t at = m->address + offsetof(struct header, flags);
    uint32_t flags = 0;
    if (failed < 0 && rsys_memory_read(rsys_guest_memory(call->guest), at, &flags, sizeof flags) == 0) {
        flags |= MSG_CTRUNC;
        rsys_memory_write(rsys_guest_memory(call->guest), at, &flags, sizeof flags);
    }
    return next(call, m->result);
}

static enum verdict message_done(struct call *call, int64_t result)
{
    struct message *m = message_of(call);
    if (sends(call) || m->rights.size == 0 || !rsys_rights_any(call->guest->process->jail))
        return next(call, result);
    m->result = result;
    m->rights.peeks = m->flags & MSG_PEEK;
    m->rights.cloexec = m->flags & MSG_CMSG_CLOEXEC;
    return rsys_rights_receive(call, &m->rights, rights_placed);
}

static enum verdict on_message(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct message *m = message_of(call);
    struct rsys_out_target *got = call->request.targets;
    if (m->done == 0)
        rsys_rights_sent(call, &m->rights, reply->result >= 0);
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0)
        return end(call, -EIO);
    if (reply->result < 0)
        return end(call, reply->result);
    uint64_t moved = RSYS_MIN((uint64_t)reply->result, m->piece);
    bool more = sends(call) || (m->flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL;
    if (!sends(call)) {
        const uint8_t *bytes = data + 4 * 4 + got[0].got + got[1].got + got[2].got;
        if (rsys_vector_scatter(rsys_guest_memory(call->guest), call->scratch, m->count, bytes, got[3].got) < got[3].got)
            return end(call, -EFAULT);
        if (m->done == 0 && store_header(call, data + 4 * 4) < 0)
            return end(call, -EFAULT);
        if (m->done == 0) {
            m->rights.control = control_of(call);
            m->rights.size = RSYS_MIN(got[2].got, CONTROL_MAX);
            memcpy(m->rights.control, data + 4 * 4 + got[0].got + got[1].got, m->rights.size);
        }
    }
    bool full = moved == RSYS_ARENA_SIZE;
    m->done += moved;
    if (more && full && m->done < m->total) {
        advance(call, moved);
        return piece(call);
    }
    /* MSG_TRUNC: a datagram's own length, which may be more than there was room for. */
    int64_t result = m->done == moved ? reply->result : (int64_t)m->done;
    m->done = 0;
    return message_done(call, result);
}

/* sendto is a regular call; more than a request holds goes as a message. */
static enum verdict send_to(struct call *call)
{
    if (call->args[2] <= RSYS_ARENA_SIZE)
        return rsys_call_forward(call);
    struct message *m = make_message(call);
    if (m == NULL)
        return rsys_call_done(call, -ENOMEM);
    if (call->args[4] != 0)
        m->head = (struct header){.name = call->args[4], .namelen = (int32_t)call->args[5]};
    if (m->head.namelen < 0 || m->head.namelen > (int32_t)sizeof(struct sockaddr_storage))
        return rsys_call_done(call, -EINVAL);
    return piece(call);
}

/* recvfrom is a regular call but for two.  MSG_WAITALL for more than a request holds goes as a message.  With MSG_TRUNC a stream throws away what it
 * says to have received: the buffer goes along, so that what the kernel leaves alone stays what it was. */
static enum verdict receive_from(struct call *call)
{
    struct rsys_request *request = &call->request;
    uint64_t args[6];
    if (call->args[4] != 0 || call->args[1] == 0) /* a stream tells no address */
        return rsys_call_forward(call);
    if ((call->args[3] & MSG_WAITALL) && call->args[2] > RSYS_ARENA_SIZE)
        return make_message(call) != NULL ? piece(call) : rsys_call_done(call, -ENOMEM);
    if (!(call->args[3] & MSG_TRUNC))
        return rsys_call_forward(call);
    memcpy(args, call->args, sizeof args);
    args[5] = 0;
    args[2] = RSYS_MIN(args[2], (uint64_t)RSYS_ARENA_SIZE);
    rsys_request_start(request, __NR_recvfrom, args);
    int64_t at = rsys_request_in_guest(request, 1, rsys_guest_memory(call->guest), call->args[1], args[2]);
    if (at >= 0)
        at = rsys_request_out_at(request, (uint32_t)at, args[2], RSYS_OUT_RESULT, 0, (struct rsys_out_target){.guest = call->args[1]});
    return at < 0 ? rsys_call_done(call, at) : rsys_call_send(call);
}

/* ---- local sockets ---- */

static bool has_rights(struct call *call, uint64_t address)
{
    struct header head;
    struct cmsghdr one;
    if (rsys_memory_read(rsys_guest_memory(call->guest), address, &head, sizeof head) < 0 || head.control == 0)
        return false;
    for (uint64_t at = 0; head.controllen <= CONTROL_MAX && head.controllen - at >= sizeof one;) {
        if (rsys_memory_read(rsys_guest_memory(call->guest), head.control + at, &one, sizeof one) < 0 || one.cmsg_len < sizeof one)
            return false;
        if (one.cmsg_level == SOL_SOCKET && one.cmsg_type == SCM_RIGHTS)
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
            return rsys_call_done(call, -EINVAL);
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
    if (rsys_call_scratch(call, SCRATCH) == NULL)
        return rsys_call_done(call, -ENOMEM);
    struct message *m = message_of(call);
    *m = (struct message){.address = call->args[1], .deadline = -1};
    m->flags = (uint32_t)call->args[many ? 3 : 2] & ~(uint32_t)(MSG_ZEROCOPY | (many ? MSG_WAITFORONE : 0));
    if (m->flags & 0x80000000u) /* MSG_CMSG_COMPAT, which is no program's to give */
        return rsys_call_done(call, -EINVAL);
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
    int64_t failed = read_header(call);
    return failed < 0 ? end(call, failed) : start(call);
}

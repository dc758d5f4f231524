/* SPDX-License-Identifier: GPL-2.0-only */
/* message.c: sendmsg and recvmsg, in requests that fit the arena. */
#include "src/core/message.h"

#include <asm/unistd.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "src/core/util.h"

#define HEADER_SIZE sizeof(struct rsys_message_header)

int64_t rsys_message_read(struct rsys_message *m, struct rsys_memory *memory)
{
    int64_t failed = rsys_memory_read(memory, m->address, &m->head, sizeof m->head);
    if (failed < 0)
        return failed;
    if (m->head.name == 0)
        m->head.namelen = 0;
    if (m->head.namelen < 0)
        return -EINVAL;
    m->head.namelen = RSYS_MIN(m->head.namelen, (int32_t)sizeof(struct sockaddr_storage));
    if (m->head.count > UIO_MAXIOV)
        return -EMSGSIZE;
    if (m->head.controllen > INT_MAX || (m->sends && m->head.controllen > RSYS_CONTROL_MAX))
        return -ENOBUFS;
    if (m->head.control == 0)
        m->head.controllen = 0;
    m->head.controllen = RSYS_MIN(m->head.controllen, (uint64_t)RSYS_CONTROL_MAX);
    failed = rsys_vector_read(memory, m->head.vector, m->head.count, m->vector, &m->total);
    if (failed < 0)
        return failed;
    m->count = (uint32_t)failed;
    m->done = 0;
    m->control_size = m->sends ? m->head.controllen : 0;
    return m->control_size > 0 ? rsys_memory_read(memory, m->head.control, m->control, m->control_size) : 0;
}

/* n bytes of the vector are used up. */
static void advance(struct rsys_message *m, uint64_t n)
{
    for (uint32_t i = 0; n > 0 && i < m->count; i++) {
        uint64_t step = RSYS_MIN(n, (uint64_t)m->vector[i].iov_len);
        m->vector[i].iov_base = (char *)m->vector[i].iov_base + step;
        m->vector[i].iov_len -= step;
        n -= step;
    }
}

/* ---- requests ---- */

/* The request with its header at the arena's start and a vector of one entry behind it: the vector's offset, or -errno. */
static int64_t begin(struct rsys_message *m, struct rsys_request *request, uint64_t n)
{
    struct rsys_message_header head = {.count = 1, .namelen = m->head.namelen, .controllen = m->head.controllen};
    uint64_t one[2] = {0, n};
    if (m->done > 0)
        head.namelen = 0, head.controllen = 0; /* they went with the first piece */
    m->piece = n;
    rsys_request_start(request, m->sends ? __NR_sendmsg : __NR_recvmsg, (uint64_t[6]){m->fd, 0, m->flags});
    if (rsys_request_in(request, 1, &head, sizeof head) < 0)
        return -ENOMEM;
    int64_t at = rsys_request_in(request, -1, one, sizeof one);
    return at < 0 || rsys_request_pointer(request, offsetof(struct rsys_message_header, vector), (uint32_t)at) < 0 ? -ENOMEM : at;
}

static int64_t build_send(struct rsys_message *m, struct rsys_request *request, struct rsys_memory *memory, uint64_t n)
{
    int64_t vector = begin(m, request, n), at = vector;
    if (m->done == 0 && at >= 0 && m->head.namelen > 0) {
        at = rsys_request_in_guest(request, -1, memory, m->head.name, (uint64_t)m->head.namelen);
        if (at >= 0 && rsys_request_pointer(request, offsetof(struct rsys_message_header, name), (uint32_t)at) < 0)
            at = -ENOMEM;
    }
    if (m->done == 0 && at >= 0 && m->head.controllen > 0) {
        at = rsys_request_in(request, -1, m->control, m->head.controllen);
        if (at >= 0 && rsys_request_pointer(request, offsetof(struct rsys_message_header, control), (uint32_t)at) < 0)
            at = -ENOMEM;
    }
    if (at >= 0)
        at = rsys_request_in_room(request, n);
    if (at < 0)
        return at;
    if (rsys_vector_gather(memory, m->vector, m->count, request->in + at, n) < n)
        return -EFAULT;
    at = rsys_request_in_taken(request, -1, (uint32_t)at, n);
    return at < 0 ? at : rsys_request_pointer(request, (uint32_t)vector, (uint32_t)at);
}

static int64_t add_out(struct rsys_request *request, uint32_t pointer, uint64_t n, enum rsys_out_how how, uint32_t length_at)
{
    int64_t at = rsys_request_out(request, -1, n, how, 1, (struct rsys_out_target){0});
    if (at < 0)
        return at;
    request->outs[request->head.outs - 1].at = length_at;
    return n == 0 ? 0 : rsys_request_pointer(request, pointer, (uint32_t)at);
}

/* Four out-ranges: the header, the name, the control data, the data. */
static int64_t build_receive(struct rsys_message *m, struct rsys_request *request, uint64_t n)
{
    bool first = m->done == 0;
    int64_t vector = begin(m, request, n);
    if (vector < 0)
        return vector;
    int64_t at = rsys_request_out_at(request, 0, HEADER_SIZE, RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){0});
    if (at >= 0)
        at = add_out(request, offsetof(struct rsys_message_header, name), first ? (uint64_t)m->head.namelen : 0, RSYS_OUT_VALUE,
                     offsetof(struct rsys_message_header, namelen));
    if (at >= 0)
        at = add_out(request, offsetof(struct rsys_message_header, control), first ? m->head.controllen : 0, RSYS_OUT_VALUE,
                     offsetof(struct rsys_message_header, controllen));
    if (at >= 0)
        at = add_out(request, (uint32_t)vector, n, RSYS_OUT_RESULT, 0);
    return at;
}

int64_t rsys_message_request(struct rsys_message *m, struct rsys_request *request, struct rsys_memory *memory)
{
    uint64_t n = RSYS_MIN(m->total - m->done, (uint64_t)RSYS_ARENA_SIZE);
    int64_t built = m->sends ? build_send(m, request, memory, n) : build_receive(m, request, n);
    return built < 0 ? built : 0;
}

/* ---- replies ---- */

/* What came beside the data: name, control data, flags.  0 or -EFAULT. */
static int store_header(struct rsys_message *m, const struct rsys_request *request, const uint8_t *data, struct rsys_memory *memory)
{
    const struct rsys_out_target *got = request->targets;
    const uint8_t *name = data + HEADER_SIZE, *control = name + got[1].got;
    struct rsys_message_header head;
    if (got[0].got != HEADER_SIZE)
        return -EFAULT;
    memcpy(&head, data, sizeof head);
    m->control_size = RSYS_MIN(got[2].got, RSYS_CONTROL_MAX);
    memcpy(m->control, control, m->control_size);
    if (m->address == 0) /* recvfrom has no header */
        return 0;
    if (m->head.name != 0 && (rsys_memory_write(memory, m->head.name, name, got[1].got) < 0 ||
                              rsys_memory_write(memory, m->address + offsetof(struct rsys_message_header, namelen), &head.namelen, sizeof head.namelen) < 0))
        return -EFAULT;
    if (rsys_memory_write(memory, m->head.control, control, got[2].got) < 0 ||
        rsys_memory_write(memory, m->address + offsetof(struct rsys_message_header, controllen), &head.controllen, sizeof head.controllen) < 0 ||
        rsys_memory_write(memory, m->address + offsetof(struct rsys_message_header, flags), &head.flags, sizeof head.flags) < 0)
        return -EFAULT;
    return 0;
}

int rsys_message_reply(struct rsys_message *m, struct rsys_request *request, const struct rsys_wire_reply *reply, const uint8_t *data,
                       struct rsys_memory *memory, int64_t *ret_result)
{
    const struct rsys_out_target *got = request->targets;
    int64_t failed = rsys_request_finish(request, reply, data, NULL) < 0 ? -EIO : RSYS_MIN(reply->result, INT64_C(0));
    uint64_t moved = failed < 0 ? 0 : RSYS_MIN((uint64_t)reply->result, m->piece);
    if (failed == 0 && !m->sends) {
        const uint8_t *bytes = data + 4 * 4 + got[0].got + got[1].got + got[2].got;
        if (rsys_vector_scatter(memory, m->vector, m->count, bytes, got[3].got) < got[3].got || (m->done == 0 && store_header(m, request, data + 4 * 4, memory) < 0))
            failed = -EFAULT;
    }
    if (failed < 0) {
        *ret_result = m->done > 0 ? (int64_t)m->done : failed;
        return 0;
    }
    bool goes_on = m->sends || (m->flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL;
    m->done += moved;
    if (goes_on && moved == RSYS_ARENA_SIZE && m->done < m->total) {
        advance(m, moved);
        return 1;
    }
    /* MSG_TRUNC: a datagram's own length, which may be more than there was room for.  Otherwise nobody is told more than there is. */
    *ret_result = !m->sends && (m->flags & MSG_TRUNC) != 0 && m->done == moved ? reply->result : (int64_t)m->done;
    return 0;
}

int64_t rsys_encode_receive_truncated(struct rsys_request *request, const uint64_t args[6], struct rsys_memory *memory)
{
    uint64_t size = RSYS_MIN(args[2], (uint64_t)RSYS_ARENA_SIZE);
    rsys_request_start(request, __NR_recvfrom, (uint64_t[6]){args[0], 0, size, args[3]});
    int64_t at = rsys_request_in_guest(request, 1, memory, args[1], size);
    if (at >= 0)
        at = rsys_request_out_at(request, (uint32_t)at, size, RSYS_OUT_RESULT, 0, (struct rsys_out_target){.guest = args[1]});
    return at < 0 ? at : 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* message.c: sendmsg and recvmsg, and sendto and recvfrom where they are more than their shapes.  Descriptors in SCM_RIGHTS are the session's. */
#include "src/client/internal.h"

#include "src/core/message.h"
#include "src/core/util.h"

#include <limits.h>
#include <sys/socket.h>
#include <sys/syscall.h>

struct storage {
    struct rsys_message message;
    struct iovec vector[UIO_MAXIOV];
    uint8_t control[RSYS_CONTROL_MAX];
};

/* A vector of one buffer, in the place of a header of its own. */
static int make_plain(struct rsys_message *m, const uint64_t args[6])
{
    m->total = RSYS_MIN(args[2], (uint64_t)INT_MAX);
    m->count = 1;
    *m->vector = (struct iovec){(void *)(uintptr_t)args[1], m->total};
    if (m->sends && args[4] != 0)
        m->head = (struct rsys_message_header){.name = args[4], .namelen = (int32_t)args[5]};
    return m->head.namelen < 0 || m->head.namelen > (int32_t)sizeof(struct sockaddr_storage) ? -EINVAL : 0;
}

static int64_t run(struct rsys_session *session, struct channel *channel, struct rsys_message *m, enum channel_patience patience)
{
    int64_t result;
    int more;
    do {
        struct rsys_wire_reply reply;
        const uint8_t *data;
        int64_t failed = rsys_message_request(m, &channel->request, &rsys_memory_own);
        if (failed == 0)
            failed = channel_exchange(session, channel, &channel->request, patience, &reply, &data);
        if (failed < 0)
            return m->done > 0 ? (int64_t)m->done : failed;
        more = rsys_message_reply(m, &channel->request, &reply, data, &rsys_memory_own, &result);
    } while (more > 0);
    return result;
}

int64_t call_message(struct rsys_session *session, struct channel *channel, const struct rsys_call *row, const uint64_t args[6])
{
    bool plain = row->nr == SYS_sendto || row->nr == SYS_recvfrom, anonymous = row->nr == SYS_recvfrom && args[4] == 0 && args[1] != 0;
    if ((uint32_t)args[0] >= session->welcome.nofile)
        return -EBADF;
    if (row->nr != SYS_sendmsg && row->nr != SYS_recvmsg && !plain)
        return -ENOSYS; /* sendmmsg, recvmmsg */
    if (plain && (args[2] <= RSYS_ARENA_SIZE || (row->nr == SYS_recvfrom && !(anonymous && (args[3] & MSG_WAITALL) != 0)))) {
        if (!anonymous || (args[3] & MSG_TRUNC) == 0)
            return call_by_shapes(session, channel, row, args);
        int64_t failed = rsys_encode_receive_truncated(&channel->request, args, &rsys_memory_own);
        return failed < 0 ? failed : call_exchange(session, channel, channel_patience_of(row));
    }
    uint32_t flags = (uint32_t)args[plain ? 3 : 2] & ~(uint32_t)MSG_ZEROCOPY;
    if ((flags & 0x80000000u) != 0) /* MSG_CMSG_COMPAT, which is no program's to give */
        return -EINVAL;
    struct storage *storage = malloc(sizeof *storage);
    if (storage == NULL)
        return -ENOMEM;
    struct rsys_message *m = &storage->message;
    *m = (struct rsys_message){.vector = storage->vector, .control = storage->control, .fd = args[0], .address = plain ? 0 : args[1], .flags = flags,
                               .sends = row->nr == SYS_sendto || row->nr == SYS_sendmsg};
    int64_t result = plain ? make_plain(m, args) : rsys_message_read(m, &rsys_memory_own);
    if (result == 0)
        result = run(session, channel, m, channel_patience_of(row));
    free(storage);
    return result;
}

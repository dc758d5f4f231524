/* SPDX-License-Identifier: GPL-2.0-only */
/* channel.c: requests out and replies in, on one connection, by the thread that waits for them.
 *
 * The other side is not trusted: sizes are checked before anything is kept, and a reply that answers nothing ends the session.  Only what was asked for is
 * ever received: signals that the world raised on the executor (F_SETOWN) are nobody's here, and dropped. */
#include "src/client/internal.h"

#include "src/core/util.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define IN_ROOM 16384u
#define REPLY_SIZE_MAX (RSYS_ARENA_SIZE + RSYS_ARENA_SLACK + 4 * RSYS_OUTS_MAX)

struct channel *channel_new(int fd, pid_t tid)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return NULL;
    channel->fd = fd;
    channel->tid = tid;
    channel->owner = pthread_self();
    return channel;
}

void channel_free(struct channel *channel)
{
    if (channel == NULL)
        return;
    rsys_close(channel->fd);
    rsys_request_free(&channel->request);
    free(channel->in);
    free(channel);
}

/* Room for at least n more bytes behind what has come.  0 or -1. */
static int make_room(struct channel *channel, size_t n)
{
    if (channel->at > 0) {
        memmove(channel->in, channel->in + channel->at, channel->have - channel->at);
        channel->have -= channel->at;
        channel->at = 0;
    }
    size_t room = RSYS_MAX(channel->have + n, (size_t)IN_ROOM);
    if (room <= channel->room)
        return 0;
    room = RSYS_MAX(room, 2 * channel->room); /* else the replies of a large batch, a little at a time, are copied over and over */
    uint8_t *grown = realloc(channel->in, room);
    if (grown == NULL)
        return -1;
    channel->in = grown;
    channel->room = room;
    return 0;
}

/* Receive what is there, and wait for it unless flags say not to.  0; -EINTR; -EAGAIN; -1: lost. */
static int fill(struct channel *channel, size_t more, int flags)
{
    if (make_room(channel, RSYS_MAX(more, (size_t)IN_ROOM / 2)) < 0)
        return -1;
    ssize_t n = recv(channel->fd, channel->in + channel->have, channel->room - channel->have, flags);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return -errno;
    if (n <= 0)
        return -1;
    channel->have += (size_t)n;
    return 0;
}

int channel_send(struct channel *channel, struct iovec *iov, int count)
{
    while (count > 0) {
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = RSYS_MIN((size_t)count, (size_t)UIO_MAXIOV)};
        ssize_t sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = channel->fd, .events = POLLIN | POLLOUT};
            if (poll(&wait, 1, -1) > 0 && (wait.revents & ~POLLOUT) != 0 && fill(channel, 0, MSG_DONTWAIT) == -1)
                return -1;
        } else if (sent < 0 && errno != EINTR) {
            return -1;
        }
        while (count > 0 && (sent > 0 || iov->iov_len == 0)) {
            size_t step = sent > 0 ? RSYS_MIN((size_t)sent, iov->iov_len) : 0;
            iov->iov_base = (char *)iov->iov_base + step;
            iov->iov_len -= step;
            sent -= (ssize_t)step;
            if (iov->iov_len == 0)
                iov++, count--;
        }
    }
    return 0;
}

enum channel_patience channel_patience_of(const struct rsys_call *call)
{
    if ((call->flags & RSYS_CALL_BLOCKS) == 0)
        return CHANNEL_PATIENT;
    return (call->flags & RSYS_CALL_NORESTART) != 0 ? CHANNEL_STRICT : CHANNEL_RESTARTS;
}

static int wait_more(struct channel *channel, size_t more, enum channel_patience patience)
{
    int failed = channel_wait(channel, patience);
    if (failed == 0)
        failed = fill(channel, more, 0);
    return failed == -EAGAIN || (failed == -EINTR && patience == CHANNEL_PATIENT) ? 0 : failed;
}

int channel_receive(struct channel *channel, uint32_t seq, enum channel_patience patience, struct rsys_wire_reply *ret_reply, const uint8_t **ret_data)
{
    for (;;) {
        size_t have = channel->have - channel->at, missing = 0;
        if (have >= sizeof *ret_reply) {
            memcpy(ret_reply, channel->in + channel->at, sizeof *ret_reply);
            if (ret_reply->size > REPLY_SIZE_MAX)
                return -1;
            if (have - sizeof *ret_reply >= ret_reply->size) {
                *ret_data = channel->in + channel->at + sizeof *ret_reply;
                channel->at += sizeof *ret_reply + ret_reply->size;
                if (ret_reply->seq == RSYS_SEQ_SIGNAL)
                    continue;
                channel->signals |= ret_reply->signals;
                return ret_reply->seq == seq ? 0 : -1;
            }
            missing = ret_reply->size - (have - sizeof *ret_reply);
        }
        int failed = wait_more(channel, missing, patience);
        if (failed < 0)
            return failed;
    }
}

uint32_t channel_next_seq(struct channel *channel)
{
    return ++channel->seq == RSYS_SEQ_SIGNAL ? channel->seq = 1 : channel->seq;
}

int channel_await(struct rsys_session *session, struct channel *channel, uint32_t seq, enum channel_patience patience, struct rsys_wire_reply *ret_reply,
                  const uint8_t **ret_data)
{
    int failed = channel_receive(channel, seq, patience, ret_reply, ret_data);
    if (failed == -EINTR) {
        /* It may be done all the same: the reply tells. */
        session_cancel(session, channel, seq);
        failed = channel_receive(channel, seq, CHANNEL_PATIENT, ret_reply, ret_data);
    }
    if (failed < 0)
        return session_fail(session, ECONNRESET);
    if (ret_reply->result == -512) /* ERESTARTSYS: it had not begun, or had waited for nothing */
        ret_reply->result = -EINTR;
    return 0;
}

int channel_exchange(struct rsys_session *session, struct channel *channel, struct rsys_request *request, enum channel_patience patience,
                     struct rsys_wire_reply *ret_reply, const uint8_t **ret_data)
{
    struct iovec iov[4];
    size_t size;
    uint32_t seq = channel_next_seq(channel);
    int count = rsys_request_frame(request, seq, 0, iov, &size);
    if (channel_send(channel, iov, count) < 0)
        return session_fail(session, ECONNRESET);
    return channel_await(session, channel, seq, patience, ret_reply, ret_data);
}

int channel_post(struct channel *channel, struct rsys_request *request)
{
    struct iovec iov[4];
    size_t size;
    int count = rsys_request_frame(request, channel_next_seq(channel), RSYS_REQUEST_NOREPLY, iov, &size);
    return channel_send(channel, iov, count);
}

void channel_exit(struct channel *channel, bool whole)
{
    struct rsys_wire_request request = {.seq = channel_next_seq(channel), .nr = RSYS_OP_EXIT, .args = {whole, 1}};
    struct iovec iov = {&request, sizeof request};
    struct rsys_wire_reply reply;
    const uint8_t *data;
    /* The reply is waited for: were the connection closed with bytes that nobody has received, the other side might lose the request, and with the
     * connection's end a thread ends its whole process. */
    if (channel_send(channel, &iov, 1) == 0)
        (void)channel_receive(channel, request.seq, CHANNEL_PATIENT, &reply, &data);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* channel.c: the connections to executor threads: requests out, replies in, never blocking.
 *
 * A request leaves with one sendmsg; what the socket does not take at once is kept and sent when there is room (the loop waits for
 * it), so one slow executor delays nobody else.  Deadlock by both sides sending is impossible: an executor reads whenever it does not
 * execute, a reply to an errand is a few bytes, and we always read.
 *
 * The other side is not trusted: sizes are checked before anything is kept, and a reply that answers nothing is dropped. */
#include "src/jail/internal.h"
#include "src/jail/learn.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define IN_ROOM 16384u
#define REPLY_SIZE_MAX (RSYS_ARENA_SIZE + RSYS_ARENA_SLACK + 4 * RSYS_OUTS_MAX)

struct channel *rsys_channel_new(struct jail *jail, int fd)
{
    struct channel *channel = calloc(1, sizeof(*channel));

    if (!channel)
        return NULL;
    channel->source.kind = SOURCE_CHANNEL;
    channel->source.fd = fd;
    channel->jail = jail;
    channel->errands_end = &channel->errands;
    channel->next = jail->channels;
    jail->channels = channel;
    return channel;
}

void rsys_channel_drop(struct channel *channel)
{
    struct jail *jail = channel->jail;
    struct channel **p;

    if (channel->dead)
        return;
    for (p = &jail->channels; *p && *p != channel; p = &(*p)->next)
        ;
    if (*p)
        *p = channel->next;
    if (channel->source.fd >= 0)
        close(channel->source.fd); /* leaves the epoll set by itself: nobody else has a duplicate */
    channel->source.fd = -1;
    channel->dead = true;
    channel->next = jail->dead;
    jail->dead = channel;
}

void rsys_channels_bury(struct jail *jail)
{
    struct channel *channel;

    while ((channel = jail->dead)) {
        struct errand *errand;

        jail->dead = channel->next;
        while ((errand = channel->errands)) {
            channel->errands = errand->next;
            free(errand);
        }
        free(channel->in);
        free(channel->out);
        rsys_sent_free(&channel->sent);
        free(channel);
    }
}

struct channel *rsys_channel_by_tid(struct jail *jail, pid_t tid)
{
    struct channel *channel;

    for (channel = jail->channels; channel; channel = channel->next)
        if (channel->tid == tid && channel->source.fd < 0)
            return channel;
    return NULL;
}

/* ---- out ---- */

int rsys_channel_keep(struct channel *channel, const struct iovec *iov, int count, size_t skip)
{
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += iov[i].iov_len;
    if (channel->out_at == channel->out_have)
        channel->out_at = channel->out_have = channel->out_held = 0;
    if (channel->out_room - channel->out_have < size - skip) {
        size_t room = channel->out_have + (size - skip);
        uint8_t *grown = realloc(channel->out, room);

        if (!grown)
            return -ENOMEM;
        channel->out = grown;
        channel->out_room = room;
    }
    for (int i = 0; i < count; i++) {
        size_t part = RSYS_MIN(skip, iov[i].iov_len);

        memcpy(channel->out + channel->out_have, (uint8_t *)iov[i].iov_base + part, iov[i].iov_len - part);
        channel->out_have += iov[i].iov_len - part;
        skip -= part;
    }
    return 0;
}

static void channel_flush(struct channel *channel)
{
    size_t end = channel->cancels ? channel->out_held : channel->out_have;

    while (channel->out_at < end) {
        ssize_t n = send(channel->source.fd, channel->out + channel->out_at, end - channel->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) /* lost: the input side tells */
            end = channel->out_at = channel->out_have;
        else
            channel->out_at += (size_t)n;
    }
    if (channel->out_at == channel->out_have)
        channel->out_at = channel->out_have = channel->out_held = 0;
    rsys_source_change(channel->jail, &channel->source, false);
}

void rsys_channel_push(struct channel *channel)
{
    if (channel->source.fd < 0 || channel->out_at == channel->out_have)
        return;
    rsys_source_change(channel->jail, &channel->source, true);
    channel_flush(channel);
}

void rsys_channel_cancels(struct channel *channel)
{
    if (channel->cancels++ == 0) {
        channel->out_held = channel->out_have;
        channel->held_seq = channel->seq;
    }
}

void rsys_channel_cancelled(struct jail *jail, pid_t tid)
{
    struct channel *channel = jail->channels;

    while (channel && channel->tid != tid)
        channel = channel->next;
    if (channel && channel->cancels > 0 && --channel->cancels == 0)
        rsys_channel_push(channel);
}

static int64_t channel_send(struct channel *channel, struct rsys_request *request, uint16_t flags, bool live)
{
    struct iovec iov[4];
    size_t size, sent = 0;
    uint32_t seq = ++channel->seq >= RSYS_SEQ_END ? channel->seq = 1 : channel->seq;
    int count;

    if (!channel->guest || !channel->guest->call || !channel->guest->call->unlearned)
        rsys_learn_request(&request->head);
    request->head.ack = channel->ack;
    count = rsys_request_frame(request, seq, flags, iov, &size);
    if (channel->jail->resume) {
        if (rsys_sent_add(&channel->sent, live ? request : NULL, seq, iov, count, size) < 0)
            return -ENOMEM;
        if (channel->cut) /* everything is sent from there, once it is known what has to be */
            return seq;
    }
    if (channel->source.fd >= 0 && channel->out_at == channel->out_have && channel->cancels == 0) {
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
        ssize_t n;

        do
            n = sendmsg(channel->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno != EAGAIN)
            return seq; /* lost: the input side tells */
        sent = n < 0 ? 0 : (size_t)n;
        if (sent == size)
            return seq;
        rsys_source_change(channel->jail, &channel->source, true);
    }
    if (rsys_channel_keep(channel, iov, count, sent) < 0)
        return -ENOMEM;
    return seq;
}

int64_t rsys_channel_send(struct channel *channel, struct rsys_request *request, uint16_t flags)
{
    return channel_send(channel, request, flags, false);
}

int64_t rsys_channel_send_call(struct channel *channel, struct rsys_request *request)
{
    return channel_send(channel, request, 0, true);
}

int64_t rsys_channel_errand(struct channel *channel, struct rsys_request *request, pid_t tid,
                            void (*done)(struct channel *, struct errand *, int64_t))
{
    struct errand *errand = calloc(1, sizeof(*errand));
    int64_t seq;

    if (!errand)
        return -ENOMEM;
    seq = rsys_channel_send(channel, request, RSYS_REQUEST_KEEP); /* others follow before its reply has come */
    if (seq < 0) {
        free(errand);
        return seq;
    }
    errand->seq = (uint32_t)seq;
    errand->done = done;
    errand->tid = tid;
    *channel->errands_end = errand;
    channel->errands_end = &errand->next;
    return seq;
}

/* ---- in ---- */

/* The first words of an executor thread: its tid.  What has been waiting for it goes out. */
static void channel_greeting(struct channel *spare, const struct rsys_wire_reply *greeting, const uint8_t *data)
{
    int64_t tid = greeting->result;
    uint64_t failed = greeting->signals;
    struct jail *jail = spare->jail;
    struct channel *channel;

    if (tid < 0 && tid > -4096 && !spare->is_control && spare->tid == 0) {
        rsys_clone_failed(jail, (pid_t)failed, tid); /* the executor closes this channel */
        return;
    }
    if (spare->is_control || spare->tid != 0 || tid <= 0 || tid > INT32_MAX) {
        rsys_jail_lost(jail, "the server greets where nobody waits for it");
        return;
    }
    jail->spares_lost = 0;
    if (jail->resume && greeting->size >= sizeof(struct rsys_wire_resume)) {
        struct rsys_wire_resume have;

        memcpy(&have, data, sizeof(have));
        rsys_resume_greeting(spare, (pid_t)tid, &have);
        return;
    }
    channel = rsys_channel_by_tid(jail, (pid_t)tid);
    if (!channel) {
        /* The guest has ended meanwhile, and its executor is about to: the channel ends with it. */
        spare->tid = (pid_t)tid;
        jail->spares--;
        rsys_spare_balance(jail);
        return;
    }
    channel->source.fd = spare->source.fd;
    spare->source.fd = -1;
    rsys_source_change(jail, &channel->source, false);
    rsys_channel_drop(spare);
    jail->spares--;
    rsys_spare_balance(jail);
    rsys_channel_push(channel);
}

static void channel_reply(struct channel *channel, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct errand *errand = channel->errands;

    if (reply->seq == RSYS_SEQ_SIGNAL) {
        if (channel->jail->resume && !rsys_seq_after((uint32_t)reply->signals, channel->told))
            return; /* it was told before */
        channel->told = (uint32_t)reply->signals;
        if (channel->guest && reply->size >= RSYS_SIGNAL_INFO)
            rsys_signal_told(channel->guest, data);
        return;
    }
    if (reply->seq == RSYS_SEQ_END) {
        if (channel->is_control)
            rsys_jail_last_word(channel->jail, data, reply->size);
        return;
    }
    if (reply->seq == 0) {
        channel_greeting(channel, reply, data);
        return;
    }
    channel->ack = reply->seq;
    if (channel->jail->resume)
        rsys_sent_received(&channel->sent, reply->seq);
    if (errand && errand->seq == reply->seq) {
        channel->errands = errand->next;
        if (!channel->errands)
            channel->errands_end = &channel->errands;
        errand->reply = reply;
        errand->data = data;
        if (errand->done)
            errand->done(channel, errand, reply->result);
        free(errand);
    } else if (channel->guest && (channel->guest->call->phase == CALL_SENT) && channel->guest->call->seq == reply->seq) {
        rsys_call_reply(channel->guest, reply, data);
    }
    /* Else: the reply to a call that was given up. */
}

/* The whole replies that have come.  Returns how many more bytes the next one needs, or -1 when the other side talks nonsense. */
static int64_t channel_digest(struct channel *channel)
{
    size_t at = 0;
    int64_t missing = 0;

    while (!channel->dead && channel->have - at >= sizeof(struct rsys_wire_reply)) {
        struct rsys_wire_reply reply;

        memcpy(&reply, channel->in + at, sizeof(reply));
        if (reply.size > REPLY_SIZE_MAX)
            return -1;
        if (channel->have - at - sizeof(reply) < reply.size) {
            missing = (int64_t)(reply.size - (channel->have - at - sizeof(reply)));
            break;
        }
        /* A handler may look at the data where it lies: nothing is received into the buffer before it returns. */
        channel_reply(channel, &reply, channel->in + at + sizeof(reply));
        at += sizeof(reply) + reply.size;
    }
    if (at) {
        memmove(channel->in, channel->in + at, channel->have - at);
        channel->have -= at;
    }
    return missing;
}

static int channel_room(struct channel *channel, size_t more)
{
    size_t room = RSYS_MAX(channel->have + more, (size_t)IN_ROOM);
    uint8_t *grown;

    if (room <= channel->room)
        return 0;
    grown = realloc(channel->in, room);
    if (!grown)
        return -ENOMEM;
    channel->in = grown;
    channel->room = room;
    return 0;
}

/* End of file, or nonsense, on a channel. */
static void channel_lost(struct channel *channel)
{
    struct jail *jail = channel->jail;

    if (channel->is_control) {
        rsys_jail_lost(jail, "the server has ended the session");
        jail->control = NULL;
    } else if (channel->guest) {
        rsys_guest_orphaned(channel->guest);
    } else if (channel->tid == 0) {
        rsys_spare_lost(jail);
    }
    rsys_channel_drop(channel);
}

void rsys_channel_event(struct channel *channel, uint32_t events)
{
    int64_t missing = 0;

    if (channel->dead)
        return;
    if (events & EPOLLOUT)
        channel_flush(channel);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    do {
        size_t space;
        ssize_t n;

        if (channel_room(channel, missing ? (size_t)missing : IN_ROOM / 2) < 0) {
            rsys_jail_lost(channel->jail, "out of memory");
            return;
        }
        space = channel->room - channel->have;
        n = recv(channel->source.fd, channel->in + channel->have, space, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            if (!rsys_resume_cut(channel, n == 0))
                channel_lost(channel);
            return;
        }
        channel->have += (size_t)n;
        missing = channel_digest(channel);
        if (missing < 0) {
            channel_lost(channel);
            return;
        }
        if ((size_t)n < space)
            return;
    } while (!channel->dead);
}

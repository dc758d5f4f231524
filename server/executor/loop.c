/* SPDX-License-Identifier: GPL-2.0-only */
/* loop.c: what an executor thread does: receive a request, make the call, send what came of it.
 *
 * The sender is hostile.  What it can do here is what the process may do at all (DESIGN: the kernel enforces the policy); the bounds that decode.c
 * checks keep an honest client's mistake from being silent. */
#include "server/executor/internal.h"

#include "src/core/decode.h"

#include <asm/unistd.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/time_types.h>

#define MSG_DONTWAIT 0x40
#define MSG_WAITALL 0x100
#define MSG_NOSIGNAL 0x4000
#define POLLIN 1
#define POLLOUT 4
#define HEAD sizeof(struct rsys_wire_request)
#define SMALL_REPLY 1024u        /* up to so much is gathered by copying, which is cheaper than an iovec */
#define IDLE_MILLISECONDS 20     /* a thread that used much memory is idle after this */
#define DIRTY_REQUESTS 16        /* or after so many requests that used little */
#define HURRY_MICROSECONDS 20u   /* until a call that a signal has come for already is interrupted */

struct vector {
    const void *base;
    size_t length;
};
struct message {
    void *name;
    int name_length;
    struct vector *vectors;
    size_t count;
    void *control;
    size_t control_length;
    unsigned flags;
};

void loop_end(void)
{
    for (;;)
        sys1(__NR_exit_group, 0);
}

/* Wait until there is something to receive, and give the memory back when that takes long. */
static void wait_dirty(struct thread *thread)
{
    struct {
        int fd;
        short events, revents;
    } wait = {thread->channel, POLLIN, 0};
    struct __kernel_timespec time = {.tv_nsec = IDLE_MILLISECONDS * 1000000};
    if (--thread->dirty == 0 || sys5(__NR_ppoll, &wait, 1, &time, 0, 8) == 0)
        thread_give_back(thread);
}

/* At least one byte, at most n.  0 or less: the end. */
static int64_t receive_some(struct thread *thread, void *to, size_t n, int flags)
{
    while (!thread->dropped) {
        int64_t got = sys6(__NR_recvfrom, (uint64_t)thread->channel, SYS_ARG(to), n, (uint64_t)flags, 0, 0);
        if (got == -E_AGAIN) /* a channel that can be resumed, on which nothing has come for some time */
            signals_wait_or_drop(thread, POLLIN, -1);
        else if (got != -E_INTR)
            return got;
    }
    return 0;
}

int loop_receive_exact(struct thread *thread, void *to, size_t n, int milliseconds)
{
    for (size_t have = 0; have < n;) {
        int64_t got = 0;
        if (signals_wait_or_drop(thread, POLLIN, milliseconds))
            got = receive_some(thread, (uint8_t *)to + have, n - have, MSG_DONTWAIT);
        if (got <= 0)
            return -1;
        have += (size_t)got;
    }
    return 0;
}

/* Receive until there are `need` bytes at start; more may come, up to room.  The count, or -1. */
static int64_t receive_more(struct thread *thread, uint8_t *start, size_t have, size_t need, size_t room)
{
    while (have < need) {
        size_t left = room - have;
        int64_t got = room == need ? receive_some(thread, start + have, left < RSYS_RECEIVE_MAX ? left : RSYS_RECEIVE_MAX, MSG_WAITALL)
                                   : receive_some(thread, start + have, left, 0);
        if (got <= 0)
            return -1;
        thread->last_valid = 0; /* who sends a request has the reply to the one before, or had it kept; and now it lies where that was */
        have += (size_t)got;
    }
    return (int64_t)have;
}

/* The bytes of a frame are received to where its in-data comes to lie at the arena's start, if its tables are as large as the last frame's were: then a
 * large write needs no copy.  Else what the first recv brought is moved. */
int loop_receive(struct thread *thread, struct rsys_wire_request *head)
{
    if (thread->dirty > 0 && thread->held_size == 0)
        wait_dirty(thread);
    uint8_t *start = thread->arena - thread->tables - HEAD;
    int64_t have = thread->held_size;
    if (have > 0)
        thread->last_valid = 0;
    memcpy(start, thread->held, (size_t)have);
    thread->held_size = 0;
    have = receive_more(thread, start, (size_t)have, HEAD, FIRST_RECEIVE);
    if (have < 0)
        return -E_CUT;
    memcpy(head, start, HEAD);
    /* Safe: in_size <= arena <= its size and the tables <= 840 bytes after this. */
    if (rsys_decode_head(head) < 0)
        return -E_INVAL;
    uint32_t tables = rsys_decode_table_size(head);
    if (tables != thread->tables) {
        memmove(thread->arena - tables - HEAD, start, (size_t)have);
        start = thread->arena - tables - HEAD;
        thread->tables = tables;
    }
    size_t need = HEAD + tables + head->in_size;
    if ((size_t)have < need)
        have = receive_more(thread, start, (size_t)have, need, need);
    if (have < 0)
        return -E_CUT;
    thread->held_size = (uint32_t)((size_t)have - need); /* < FIRST_RECEIVE: only the first recv asks for more than the frame */
    memcpy(thread->held, start + need, thread->held_size);
    thread->done = head->seq;
    if (thread->replies_size > 0)
        resume_acknowledged(thread, head->ack);
    return 0;
}

static int send_vectors(struct thread *thread, struct vector *vectors, size_t count)
{
    for (;;) {
        int64_t sent;
        if (thread->dropped)
            return -1;
        if (count == 1) {
            sent = sys6(__NR_sendto, (uint64_t)thread->channel, SYS_ARG(vectors->base), vectors->length, MSG_NOSIGNAL, 0, 0);
        } else {
            struct message message = {.vectors = vectors, .count = count};
            sent = sys3(__NR_sendmsg, thread->channel, &message, MSG_NOSIGNAL);
        }
        if (sent == -E_AGAIN)
            signals_wait_or_drop(thread, POLLOUT, -1);
        else if (sent < 0 && sent != -E_INTR)
            return -1;
        for (; sent > 0 && (size_t)sent >= vectors->length; vectors++, count--) {
            sent -= (int64_t)vectors->length;
            if (count == 1)
                return 0;
        }
        if (sent > 0) {
            vectors->base = (const uint8_t *)vectors->base + sent;
            vectors->length -= (size_t)sent;
        }
    }
}

static int send_all(struct thread *thread, struct vector *vectors, size_t count)
{
    signals_hold(thread);
    int result = send_vectors(thread, vectors, count);
    signals_release(thread);
    return result;
}

int loop_send(struct thread *thread, const void *data, size_t n)
{
    struct vector vector = {data, n};
    return send_vectors(thread, &vector, 1);
}

/* The signals that calls have raised so far. */
static uint64_t take_signals(struct thread *thread) { return __atomic_exchange_n(&thread->signals, 0, __ATOMIC_RELAXED); }

int loop_greet(struct thread *thread, int64_t result, uint64_t signals, const void *more, size_t n)
{
    struct rsys_wire_reply reply = {.size = (uint32_t)n, .result = result, .signals = signals};
    struct vector vectors[2] = {{&reply, sizeof reply}, {more, n}};
    return send_all(thread, vectors, n > 0 ? 2 : 1);
}

/* The bytes sent, or -1. */
static int64_t send_reply(struct thread *thread, const struct rsys_wire_request *head, const struct rsys_wire_out *outs, int64_t result, uint64_t signals)
{
    struct {
        struct rsys_wire_reply reply;
        uint32_t lengths[RSYS_OUTS_MAX];
        uint8_t small[SMALL_REPLY];
    } message;
    struct vector vectors[1 + RSYS_OUTS_MAX];
    size_t size = 0, count = 1, front = sizeof message.reply + 4 * head->outs;
    for (unsigned i = 0; i < head->outs; i++) {
        uint32_t length = rsys_decode_out_length(head, &outs[i], result, thread->arena);
        message.lengths[i] = length;
        size += length;
        if (length > 0)
            vectors[count++] = (struct vector){thread->arena + outs[i].offset, length};
    }
    message.reply = (struct rsys_wire_reply){.seq = head->seq, .size = (uint32_t)(4 * head->outs + size), .result = result,
                                             .signals = signals};
    vectors[0] = (struct vector){&message, front};
    if (count > 1 && size <= SMALL_REPLY) {
        uint8_t *end = (uint8_t *)&message + front; /* within lengths and small */
        for (size_t i = 1; i < count; i++) {
            memcpy(end, vectors[i].base, vectors[i].length);
            end += vectors[i].length;
        }
        vectors[0].length += size;
        count = 1;
    }
    if ((head->flags & RSYS_REQUEST_KEEP) != 0 && process.resumable)
        resume_keep(thread, &message, front, head, outs, result);
    return send_all(thread, vectors, count) < 0 ? -1 : (int64_t)(front + size);
}

/* For people to read; when the reply is on its way already. */
static void count_request(const struct thread *thread, const struct rsys_wire_request *head, int64_t sent)
{
    if (process.counters == NULL)
        return;
    uint32_t slot = (uint32_t)thread->tid % COUNTERS_SLOTS;
    if (!process.is_pager)
        counters_add(&process.counters->slot[slot].calls, 1);
    counters_add(&process.counters->slot[slot].in, HEAD + thread->tables + head->in_size);
    counters_add(&process.counters->slot[slot].out, (uint64_t)sent);
}

/* The bytes sent, or -1. */
static int64_t reply_with(struct thread *thread, const struct rsys_wire_request *head, const struct rsys_wire_out *outs, int64_t result)
{
    uint64_t signals = take_signals(thread);
    if (process.resumable) {
        thread->last = *head;
        thread->last_result = result;
        thread->last_signals = signals;
        thread->last_valid = (head->flags & RSYS_REQUEST_KEEP) == 0;
    }
    return send_reply(thread, head, outs, result, signals);
}

int loop_reply(struct thread *thread, const struct rsys_wire_request *head, int64_t result)
{
    struct rsys_wire_request bare = *head;
    bare.outs = 0; /* whatever was asked for */
    return reply_with(thread, &bare, NULL, result) < 0 ? -1 : 0;
}

/* The tables and the arena are as they were: nothing has been received since. */
int loop_reply_again(struct thread *thread)
{
    const struct rsys_wire_reloc *relocs = (void *)(thread->arena - thread->tables);
    return send_reply(thread, &thread->last, (const void *)(relocs + thread->last.relocs), thread->last_result, thread->last_signals) < 0 ? -1 : 0;
}

/* Numbers below the limit are given by the client alone from now on. */
static int64_t fill(uint64_t from)
{
    struct limit old, raised;
    int64_t result = 0;
    limit_lock();
    limit_raise(&old, &raised); /* and it stays so */
    limit_unlock();
    while (result >= 0 && from < process.nofile) {
        result = sys3(__NR_fcntl, process.nofile + RSYS_FD_PLACEHOLDER, F_DUPFD, from);
        if (result >= (int64_t)process.nofile)
            sys1(__NR_close, (uint64_t)result);
        from = (uint64_t)result + 1;
    }
    descriptors_note(RSYS_OP_PLACEHOLDER, NULL, process.nofile - 1);
    return result < 0 ? result : 0;
}

static int64_t placeholder(const uint64_t args[6])
{
    uint64_t cloexec = args[1] & O_CLOEXEC, command = cloexec != 0 ? F_DUPFD_CLOEXEC : F_DUPFD;
    if (args[2] == 3)
        return fill(args[0]);
    if (args[2] == 1) {
        int64_t at = sys3(__NR_dup3, process.nofile + RSYS_FD_PLACEHOLDER, args[0], cloexec);
        descriptors_note(RSYS_OP_PLACEHOLDER, args, at);
        return at;
    }
    int64_t first = sys3(__NR_fcntl, process.nofile + RSYS_FD_PLACEHOLDER, command, args[0]);
    descriptors_note(RSYS_OP_PLACEHOLDER, args, first);
    if (args[2] != 2 || first < 0)
        return first;
    int64_t second = sys3(__NR_fcntl, process.nofile + RSYS_FD_PLACEHOLDER, command, args[0]);
    descriptors_note(RSYS_OP_PLACEHOLDER, args, second);
    if (second >= 0)
        return first | second << 32;
    sys1(__NR_close, first);
    return second;
}

/* Make the guest's call.  -E_RESTARTSYS: the cancel came before it was made, or, when thread->waited is set, while it waited. */
static int64_t make_call(struct thread *thread, const struct rsys_wire_request *head, const uint64_t args[6])
{
    int64_t result;
    /* A cancel that came late, for a request before this one, may have interrupted this one: that has to stay unseen.  (An interrupted close has closed.) */
    do {
        thread->stale = thread->waited = 0;
        result = credentials_is(head->nr) ? credentials_call(thread, head->nr, args, head->seq)
                                          : rsys_stub(head->nr, args, &thread->cancel, head->seq);
    } while (result == -E_INTR && thread->stale && thread->cancel != head->seq && head->nr != __NR_close);
    return result;
}

/* The same, when the cancel has come before.  To the guest the signal came within the call; and no signal keeps a call from being made, it only ends
 * its waiting: a file that is read never fails with EINTR.  So the call is made, and cancelled again as soon as it may be waiting. */
static int64_t make_call_hurried(struct thread *thread, const struct rsys_wire_request *head, const uint64_t args[6])
{
    int64_t timer = signals_timer(thread->tid, head->seq), result = -E_RESTARTSYS;
    if (timer < 0)
        return result;
    for (uint32_t delay = HURRY_MICROSECONDS; result == -E_RESTARTSYS && !thread->waited; delay *= 2) {
        thread->cancel = 0;
        signals_timer_set(timer, delay); /* too short, when we are kept from the call for so long */
        result = make_call(thread, head, args);
    }
    signals_timer_free(timer);
    return result;
}

static int64_t execute(struct thread *thread, const struct rsys_wire_request *head, const uint64_t args[6])
{
    int64_t result;
    switch (head->nr) {
    case RSYS_OP_CLONE:
        return mirror_clone(thread, args);
    case RSYS_OP_EXEC:
        return exec_again(thread, head, args);
    case RSYS_OP_EXIT:
        exit_thread(thread, head);
    case RSYS_OP_PLACEHOLDER:
        return placeholder(args);
    case RSYS_OP_NULL:
        return 0;
    default:
        break;
    }
    if (head->nr >= RSYS_OP_REPORT && head->nr < RSYS_OP_REPORT_END) /* no kernel has such a call; the filter tells of it */
        return sys6(head->nr, args[0], args[1], args[2], args[3], args[4], args[5]);
    if (head->nr >= RSYS_OP_CLONE)
        return -E_NOSYS;
    thread->seq = head->seq;
    /* Its own cancel makes it -ERESTARTSYS when the client is to decide between EINTR and a restart, -EINTR when the kernel never restarts it. */
    result = make_call(thread, head, args);
    if (result == -E_RESTARTSYS && !thread->waited)
        result = make_call_hurried(thread, head, args);
    descriptors_note(head->nr, args, result);
    return result;
}

void loop_run(struct thread *thread)
{
    struct rsys_wire_request head;
    uint64_t args[6];
    for (;;) {
        int received = loop_receive(thread, &head);
        if (received == -E_CUT) {
            resume_channel(thread);
            continue;
        }
        if (received < 0)
            loop_end();
        const struct rsys_wire_reloc *relocs = (void *)(thread->arena - thread->tables);
        const struct rsys_wire_out *outs = (void *)(relocs + head.relocs);
        memcpy(args, head.args, sizeof args);
        if (rsys_decode_relocate(&head, relocs, outs, thread->arena, args) < 0)
            loop_end();
        if (head.arena > ARENA_KEEP)
            thread->dirty = DIRTY_REQUESTS;
        int64_t result = rsys_decode_results(&head, relocs, thread_results(thread), args) ? RSYS_SKIPPED : execute(thread, &head, args);
        rsys_results_note(thread_results(thread), result);
        if ((head.flags & RSYS_REQUEST_LOOK) != 0)
            look_at(thread, &head, outs, result);
        int64_t sent = (head.flags & RSYS_REQUEST_NOREPLY) != 0 ? 0 : reply_with(thread, &head, outs, result);
        count_request(thread, &head, sent < 0 ? 0 : sent);
        if (sent < 0)
            resume_channel(thread);
    }
}

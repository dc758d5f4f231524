/* SPDX-License-Identifier: GPL-2.0-only */
/* resume.c: a channel is cut, and the session lives: the executor's half.
 *
 * A call that was under way goes on; whatever it does, its thread comes to its reply or to its next receive and finds the channel broken.  It then takes a spare channel of
 * the broker, greets once more, says which request it has executed last, and is told which reply the client has received last.  The client sends again what
 * is missing here, and here is sent again what is missing there:
 *
 *   the last reply      is made once more from the arena, which is as it was until the first byte of a later request has come; and a client that sends one has the
 *                       reply to the one before.  So nothing is copied while all is well
 *   earlier replies     only if requests came before their predecessors' replies were received: the client marks those that it means to overtake, and they are copied
 *   signals             the last few that were told (signals.c)
 *
 * That a connection is dead may be known to the client alone (its address has changed; a middlebox has forgotten it).  It then has init send RSYS_EXECUTOR_DROP.  That signal is
 * blocked but in signals_wait_or_drop(), so it never shortens a call; who has waited for RSYS_EXECUTOR_PATIENCE_MS waits there.
 *
 * The client is hostile.  What it can choose here are two numbers that are compared, and how often it cuts: each time costs it a connection, and nothing is
 * allocated. */
#include "server/executor/internal.h"

#include "src/core/decode.h"

#include <asm/unistd.h>

void resume_reset(struct thread *thread)
{
    thread->last_valid = 0;
    thread->done = 0;
    thread->replies_size = 0;
    thread->told = 0;
    thread->dropped = 0;
}

/* Numbers go round. */
static int is_after(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }

void resume_acknowledged(struct thread *thread, uint32_t ack)
{
    if (!is_after(thread->replies_last, ack))
        thread->replies_size = 0;
}

void resume_keep(struct thread *thread, const void *front, size_t front_size, const struct rsys_wire_request *head, const struct rsys_wire_out *outs, int64_t result)
{
    struct rsys_wire_reply reply;
    memcpy(&reply, front, sizeof reply);
    /* An honest client overtakes no more replies than have room. */
    if (sizeof reply + reply.size > RSYS_KEPT_REPLIES - thread->replies_size)
        return;
    uint8_t *to = thread->replies + thread->replies_size;
    memcpy(to, front, front_size);
    to += front_size;
    for (unsigned i = 0; i < head->outs; i++) {
        uint32_t length = rsys_decode_out_length(head, &outs[i], result, thread->arena);
        memcpy(to, thread->arena + outs[i].offset, length);
        to += length;
    }
    thread->replies_size += (uint32_t)sizeof reply + reply.size;
    thread->replies_last = reply.seq;
}

static int send_kept(struct thread *thread, uint32_t ack)
{
    struct rsys_wire_reply reply;
    for (uint32_t at = 0; at < thread->replies_size; at += (uint32_t)sizeof reply + reply.size) {
        memcpy(&reply, thread->replies + at, sizeof reply);
        if (is_after(reply.seq, ack) && loop_send(thread, thread->replies + at, sizeof reply + reply.size) < 0)
            return -1;
    }
    return 0;
}

/* On a fresh channel.  -1: it is broken as well, or nobody answers: it may have died while it lay in the broker, and then only the client knows.  So the next one is tried, with
 * more patience each time. */
#define PATIENCE_FIRST_MS 1000
#define PATIENCE_LAST_MS 60000
static int greet_again(struct thread *thread, int patience)
{
    struct rsys_wire_resume have = {.received = thread->done};
    struct rsys_wire_request answer;
    if (loop_greet(thread, thread->tid, 0, &have, sizeof have) < 0 || loop_receive_exact(thread, &answer, sizeof answer, patience) < 0)
        return -1;
    if (answer.nr != RSYS_OP_RESUME)
        loop_end(); /* no client that means well */
    uint32_t ack = (uint32_t)answer.args[0];
    if (send_kept(thread, ack) < 0 || (thread->last_valid && is_after(thread->last.seq, ack) && loop_reply_again(thread) < 0))
        return -1;
    return signals_tell_again(thread, (uint32_t)answer.args[1]);
}

void resume_channel(struct thread *thread)
{
    if (!process.resumable)
        loop_end();
    signals_hold(thread);
    process.wants_view = process.is_pager; /* the client's supervisor may wait for the view: it does not take part */
    int patience = PATIENCE_FIRST_MS;
    /* pid 1 is told that its channel is dead, which it had not noticed: so may be what lies in the broker, and who takes that waits for long. */
    if (thread->tid == 1 && thread->dropped)
        broker_drain();
    for (int resumed = 0; !resumed;) {
        sys1(__NR_close, thread->channel);
        thread->channel = -1;
        thread->held_size = 0; /* what was received and not executed is sent again */
        thread->channel = mirror_take(1);
        if (thread->channel < 0)
            loop_end();
        signals_wait_or_drop(thread, 0, 0); /* a drop that has come before means the old one */
        thread->dropped = 0;
        if (mirror_is_dead(thread->channel))
            continue;
        resumed = greet_again(thread, patience) == 0;
        patience = patience < PATIENCE_LAST_MS / 2 ? 2 * patience : PATIENCE_LAST_MS;
    }
    signals_release(thread);
}

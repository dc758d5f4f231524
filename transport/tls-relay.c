/* SPDX-License-Identifier: GPL-2.0-only */
/* tls-relay.c: carries bytes between a socket pair's end and TLS records.
 *
 * Both ends are hostile: the bytes are only carried, and what waits for a slow end is at most one buffer a direction, since an end is not read while the
 * other one has something waiting.  Neither side sends an alert when it closes: a kernel that has taken records over could not tell it from an error.
 * The end of the TCP stream is the end; what it cuts off is an incomplete message, which the session's own protocol does not take for one. */
#include "transport/tls-inner.h"

#include "src/core/util.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* AES-GCM's bound for a key is some 2^24.5 full records (RFC 8446, 5.5).  A build that is to show the renewal makes it less. */
#ifndef REKEY_AFTER
#define REKEY_AFTER (1u << 23)
#endif

/* ---- GnuTLS's transport ---- */

static ssize_t push(gnutls_transport_ptr_t pointer, const void *data, size_t size)
{
    struct tls_flow *flow = pointer;
    struct tls_process *process = flow->process;
    if (size > sizeof process->out - process->out_have) {
        gnutls_transport_set_errno(flow->tls, ENOBUFS);
        return -1;
    }
    memcpy(process->out + process->out_have, data, size);
    process->out_have += size;
    return (ssize_t)size;
}

/* A daemon that refuses says so in the clear, where the client awaits TLS: the first bytes tell. */
static bool is_plain_answer(struct tls_flow *flow, const void *data, size_t got)
{
    const uint32_t magic = RSYS_WIRE_MAGIC;
    if (flow->head_have == sizeof magic)
        return false;
    size_t take = RSYS_MIN(got, sizeof magic - flow->head_have);
    memcpy(flow->head + flow->head_have, data, take);
    flow->head_have += take;
    if (flow->head_have < sizeof magic || memcmp(flow->head, &magic, sizeof magic) != 0)
        return false;
    size_t rest = RSYS_MIN(got - take, sizeof flow->head - flow->head_have);
    memcpy(flow->head + flow->head_have, (const uint8_t *)data + take, rest);
    flow->head_have += rest;
    flow->head_seen = true;
    return true;
}

static ssize_t pull(gnutls_transport_ptr_t pointer, void *data, size_t size)
{
    struct tls_flow *flow = pointer;
    struct tls_process *process = flow->process;
    if (flow->stage == TLS_RELAY) {
        size_t take = RSYS_MIN(size, process->in_have - process->in_at);
        if (take == 0) {
            gnutls_transport_set_errno(flow->tls, EAGAIN);
            return -1;
        }
        memcpy(data, process->in + process->in_at, take);
        process->in_at += take;
        return (ssize_t)take;
    }
    /* No byte more than is asked for: what follows may be the kernel's to read. */
    ssize_t n = recv(flow->wire.fd, data, size, MSG_DONTWAIT);
    if (n < 0)
        gnutls_transport_set_errno(flow->tls, errno);
    if (n > 0 && !flow->process->server && is_plain_answer(flow, data, (size_t)n)) {
        gnutls_transport_set_errno(flow->tls, EPROTO);
        return -1;
    }
    return n;
}

static int pull_timeout(gnutls_transport_ptr_t pointer, unsigned ms) { return 1; }

void tls_set_transport(struct tls_flow *flow)
{
    gnutls_transport_set_ptr(flow->tls, flow);
    gnutls_transport_set_push_function(flow->tls, push);
    gnutls_transport_set_pull_function(flow->tls, pull);
    gnutls_transport_set_pull_timeout_function(flow->tls, pull_timeout);
}

/* ---- sides ---- */

int tls_flush(struct tls_flow *flow)
{
    size_t size = flow->process->out_have;
    flow->process->out_have = 0;
    return size == 0 ? 0 : rsys_backlog_send(&flow->wire.waiting, flow->wire.fd, flow->process->out, size);
}

/* ---- the two directions ---- */

/* GnuTLS's keys are renewed in time where the cipher asks for it.  ChaCha20-Poly1305 does not, and it is the one that a kernel is given, which renews none. */
static int count_record(struct tls_flow *flow)
{
    if (gnutls_cipher_get(flow->tls) == GNUTLS_CIPHER_CHACHA20_POLY1305 || ++flow->records < REKEY_AFTER)
        return 0;
    flow->records = 0;
    return gnutls_session_key_update(flow->tls, 0);
}

/* From the pair's end to the wire. */
static int encrypt(struct tls_flow *flow)
{
    struct tls_process *process = flow->process;
    ssize_t n = recv(flow->plain.fd, process->clear, TLS_BUFFER, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        flow->plain.ended = true;
    for (ssize_t at = 0; at < n;) {
        ssize_t sent = gnutls_record_send(flow->tls, process->clear + at, RSYS_MIN((size_t)(n - at), (size_t)TLS_RECORD));
        if (sent <= 0 || count_record(flow) < 0)
            return -1;
        at += sent;
    }
    return tls_flush(flow);
}

/* From the wire to the pair's end.  What is decrypted of one buffer fits into another, and one record that was incomplete before. */
static int decrypt(struct tls_flow *flow)
{
    struct tls_process *process = flow->process;
    ssize_t n = recv(flow->wire.fd, process->in, sizeof process->in, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        flow->wire.ended = true;
    if (n <= 0)
        return 0;
    process->in_at = 0;
    process->in_have = (size_t)n;
    size_t have = 0;
    for (;;) {
        size_t before = process->in_at;
        ssize_t got = gnutls_record_recv(flow->tls, process->clear + have, sizeof process->clear - have);
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED) {
            if (process->in_at == process->in_have)
                break;
            if (process->in_at == before)
                return -1; /* it would never read the rest */
        } else if (got == 0) {
            flow->wire.ended = true; /* a close alert, from whoever sends one */
            break;
        } else if (got < 0) {
            return -1;
        } else {
            have += (size_t)got;
        }
        if (have == sizeof process->clear)
            return -1; /* cannot be: see above */
    }
    /* A peer that renews its keys asks for ours: that has been put out. */
    if (tls_flush(flow) < 0)
        return -1;
    return have == 0 ? 0 : rsys_backlog_send(&flow->plain.waiting, flow->plain.fd, process->clear, have);
}

int tls_relay(struct tls_flow *flow, struct tls_side *side, unsigned events)
{
    struct tls_side *other = side == &flow->wire ? &flow->plain : &flow->wire;
    if (side->waiting.bytes != NULL && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0 && rsys_backlog_push(&side->waiting, side->fd) < 0)
        return -1;
    /* Decrypting may have to send too: not while the wire is full. */
    bool free_to_read = !side->ended && other->waiting.bytes == NULL && (side == &flow->plain || side->waiting.bytes == NULL);
    if (free_to_read && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0 && (side == &flow->plain ? encrypt(flow) : decrypt(flow)) < 0)
        return -1;
    /* An end that is over takes the other with it, when that has been sent all there was. */
    if ((flow->wire.ended && flow->plain.waiting.bytes == NULL) || (flow->plain.ended && flow->wire.waiting.bytes == NULL))
        return -1;
    return 0;
}

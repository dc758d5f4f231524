/* SPDX-License-Identifier: GPL-2.0-only */
/* pager.c: calls on the view's pager executor. */
#include "src/jail/pager.h"

#include "src/core/util.h"
#include "src/jail/connector.h"
#include "transport/transport.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int pager_start(struct pager *pager, int fd, uint32_t seq, uint32_t nofile)
{
    *pager = (struct pager){.fd = fd, .connector = -1, .seq = seq, .nofile = nofile};
    pager->used = calloc(nofile / 64 + 1, sizeof *pager->used);
    return pager->used != NULL ? 0 : -ENOMEM;
}

void pager_end(struct pager *pager)
{
    rsys_close(rsys_fd_steal(&pager->fd));
    free(rsys_steal(&pager->used));
    free(rsys_steal(&pager->data));
    free(rsys_steal(&pager->closing));
    for (unsigned i = 0; i < PAGER_BATCH; i++)
        rsys_request_free(&pager->request[i]);
}

unsigned pager_queue_call(struct pager *pager, uint16_t nr, const uint64_t args[6])
{
    unsigned index = pager->queued++;
    rsys_request_start(&pager->request[index], nr, args);
    return index;
}

/* In-data that cannot be had (no memory) makes the call fail by itself: the argument stays NULL. */
static void add_string(struct pager *pager, unsigned index, int arg, const char *text)
{
    rsys_request_in(&pager->request[index], arg, text, strlen(text) + 1);
}

unsigned pager_queue_open(struct pager *pager, int dirfd, const char *path, int flags)
{
    unsigned index = pager_queue_call(pager, SYS_openat, (uint64_t[6]){(uint64_t)(int64_t)dirfd, 0, (uint64_t)(flags | O_CLOEXEC)});
    add_string(pager, index, 1, path);
    return index;
}

unsigned pager_queue_stat(struct pager *pager, int fd, struct stat *ret_st)
{
    unsigned index = pager_queue_call(pager, SYS_fstat, (uint64_t[6]){(uint64_t)(int64_t)fd});
    rsys_request_out(&pager->request[index], 1, sizeof *ret_st, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = ret_st});
    return index;
}

unsigned pager_queue_stat_at(struct pager *pager, int dirfd, const char *path, int flags, struct stat *ret_st)
{
    unsigned index = pager_queue_call(pager, SYS_newfstatat, (uint64_t[6]){(uint64_t)(int64_t)dirfd, 0, 0, (uint64_t)flags});
    add_string(pager, index, 1, path);
    rsys_request_out(&pager->request[index], 2, sizeof *ret_st, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = ret_st});
    return index;
}

unsigned pager_queue_readlink(struct pager *pager, int dirfd, const char *path, char *buffer, size_t size)
{
    unsigned index = pager_queue_call(pager, SYS_readlinkat, (uint64_t[6]){(uint64_t)(int64_t)dirfd, 0, 0, size});
    add_string(pager, index, 1, path);
    rsys_request_out(&pager->request[index], 2, size, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = buffer});
    return index;
}

/* A result that says how much was read says no more than was asked for: callers take it for what is in their buffer.  A failure is one that a kernel
 * has a number for: callers make an int of it. */
static bool fits(const struct rsys_request *request, int64_t result)
{
    if (result < -4095)
        return false;
    for (uint32_t i = 0; i < request->head.outs; i++)
        if (request->outs[i].how == RSYS_OUT_RESULT && result > (int64_t)request->outs[i].length)
            return false;
    return true;
}

/* How long to wait for an answer before another connection is tried: then this one may be dead, and nobody may say so.  An answer that takes long is not lost by that. */
#define PATIENCE_SECONDS 8

/* Exactly n bytes.  -1: the channel is cut, or has been silent for so long. */
static int receive_all(struct pager *pager, void *to, size_t n)
{
    if (pager->connector < 0)
        return rsys_receive_all(pager->fd, to, n, -1);
    for (size_t done = 0; done < n;) {
        ssize_t got = recv(pager->fd, (char *)to + done, RSYS_MIN(n - done, (size_t)RSYS_RECEIVE_MAX), MSG_WAITALL); /* SO_RCVTIMEO */
        pager->silent = got < 0 && errno == EAGAIN;
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return -1;
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* One reply.  It comes from the other side: its size is bounded by what the request may bring back, and rsys_request_finish checks each range.  -EIO: it
 * makes no sense; -ECONNRESET: the channel is cut. */
static int receive(struct pager *pager, struct rsys_request *request, uint32_t seq, int64_t *ret_result)
{
    struct rsys_wire_reply reply;
    if (receive_all(pager, &reply, sizeof reply) < 0)
        return -ECONNRESET;
    if (reply.seq != seq || reply.size > rsys_request_reply_max(request))
        return -EIO;
    if (reply.size > pager->room) {
        uint8_t *grown = realloc(pager->data, reply.size);
        if (grown == NULL)
            return -EIO;
        pager->data = grown;
        pager->room = reply.size;
    }
    if (receive_all(pager, pager->data, reply.size) < 0)
        return -ECONNRESET;
    if (rsys_request_finish(request, &reply, pager->data, &rsys_memory_own) == -EPROTO || !fits(request, reply.result))
        return -EIO;
    *ret_result = reply.result;
    pager->ack = seq;
    pager->closings = 0; /* they were sent before */
    return 0;
}

/* ---- the channel is cut ---- */

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void set_patience(struct pager *pager)
{
    const struct timeval limit = {.tv_sec = PATIENCE_SECONDS};
    (void)setsockopt(pager->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

void pager_resumes_by(struct pager *pager, int connector, unsigned seconds)
{
    pager->connector = connector;
    pager->resume = seconds;
    set_patience(pager);
}

/* What the executor says on a new connection: what it has received.  No other executor takes one of these. */
static int take_greeting(struct pager *pager, struct rsys_wire_resume *ret_have)
{
    struct rsys_wire_reply greeting;
    if (receive_all(pager, &greeting, sizeof greeting) < 0 || greeting.seq != 0 || greeting.size != sizeof *ret_have)
        return -1;
    return receive_all(pager, ret_have, sizeof *ret_have);
}

static int send_one(struct pager *pager, struct rsys_request *request, uint32_t seq, uint16_t flags)
{
    struct iovec iov[4];
    size_t size;
    int count = rsys_request_frame(request, seq, flags, iov, &size);
    return rsys_send_iov(pager->fd, iov, count, -1);
}

static int send_close(struct pager *pager, int fd, uint32_t seq)
{
    struct rsys_request request = {.in = NULL};
    rsys_request_start(&request, SYS_close, (uint64_t[6]){(uint64_t)fd});
    return send_one(pager, &request, seq, RSYS_REQUEST_NOREPLY);
}

/* All but the last request are overtaken by the next. */
static uint16_t flags_of(unsigned i, unsigned count) { return i + 1 < count ? RSYS_REQUEST_KEEP : 0; }

static int send_again(struct pager *pager, uint32_t received, uint32_t first, unsigned count)
{
    struct rsys_request resume = {.in = NULL};
    rsys_request_start(&resume, RSYS_OP_RESUME, (uint64_t[6]){pager->ack});
    int failed = send_one(pager, &resume, 0, RSYS_REQUEST_NOREPLY);
    for (uint32_t i = 0; i < pager->closings && failed == 0; i++)
        if ((int32_t)(pager->closing[i].seq - received) > 0)
            failed = send_close(pager, pager->closing[i].fd, pager->closing[i].seq);
    for (unsigned i = 0; i < count && failed == 0; i++)
        if ((int32_t)(first + i - received) > 0)
            failed = send_one(pager, &pager->request[i], first + i, flags_of(i, count));
    return failed;
}

#define RETRY_US 250000

/* Go on with another channel: `count` requests from number `first` on are under way.  An executor that may not know that its channel is cut is told.  -1: there is
 * none for too long. */
static int resume(struct pager *pager, uint32_t first, unsigned count)
{
    struct rsys_wire_resume have;
    int64_t since = monotonic_ms();
    for (unsigned tries = 0; pager->connector >= 0; tries++) {
        rsys_close(rsys_fd_steal(&pager->fd));
        int fd = rsys_connector_view_channel(pager->connector, tries > 0 || pager->silent);
        if (fd == -EPIPE)
            return -1;
        if (fd >= 0) {
            pager->fd = fd;
            set_patience(pager);
            if (take_greeting(pager, &have) == 0 && send_again(pager, have.received, first, count) == 0)
                return 0;
            if (pager->silent)
                since = monotonic_ms(); /* connected, but the executor is busy */
        }
        if (monotonic_ms() - since > 1000 * (int64_t)pager->resume)
            return -1;
        if (tries > 0)
            usleep(RETRY_US);
    }
    return -1;
}

int pager_run(struct pager *pager)
{
    unsigned count = pager->queued, next = 0;
    pager->queued = 0;
    uint32_t first = pager->seq + 1;
    struct iovec iov[4 * PAGER_BATCH];
    int vectors = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t size;
        if (pager->asked != NULL)
            pager->asked(&pager->request[i].head);
        pager->request[i].head.ack = pager->ack;
        vectors += rsys_request_frame(&pager->request[i], ++pager->seq, flags_of(i, count), iov + vectors, &size);
        pager->result[i] = -EIO;
    }
    pager->calls += count;
    pager->trips++;
    if (!pager->lost && rsys_send_iov(pager->fd, iov, vectors, -1) < 0)
        pager->lost = resume(pager, first, count) < 0;
    while (next < count && !pager->lost) {
        int failed = receive(pager, &pager->request[next], first + next, &pager->result[next]);
        next += failed == 0;
        if (failed < 0)
            pager->lost = failed != -ECONNRESET || resume(pager, first, count) < 0;
    }
    if (!pager->lost)
        return 0;
    for (unsigned i = 0; i < count; i++)
        pager->result[i] = -EIO;
    return -EIO;
}

int pager_next_fd(const struct pager *pager)
{
    for (uint32_t i = 0; i <= pager->nofile / 64; i++)
        if (~pager->used[i] != 0)
            return (int)(i * 64) + __builtin_ctzll(~pager->used[i]);
    return (int)pager->nofile;
}

/* The number is the other side's word: what lies outside is not recorded. */
void pager_took_fd(struct pager *pager, int fd)
{
    if (fd >= 0 && (uint32_t)fd < pager->nofile)
        pager->used[fd / 64] |= UINT64_C(1) << (fd % 64);
}

/* Until a reply tells that the executor has received it. */
static void note_closing(struct pager *pager, int fd, uint32_t seq)
{
    if (pager->connector < 0)
        return;
    if (pager->closings == pager->closing_room) {
        uint32_t room = RSYS_MAX(2 * pager->closing_room, 16u);
        struct pager_closing *grown = realloc(pager->closing, room * sizeof *grown);
        if (grown == NULL)
            return; /* a cut that comes now leaves it open */
        pager->closing = grown;
        pager->closing_room = room;
    }
    pager->closing[pager->closings++] = (struct pager_closing){seq, fd};
}

void pager_close(struct pager *pager, int fd)
{
    if (fd < 0 || pager->lost)
        return;
    if (pager->asked != NULL)
        pager->asked(&(struct rsys_wire_request){.nr = SYS_close, .args = {(uint64_t)fd}});
    note_closing(pager, fd, ++pager->seq);
    if (send_close(pager, fd, pager->seq) < 0)
        pager->lost = resume(pager, pager->seq + 1, 0) < 0;
    if ((uint32_t)fd < pager->nofile)
        pager->used[fd / 64] &= ~(UINT64_C(1) << (fd % 64));
}

int64_t pager_read(struct pager *pager, int fd, void *buffer, size_t n, uint64_t offset)
{
    n = RSYS_MIN(n, (size_t)RSYS_ARENA_SIZE);
    unsigned index = pager_queue_call(pager, SYS_pread64, (uint64_t[6]){(uint64_t)fd, 0, n, offset});
    rsys_request_out(&pager->request[index], 1, n, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = buffer});
    pager_run(pager);
    return pager->result[index];
}

int64_t pager_write(struct pager *pager, int fd, const void *buffer, size_t n, uint64_t offset)
{
    n = RSYS_MIN(n, (size_t)RSYS_ARENA_SIZE);
    unsigned index = pager_queue_call(pager, SYS_pwrite64, (uint64_t[6]){(uint64_t)fd, 0, n, offset});
    rsys_request_in(&pager->request[index], 1, buffer, n);
    pager_run(pager);
    return pager->result[index];
}

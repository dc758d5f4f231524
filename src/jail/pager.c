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
    free(rsys_steal(&pager->abandoned.closing));
    for (unsigned i = 0; i < PAGER_BATCH; i++) {
        rsys_request_free(&pager->request[i]);
        rsys_request_free(&pager->abandoned.request[i]);
    }
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
#define PATIENCE_MS 8000
/* Between two questions whether to give up. */
#define SLICE_MS 250

static bool give_up(struct pager *pager)
{
    pager->gave_up = pager->hopeless != NULL && pager->hopeless(pager->hopeless_of);
    return pager->gave_up;
}

/* Exactly n bytes.  -1: the channel is cut, or has been silent for so long, or it was given up. */
static int receive_all(struct pager *pager, void *to, size_t n)
{
    unsigned slices = 0;
    if (pager->connector < 0)
        return rsys_receive_all(pager->fd, to, n, -1);
    pager->silent = false;
    for (size_t done = 0; done < n;) {
        ssize_t got = recv(pager->fd, (char *)to + done, RSYS_MIN(n - done, (size_t)RSYS_RECEIVE_MAX), MSG_WAITALL); /* SO_RCVTIMEO */
        bool nothing = got < 0 && errno == EAGAIN;
        pager->silent = nothing && ++slices >= PATIENCE_MS / SLICE_MS;
        if (pager->silent || (nothing && give_up(pager)) || (got <= 0 && !nothing && !(got < 0 && errno == EINTR)))
            return -1;
        if (got > 0) {
            done += (size_t)got;
            pager->clean = false;
            slices = 0;
        }
    }
    return 0;
}

/* One reply.  It comes from the other side: its size is bounded by what the request may bring back, and rsys_request_finish checks each range.  wanted: else what it brings is
 * dropped, because there may be no room for it any more.  -EIO: it makes no sense; -ECONNRESET: the channel is cut, or given up. */
static int receive(struct pager *pager, struct rsys_request *request, uint32_t seq, bool wanted, int64_t *ret_result)
{
    struct rsys_wire_reply reply;
    pager->clean = true;
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
    if ((wanted && rsys_request_finish(request, &reply, pager->data, &rsys_memory_own) == -EPROTO) || !fits(request, reply.result))
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

static void set_patience(int fd)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_usec = 1000 * SLICE_MS}, sizeof(struct timeval));
}

void pager_resumes_by(struct pager *pager, int connector, unsigned seconds, bool (*hopeless)(void *of), void *of)
{
    pager->connector = connector;
    pager->resume = seconds;
    pager->hopeless = hopeless;
    pager->hopeless_of = of;
    set_patience(pager->fd);
    set_patience(connector);
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

/* Requests that are under way, from number `first` on. */
struct trip {
    struct rsys_request *request;
    uint32_t first;
    unsigned count;
};

static int send_again(struct pager *pager, uint32_t received, const struct trip *trip)
{
    struct rsys_request resume = {.in = NULL};
    rsys_request_start(&resume, RSYS_OP_RESUME, (uint64_t[6]){pager->ack});
    int failed = send_one(pager, &resume, 0, RSYS_REQUEST_NOREPLY);
    for (uint32_t i = 0; i < pager->closings && failed == 0; i++)
        if ((int32_t)(pager->closing[i].seq - received) > 0)
            failed = send_close(pager, pager->closing[i].fd, pager->closing[i].seq);
    for (unsigned i = 0; i < trip->count && failed == 0; i++)
        if ((int32_t)(trip->first + i - received) > 0)
            failed = send_one(pager, &trip->request[i], trip->first + i, flags_of(i, trip->count));
    return failed;
}

/* Another connection: its descriptor, or as rsys_connector_view_take.  An executor that may not know that its channel is cut is told. */
static int take_channel(struct pager *pager)
{
    if (!pager->asked_for_channel && rsys_connector_view_ask(pager->connector, pager->tries > 0 || pager->silent) < 0)
        return -EPIPE;
    int fd;
    do
        fd = rsys_connector_view_take(pager->connector);
    while (fd == -EAGAIN && !give_up(pager));
    pager->asked_for_channel = fd == -EAGAIN;
    return fd;
}

/* Go on with another channel.  -1: there is none for too long, or it was given up. */
static int resume(struct pager *pager, const struct trip *trip)
{
    struct rsys_wire_resume have;
    if (pager->cut_since == 0)
        pager->cut_since = monotonic_ms();
    for (; pager->connector >= 0 && !pager->gave_up; pager->tries++) {
        rsys_close(rsys_fd_steal(&pager->fd));
        int fd = take_channel(pager);
        if (fd == -EPIPE || fd == -EAGAIN)
            return -1;
        if (fd >= 0) {
            pager->fd = fd;
            set_patience(fd);
            if (take_greeting(pager, &have) == 0 && send_again(pager, have.received, trip) == 0) {
                pager->tries = 0;
                pager->cut_since = 0;
                return 0;
            }
            if (pager->gave_up)
                rsys_close(rsys_fd_steal(&pager->fd)); /* it has not greeted */
            if (pager->silent)
                pager->cut_since = monotonic_ms(); /* connected, but the executor is busy */
        }
        if (monotonic_ms() - pager->cut_since > 1000 * (int64_t)pager->resume)
            return -1;
        if (pager->tries > 0 && !give_up(pager))
            usleep(1000 * SLICE_MS);
    }
    return -1;
}

/* Receive what there is to receive for a trip, from reply *next on; sent: whether it was sent.  0; -1: given up, or lost. */
static int finish_trip(struct pager *pager, const struct trip *trip, bool sent, bool wanted, unsigned *next, int64_t *result)
{
    pager->gave_up = false;
    if (!sent)
        pager->lost = resume(pager, trip) < 0 && !pager->gave_up;
    while (*next < trip->count && !pager->lost && !pager->gave_up) {
        int failed = receive(pager, &trip->request[*next], trip->first + *next, wanted, &result[*next]);
        *next += failed == 0;
        if (failed < 0 && !pager->gave_up)
            pager->lost = failed != -ECONNRESET || (resume(pager, trip) < 0 && !pager->gave_up);
    }
    if (pager->gave_up && !pager->clean)
        rsys_close(rsys_fd_steal(&pager->fd)); /* half a reply has been received: all of it comes again on another channel */
    return pager->lost || pager->gave_up ? -1 : 0;
}

/* ---- nobody waits any more ---- */

/* What has been sent is done there sooner or later: its replies are received before anything else is asked. */
static void abandon(struct pager *pager, const struct trip *trip, unsigned next)
{
    struct pager_abandoned *abandoned = &pager->abandoned;
    for (unsigned i = 0; i < trip->count; i++) {
        struct rsys_request free_one = abandoned->request[i];
        abandoned->request[i] = pager->request[i];
        pager->request[i] = free_one;
        abandoned->result[i] = i < next ? pager->result[i] : -EINTR;
    }
    abandoned->first = trip->first;
    abandoned->count = trip->count;
    abandoned->next = next;
}

static int catch_up(struct pager *pager)
{
    struct pager_abandoned *abandoned = &pager->abandoned;
    const struct trip trip = {abandoned->request, abandoned->first, abandoned->count};
    if (trip.count == 0)
        return 0;
    if (finish_trip(pager, &trip, pager->fd >= 0, false, &abandoned->next, abandoned->result) < 0)
        return -1;
    abandoned->count = 0;
    for (unsigned i = 0; i < trip.count; i++)
        if (trip.request[i].head.nr == SYS_openat || trip.request[i].head.nr == SYS_openat2)
            pager_close(pager, (int)abandoned->result[i]);
    for (uint32_t i = 0; i < abandoned->closings; i++)
        pager_close(pager, abandoned->closing[i]);
    abandoned->closings = 0;
    return 0;
}

static int fail_all(struct pager *pager, unsigned count, int why)
{
    for (unsigned i = 0; i < count; i++)
        pager->result[i] = why;
    return why;
}

int pager_run(struct pager *pager)
{
    unsigned count = pager->queued, next = 0;
    pager->queued = 0;
    if (!pager->lost && catch_up(pager) < 0 && !pager->lost)
        return fail_all(pager, count, -EINTR);
    const struct trip trip = {pager->request, pager->seq + 1, count};
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
    pager->clean = true;
    if (!pager->lost && finish_trip(pager, &trip, rsys_send_iov(pager->fd, iov, vectors, -1) == 0, true, &next, pager->result) == 0)
        return 0;
    if (pager->lost)
        return fail_all(pager, count, -EIO);
    abandon(pager, &trip, next);
    return fail_all(pager, count, -EINTR);
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

/* Behind what was abandoned: the order of the requests is that of their numbers. */
static void close_later(struct pager *pager, int fd)
{
    struct pager_abandoned *abandoned = &pager->abandoned;
    if (abandoned->closings == abandoned->closing_room) {
        uint32_t room = RSYS_MAX(2 * abandoned->closing_room, 16u);
        int *grown = realloc(abandoned->closing, room * sizeof *grown);
        if (grown == NULL)
            return; /* it stays open */
        abandoned->closing = grown;
        abandoned->closing_room = room;
    }
    abandoned->closing[abandoned->closings++] = fd;
}

void pager_close(struct pager *pager, int fd)
{
    if (fd < 0 || pager->lost)
        return;
    if (pager->abandoned.count > 0) {
        close_later(pager, fd);
        return;
    }
    if (pager->asked != NULL)
        pager->asked(&(struct rsys_wire_request){.nr = SYS_close, .args = {(uint64_t)fd}});
    note_closing(pager, fd, ++pager->seq);
    pager->gave_up = false;
    if (send_close(pager, fd, pager->seq) < 0)
        pager->lost = resume(pager, &(struct trip){.first = pager->seq + 1}) < 0 && !pager->gave_up;
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

/* SPDX-License-Identifier: GPL-2.0-only */
/* pager.c: calls on the view's pager executor. */
#include "src/jail/pager.h"

#include "src/core/util.h"
#include "transport/transport.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

int pager_start(struct pager *pager, int fd, uint32_t seq, uint32_t nofile)
{
    *pager = (struct pager){.fd = fd, .seq = seq, .nofile = nofile};
    pager->used = calloc(nofile / 64 + 1, sizeof *pager->used);
    return pager->used != NULL ? 0 : -ENOMEM;
}

void pager_end(struct pager *pager)
{
    rsys_close(rsys_fd_steal(&pager->fd));
    free(rsys_steal(&pager->used));
    free(rsys_steal(&pager->data));
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

/* One reply.  It comes from the other side: its size is bounded by what the request may bring back, and rsys_request_finish checks each range. */
static int receive(struct pager *pager, struct rsys_request *request, uint32_t seq, int64_t *ret_result)
{
    struct rsys_wire_reply reply;
    if (rsys_receive_all(pager->fd, &reply, sizeof reply, -1) < 0 || reply.seq != seq || reply.size > rsys_request_reply_max(request))
        return -EIO;
    if (reply.size > pager->room) {
        uint8_t *grown = realloc(pager->data, reply.size);
        if (grown == NULL)
            return -EIO;
        pager->data = grown;
        pager->room = reply.size;
    }
    if (rsys_receive_all(pager->fd, pager->data, reply.size, -1) < 0 ||
        rsys_request_finish(request, &reply, pager->data, &rsys_memory_own) == -EPROTO || !fits(request, reply.result))
        return -EIO;
    *ret_result = reply.result;
    return 0;
}

int pager_run(struct pager *pager)
{
    unsigned count = pager->queued;
    pager->queued = 0;
    uint32_t first = pager->seq + 1;
    struct iovec iov[4 * PAGER_BATCH];
    int vectors = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t size;
        if (pager->asked != NULL)
            pager->asked(&pager->request[i].head);
        vectors += rsys_request_frame(&pager->request[i], ++pager->seq, 0, iov + vectors, &size);
        pager->result[i] = -EIO;
    }
    pager->calls += count;
    pager->trips++;
    if (!pager->lost && rsys_send_iov(pager->fd, iov, vectors, -1) < 0)
        pager->lost = true;
    for (unsigned i = 0; i < count && !pager->lost; i++)
        if (receive(pager, &pager->request[i], first + i, &pager->result[i]) < 0)
            pager->lost = true;
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

void pager_close(struct pager *pager, int fd)
{
    if (fd < 0 || pager->lost)
        return;
    struct rsys_request *request = &pager->request[PAGER_BATCH - 1];
    rsys_request_start(request, SYS_close, (uint64_t[6]){(uint64_t)fd});
    if (pager->asked != NULL)
        pager->asked(&request->head);
    struct iovec iov[4];
    size_t size;
    int vectors = rsys_request_frame(request, ++pager->seq, RSYS_REQUEST_NOREPLY, iov, &size);
    if (rsys_send_iov(pager->fd, iov, vectors, -1) < 0)
        pager->lost = true;
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

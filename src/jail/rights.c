/* SPDX-License-Identifier: GPL-2.0-only */
/* rights.c: local descriptors in messages over remote sockets.
 *
 * The socket is the server's, the descriptor this machine's.  So what travels in its place is a token: an empty memfd of the sender's executor, which is sent and
 * then closed there; here a duplicate of the descriptor is kept under the memfd's device and inode number, which no other file of that kernel has while the memfd is
 * anywhere.  While any token is on its way, what a guest receives is looked at (fstat); what turns out to be a token gets a placeholder exactly at its number, and
 * the guest the duplicate there.  Whoever holds a token can do nothing with it but hand it on, as with the descriptor itself.
 *
 * A message that nobody ever receives leaves its token here.  They are bounded: the oldest is given up then (and the message, should it be received after all, holds an
 * empty file). */
#include "src/jail/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "src/core/util.h"
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"

#define ERESTARTSYS 512 /* of the kernel's own headers: it never reaches a program */
#define KEPT_MAX 512u /* two messages as full as they can be */

/* Descriptors that are on their way, oldest first. */
struct kept {
    uint64_t device, inode;
    int fd;
    unsigned flags; /* enum rsys_fd_flag, without RSYS_FD_CLOEXEC */
};
struct rsys_rights_kept {
    uint32_t count;
    struct kept kept[KEPT_MAX];
};

static struct rsys_rights *rights_of(struct call *call) { return call->own.pointer[0]; }

/* ---- what is kept ---- */

bool rsys_rights_any(const struct jail *jail) { return jail->rights != NULL && jail->rights->count > 0; }

static void forget(struct rsys_rights_kept *all, uint32_t index)
{
    rsys_close(all->kept[index].fd);
    all->count--;
    memmove(&all->kept[index], &all->kept[index + 1], (all->count - index) * sizeof all->kept[0]);
}

void rsys_rights_free(struct jail *jail)
{
    while (rsys_rights_any(jail))
        forget(jail->rights, jail->rights->count - 1);
    free(jail->rights);
    jail->rights = NULL;
}

/* Takes fd.  0 or -ENOMEM. */
static int keep(struct jail *jail, const struct stat *token, int fd, unsigned flags)
{
    if (jail->rights == NULL)
        jail->rights = calloc(1, sizeof *jail->rights);
    if (jail->rights == NULL) {
        rsys_close(fd);
        return -ENOMEM;
    }
    if (jail->rights->count == KEPT_MAX)
        forget(jail->rights, 0);
    jail->rights->kept[jail->rights->count++] = (struct kept){token->st_dev, token->st_ino, fd, flags & ~(unsigned)RSYS_FD_CLOEXEC};
    return 0;
}

static int64_t find(const struct jail *jail, uint64_t device, uint64_t inode)
{
    for (uint32_t i = 0; jail->rights != NULL && i < jail->rights->count; i++)
        if (jail->rights->kept[i].device == device && jail->rights->kept[i].inode == inode)
            return i;
    return -1;
}

/* ---- control data ---- */

/* The offset of the next descriptor's number, or -1. */
static int64_t next_number(const uint8_t *control, uint64_t size, struct rsys_rights_cursor *cursor)
{
    struct cmsghdr one;
    while (size - cursor->header >= sizeof one) {
        memcpy(&one, control + cursor->header, sizeof one);
        if (one.cmsg_len < sizeof one || one.cmsg_len > size - cursor->header)
            return -1;
        uint64_t at = RSYS_MAX(cursor->number, cursor->header + sizeof one);
        if (one.cmsg_level == SOL_SOCKET && one.cmsg_type == SCM_RIGHTS && at + sizeof(int32_t) <= cursor->header + one.cmsg_len) {
            cursor->number = at + sizeof(int32_t);
            return (int64_t)at;
        }
        uint64_t step = CMSG_ALIGN(one.cmsg_len);
        if (step > size - cursor->header)
            return -1;
        cursor->header += step;
    }
    return -1;
}

static int32_t number_at(const struct rsys_rights *rights)
{
    int32_t number;
    memcpy(&number, rights->control + rights->at, sizeof number);
    return number;
}

static void on_drop(struct call *call)
{
    struct rsys_rights *rights = rights_of(call);
    rsys_close(rights->pending);
    rights->pending = -1;
}

static enum verdict begin(struct call *call, struct rsys_rights *rights, enum verdict (*next)(struct call *, int64_t))
{
    call->own.pointer[0] = rights;
    call->on_drop = on_drop;
    rights->cursor = (struct rsys_rights_cursor){0, 0};
    rights->pending = -1;
    rights->count = 0;
    rights->failed = false;
    rights->next = next;
    return VERDICT_SENT;
}

static enum verdict finish(struct call *call, int64_t failed)
{
    on_drop(call);
    call->on_drop = NULL;
    return rights_of(call)->next(call, failed);
}

/* ---- sending ---- */

static enum verdict send_step(struct call *call);

/* A signal's handler is to run before anything has been sent: the guest makes its call anew after that, whatever SA_RESTART says. */
static enum verdict send_interrupted(struct call *call)
{
    rsys_call_is_short(call);
    return finish(call, -ERESTARTSYS);
}

static enum verdict on_identity(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct rsys_rights *rights = rights_of(call);
    struct stat st;
    if (call->guest->held)
        return send_interrupted(call);
    if (reply->result < 0)
        return finish(call, reply->result);
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0 || call->request.targets[0].got != sizeof st)
        return finish(call, -EIO);
    memcpy(&st, data + 4, sizeof st);
    int fd = rights->pending;
    rights->pending = -1;
    if (keep(call->guest->process->jail, &st, fd, rights->flags) < 0)
        return finish(call, -ENOMEM);
    rights->kept[rights->count - 1] = st.st_ino;
    memcpy(rights->control + rights->at, &rights->tokens[rights->count - 1], sizeof(int32_t));
    return send_step(call);
}

static enum verdict on_token(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    struct rsys_rights *rights = rights_of(call);
    if (reply->result >= 0 && rsys_fd_is_beyond(call, (uint64_t)reply->result))
        return finish(call, -EIO);
    if (reply->result >= 0) {
        rights->tokens[rights->count] = (int32_t)reply->result;
        rights->kept[rights->count++] = 0;
    }
    if (call->guest->held)
        return send_interrupted(call);
    if (reply->result < 0)
        return finish(call, reply->result);
    rsys_request_start(&call->request, SYS_fstat, (uint64_t[6]){(uint64_t)reply->result});
    if (rsys_request_out(&call->request, 1, sizeof(struct stat), RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){0}) < 0)
        return finish(call, -ENOMEM);
    call->on_reply = on_identity;
    enum verdict verdict = rsys_call_send(call);
    return verdict == VERDICT_SENT ? verdict : finish(call, call->result);
}

/* The next local number, or the end. */
static enum verdict send_step(struct call *call)
{
    struct rsys_rights *rights = rights_of(call);
    const struct fdtable *fds = call->guest->process->fds;
    int64_t at;
    do {
        at = next_number(rights->control, rights->size, &rights->cursor);
        rights->at = (uint32_t)at;
    } while (at >= 0 && !rsys_fd_is_local(fds, number_at(rights)));
    if (at < 0)
        return finish(call, 0);
    if (rights->count == RSYS_RIGHTS_MAX)
        return finish(call, -EINVAL); /* as scm_fp_copy() says of so many */
    rights->flags = rsys_fd_flags(fds, number_at(rights));
    rights->pending = rsys_guest_get_fd(call->guest, number_at(rights));
    if (rights->pending < 0)
        return finish(call, rights->pending);
    rsys_request_start(&call->request, SYS_memfd_create, (uint64_t[6]){0, MFD_CLOEXEC});
    if (rsys_request_in(&call->request, 0, "rsys-local", sizeof "rsys-local") < 0)
        return finish(call, -ENOMEM);
    call->on_reply = on_token;
    enum verdict verdict = rsys_call_send(call);
    return verdict == VERDICT_SENT ? verdict : finish(call, call->result);
}

int64_t rsys_rights_next(struct rsys_rights *rights) { return next_number(rights->control, rights->size, &rights->cursor); }

int32_t rsys_rights_number(const struct rsys_rights *rights, int64_t at)
{
    int32_t number;
    memcpy(&number, rights->control + at, sizeof number);
    return number;
}

bool rsys_rights_are_remote(const struct call *call, const struct rsys_rights *rights)
{
    struct rsys_rights_cursor cursor = {0, 0};
    int32_t number;
    for (int64_t at; (at = next_number(rights->control, rights->size, &cursor)) >= 0;) {
        memcpy(&number, rights->control + at, sizeof number);
        if (rsys_fd_is_local(call->guest->process->fds, number))
            return false;
    }
    return true;
}

enum verdict rsys_rights_send(struct call *call, struct rsys_rights *rights, enum verdict (*next)(struct call *call, int64_t failed))
{
    begin(call, rights, next);
    return send_step(call);
}

void rsys_rights_sent(struct call *call, struct rsys_rights *rights, bool sent)
{
    struct jail *jail = call->guest->process->jail;
    for (uint32_t i = 0; i < rights->count; i++) {
        struct rsys_request request = {0};
        rsys_request_start(&request, SYS_close, (uint64_t[6]){(uint64_t)rights->tokens[i]});
        rsys_guest_post(call->guest, &request);
        rsys_request_free(&request);
        for (uint32_t k = 0; !sent && jail->rights != NULL && k < jail->rights->count; k++)
            if (jail->rights->kept[k].inode == rights->kept[i]) {
                forget(jail->rights, k);
                break;
            }
    }
    rights->count = 0;
}

/* ---- receiving ---- */

static enum verdict receive_step(struct call *call);

static enum verdict on_place(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    struct rsys_rights *rights = rights_of(call);
    int fd = rights->pending;
    rights->pending = -1;
    /* At its number or not at all: the guest has been told of no other. */
    if (reply->result == number_at(rights))
        rsys_call_place_local(call, reply->result, fd, rights->flags | (rights->cloexec ? RSYS_FD_CLOEXEC : 0u));
    else
        rsys_close(fd);
    if (reply->result != number_at(rights) || call->result < 0)
        rights->failed = true;
    return receive_step(call);
}

/* It is this token: the duplicate that goes to the guest is in `pending`. */
static enum verdict place(struct call *call, uint32_t index)
{
    struct rsys_rights *rights = rights_of(call);
    struct jail *jail = call->guest->process->jail;
    rights->flags = jail->rights->kept[index].flags;
    rights->pending = fcntl(jail->rights->kept[index].fd, F_DUPFD_CLOEXEC, 3);
    if (!rights->peeks)
        forget(jail->rights, index);
    if (rights->pending < 0) {
        rights->failed = true;
        return receive_step(call);
    }
    rsys_request_start(&call->request, RSYS_OP_PLACEHOLDER, (uint64_t[6]){(uint64_t)number_at(rights), rights->cloexec ? O_CLOEXEC : 0, 1});
    call->on_reply = on_place;
    enum verdict verdict = rsys_call_send(call);
    return verdict == VERDICT_SENT ? verdict : finish(call, call->result);
}

static enum verdict on_received(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct stat st;
    if (reply->result < 0)
        return receive_step(call);
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0 || call->request.targets[0].got != sizeof st)
        return finish(call, -EIO);
    memcpy(&st, data + 4, sizeof st);
    int64_t index = find(call->guest->process->jail, st.st_dev, st.st_ino);
    return index < 0 ? receive_step(call) : place(call, (uint32_t)index);
}

static enum verdict receive_step(struct call *call)
{
    struct rsys_rights *rights = rights_of(call);
    int64_t at;
    do {
        at = rsys_rights_any(call->guest->process->jail) ? next_number(rights->control, rights->size, &rights->cursor) : -1;
        rights->at = (uint32_t)at;
    } while (at >= 0 && (number_at(rights) < 0 || rsys_fd_is_beyond(call, (uint64_t)number_at(rights))));
    if (at < 0)
        return finish(call, rights->failed ? -EMFILE : 0);
    rsys_request_start(&call->request, SYS_fstat, (uint64_t[6]){(uint64_t)number_at(rights)});
    if (rsys_request_out(&call->request, 1, sizeof(struct stat), RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){0}) < 0)
        return finish(call, -ENOMEM);
    call->on_reply = on_received;
    enum verdict verdict = rsys_call_send(call);
    return verdict == VERDICT_SENT ? verdict : finish(call, call->result);
}

enum verdict rsys_rights_receive(struct call *call, struct rsys_rights *rights, enum verdict (*next)(struct call *call, int64_t failed))
{
    begin(call, rights, next);
    /* What has been received is received.  It takes the guest's notification to go on: a signal has its turn behind the call. */
    rsys_call_is_short(call);
    rsys_signal_behind_call(call->guest);
    return receive_step(call);
}

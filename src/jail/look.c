/* SPDX-License-Identifier: GPL-2.0-only */
/* look.c: fewer round trips for files that are opened, looked at, read and closed, as loaders and interpreters do it.
 *
 * With an open for reading the server sends the file's status and its first bytes along.  What the program asks then (fstat, the first read or
 * pread, where it stands, the mapping's own question, close) is answered here.  No program can tell, because
 *
 *   - nobody of the session has called anything since that could have changed a file or brought news from elsewhere: every call but the few below
 *     ends what is known, at its beginning and at its end (the supervisor sees them all), and so do some milliseconds, a writable shared mapping, and another sharer of the table;
 *   - the server looks at regular files of plain file systems only, where close cannot fail, and sends bytes only where a read changes no access time;
 *   - where the file's position has moved here, the executor is told ahead of the guest's next request, and so it is of the close.
 *
 * What comes from the server is what it could have answered to the calls themselves. */
#include "src/jail/learn.h"
#include "src/jail/look.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "src/core/util.h"
#include "src/jail/internal.h"
#include "src/jail/names.h"
#include "src/jail/view.h"

#define FRESH_NS 10000000ll

/* Of a guest's last open. */
struct look {
    int fd;              /* -1: nothing is known */
    uint64_t news;       /* jail->news when it was asked for */
    int64_t until;       /* CLOCK_MONOTONIC ns */
    uint64_t position;   /* of the file; UINT64_MAX: unknown */
    uint32_t length;     /* of data */
    struct stat st;
    struct {             /* as it comes */
        struct rsys_wire_look head;
        uint8_t data[RSYS_LOOK_DATA];
    } reply;
};

static struct jail *jail_of(const struct call *call) { return call->guest->process->jail; }

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

void rsys_look_forget(struct guest *guest)
{
    if (guest->look != NULL)
        guest->look->fd = -1;
}

void rsys_look_free(struct guest *guest)
{
    free(guest->look);
    guest->look = NULL;
}

/* ---- what is known ---- */

static bool table_is_private(const struct call *call) { return call->guest->process->threads == 1 && call->guest->process->fds->users == 1; }

/* Of the file at the descriptor of args[0], or args[4] of mmap. */
static struct look *known(const struct call *call, uint64_t fd)
{
    struct look *look = call->guest->look;
    if (look == NULL || rsys_jail_session(jail_of(call))->chosen || look->fd < 0 || (uint32_t)look->fd != (uint32_t)fd || look->news != jail_of(call)->news || !table_is_private(call) ||
        rsys_view_watching(rsys_jail_session(jail_of(call))->view))
        return NULL;
    return look;
}

static bool opens_for_reading(const struct call *call, uint64_t flags)
{
    return (call->nr == SYS_open || call->nr == SYS_openat) && (flags & ~(uint64_t)(O_CLOEXEC | O_LARGEFILE | O_NOFOLLOW | O_NOCTTY | 0100000)) == O_RDONLY;
}

/* Calls that change nothing that a look tells of, and bring no news: of names and status, of the file itself, and what leaves the sandbox. */
static bool is_quiet(const struct call *call)
{
    switch (call->nr) {
    case SYS_open:
        return opens_for_reading(call, (uint32_t)call->args[1]);
    case SYS_openat:
        return opens_for_reading(call, (uint32_t)call->args[2]);
    case SYS_read:
    case SYS_pread64:
        return known(call, call->args[0]) != NULL; /* others may be of pipes and sockets */
    case SYS_write:
    case SYS_writev:
        return rsys_fd_is_local(call->guest->process->fds, (int64_t)call->args[0]); /* who reads it makes a noise */
    case SYS_ioctl:
        return call->args[1] == TCGETS; /* isatty(3) */
    case SYS_stat:
    case SYS_lstat:
    case SYS_fstat:
    case SYS_newfstatat:
    case SYS_access:
    case SYS_faccessat:
    case SYS_readlink:
    case SYS_lseek:
    case SYS_mmap:
    case SYS_close:
    case SYS_getdents64:
    case SYS_getcwd:
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
        return true;
    case SYS_prlimit64:
        return call->args[2] == 0;
    case SYS_fcntl:
        return call->args[1] == F_GETFD || call->args[1] == F_GETFL || call->args[1] == F_SETFD;
    default:
        return false;
    }
}

void rsys_look_call_begins(struct call *call)
{
    if (call->nr == SYS_inotify_init || call->nr == SYS_inotify_init1)
        jail_of(call)->watched = true; /* a look would be an event */
    call->loud = !is_quiet(call);
    rsys_look_call_ends(call);
}

void rsys_look_call_ends(const struct call *call)
{
    if (call->loud)
        jail_of(call)->news++;
}

/* ---- asking ---- */

static enum verdict got_look(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct look *look = call->guest->look;
    int failed = rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest));
    if (failed == -EPROTO)
        rsys_jail_lost(jail_of(call), "the server's answer to %s makes no sense", call->row->name);
    if (failed < 0)
        return rsys_call_done(call, failed);
    uint32_t got = call->request.targets[call->request.head.outs - 1].got;
    if (reply->result >= 0 && got >= sizeof look->reply.head) {
        memcpy(&look->st, look->reply.head.stat, sizeof look->st);
        look->length = look->reply.head.has_data ? got - (uint32_t)sizeof look->reply.head : 0;
        look->position = 0;
        look->fd = rsys_fd_is_beyond(call, (uint64_t)reply->result) ? -1 : (int)reply->result;
        look->until = now() + FRESH_NS;
    }
    return rsys_call_done(call, reply->result);
}

/* Whether the policy lets the executor do by itself what a look takes: lseek is what it is told when the guest has read of it. */
static bool is_allowed(struct jail *jail)
{
    static const uint16_t calls[] = {SYS_fstat, SYS_fstatfs, SYS_pread64, SYS_lseek};
    static const uint64_t none[6];
    const struct rsys_rules *rules = &rsys_jail_session(jail)->rules;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(calls); i++)
        if (rsys_rules_conditional(rules, calls[i]) || rsys_rules_decide(rules, calls[i], none, NULL) != RSYS_ACTION_REMOTE)
            return false;
    return true;
}

void rsys_look_ask(struct call *call)
{
    struct jail *jail = jail_of(call);
    rsys_look_forget(call->guest);
    if (rsys_jail_session(jail)->chosen) /* what is not captured could change a file, too: the client's own descriptors may be of one that the server shares */
        return;
    if (!opens_for_reading(call, call->args[call->nr == SYS_open ? 1 : 2]) || call->on_reply != NULL || !table_is_private(call) || jail->watched ||
        rsys_learns() || !is_allowed(jail))
        return;
    if (call->guest->look == NULL && (call->guest->look = calloc(1, sizeof *call->guest->look)) == NULL)
        return;
    struct look *look = call->guest->look;
    look->fd = -1;
    look->news = jail->news; /* from now on: replies may be read in another order than the server has worked in */
    int64_t at = rsys_request_out(&call->request, -1, sizeof look->reply, RSYS_OUT_VALUE, 1, (struct rsys_out_target){.own = &look->reply});
    if (at < 0)
        return;
    call->request.outs[call->request.head.outs - 1].at = (uint32_t)at;
    call->request.flags |= RSYS_REQUEST_LOOK;
    call->on_reply = got_look;
}

/* ---- answering ---- */

bool rsys_look_status(const struct call *call, int fd, struct stat *ret_st)
{
    const struct look *look = known(call, (uint64_t)fd);
    if (look == NULL || now() > look->until)
        return false;
    *ret_st = look->st;
    return true;
}

static bool answer_status(struct call *call, const struct look *look, uint64_t address, enum verdict *ret_verdict)
{
    if (now() > look->until || rsys_memory_write(rsys_guest_memory(call->guest), address, &look->st, sizeof look->st) < 0)
        return false;
    *ret_verdict = rsys_call_done(call, 0);
    return true;
}

/* Tell the executor, ahead of the guest's next request. */
static bool post(struct call *call, uint16_t nr, uint64_t b, uint64_t c)
{
    rsys_request_start(&call->request, nr, (uint64_t[6]){call->args[0], b, c});
    return rsys_guest_post(call->guest, &call->request) == 0;
}

static bool answer_read(struct call *call, struct look *look, bool positioned, enum verdict *ret_verdict)
{
    uint64_t n = call->args[2], at = positioned ? call->args[3] : look->position, whole = (uint64_t)look->st.st_size;
    if (!look->reply.head.has_data || at > look->length || now() > look->until)
        return false;
    if (n > look->length - at && whole == look->length)
        n = look->length - at; /* up to the end of the file */
    if (n > look->length - at)
        return false;
    if (n > 0 && rsys_memory_write(rsys_guest_memory(call->guest), call->args[1], look->reply.data + at, n) < 0)
        return false;
    if (!positioned && n > 0) {
        if (!post(call, SYS_lseek, at + n, SEEK_SET))
            return false;
        look->position = at + n;
    }
    *ret_verdict = rsys_call_done(call, (int64_t)n);
    return true;
}

static bool answer_seek(struct call *call, struct look *look, enum verdict *ret_verdict)
{
    if (call->args[1] == 0 && call->args[2] == SEEK_CUR && look->position != UINT64_MAX) {
        *ret_verdict = rsys_call_done(call, (int64_t)look->position);
        return true;
    }
    look->position = UINT64_MAX;
    return false;
}

bool rsys_look_answer(struct call *call, enum verdict *ret_verdict)
{
    struct look *look = known(call, call->args[0]);
    char first;
    if (look == NULL)
        return false;
    switch (call->nr) {
    case SYS_fstat:
        return answer_status(call, look, call->args[1], ret_verdict);
    case SYS_newfstatat:
        if (call->args[3] != AT_EMPTY_PATH || rsys_memory_read(rsys_guest_memory(call->guest), call->args[1], &first, 1) < 0 || first != 0)
            return false;
        return answer_status(call, look, call->args[2], ret_verdict);
    case SYS_read:
        if (look->position != UINT64_MAX && answer_read(call, look, false, ret_verdict))
            return true;
        look->position = UINT64_MAX; /* the executor reads on from where it is */
        return false;
    case SYS_pread64:
        return answer_read(call, look, true, ret_verdict);
    case SYS_ioctl: /* TCGETS, of a regular file */
        *ret_verdict = rsys_call_done(call, -ENOTTY);
        return call->args[1] == TCGETS;
    case SYS_lseek:
        return answer_seek(call, look, ret_verdict);
    case SYS_close:
        look->fd = -1;
        rsys_fd_closed(call->guest->process->fds, (int)call->args[0]);
        if (!post(call, SYS_close, 0, 0))
            return false;
        *ret_verdict = rsys_call_done(call, 0);
        return true;
    default:
        return false;
    }
}

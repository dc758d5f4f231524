/* SPDX-License-Identifier: GPL-2.0-only */
/* chosen-fds.c: remote descriptors among a program's own, when only chosen calls go to the server.
 *
 * The guest's own kernel gives all the numbers, as it opens and duplicates most of them without a stop.  A remote descriptor has a placeholder there, at its
 * number: a local socket of its own, without a name or a peer, which duplicates and children share as they share what it stands for.  The executor has the descriptor at the same
 * number; every other number below its limit is taken by a placeholder there (rsys_chosen_start), so that what it opens comes to lie above them all, and no number is
 * ever free for somebody else between two of our requests.  From above, the descriptor is moved to the number that the guest's kernel has given.
 *
 * Nobody waits for that where nobody but the caller sees the table: what is asked for next comes behind it. */
#include "src/jail/chosen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "src/core/subcalls.h"
#include "src/core/util.h"
#include "src/core/wire.h"
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027 /* newer than Debian 12's headers */
#endif
#define ERESTARTSYS 512 /* of the kernel's own headers: it never reaches a program */

static struct fdtable *table_of(const struct call *call) { return call->guest->process->fds; }
static uint32_t limit_of(const struct guest *guest) { return guest->process->jail->session->welcome.nofile; }

/* Whether nobody but the call's own thread can see the descriptor table change. */
static bool table_is_private(const struct guest *guest) { return guest->process->threads == 1 && guest->process->fds->users == 1; }

static int post(struct guest *guest, uint16_t nr, const uint64_t args[6])
{
    struct rsys_request request = {0};
    rsys_request_start(&request, nr, args);
    int result = rsys_guest_post(guest, &request);
    rsys_request_free(&request);
    return result;
}

int rsys_chosen_start(struct guest *first) { return post(first, RSYS_OP_PLACEHOLDER, (uint64_t[6]){0, 0, 3}); }

/* Put a placeholder over a number of the executor's, and wait for it. */
static enum verdict send_placeholder(struct call *call, uint64_t fd)
{
    rsys_call_is_short(call);
    rsys_request_start(&call->request, RSYS_OP_PLACEHOLDER, (uint64_t[6]){fd, 0, 1});
    return rsys_call_send(call);
}

/* ---- made ---- */

/* Whoever opens it by its name in /proc is told that it cannot be opened, as of any socket; a file of whatever kind could be, and would swallow what is written. */
static int new_placeholder(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* Whether the call's result is a descriptor that its executor has made. */
static bool makes(const struct call *call)
{
    if (call->nr == SYS_landlock_create_ruleset && (call->args[2] & 0xffffffff) != 0)
        return false; /* a version, or a set of errata */
    return (call->row->flags & RSYS_CALL_MAKES_FD) != 0 && call->row->handler != RSYS_HANDLER_DUP;
}

/* Whether it was asked for close-on-exec. */
static bool wants_cloexec(const struct call *call)
{
    uint64_t how = 0;
    switch (call->nr) {
    case SYS_socket: return (call->args[1] & SOCK_CLOEXEC) != 0;
    case SYS_accept4: return (call->args[3] & SOCK_CLOEXEC) != 0;
    case SYS_open: return (call->args[1] & O_CLOEXEC) != 0;
    case SYS_openat: return (call->args[2] & O_CLOEXEC) != 0;
    case SYS_openat2: return rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], &how, sizeof how) == 0 && (how & O_CLOEXEC) != 0;
    case SYS_epoll_create1:
    case SYS_inotify_init1: return (call->args[0] & O_CLOEXEC) != 0;
    case SYS_eventfd2:
    case SYS_timerfd_create: return (call->args[1] & O_CLOEXEC) != 0;
    case SYS_memfd_create: return (call->args[1] & MFD_CLOEXEC) != 0;
    case SYS_mq_open:
    case SYS_landlock_create_ruleset: return true; /* always (ipc/mqueue.c, security/landlock/syscalls.c) */
    default: return false;
    }
}

/* own.word of a call that adopts: 6: the executor's number, 7: the guest's. */
static void drop_made(struct call *call) { post(call->guest, SYS_close, (uint64_t[6]){call->own.word[6]}); }

static enum verdict moved(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)reply;
    (void)data;
    drop_made(call);
    return rsys_call_done(call, (int64_t)call->own.word[7]);
}

/* The guest has the number, the executor is to have the descriptor there. */
static enum verdict move(struct call *call, uint64_t number)
{
    const uint64_t args[6] = {call->own.word[6], number, 0};
    call->own.word[7] = number;
    if (table_is_private(call->guest)) {
        post(call->guest, SYS_dup3, args);
        drop_made(call);
        return rsys_call_done(call, (int64_t)number);
    }
    call->on_reply = moved;
    rsys_request_start(&call->request, SYS_dup3, args);
    return rsys_call_send(call);
}

static enum verdict adopt(struct call *call);

static enum verdict adopt_again(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)reply;
    (void)data;
    return adopt(call);
}

/* It takes the guest's notification to give it a descriptor: so it makes the call again, ahead of the handler of whatever signal has come. */
static enum verdict adopt_later(struct call *call)
{
    const struct rsys_wire_reply reply = {.result = (int64_t)call->own.word[6]};
    call->on_reply = adopt_again;
    call->on_drop = drop_made;
    if (rsys_call_defer(call, &reply, NULL) == 0)
        return VERDICT_SENT;
    drop_made(call);
    return rsys_call_done(call, -ENOMEM);
}

static enum verdict adopt(struct call *call)
{
    bool cloexec = wants_cloexec(call);
    call->on_drop = NULL;
    if (!rsys_call_valid(call))
        return adopt_later(call);
    RSYS_AUTO_FD placeholder = new_placeholder();
    int number = placeholder < 0 ? placeholder : rsys_call_add_fd(call, placeholder, -1, cloexec);
    if (number == -ERESTARTSYS)
        return adopt_later(call);
    /* Above what the executor leaves to us: the placeholder stays, as nothing can be closed from outside, and stands for nothing. */
    if (number >= 0 && (uint32_t)number >= limit_of(call->guest))
        number = -EMFILE;
    if (number >= 0 && rsys_fd_set_remote(table_of(call), number, cloexec) < 0)
        number = -ENOMEM;
    if (number < 0) {
        drop_made(call);
        return rsys_call_done(call, number);
    }
    if (call->row->handler == RSYS_HANDLER_EPOLL)
        rsys_epoll_made(call->guest, number, cloexec);
    return move(call, (uint64_t)number);
}

enum verdict rsys_chosen_result(struct call *call)
{
    int64_t made = call->result;
    if (call->adopted || made < 0 || !makes(call))
        return VERDICT_DONE;
    call->adopted = true;
    /* The server's word.  Below would be a number of the guest's. */
    if (made < limit_of(call->guest) || made > INT32_MAX)
        return rsys_call_done(call, -EIO);
    call->own.word[6] = (uint64_t)made;
    rsys_call_is_short(call);
    rsys_signal_behind_call(call->guest); /* what has been accepted is accepted */
    return adopt(call);
}

int rsys_chosen_receive(struct call *call, int32_t made, bool cloexec)
{
    if (made < (int64_t)limit_of(call->guest))
        return -EIO; /* the server's word */
    if (!rsys_call_valid(call))
        return -ERESTARTSYS;
    RSYS_AUTO_FD placeholder = new_placeholder();
    int number = placeholder < 0 ? placeholder : rsys_call_add_fd(call, placeholder, -1, cloexec);
    if (number == -ERESTARTSYS)
        return number;
    if (number >= 0 && (uint32_t)number >= limit_of(call->guest))
        number = -EMFILE;
    if (number >= 0 && rsys_fd_set_remote(table_of(call), number, cloexec) < 0)
        number = -ENOMEM;
    if (number >= 0)
        post(call->guest, SYS_dup3, (uint64_t[6]){(uint64_t)made, (uint64_t)number, 0});
    post(call->guest, SYS_close, (uint64_t[6]){(uint64_t)made});
    return number;
}

/* ---- closed ---- */

static enum verdict closed(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)reply; /* whatever close says, it has closed */
    (void)data;
    rsys_fd_clear_remote(table_of(call), (int)call->args[0]);
    return rsys_call_pass_once(call);
}

enum verdict rsys_chosen_close(struct call *call)
{
    rsys_fd_closed(table_of(call), (int)call->args[0]);
    call->on_reply = closed;
    return send_placeholder(call, (uint32_t)call->args[0]);
}

static enum verdict range_closed(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    uint32_t last = (uint32_t)call->args[1];
    (void)reply;
    (void)data;
    for (int64_t fd = (uint32_t)call->args[0]; (fd = rsys_fd_next_remote(table_of(call), fd)) >= 0 && fd <= last; fd++) {
        rsys_fd_closed(table_of(call), fd);
        rsys_fd_clear_remote(table_of(call), (int)fd);
    }
    return rsys_call_pass_once(call);
}

/* What of the range is remote is closed there; the waiting is for the last one. */
static enum verdict close_remote(struct call *call)
{
    uint32_t last = (uint32_t)call->args[1];
    int64_t fd = rsys_fd_next_remote(table_of(call), (uint32_t)call->args[0]), next;
    if (fd < 0 || fd > last)
        return VERDICT_CONTINUE;
    while ((next = rsys_fd_next_remote(table_of(call), fd + 1)) >= 0 && next <= last) {
        post(call->guest, RSYS_OP_PLACEHOLDER, (uint64_t[6]){(uint64_t)fd, 0, 1});
        fd = next;
    }
    call->on_reply = range_closed;
    return send_placeholder(call, (uint64_t)fd);
}

static enum verdict range_unshared(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int64_t result = reply->result < 0 ? reply->result : rsys_fdtable_unshare(&call->guest->process->fds);
    (void)data;
    if (result < 0)
        return rsys_call_done(call, result);
    return close_remote(call);
}

enum verdict rsys_chosen_close_range(struct call *call)
{
    uint32_t first = (uint32_t)call->args[0], last = (uint32_t)call->args[1], flags = (uint32_t)call->args[2];
    if (first > last || (flags & ~(uint32_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0)
        return VERDICT_CONTINUE; /* to be refused */
    if ((flags & CLOSE_RANGE_UNSHARE) && call->guest->process->threads > 1)
        return rsys_call_done(call, -EINVAL); /* it would become one thread's table */
    if (flags & CLOSE_RANGE_CLOEXEC) {
        for (int64_t fd = first; (fd = rsys_fd_next_remote(table_of(call), fd)) >= 0 && fd <= last; fd++) {
            rsys_fd_set_remote(table_of(call), (int)fd, true);
            rsys_fd_marked(table_of(call), fd, true);
        }
        return VERDICT_CONTINUE;
    }
    for (uint32_t fd = first; table_of(call)->epoll_ops && fd <= last && fd < limit_of(call->guest); fd++)
        if (rsys_fd_is_local(table_of(call), fd))
            rsys_fd_closed(table_of(call), fd);
    if ((flags & CLOSE_RANGE_UNSHARE) == 0 || table_of(call)->users == 1)
        return close_remote(call);
    rsys_call_is_short(call);
    call->on_reply = range_unshared;
    rsys_request_start(&call->request, SYS_unshare, (uint64_t[6]){0x400 /* CLONE_FILES */});
    return rsys_call_send(call);
}

void rsys_chosen_exec(struct guest *guest)
{
    struct fdtable *table = guest->process->fds;
    for (int64_t fd = 0; guest->channel && (fd = rsys_fd_next_remote(table, fd)) >= 0; fd++)
        if (rsys_fd_remote_cloexec(table, fd))
            post(guest, RSYS_OP_PLACEHOLDER, (uint64_t[6]){(uint64_t)fd, 0, 1});
}

/* ---- duplicated ---- */

/* What the guest's own limit leaves it. */
static uint64_t own_limit(const struct call *call)
{
    struct rlimit limit = {0, 0};
    prlimit(call->guest->process->pid, RLIMIT_NOFILE, NULL, &limit);
    return limit.rlim_cur;
}

/* dup2, dup3: the executor has done it, and the guest's own kernel is about to do it to the placeholder. */
static enum verdict followed(struct call *call)
{
    bool cloexec = call->nr == SYS_dup3 && (call->args[2] & O_CLOEXEC) != 0;
    rsys_fd_closed(table_of(call), (int)call->args[1]); /* what was there */
    rsys_fd_duplicated(table_of(call), (int)call->args[0], (int)call->args[1], cloexec);
    int failed = rsys_fd_set_remote(table_of(call), (int)call->args[1], cloexec);
    return failed < 0 ? rsys_call_done(call, failed) : rsys_call_pass_once(call);
}

static enum verdict follow(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    return reply->result < 0 ? rsys_call_done(call, reply->result) : followed(call);
}

static enum verdict duplicate_over(struct call *call)
{
    const uint64_t args[6] = {(uint32_t)call->args[0], (uint32_t)call->args[1], 0};
    if ((uint32_t)call->args[1] >= own_limit(call))
        return VERDICT_CONTINUE; /* to be refused */
    if ((uint32_t)call->args[1] >= limit_of(call->guest))
        return rsys_call_done(call, -EBADF);
    if (table_is_private(call->guest) && post(call->guest, SYS_dup3, args) == 0)
        return followed(call);
    rsys_call_is_short(call);
    call->on_reply = follow;
    rsys_request_start(&call->request, SYS_dup3, args);
    return rsys_call_send(call);
}

/* F_DUPFD: own.word: 4: the old number, 5: whether the new one is close-on-exec, 7: the new one. */
static enum verdict duplicated(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int64_t old = (int64_t)call->own.word[4], number = (int64_t)call->own.word[7];
    bool cloexec = call->own.word[5] != 0;
    (void)data;
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    RSYS_AUTO_FD placeholder = rsys_guest_get_fd(call->guest, (int)old);
    int placed = placeholder < 0 ? placeholder : rsys_call_add_fd(call, placeholder, (int)number, cloexec);
    if (placed >= 0) {
        rsys_fd_closed(table_of(call), number); /* what was there */
        rsys_fd_duplicated(table_of(call), old, number, cloexec);
        placed = rsys_fd_set_remote(table_of(call), (int)number, cloexec);
    }
    return rsys_call_done(call, placed < 0 ? placed : number);
}

/* A remote one to a number that is known. */
static enum verdict duplicate_at(struct call *call, uint32_t old, uint32_t number, bool cloexec)
{
    rsys_call_is_short(call);
    call->own.word[4] = old;
    call->own.word[5] = cloexec;
    call->own.word[7] = number;
    call->on_reply = duplicated;
    rsys_request_start(&call->request, SYS_dup3, (uint64_t[6]){old, number, 0});
    return rsys_call_send(call);
}

static enum verdict numbered(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    return rsys_call_done(call, reply->result < 0 ? reply->result : (int64_t)call->own.word[7]);
}

/* A remote one to the lowest free number. */
static enum verdict duplicate(struct call *call, uint32_t old, bool cloexec)
{
    rsys_call_is_short(call);
    RSYS_AUTO_FD placeholder = rsys_guest_get_fd(call->guest, (int)old);
    int number = placeholder < 0 ? placeholder : rsys_call_add_fd(call, placeholder, -1, cloexec);
    if (number >= 0 && (uint32_t)number >= limit_of(call->guest))
        number = -EMFILE;
    if (number >= 0 && rsys_fd_set_remote(table_of(call), number, cloexec) < 0)
        number = -ENOMEM;
    if (number < 0)
        return rsys_call_done(call, number);
    rsys_fd_duplicated(table_of(call), old, number, cloexec);
    call->own.word[7] = (uint64_t)number;
    const uint64_t args[6] = {old, (uint64_t)number, 0};
    if (table_is_private(call->guest)) {
        post(call->guest, SYS_dup3, args);
        return rsys_call_done(call, number);
    }
    call->on_reply = numbered;
    rsys_request_start(&call->request, SYS_dup3, args);
    return rsys_call_send(call);
}

/* The remote one that a local one will take the place of is closed. */
static enum verdict replaced(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)reply;
    (void)data;
    rsys_fd_closed(table_of(call), (int)call->args[1]);
    rsys_fd_clear_remote(table_of(call), (int)call->args[1]);
    return rsys_call_pass_once(call);
}

/* Over a remote one, if it is one to be duplicated at all. */
static enum verdict replace(struct call *call)
{
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, (int)call->args[0]);
    if (own < 0 || (call->nr == SYS_dup3 && (call->args[2] & ~(uint64_t)O_CLOEXEC) != 0))
        return VERDICT_CONTINUE; /* to be refused */
    call->on_reply = replaced;
    return send_placeholder(call, (uint32_t)call->args[1]);
}

enum verdict rsys_chosen_dup(struct call *call)
{
    uint32_t old = (uint32_t)call->args[0], over = (uint32_t)call->args[1];
    bool local = rsys_fd_is_local(table_of(call), old);
    if (call->nr == SYS_dup)
        return local ? VERDICT_CONTINUE : duplicate(call, old, false);
    if (old == over || (call->nr == SYS_dup3 && (call->args[2] & ~(uint64_t)O_CLOEXEC) != 0))
        return VERDICT_CONTINUE; /* nothing, or an error */
    if (local && !rsys_fd_is_local(table_of(call), over))
        return replace(call);
    if (local) {
        rsys_fd_closed(table_of(call), over);
        return VERDICT_CONTINUE;
    }
    return duplicate_over(call);
}

/* The lowest number from `least` on that the guest has not in use.  (Another thread may take it: but for that moment, it is as with any descriptor that is put at a number.) */
static int64_t free_number(struct call *call, uint32_t least)
{
    for (uint64_t fd = least, limit = RSYS_MIN((uint64_t)limit_of(call->guest), own_limit(call)); fd < limit; fd++) {
        int own = rsys_guest_get_fd(call->guest, (int)fd);
        rsys_close(own);
        if (own < 0)
            return own == -EBADF ? (int64_t)fd : own;
    }
    return -EMFILE;
}

enum verdict rsys_chosen_fcntl(struct call *call)
{
    uint32_t command = (uint32_t)call->args[1];
    int64_t number;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if ((uint32_t)call->args[2] == 0)
            return duplicate(call, (uint32_t)call->args[0], command == F_DUPFD_CLOEXEC);
        if ((uint32_t)call->args[2] >= RSYS_MIN((uint64_t)limit_of(call->guest), own_limit(call)))
            return rsys_call_done(call, -EINVAL);
        number = free_number(call, (uint32_t)call->args[2]);
        return number < 0 ? rsys_call_done(call, number) : duplicate_at(call, (uint32_t)call->args[0], (uint32_t)number, command == F_DUPFD_CLOEXEC);
    case F_SETFD:
        rsys_fd_set_remote(table_of(call), (int)call->args[0], (call->args[2] & FD_CLOEXEC) != 0);
        rsys_fd_marked(table_of(call), (int32_t)call->args[0], (call->args[2] & FD_CLOEXEC) != 0);
        return VERDICT_CONTINUE; /* the flag is the guest's own table's */
    case F_GETFD:
        return VERDICT_CONTINUE;
    case F_DUPFD_QUERY:
        if (rsys_fd_is_local(table_of(call), (int32_t)call->args[2]))
            return rsys_call_done(call, 0); /* of different homes: not the same open file */
        break;
    default:
        break;
    }
    return rsys_call_handle(call);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* signalfd.c: signalfd, signalfd4, and signalfds among the descriptors that a guest waits over.
 *
 * Signals are the client's, so a signalfd is a local descriptor, and read(2) on it is the guest's own kernel's.  A wait over signalfds alone is too.  But
 * a wait over both homes is the supervisor's, and when that polls a duplicate of the signalfd it is told of its own signals.  So it waits over a stand-in:
 * an eventfd that is readable when /proc/TID/status shows a signal pending which is in the signalfd's mask (/proc/self/fdinfo), as the kernel would look
 * at both.  It is set right whenever somebody is about to look at it, and when the process has got a signal (signal-watch.c); then it is also an edge
 * for who waits edge-triggered, as each signal is for the kernel's own. */
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

struct stand_in {
    struct stand_in *next;
    pid_t pid, tid; /* of whose signals; tid 0: of the thread that looks */
    const struct fdtable *table; /* in an epoll set by this number; NULL: of one wait */
    int number;
    int own;        /* a duplicate of the guest's signalfd */
    int fd;         /* the eventfd */
    bool set;
    pid_t looked;   /* the thread that it was last set right for; 0: a signal has come since */
    uint64_t mask;  /* the signalfd's, when a signal came last */
};

/* ---- what is true ---- */

/* A signalfd's mask; 0: it is none, or an empty one.  The text is our own kernel's. */
static uint64_t signalfd_mask(const struct jail *jail, int own)
{
    char path[32], text[512];
    const char *at;
    ssize_t n;

    snprintf(path, sizeof(path), "self/fdinfo/%d", own);
    RSYS_AUTO_FD fd = openat(jail->session->proc_fd, path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[RSYS_MAX(n, (ssize_t)0)] = '\0';
    at = strstr(text, "\nsigmask:");
    return at ? strtoull(at + 9, NULL, 16) : 0;
}

static void stand_in_update(const struct jail *jail, struct stand_in *stand, uint64_t pending, bool arrived)
{
    uint64_t count = 1;
    bool ready;

    if (arrived || !stand->mask || jail->masks_change)
        stand->mask = signalfd_mask(jail, stand->own);
    ready = (pending & stand->mask) != 0;

    if (ready && (arrived || !stand->set))
        (void)!write(stand->fd, &count, sizeof(count));
    else if (!ready && stand->set)
        (void)!read(stand->fd, &count, sizeof(count));
    stand->set = ready;
}

void rsys_stand_ins_look(struct guest *guest)
{
    struct jail *jail = guest->process->jail;
    uint64_t pending = 0;
    bool known = false;

    if (!jail->stand_ins)
        return;
    rsys_wait_event(jail); /* signals that have come are edges; and they came before this look */
    for (struct stand_in *stand = jail->stand_ins; stand; stand = stand->next) {
        if (stand->pid != guest->process->pid || (stand->tid && stand->tid != guest->tid))
            continue;
        /* What was not pending for this thread is not, as long as the process has got no signal. */
        if (!stand->set && stand->looked == guest->tid && guest->process->signal_watch >= 0 && !jail->masks_change)
            continue;
        if (!known)
            pending = rsys_signals_pending(guest);
        known = true;
        stand_in_update(jail, stand, pending, false);
        stand->looked = guest->tid;
    }
}

/* Of the threads that wait, or of the leader. */
static uint64_t pending_of_any(struct jail *jail, pid_t pid)
{
    struct guest *leader = rsys_guest_find(jail, pid);
    uint64_t pending = leader ? rsys_signals_pending(leader) : 0;

    for (unsigned i = 0; leader && leader->process && leader->process->users > 1 && i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next)
            if (guest->process == leader->process && guest != leader && guest->call->phase == CALL_SENT && guest->call->own.word[0] == RSYS_WAITS)
                pending |= rsys_signals_pending(guest);
    return pending;
}

void rsys_stand_ins_arrived(struct jail *jail, pid_t pid)
{
    uint64_t any = 0;
    bool known = false;

    for (struct stand_in *stand = jail->stand_ins; stand; stand = stand->next) {
        struct guest *guest = stand->tid ? rsys_guest_find(jail, stand->tid) : NULL;

        if (stand->pid != pid || (stand->tid && !guest))
            continue;
        if (!guest && !known) {
            any = pending_of_any(jail, pid);
            known = true;
        }
        stand_in_update(jail, stand, guest ? rsys_signals_pending(guest) : any, true);
        stand->looked = 0;
    }
}

/* ---- stand-ins ---- */

bool rsys_stand_in_needed(const struct guest *guest, int own)
{
    const struct jail *jail = guest->process->jail;

    return jail->signalfds && own >= 0 && signalfd_mask(jail, own) != 0;
}

int rsys_stand_in_new(struct guest *guest, int own, int number)
{
    struct jail *jail = guest->process->jail;
    struct stand_in *stand = calloc(1, sizeof(*stand));
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (!stand || fd < 0) {
        free(stand);
        rsys_close(fd);
        return -ENOMEM;
    }
    *stand = (struct stand_in){.next = jail->stand_ins, .pid = guest->process->pid, .own = own, .fd = fd};
    if (number < 0) {
        stand->tid = guest->tid;
    } else {
        stand->table = guest->process->fds;
        stand->number = number;
    }
    jail->stand_ins = stand;
    return fd;
}

bool rsys_stand_in_is(const struct guest *guest, int fd)
{
    const struct stand_in *stand = guest->process->jail->stand_ins;

    while (stand && stand->fd != fd)
        stand = stand->next;
    return stand != NULL;
}

int rsys_stand_in_of(const struct guest *guest, int number)
{
    const struct stand_in *stand = guest->process->jail->stand_ins;

    while (stand && (stand->table != guest->process->fds || stand->number != number))
        stand = stand->next;
    return stand ? stand->fd : -1;
}

void rsys_stand_ins_closed(struct jail *jail, const struct fdtable *table, int number)
{
    for (struct stand_in *stand = jail->stand_ins, *next; stand; stand = next) {
        next = stand->next;
        if (stand->table == table && (number == -1 || stand->number == number))
            rsys_stand_in_close(jail, stand->fd);
    }
}

void rsys_stand_in_close(struct jail *jail, int fd)
{
    for (struct stand_in **at = &jail->stand_ins; *at; at = &(*at)->next) {
        struct stand_in *stand = *at;

        if (stand->fd != fd)
            continue;
        *at = stand->next;
        rsys_close(stand->own);
        free(stand);
        break;
    }
    rsys_close(fd);
}

/* ---- the calls ---- */

/* Not local: whether it is open at all. */
static enum verdict not_signalfd(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    return rsys_call_done(call, reply->result < 0 ? reply->result : -EINVAL);
}

enum verdict rsys_handle_SIGNALFD(struct call *call)
{
    struct jail *jail = call->guest->process->jail;
    int32_t fd = (int32_t)call->args[0];
    uint64_t flags = call->nr == SYS_signalfd4 ? (uint32_t)call->args[3] : 0, mask;
    int made;

    if (call->args[2] != sizeof(mask))
        return rsys_call_done(call, -EINVAL);
    if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[1], &mask, sizeof(mask)) < 0)
        return rsys_call_done(call, -EFAULT);
    if (flags & ~(uint64_t)(SFD_CLOEXEC | SFD_NONBLOCK))
        return rsys_call_done(call, -EINVAL);
    if (fd != -1) {
        /* Another mask for one that is there: the guest's own kernel's, on a local descriptor of its own.  (It makes none by a number that is not -1.) */
        if (rsys_fd_is_local(call->guest->process->fds, fd)) {
            jail->masks_change = true;
            return VERDICT_CONTINUE;
        }
        if (rsys_fd_is_beyond(call, (uint64_t)fd))
            return rsys_call_done(call, -EBADF);
        call->on_reply = not_signalfd;
        rsys_request_start(&call->request, SYS_fcntl, (uint64_t[6]){(uint64_t)fd, F_GETFD});
        return rsys_call_send(call);
    }
    if (jail->session->proc_fd < 0)
        return rsys_call_done(call, -ENOSYS); /* a wait over it could not be told what is pending; programs have other ways */
    made = (int)syscall(SYS_signalfd4, -1, &mask, sizeof(mask), SFD_CLOEXEC | (flags & SFD_NONBLOCK));
    if (made < 0)
        return rsys_call_done(call, -errno);
    jail->signalfds = true;
    return rsys_call_bring_home(call, made, RSYS_FD_SESSION | (flags & SFD_CLOEXEC ? RSYS_FD_CLOEXEC : 0u));
}

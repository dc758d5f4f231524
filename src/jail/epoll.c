/* SPDX-License-Identifier: GPL-2.0-only */
/* epoll.c: epoll sets over descriptors of both homes.
 *
 * An epoll descriptor is remote, and what is remote in its set is the executor's kernel's affair alone.  For the local descriptors in it the supervisor
 * keeps a set of its own, with duplicates; a wait over both is a remote one that is cancelled when something is ready here first (wait.c).
 *
 * The local part belongs to one descriptor number of one table: a duplicate of the epoll descriptor, or a forked child's, sees the remote part alone.  A set
 * that was never given a local descriptor costs nothing. */
#include "src/core/util.h"
#include "src/jail/internal.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define ERESTARTSYS 512
#define NS 1000000000ll
#define EVENTS_MAX 4096u /* told at once; the others are still there for the next wait */
#define EVENT_SIZE 12u
_Static_assert(sizeof(struct epoll_event) == EVENT_SIZE, "struct epoll_event is packed on x86-64");

struct epoll_entry {
    struct epoll_entry *next;
    int fd, dup; /* the guest's number, and ours */
};

struct epoll_set {
    struct epoll_set *next;
    int epfd;    /* the guest's number */
    int own;     /* our epoll descriptor */
    struct jail *jail;
    struct epoll_entry *entries;
};

/* A wait, in call->own: word 0 and 1 are wait.c's. */
struct epoll_wait {
    uint64_t waits, hurried;
    int64_t deadline; /* CLOCK_MONOTONIC ns, < 0: none */
    uint32_t max;
    int watched;      /* a duplicate of the set's own descriptor, in the loop; -1: none */
    bool probing;     /* something is ready here: the other side is only looked at */
};
_Static_assert(sizeof(struct epoll_wait) <= sizeof(((struct call *)NULL)->own), "a wait has to fit the call");

static struct epoll_wait *wait_of(struct call *call) { return (struct epoll_wait *)(void *)&call->own; }

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS + time.tv_nsec;
}

/* ---- sets ---- */

static struct epoll_set *find_set(const struct fdtable *table, int epfd)
{
    struct epoll_set *set = table->epolls;
    while (set != NULL && set->epfd != epfd)
        set = set->next;
    return set;
}

static struct epoll_entry **find_entry(struct epoll_set *set, int fd)
{
    struct epoll_entry **at = &set->entries;
    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

static void drop_entry(struct epoll_set *set, struct epoll_entry **at)
{
    struct epoll_entry *entry = *at;
    if (entry == NULL)
        return;
    *at = entry->next;
    epoll_ctl(set->own, EPOLL_CTL_DEL, entry->dup, NULL);
    rsys_stand_in_close(set->jail, entry->dup);
    free(entry);
}

static void drop_set(struct epoll_set **at)
{
    struct epoll_set *set = *at;
    *at = set->next;
    while (set->entries != NULL)
        drop_entry(set, &set->entries);
    rsys_close(set->own);
    free(set);
}

static void closed(struct fdtable *table, int fd)
{
    for (struct epoll_set **at = &table->epolls; *at != NULL;) {
        drop_entry(*at, find_entry(*at, fd));
        if ((*at)->epfd == fd || fd == -1)
            drop_set(at);
        else
            at = &(*at)->next;
    }
}

static struct epoll_set *new_set(struct jail *jail, struct fdtable *table, int epfd)
{
    struct epoll_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return NULL;
    *set = (struct epoll_set){.next = table->epolls, .epfd = epfd, .own = epoll_create1(EPOLL_CLOEXEC), .jail = jail};
    if (set->own < 0) {
        free(set);
        return NULL;
    }
    table->epolls = set;
    table->epolls_closed = closed;
    return set;
}

/* ---- epoll_ctl of a local descriptor ---- */

/* Signalfds are read and never written. */
static uint32_t of_stand_in(uint32_t events) { return events & ~(uint32_t)(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND); }

static int64_t add_entry(struct call *call, struct epoll_set *set, int fd, struct epoll_event *event)
{
    struct epoll_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return -ENOMEM;
    *entry = (struct epoll_entry){.next = set->entries, .fd = fd, .dup = rsys_guest_get_fd(call->guest, fd)};
    if (rsys_stand_in_needed(call->guest, entry->dup)) {
        int stand_in = rsys_stand_in_new(call->guest, entry->dup, false);
        if (stand_in < 0)
            rsys_close(entry->dup);
        entry->dup = stand_in;
        event->events = of_stand_in(event->events);
    }
    if (entry->dup < 0 || epoll_ctl(set->own, EPOLL_CTL_ADD, entry->dup, event) < 0) {
        int failed = entry->dup < 0 ? entry->dup : -errno; /* EPERM: a file cannot be waited for */
        rsys_stand_in_close(set->jail, entry->dup);
        free(entry);
        return failed;
    }
    set->entries = entry;
    return 0;
}

static int64_t control(struct call *call, struct epoll_set *set)
{
    int op = (int)call->args[1], fd = (int)call->args[2];
    struct epoll_entry **at = find_entry(set, fd);
    struct epoll_event event = {0};
    if (op != EPOLL_CTL_DEL && rsys_memory_read(rsys_guest_memory(call->guest), call->args[3], &event, sizeof event) < 0)
        return -EFAULT;
    switch (op) {
    case EPOLL_CTL_ADD:
        return *at != NULL ? -EEXIST : add_entry(call, set, fd, &event);
    case EPOLL_CTL_MOD:
        if (*at != NULL && rsys_stand_in_is(call->guest, (*at)->dup))
            event.events = of_stand_in(event.events);
        return *at == NULL ? -ENOENT : epoll_ctl(set->own, EPOLL_CTL_MOD, (*at)->dup, &event) < 0 ? -errno : 0;
    case EPOLL_CTL_DEL:
        if (*at == NULL)
            return -ENOENT;
        drop_entry(set, at);
        return 0;
    default:
        return -EINVAL;
    }
}

/* The executor has said whether the number is an epoll descriptor at all. */
static enum verdict on_probe(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct fdtable *table = call->guest->process->fds;
    int epfd = (int)call->args[0];
    if (reply->result < 0 && reply->result != -EFAULT)
        return rsys_call_done(call, reply->result);
    struct epoll_set *set = find_set(table, epfd); /* another thread may have been first */
    if (set == NULL)
        set = new_set(call->guest->process->jail, table, epfd);
    return rsys_call_done(call, set == NULL ? -ENOMEM : control(call, set));
}

/* Whether the descriptor to be added needs signals to be told of, and they are not yet; then *ret_verdict is to be returned. */
static bool must_watch(struct call *call, enum verdict *ret_verdict)
{
    if (call->args[1] != EPOLL_CTL_ADD || !call->guest->process->jail->signalfds)
        return false;
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, (int)call->args[2]);
    return rsys_stand_in_needed(call->guest, own) && !rsys_signal_watch(call, ret_verdict);
}

static enum verdict control_local(struct call *call)
{
    enum verdict verdict;
    if (must_watch(call, &verdict))
        return verdict;
    struct epoll_set *set = find_set(call->guest->process->fds, (int)call->args[0]);
    if (set != NULL)
        return rsys_call_done(call, control(call, set));
    /* Nowhere to store an event: EFAULT when there is one (it stays), and otherwise nothing. */
    rsys_request_start(&call->request, __NR_epoll_wait, (uint64_t[6]){call->args[0], 0, 1, 0});
    call->on_reply = on_probe;
    return rsys_call_send(call);
}

/* ---- waits ---- */

static void on_drop(struct call *call)
{
    struct epoll_wait *wait = wait_of(call);
    if (wait->watched >= 0) {
        rsys_wait_unwatch(call->guest, wait->watched);
        rsys_close(wait->watched);
        wait->watched = -1;
    }
    rsys_call_hurried_over(call);
}

static enum verdict end(struct call *call, int64_t result)
{
    on_drop(call);
    call->on_drop = NULL;
    wait_of(call)->waits = 0;
    return rsys_call_done(call, result);
}

static enum verdict on_wait(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);

static enum verdict ask(struct call *call, int64_t left)
{
    struct epoll_wait *wait = wait_of(call);
    bool fine = call->nr == __NR_epoll_pwait2;
    int64_t spec[2] = {left / NS, left % NS};
    int64_t ms = left < 0 ? -1 : RSYS_MIN((left + 999999) / 1000000, (int64_t)INT_MAX);
    rsys_request_start(&call->request, fine ? __NR_epoll_pwait2 : __NR_epoll_wait, (uint64_t[6]){call->args[0], 0, wait->max, fine ? 0 : (uint64_t)ms});
    if (fine && left >= 0 && rsys_request_in(&call->request, 3, spec, sizeof spec) < 0)
        return end(call, -ENOMEM);
    if (rsys_request_out(&call->request, 1, wait->max * EVENT_SIZE, RSYS_OUT_RESULT, EVENT_SIZE, (struct rsys_out_target){0}) < 0)
        return end(call, -ENOMEM);
    call->on_reply = on_wait;
    call->on_drop = on_drop;
    wait->waits = RSYS_WAITS;
    enum verdict verdict = rsys_call_send(call);
    return verdict == VERDICT_SENT ? verdict : end(call, call->result);
}

static enum verdict go_on(struct call *call)
{
    struct epoll_wait *wait = wait_of(call);
    struct epoll_set *set = find_set(call->guest->process->fds, (int)call->args[0]);
    int64_t left = wait->deadline < 0 ? -1 : RSYS_MAX(wait->deadline - now(), (int64_t)0);
    if (set == NULL || set->entries == NULL)
        return ask(call, left);
    struct pollfd ready = {.fd = set->own, .events = POLLIN};
    rsys_stand_ins_look(call->guest);
    wait->probing = poll(&ready, 1, 0) > 0;
    if (wait->probing)
        return ask(call, 0);
    {
        wait->watched = fcntl(set->own, F_DUPFD_CLOEXEC, 3); /* each waiting thread's own */
        if (wait->watched < 0 || rsys_wait_watch(call->guest, wait->watched, EPOLLIN) < 0)
            return end(call, -ENOMEM);
    }
    return ask(call, left);
}

/* Tell of remote events, and of local ones behind them: how many, or -EFAULT. */
static int64_t store(struct call *call, const uint8_t *remote, uint32_t count)
{
    struct epoll_wait *wait = wait_of(call);
    struct epoll_set *set = find_set(call->guest->process->fds, (int)call->args[0]);
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    struct epoll_event events[64];
    int local = 0;
    if (rsys_memory_write(memory, call->args[1], remote, count * EVENT_SIZE) < 0)
        return -EFAULT;
    rsys_stand_ins_look(call->guest);
    if (set != NULL && count < wait->max)
        local = epoll_wait(set->own, events, (int)RSYS_MIN(wait->max - count, (uint32_t)RSYS_ARRAY_SIZE(events)), 0);
    if (local > 0 && rsys_memory_write(memory, call->args[1] + count * EVENT_SIZE, events, (size_t)local * EVENT_SIZE) < 0)
        return -EFAULT;
    return (int64_t)count + RSYS_MAX(local, 0);
}

static enum verdict on_wait(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct epoll_wait *wait = wait_of(call);
    bool cancelled = reply->result == -ERESTARTSYS || reply->result == -EINTR, hurried = wait->hurried;
    wait->hurried = wait->waits = 0; /* what is ready is looked at now */
    on_drop(call);
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0)
        return end(call, -EIO);
    if (reply->result < 0 && !cancelled)
        return end(call, reply->result);
    int64_t count = store(call, data + 4, cancelled ? 0 : call->request.targets[0].got / EVENT_SIZE);
    if (count != 0)
        return end(call, count);
    if (cancelled && !hurried && (reply->result != -EINTR || call->guest->cancelling)) /* EINTR: by a signal that the executor only tells of */
        return end(call, -ERESTARTSYS);
    if (wait->deadline >= 0 && ((reply->result == 0 && !wait->probing && !hurried) || wait->deadline <= now()))
        return end(call, 0);
    return go_on(call);
}

/* The call's timeout as a deadline.  0 or -errno. */
static int read_timeout(struct call *call, int64_t *ret_deadline)
{
    int64_t pair[2];
    *ret_deadline = -1;
    if (call->nr != __NR_epoll_pwait2) {
        int32_t ms = (int32_t)call->args[3];
        *ret_deadline = ms < 0 ? -1 : now() + ms * 1000000ll;
        return 0;
    }
    if (call->args[3] == 0)
        return 0;
    if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[3], pair, sizeof pair) < 0)
        return -EFAULT;
    if (pair[0] < 0 || pair[1] < 0 || pair[1] >= NS)
        return -EINVAL;
    if (pair[0] < INT64_MAX / NS / 2)
        *ret_deadline = now() + pair[0] * NS + pair[1];
    return 0;
}

enum verdict rsys_handle_EPOLL(struct call *call)
{
    const struct fdtable *table = call->guest->process->fds;
    bool masked = call->nr == __NR_epoll_pwait || call->nr == __NR_epoll_pwait2;
    uint64_t args[6];
    enum verdict verdict;
    memcpy(args, call->args, sizeof args);
    if (call->nr == __NR_epoll_ctl)
        return rsys_fd_is_local(table, (int64_t)args[2]) ? control_local(call) : rsys_call_forward(call);
    if (masked && !rsys_call_mask(call, args[4], args[5], &verdict))
        return verdict;
    struct epoll_wait wait = {.watched = -1};
    if ((int32_t)args[2] <= 0 || (uint32_t)args[2] > INT_MAX / EVENT_SIZE)
        return rsys_call_done(call, -EINVAL);
    wait.max = RSYS_MIN((uint32_t)args[2], EVENTS_MAX);
    if (rsys_fd_is_beyond(call, args[0]))
        return rsys_call_done(call, -EBADF);
    int failed = read_timeout(call, &wait.deadline);
    if (failed < 0)
        return rsys_call_done(call, failed);
    *wait_of(call) = wait;
    return go_on(call);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* epoll.c: epoll sets over descriptors of both homes.
 *
 * An epoll descriptor is remote, and what is remote in its set is the executor's kernel's affair alone.  For the local descriptors in it the supervisor has
 * an epoll set of its own, its local part; a wait over both is a remote one that is cancelled when something is ready here first (wait.c).  A set that was
 * never given a local descriptor has no local part and costs nothing.
 *
 * The kernel knows an entry of a set by the open file and the number by which it was put in, and forgets it when the last descriptor of the file
 * is closed.  So does the local part, by the same means: for the moment of each epoll_ctl the guest's file is at a number of ours that stands for the
 * guest's, and nothing of it is kept.  EEXIST and ENOENT, entries of duplicates and of forked children, and the end of a file are the kernel's own then.  What is
 * kept is only which numbers of which table are epoll descriptors, and which of them are the same one: duplicates and children share the local part.  A
 * set in a set has its local part in the other's.
 *
 * Signalfds have stand-ins (signalfd.c) in the local part, which are ours: those go when the number by which they were put in is closed. */
#include "src/core/util.h"
#include "src/jail/internal.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#define ERESTARTSYS 512
#define NS 1000000000ll
#define EVENTS_MAX 4096u /* told at once; the others are still there for the next wait */
#define EVENT_SIZE 12u
_Static_assert(sizeof(struct epoll_event) == EVENT_SIZE, "struct epoll_event is packed on x86-64");

/* An epoll descriptor of guests, whatever numbers it has. */
struct epoll {
    unsigned users; /* numbers */
    int own;        /* the local part; -1: none yet */
    bool nests;     /* another set is in it */
};

struct epoll_number {
    struct epoll_number *next;
    int fd;
    bool cloexec;
    struct epoll *epoll;
};

/* Of one table. */
struct epolls {
    struct jail *jail;
    struct epoll_number *numbers;
};

/* A wait, in call->own: word 0 and 1 are wait.c's. */
struct epoll_wait {
    uint64_t waits, hurried;
    int64_t deadline; /* CLOCK_MONOTONIC ns, < 0: none */
    uint64_t wanted;  /* before: the mask, which does not hold yet */
    uint32_t max;
    int own;          /* a duplicate of the local part for this call alone; -1: none */
    bool watching;    /* it is in the loop */
    bool probing;     /* something is ready here: the other side is only looked at */
    bool nests;
    bool before;      /* this is the look before the wait */
    bool instant;     /* no time was given: the kernel does not look at signals then, unlike poll's */
};
_Static_assert(sizeof(struct epoll_wait) <= sizeof(((struct call *)NULL)->own), "a wait has to fit the call");

static struct epoll_wait *wait_of(struct call *call) { return (struct epoll_wait *)(void *)&call->own; }
static struct fdtable *table_of(const struct call *call) { return call->guest->process->fds; }

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS + time.tv_nsec;
}

/* ---- numbers ---- */

static struct epoll_number **find_number(const struct fdtable *table, int fd)
{
    struct epoll_number **at = &table->epolls->numbers;
    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

static struct epoll *find(const struct fdtable *table, int fd)
{
    struct epoll_number *number = table->epolls != NULL ? *find_number(table, fd) : NULL;
    return number != NULL ? number->epoll : NULL;
}

static void drop_number(struct epoll_number **at)
{
    struct epoll_number *number = *at;
    *at = number->next;
    if (--number->epoll->users == 0) {
        rsys_close(number->epoll->own);
        free(number->epoll);
    }
    free(number);
}

static void closed(struct fdtable *table, int fd)
{
    for (struct epoll_number **at = &table->epolls->numbers; *at != NULL;) {
        if ((*at)->fd == fd || fd == -1)
            drop_number(at);
        else
            at = &(*at)->next;
    }
    rsys_stand_ins_closed(table->epolls->jail, table, fd);
}

static void freed(struct fdtable *table)
{
    closed(table, -1);
    free(table->epolls);
    table->epolls = NULL;
}

/* A number is this one from now on.  Without memory it is a set without a local part. */
static struct epoll *put_number(struct fdtable *table, int fd, bool cloexec, struct epoll *epoll)
{
    struct epoll_number **old = find_number(table, fd), *number = calloc(1, sizeof *number);
    if (epoll == NULL) {
        epoll = calloc(1, sizeof *epoll);
        if (epoll != NULL)
            epoll->own = -1;
    }
    if (number == NULL || epoll == NULL) {
        if (epoll != NULL && epoll->users == 0)
            free(epoll);
        free(number);
        return NULL;
    }
    epoll->users++; /* before the old one goes: it may be the same */
    if (*old != NULL)
        drop_number(old);
    *number = (struct epoll_number){table->epolls->numbers, fd, cloexec, epoll};
    table->epolls->numbers = number;
    return epoll;
}

static void copied(struct fdtable *copy, const struct fdtable *of);

static void duplicated(struct fdtable *table, int old, int fd, bool cloexec)
{
    struct epoll *epoll = find(table, old);
    if (epoll != NULL && old != fd)
        put_number(table, fd, cloexec, epoll);
}

static void marked(struct fdtable *table, int fd, bool cloexec)
{
    struct epoll_number *number = *find_number(table, fd);
    if (number != NULL)
        number->cloexec = cloexec;
}

static void executed(struct fdtable *table)
{
    for (struct epoll_number **at = &table->epolls->numbers; *at != NULL;) {
        if ((*at)->cloexec)
            drop_number(at);
        else
            at = &(*at)->next;
    }
}

static const struct epoll_ops ops = {closed, freed, copied, duplicated, marked, executed};

static bool start(struct jail *jail, struct fdtable *table)
{
    if (table->epolls == NULL)
        table->epolls = calloc(1, sizeof *table->epolls);
    if (table->epolls == NULL)
        return false;
    table->epolls->jail = jail;
    table->epoll_ops = &ops;
    return true;
}

static void copied(struct fdtable *copy, const struct fdtable *of)
{
    if (of->epolls->numbers == NULL || !start(of->epolls->jail, copy))
        return;
    for (const struct epoll_number *number = of->epolls->numbers; number != NULL; number = number->next)
        put_number(copy, number->fd, number->cloexec, number->epoll);
}

/* ---- local parts ---- */

/* Who waits in this set has to wait for its local part too. */
static void hurry_waiters(struct jail *jail, const struct epoll *epoll)
{
    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest != NULL; guest = guest->next) {
            struct call *call = guest->call;
            if (guest->process != NULL && call->phase == CALL_SENT && call->row->handler == RSYS_HANDLER_EPOLL && call->own.word[0] == RSYS_WAITS &&
                find(guest->process->fds, (int)call->args[0]) == epoll)
                rsys_wait_ready(guest);
        }
}

/* The local part, made when it is first needed; or -errno. */
static int part_of(struct jail *jail, struct epoll *epoll)
{
    if (epoll->own < 0) {
        epoll->own = epoll_create1(EPOLL_CLOEXEC);
        if (epoll->own < 0)
            return -errno;
        hurry_waiters(jail, epoll);
    }
    return epoll->own;
}

int rsys_epoll_part(struct guest *guest, int fd)
{
    struct epoll *epoll = find(guest->process->fds, fd);
    int own = epoll != NULL ? part_of(guest->process->jail, epoll) : -1;
    return own < 0 ? -1 : fcntl(own, F_DUPFD_CLOEXEC, 3);
}

/* The number of ours that stands for a guest's: above all that the supervisor ever opens. */
#define KEYS 16384u
static int key_of(int fd)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    rlim_t base = RSYS_MIN(limit.rlim_cur / 2, (rlim_t)KEYS);
    return (rlim_t)fd < limit.rlim_cur - base ? (int)base + fd : -1;
}

/* epoll_ctl of `file`, a descriptor of ours, in a local part, as if it were at the guest's number.  0 or -errno. */
static int64_t control_as(int set, int op, int fd, int file, struct epoll_event *event)
{
    int key = key_of(fd), at = key < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, key);
    int64_t result = -ENOMEM;
    if (at >= 0 && at == key)
        result = epoll_ctl(set, op, at, event) < 0 ? -errno : 0;
    rsys_close(at);
    return result;
}

/* ---- epoll_ctl ---- */

/* Signalfds are read and never written. */
static uint32_t of_stand_in(uint32_t events) { return events & ~(uint32_t)(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND); }

/* Of a local descriptor. */
static int64_t control(struct call *call, struct epoll *epoll)
{
    int op = (int)call->args[1], fd = (int)call->args[2], set = part_of(call->guest->process->jail, epoll);
    struct epoll_event event = {0};
    if (set < 0)
        return set;
    if (op != EPOLL_CTL_DEL && rsys_memory_read(rsys_guest_memory(call->guest), call->args[3], &event, sizeof event) < 0)
        return -EFAULT;
    int own = rsys_guest_get_fd(call->guest, fd), stand_in = rsys_stand_in_of(call->guest, fd);
    if (own >= 0 && stand_in < 0 && op == EPOLL_CTL_ADD && rsys_stand_in_needed(call->guest, own)) {
        stand_in = rsys_stand_in_new(call->guest, own, fd);
        own = stand_in < 0 ? own : -1; /* it has been taken */
        if (stand_in < 0) {
            rsys_close(own);
            return stand_in;
        }
    }
    if (own < 0 && stand_in < 0)
        return own;
    if (stand_in >= 0)
        event.events = of_stand_in(event.events);
    int64_t result = control_as(set, op, fd, stand_in >= 0 ? stand_in : own, &event);
    rsys_close(own);
    return result;
}

/* The executor has said whether the number is an epoll descriptor at all. */
static enum verdict on_probe(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int epfd = (int)call->args[0];
    if (reply->result < 0 && reply->result != -EFAULT)
        return rsys_call_done(call, reply->result);
    struct epoll *epoll = find(table_of(call), epfd); /* another thread may have been first */
    if (epoll == NULL && start(call->guest->process->jail, table_of(call)))
        epoll = put_number(table_of(call), epfd, false, NULL);
    return rsys_call_done(call, epoll == NULL ? -ENOMEM : control(call, epoll));
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
    struct epoll *epoll = find(table_of(call), (int)call->args[0]);
    if (epoll != NULL)
        return rsys_call_done(call, control(call, epoll));
    /* Not seen when it was made (it came through a socket).  Nowhere to store an event: EFAULT when there is one (it stays), and otherwise nothing. */
    rsys_request_start(&call->request, __NR_epoll_wait, (uint64_t[6]){call->args[0], 0, 1, 0});
    call->on_reply = on_probe;
    return rsys_call_send(call);
}

/* A set has been put into another one, or taken out: so are the local parts. */
static enum verdict on_nested(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct jail *jail = call->guest->process->jail;
    struct epoll *outer = find(table_of(call), (int)call->args[0]), *inner = find(table_of(call), (int)call->args[2]);
    struct epoll_event event;
    memcpy(&event, &call->own.word[0], sizeof event);
    if (reply->result == 0 && outer != NULL && inner != NULL && part_of(jail, outer) >= 0 && part_of(jail, inner) >= 0) {
        outer->nests = true;
        control_as(outer->own, (int)call->args[1], (int)call->args[2], inner->own, &event);
    }
    return rsys_call_done(call, reply->result);
}

static enum verdict control_nested(struct call *call)
{
    struct epoll_event event = {0};
    if (call->args[1] != EPOLL_CTL_DEL && rsys_memory_read(rsys_guest_memory(call->guest), call->args[3], &event, sizeof event) < 0)
        return rsys_call_done(call, -EFAULT);
    memcpy(&call->own.word[0], &event, sizeof event);
    rsys_request_start(&call->request, __NR_epoll_ctl, call->args);
    int64_t at = rsys_request_in(&call->request, 3, &event, sizeof event);
    if (at < 0)
        return rsys_call_done(call, at);
    call->on_reply = on_nested;
    return rsys_call_send(call);
}

static enum verdict control_any(struct call *call)
{
    struct fdtable *table = table_of(call);
    if (rsys_fd_is_beyond(call, call->args[0]) || rsys_fd_is_beyond(call, call->args[2]))
        return rsys_call_done(call, -EBADF);
    if (rsys_fd_is_local(table, (int64_t)call->args[0]))
        return rsys_call_done(call, rsys_fd_is_local(table, (int64_t)call->args[2]) ? -EINVAL : -EBADF); /* no epoll descriptor, at any rate */
    if (rsys_fd_is_local(table, (int64_t)call->args[2]))
        return control_local(call);
    if (find(table, (int)call->args[0]) != NULL && find(table, (int)call->args[2]) != NULL)
        return control_nested(call);
    return rsys_call_forward(call);
}

/* ---- epoll_create, epoll_create1 ---- */

void rsys_epoll_made(struct guest *guest, int fd, bool cloexec)
{
    if (start(guest->process->jail, guest->process->fds))
        put_number(guest->process->fds, fd, cloexec, NULL);
}

static enum verdict on_created(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    bool cloexec = call->nr == __NR_epoll_create1 && (call->args[0] & EPOLL_CLOEXEC);
    if (reply->result >= 0 && !rsys_fd_is_beyond(call, (uint64_t)reply->result)) /* beyond: it is to have another number (chosen-fds.c) */
        rsys_epoll_made(call->guest, (int)reply->result, cloexec);
    return rsys_call_done(call, reply->result);
}

/* ---- waits ---- */

static void unwatch(struct call *call)
{
    struct epoll_wait *wait = wait_of(call);
    if (wait->watching)
        rsys_wait_unwatch(call->guest, wait->own);
    wait->watching = false;
}

static void on_drop(struct call *call)
{
    struct epoll_wait *wait = wait_of(call);
    unwatch(call);
    rsys_close(wait->own);
    wait->own = -1;
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

/* What is ready here. */
static bool look(struct call *call)
{
    struct pollfd ready = {.fd = wait_of(call)->own, .events = POLLIN};
    if (ready.fd >= 0)
        rsys_stand_ins_look(call->guest);
    return ready.fd >= 0 && poll(&ready, 1, 0) > 0;
}

static enum verdict go_on(struct call *call)
{
    struct epoll_wait *wait = wait_of(call);
    struct epoll *epoll = find(table_of(call), (int)call->args[0]);
    int64_t left = wait->deadline < 0 ? -1 : RSYS_MAX(wait->deadline - now(), (int64_t)0);
    if (wait->own < 0 && epoll != NULL && epoll->own >= 0) {
        wait->own = fcntl(epoll->own, F_DUPFD_CLOEXEC, 3); /* each waiting thread's own */
        if (wait->own < 0)
            return end(call, -ENOMEM);
    }
    wait->nests = epoll != NULL && epoll->nests;
    wait->probing = look(call);
    if (wait->probing || wait->before || left == 0)
        return ask(call, 0);
    if (wait->own >= 0) {
        wait->watching = true;
        if (rsys_wait_watch(call->guest, wait->own, EPOLLIN) < 0)
            return end(call, -ENOMEM);
    }
    return ask(call, left);
}

/* Leave out what has been told already: a set in this one, ready on both sides.  (Whoever gives several entries the same data looks at all of them.) */
static int without_twins(struct epoll_event *events, int count, const uint8_t *remote, uint32_t remote_count)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        bool twin = false;
        for (uint32_t r = 0; r < remote_count && !twin; r++)
            twin = memcmp(&events[i].data, remote + r * EVENT_SIZE + offsetof(struct epoll_event, data), sizeof events[i].data) == 0;
        if (!twin)
            events[kept++] = events[i];
    }
    return kept;
}

/* Tell of remote events, and of local ones behind them: how many, or -EFAULT. */
static int64_t store(struct call *call, const uint8_t *remote, uint32_t count)
{
    struct epoll_wait *wait = wait_of(call);
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    struct epoll_event events[64];
    int local = 0;
    if (rsys_memory_write(memory, call->args[1], remote, count * EVENT_SIZE) < 0)
        return -EFAULT;
    if (count < wait->max && look(call))
        local = epoll_wait(wait->own, events, (int)RSYS_MIN(wait->max - count, (uint32_t)RSYS_ARRAY_SIZE(events)), 0);
    if (local > 0 && wait->nests)
        local = without_twins(events, local, remote, count);
    if (local > 0 && rsys_memory_write(memory, call->args[1] + count * EVENT_SIZE, events, (size_t)local * EVENT_SIZE) < 0)
        return -EFAULT;
    return (int64_t)count + RSYS_MAX(local, 0);
}

/* Nothing is ready: from here on the mask has to hold. */
static enum verdict wait_masked(struct call *call)
{
    struct epoll_wait *wait = wait_of(call);
    enum verdict verdict;
    if (wait->instant || (wait->deadline >= 0 && wait->deadline <= now() && !rsys_call_mask_lets(call, wait->wanted)))
        return end(call, 0);
    if (call->guest->cancelling) /* a signal has come already */
        return end(call, -ERESTARTSYS);
    if (rsys_call_mask(call, call->args[4], call->args[5], &verdict)) {
        wait->before = false;
        return go_on(call);
    }
    /* The call is made again. */
    on_drop(call);
    call->on_drop = NULL;
    return verdict;
}

static enum verdict on_wait(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct epoll_wait *wait = wait_of(call);
    bool cancelled = reply->result == -ERESTARTSYS || reply->result == -EINTR, hurried = wait->hurried;
    wait->hurried = wait->waits = 0; /* what is ready is looked at now */
    unwatch(call);
    rsys_call_hurried_over(call);
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0)
        return end(call, -EIO);
    if (reply->result < 0 && !cancelled)
        return end(call, reply->result);
    int64_t count = store(call, data + 4, cancelled ? 0 : call->request.targets[0].got / EVENT_SIZE);
    if (count != 0)
        return end(call, count);
    if (cancelled && !hurried && (reply->result != -EINTR || call->guest->cancelling)) /* EINTR: by a signal that the executor only tells of */
        return end(call, -ERESTARTSYS);
    if (wait->before)
        return wait_masked(call);
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
    bool masked = call->nr == __NR_epoll_pwait || call->nr == __NR_epoll_pwait2;
    uint64_t args[6];
    memcpy(args, call->args, sizeof args);
    if (call->nr == __NR_epoll_ctl)
        return control_any(call);
    if (call->nr == __NR_epoll_create || call->nr == __NR_epoll_create1) {
        call->on_reply = on_created;
        return rsys_call_forward(call);
    }
    if (rsys_fd_is_local(table_of(call), (int64_t)args[0]))
        return rsys_call_done(call, -EINVAL);
    struct epoll_wait wait = {.own = -1};
    if ((int32_t)args[2] <= 0 || (uint32_t)args[2] > INT_MAX / EVENT_SIZE)
        return rsys_call_done(call, -EINVAL);
    wait.max = RSYS_MIN((uint32_t)args[2], EVENTS_MAX);
    if (rsys_fd_is_beyond(call, args[0]))
        return rsys_call_done(call, -EBADF);
    int failed = read_timeout(call, &wait.deadline);
    if (failed < 0)
        return rsys_call_done(call, failed);
    failed = masked ? rsys_call_mask_awaited(call, args[4], args[5], &wait.wanted) : 0;
    if (failed < 0)
        return rsys_call_done(call, failed);
    wait.before = failed > 0;
    wait.instant = wait.deadline >= 0 && wait.deadline <= now();
    *wait_of(call) = wait;
    return go_on(call);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* wait.c: poll, ppoll, select and pselect6 over descriptors of both homes.
 *
 * All local: the guest's own kernel's.  Otherwise the remote descriptors are polled by the executor, with the call's timeout; what is local among them
 * is watched by the supervisor's loop meanwhile, and when something happens there first the remote call is cancelled.  Both halves are looked at
 * once more when the wait is over, so that the answer tells everything that was ready.
 *
 * select is poll with its sets as a list: the kernel's own do_select does the same events for each bit. */
#include "src/core/util.h"
#include "src/jail/internal.h"

#include <asm/unistd.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

#define ERESTARTSYS 512
#define NS 1000000000ll

/* What a bit of select's sets waits for and is told of: fs/select.c. */
#define SELECT_IN (POLLIN | POLLRDNORM | POLLRDBAND)
#define SELECT_OUT (POLLOUT | POLLWRNORM | POLLWRBAND)
#define SELECT_IN_SET (SELECT_IN | POLLHUP | POLLERR)
#define SELECT_OUT_SET (SELECT_OUT | POLLERR)
#define EPOLL_BITS 0x23dfu /* of poll's events: all but POLLNVAL, which no one asks for */

enum rest { REST_NONE, REST_TIMEVAL, REST_TIMESPEC };

/* A wait, in call->scratch; behind it `count` pollfds, `count` descriptors of ours, and select's sets. */
struct wait {
    struct pollfd *fds;      /* all, as the guest gave them; revents as found */
    int *dups;               /* a duplicate of each local one and of each epoll descriptor's local part, or -1 */
    bool *both;              /* an epoll descriptor: asked for on both sides */
    uint32_t count, locals;
    bool watching;           /* the loop watches the duplicates */
    bool probing;            /* the remote half is only looked at: something was ready here */
    int64_t deadline;        /* CLOCK_MONOTONIC ns, < 0: none */
    uint64_t mask, wanted;   /* the guest's sigset, which does not hold yet: this is the look before the wait; 0: none, or it holds */
    uint8_t rest;            /* enum rest: how the time that is left is written back */
    uint64_t rest_address;
    uint64_t array;          /* poll: the guest's */
    /* select */
    bool is_select;
    uint32_t set_bytes;
    uint64_t set_address[3];
    uint8_t *set[3];         /* asked for; NULL: not given */
};

static struct wait *wait_of(struct call *call) { return call->scratch; }

/* An entry of select's that is not waited for any more. */
static bool is_off(const struct wait *wait, uint32_t i) { return wait->is_select && wait->fds[i].events == -1; }

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS + time.tv_nsec;
}

/* ---- the loop's part ---- */

/* Something happened on a local descriptor of a wait: event is the guest's tid, so that nothing here can point at what has gone. */
static void local_ready(struct jail *jail, pid_t tid)
{
    struct guest *guest = rsys_guest_find(jail, tid);
    if (guest != NULL)
        rsys_wait_ready(guest);
}

void rsys_wait_ready(struct guest *guest)
{
    if (guest->call->phase != CALL_SENT || guest->call->on_drop == NULL || guest->call->own.word[0] != RSYS_WAITS)
        return;
    if (!guest->call->own.word[1])
        rsys_call_hurry(guest->call);
    guest->call->own.word[1] = true;
}

void rsys_wait_event(struct jail *jail)
{
    struct epoll_event events[8];
    int n = jail->waits.fd > 0 ? epoll_wait(jail->waits.fd, events, RSYS_ARRAY_SIZE(events), 0) : 0;
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 & RSYS_WAITS_SIGNAL)
            rsys_stand_ins_arrived(jail, (pid_t)events[i].data.u64);
        else
            local_ready(jail, (pid_t)events[i].data.u64);
    }
}

int rsys_wait_start(struct jail *jail)
{
    if (jail->waits.fd > 0)
        return 0;
    jail->waits = (struct source){SOURCE_WAITS, epoll_create1(EPOLL_CLOEXEC)};
    if (jail->waits.fd < 0 || rsys_source_watch(jail, &jail->waits, false) < 0)
        return -ENOMEM;
    return 0;
}

int rsys_wait_watch(struct guest *guest, int fd, uint32_t events)
{
    struct jail *jail = guest->process->jail;
    /* Once is enough: it would be told again and again until the server has answered. */
    struct epoll_event event = {.events = events | EPOLLONESHOT, .data.u64 = (uint64_t)guest->tid};
    if (rsys_wait_start(jail) < 0)
        return -ENOMEM;
    return epoll_ctl(jail->waits.fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void rsys_wait_unwatch(struct guest *guest, int fd)
{
    /* Closing alone would not do: the guest's own descriptor keeps the file open. */
    epoll_ctl(guest->process->jail->waits.fd, EPOLL_CTL_DEL, fd, NULL);
}

/* What can be polled of an entry of ours: signalfds are read and never written. */
static short pollable(const struct guest *guest, const struct wait *wait, uint32_t i)
{
    return rsys_stand_in_is(guest, wait->dups[i]) ? wait->fds[i].events & ~SELECT_OUT : wait->fds[i].events;
}

static int watch(struct call *call)
{
    struct wait *wait = wait_of(call);
    if (wait->watching || wait->locals == 0)
        return 0;
    wait->watching = true;
    for (uint32_t i = 0; i < wait->count; i++) {
        if (wait->dups[i] < 0 || is_off(wait, i))
            continue;
        /* EPERM: a file, which is ready whenever it is asked for, and was not when it was just asked. */
        int failed = rsys_wait_watch(call->guest, wait->dups[i], (uint32_t)pollable(call->guest, wait, i) & EPOLL_BITS);
        if (failed < 0 && failed != -EPERM)
            return failed;
    }
    return 0;
}

static void unwatch(struct call *call)
{
    struct wait *wait = wait_of(call);
    if (!wait->watching)
        return;
    wait->watching = false;
    for (uint32_t i = 0; i < wait->count; i++)
        if (wait->dups[i] >= 0)
            rsys_wait_unwatch(call->guest, wait->dups[i]);
}

static void on_drop(struct call *call)
{
    struct wait *wait = wait_of(call);
    unwatch(call);
    for (uint32_t i = 0; i < wait->count; i++)
        rsys_stand_in_close(call->guest->process->jail, wait->dups[i]);
    wait->count = 0;
    rsys_call_hurried_over(call);
}

/* ---- the end ---- */

static void write_rest(struct call *call)
{
    struct wait *wait = wait_of(call);
    int64_t left = wait->deadline < 0 ? 0 : wait->deadline - now();
    int64_t pair[2] = {0, 0};
    if (wait->rest == REST_NONE || wait->deadline < 0)
        return;
    if (left > 0) {
        pair[0] = left / NS;
        pair[1] = wait->rest == REST_TIMEVAL ? left % NS / 1000 : left % NS;
    }
    rsys_memory_write(rsys_guest_memory(call->guest), wait->rest_address, pair, sizeof pair); /* that it cannot be written changes nothing: poll_select_finish() */
}

static enum verdict end(struct call *call, int64_t result)
{
    write_rest(call);
    on_drop(call);
    call->on_drop = NULL;
    call->own.word[0] = 0;
    return rsys_call_done(call, result);
}

/* What of an entry is told, as the sets' bits: 1 in, 2 out, 4 except. */
static unsigned select_bits(const struct wait *wait, const struct pollfd *entry)
{
    static const short told[3] = {SELECT_IN_SET, SELECT_OUT_SET, POLLPRI};
    unsigned bits = 0;
    for (int s = 0; s < 3; s++)
        if (wait->set[s] != NULL && (wait->set[s][entry->fd / 8] >> entry->fd % 8 & 1) && (entry->revents & told[s]))
            bits |= 1u << s;
    return bits;
}

/* How many are ready; select: bits.  An entry that is told of without any bit that was asked for (a hang-up) is not waited for any more: it
 * would end every wait at once. */
static int64_t count_ready(struct wait *wait)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < wait->count; i++) {
        struct pollfd *entry = &wait->fds[i];
        if (entry->revents == 0)
            continue;
        if (!wait->is_select) {
            count++;
        } else if (entry->revents & POLLNVAL) {
            return -EBADF;
        } else {
            unsigned bits = select_bits(wait, entry);
            count += __builtin_popcount(bits);
            if (bits == 0)
                entry->events = -1;
        }
    }
    return count;
}

static int64_t store(struct call *call, int64_t count)
{
    struct wait *wait = wait_of(call);
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    if (!wait->is_select) {
        int failed = rsys_memory_write(memory, wait->array, wait->fds, wait->count * sizeof *wait->fds);
        return failed < 0 ? failed : count;
    }
    for (int s = 0; s < 3; s++)
        if (wait->set[s] != NULL)
            memset(wait->set[s] + wait->set_bytes, 0, wait->set_bytes);
    for (uint32_t i = 0; i < wait->count; i++) {
        unsigned bits = select_bits(wait, &wait->fds[i]);
        for (int s = 0; s < 3; s++)
            if (bits >> s & 1)
                wait->set[s][wait->set_bytes + (uint32_t)wait->fds[i].fd / 8] |= (uint8_t)(1u << wait->fds[i].fd % 8);
    }
    for (int s = 0; s < 3; s++)
        if (wait->set[s] != NULL && rsys_memory_write(memory, wait->set_address[s], wait->set[s] + wait->set_bytes, wait->set_bytes) < 0)
            return -EFAULT;
    return count;
}

/* ---- the wait ---- */

/* What is ready on our side now. */
static bool look_local(struct guest *guest, struct wait *wait)
{
    bool any = false;
    rsys_stand_ins_look(guest);
    for (uint32_t i = 0; i < wait->count; i++) {
        if (wait->dups[i] < 0)
            continue;
        struct pollfd one = {.fd = is_off(wait, i) ? -1 : wait->dups[i], .events = pollable(guest, wait, i)};
        short found = poll(&one, 1, 0) > 0 ? one.revents : 0;
        wait->fds[i].revents = wait->both[i] ? wait->fds[i].revents | found : found;
        any |= wait->fds[i].revents != 0;
    }
    return any;
}

static enum verdict on_wait(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);

/* Ask the executor for its descriptors, until `timeout` ns have passed (< 0: for ever). */
static enum verdict ask(struct call *call, int64_t timeout)
{
    struct wait *wait = wait_of(call);
    struct rsys_request *request = &call->request;
    int64_t spec[2] = {timeout / NS, timeout % NS};
    rsys_request_start(request, __NR_ppoll, (uint64_t[6]){0, wait->count});
    int64_t at = rsys_request_in(request, 0, wait->fds, wait->count * sizeof *wait->fds);
    if (at < 0)
        return end(call, at);
    struct pollfd *fds = (struct pollfd *)(void *)(request->in + at);
    for (uint32_t i = 0; i < wait->count; i++) {
        fds[i].revents = 0;
        if ((wait->dups[i] >= 0 && !wait->both[i]) || is_off(wait, i))
            fds[i].fd = -1;
    }
    if (timeout >= 0 && rsys_request_in(request, 2, spec, sizeof spec) < 0)
        return end(call, -ENOMEM);
    rsys_request_out_at(request, (uint32_t)at, wait->count * sizeof *fds, RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){0});
    call->on_reply = on_wait;
    call->on_drop = on_drop;
    call->own.word[0] = RSYS_WAITS;
    enum verdict verdict = rsys_call_send(call);
    return verdict == VERDICT_SENT ? verdict : end(call, call->result);
}

static enum verdict go_on(struct call *call)
{
    struct wait *wait = wait_of(call);
    int64_t left = wait->deadline < 0 ? -1 : RSYS_MAX(wait->deadline - now(), (int64_t)0);
    wait->probing = look_local(call->guest, wait) || wait->mask != 0;
    if (wait->probing)
        left = 0; /* only to tell of what is ready over there as well */
    else if (watch(call) < 0)
        return end(call, -ENOMEM);
    return ask(call, left);
}

/* Nothing is ready: from here on the mask has to hold. */
static enum verdict wait_masked(struct call *call)
{
    struct wait *wait = wait_of(call);
    enum verdict verdict;
    if (wait->deadline >= 0 && wait->deadline <= now() && !rsys_call_mask_lets(call, wait->wanted))
        return end(call, store(call, 0));
    if (call->guest->cancelling) /* a signal has come already */
        return end(call, -ERESTARTSYS);
    if (rsys_call_mask(call, wait->mask, sizeof wait->wanted, &verdict)) {
        wait->mask = 0;
        return go_on(call);
    }
    /* The call is made again. */
    on_drop(call);
    call->on_drop = NULL;
    return verdict;
}

static enum verdict on_wait(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct wait *wait = wait_of(call);
    bool cancelled = reply->result == -ERESTARTSYS || reply->result == -EINTR;
    bool hurried = call->own.word[1];
    call->own.word[0] = call->own.word[1] = 0; /* what is ready is looked at now */
    rsys_call_hurried_over(call);
    if (rsys_request_finish(&call->request, reply, data, NULL) < 0)
        return end(call, -EIO);
    if (reply->result < 0 && !cancelled)
        return end(call, reply->result);
    if (!cancelled && call->request.targets[0].got == wait->count * sizeof *wait->fds)
        for (uint32_t i = 0; i < wait->count; i++)
            if (wait->dups[i] < 0 || wait->both[i])
                memcpy(&wait->fds[i].revents, data + 4 + i * sizeof *wait->fds + offsetof(struct pollfd, revents), sizeof wait->fds[i].revents);
    look_local(call->guest, wait);
    int64_t count = count_ready(wait);
    if (count > 0)
        return end(call, store(call, count));
    if (count < 0)
        return end(call, count);
    if (cancelled && !hurried && (reply->result != -EINTR || call->guest->cancelling)) /* EINTR: by a signal that the executor only tells of */
        return end(call, -ERESTARTSYS);
    if (wait->mask != 0)
        return wait_masked(call);
    if (wait->deadline >= 0 && ((reply->result == 0 && !wait->probing && !hurried) || wait->deadline <= now()))
        return end(call, store(call, 0));
    /* Somebody else took what was there, or nothing that was asked for has come. */
    unwatch(call);
    for (uint32_t i = 0; i < wait->count; i++)
        wait->fds[i].revents = 0;
    return go_on(call);
}

/* ---- arguments ---- */

static struct wait *wait_new(struct call *call, uint32_t count, uint32_t set_bytes)
{
    size_t fds = sizeof(struct wait), dups = fds + count * sizeof(struct pollfd), both = dups + count * sizeof(int), sets = (both + count + 7) / 8 * 8;
    struct wait *wait = rsys_call_scratch(call, sets + 6 * (size_t)set_bytes);
    if (wait == NULL)
        return NULL;
    *wait = (struct wait){.count = count, .set_bytes = set_bytes};
    wait->fds = (struct pollfd *)(void *)((char *)wait + fds);
    wait->dups = (int *)(void *)((char *)wait + dups);
    wait->both = (bool *)wait + both;
    memset(wait->both, 0, count);
    for (uint32_t i = 0; i < count; i++)
        wait->dups[i] = -1;
    for (int s = 0; s < 3; s++)
        wait->set[s] = (uint8_t *)wait + sets + 2 * (size_t)s * set_bytes;
    return wait;
}

static bool stand_in(struct call *call, uint32_t i, enum verdict *ret_verdict)
{
    struct wait *wait = wait_of(call);
    int fd = rsys_stand_in_new(call->guest, wait->dups[i], -1);
    if (fd < 0)
        *ret_verdict = rsys_call_done(call, fd);
    else
        wait->dups[i] = fd;
    return fd >= 0;
}

/* Take duplicates of what is local: from here on everything has to go through end(). */
static enum verdict begin(struct call *call)
{
    struct wait *wait = wait_of(call);
    enum verdict verdict;
    for (uint32_t i = 0; i < wait->count; i++) {
        if (wait->fds[i].fd < 0)
            continue;
        if (!rsys_fd_is_local(call->guest->process->fds, wait->fds[i].fd)) {
            wait->dups[i] = rsys_epoll_part(call->guest, wait->fds[i].fd);
            wait->both[i] = wait->dups[i] >= 0;
            wait->locals += wait->both[i];
            continue;
        }
        wait->dups[i] = rsys_guest_get_fd(call->guest, wait->fds[i].fd);
        if (wait->dups[i] < 0) {
            wait->dups[i] = -1; /* the executor says POLLNVAL of the placeholder */
            continue;
        }
        if (rsys_stand_in_needed(call->guest, wait->dups[i])) {
            if (!rsys_signal_watch(call, &verdict) || !stand_in(call, i, &verdict)) {
                int64_t result = call->result;
                on_drop(call);
                call->result = result;
                return verdict;
            }
        }
        wait->locals++;
    }
    call->own.word[1] = false;
    return go_on(call);
}

/* A timeout in the guest's memory.  0, with *ret_deadline; or -errno. */
static int read_timeout(struct call *call, uint64_t address, bool is_timeval, int64_t *ret_deadline)
{
    int64_t pair[2];
    *ret_deadline = -1;
    if (address == 0)
        return 0;
    int failed = rsys_memory_read(rsys_guest_memory(call->guest), address, pair, sizeof pair);
    if (failed < 0)
        return failed;
    if (is_timeval) { /* select takes more than a second of microseconds, too */
        pair[0] += pair[1] / 1000000;
        pair[1] = pair[1] % 1000000 * 1000;
    }
    if (pair[0] < 0 || pair[1] < 0 || pair[1] >= NS)
        return -EINVAL;
    /* Beyond what can be counted (292 years) is for ever. */
    if (pair[0] < INT64_MAX / NS / 2)
        *ret_deadline = now() + pair[0] * NS + pair[1];
    return 0;
}

static int take_mask(struct call *call, uint64_t address, uint64_t size)
{
    struct wait *wait = wait_of(call);
    int awaited = rsys_call_mask_awaited(call, address, size, &wait->wanted);
    wait->mask = awaited > 0 ? address : 0;
    return awaited;
}

enum verdict rsys_handle_POLL(struct call *call)
{
    bool is_ppoll = call->nr == __NR_ppoll;
    uint32_t count = (uint32_t)call->args[1], remote = 0;
    if (count > rsys_jail_session(call->guest->process->jail)->welcome.nofile)
        return rsys_call_done(call, -EINVAL);
    struct wait *wait = wait_new(call, count, 0);
    if (wait == NULL)
        return rsys_call_done(call, -ENOMEM);
    if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[0], wait->fds, count * sizeof *wait->fds) < 0)
        return rsys_call_done(call, -EFAULT);
    for (uint32_t i = 0; i < count; i++)
        remote += wait->fds[i].fd >= 0 && !rsys_fd_is_local(call->guest->process->fds, wait->fds[i].fd);
    if (remote == 0)
        return VERDICT_CONTINUE;
    wait->array = call->args[0];
    for (uint32_t i = 0; i < count; i++)
        wait->fds[i].revents = 0;
    if (is_ppoll) {
        int failed = read_timeout(call, call->args[2], false, &wait->deadline);
        if (failed < 0)
            return rsys_call_done(call, failed);
        wait->rest = REST_TIMESPEC;
        wait->rest_address = call->args[2];
        failed = take_mask(call, call->args[3], call->args[4]);
        if (failed < 0)
            return rsys_call_done(call, failed);
    } else {
        int32_t timeout = (int32_t)call->args[2];
        wait->deadline = timeout < 0 ? -1 : now() + timeout * 1000000ll;
    }
    return begin(call);
}

/* The sets as a list.  How many entries; remote ones are counted. */
static uint32_t list_sets(struct call *call, const uint8_t *const set[3], uint32_t n, struct pollfd *fds, uint32_t *ret_remote)
{
    static const short asked[3] = {SELECT_IN, SELECT_OUT, POLLPRI};
    uint32_t count = 0;
    *ret_remote = 0;
    for (uint32_t fd = 0; fd < n; fd++) {
        short events = 0;
        for (int s = 0; s < 3; s++)
            if (set[s] != NULL && (set[s][fd / 8] >> fd % 8 & 1))
                events |= asked[s];
        if (events == 0)
            continue;
        *ret_remote += !rsys_fd_is_local(call->guest->process->fds, fd);
        fds[count++] = (struct pollfd){.fd = (int)fd, .events = events};
    }
    return count;
}

enum verdict rsys_handle_SELECT(struct call *call)
{
    int32_t given = (int32_t)call->args[0];
    uint32_t n, bytes, remote;
    uint64_t mask[2] = {0, 0};
    if (given < 0)
        return rsys_call_done(call, -EINVAL);
    n = RSYS_MIN((uint32_t)given, rsys_jail_session(call->guest->process->jail)->welcome.nofile);
    bytes = (n + 63) / 64 * 8;
    struct wait *wait = wait_new(call, n, bytes);
    if (wait == NULL)
        return rsys_call_done(call, -ENOMEM);
    wait->is_select = true;
    for (int s = 0; s < 3; s++) {
        wait->set_address[s] = call->args[1 + s];
        if (call->args[1 + s] == 0)
            wait->set[s] = NULL;
        else if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[1 + s], wait->set[s], bytes) < 0)
            return rsys_call_done(call, -EFAULT);
    }
    wait->count = list_sets(call, (const uint8_t *const *)wait->set, n, wait->fds, &remote);
    if (remote == 0)
        return VERDICT_CONTINUE;
    if (call->nr == __NR_pselect6 && call->args[5] != 0) {
        if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[5], mask, sizeof mask) < 0)
            return rsys_call_done(call, -EFAULT);
    }
    int failed = read_timeout(call, call->args[4], call->nr == __NR_select, &wait->deadline);
    if (failed < 0)
        return rsys_call_done(call, failed);
    wait->rest = call->nr == __NR_select ? REST_TIMEVAL : REST_TIMESPEC;
    wait->rest_address = call->args[4];
    failed = take_mask(call, mask[0], mask[1]);
    if (failed < 0)
        return rsys_call_done(call, failed);
    return begin(call);
}

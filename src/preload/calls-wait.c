/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-wait.c: poll, select and epoll_wait over descriptors of both homes: two waits, and the first that ends ends the other. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#define WAITS_MAX 65536u

struct wait {
    struct pollfd *fds;   /* what the program waits for; revents: the answer */
    struct pollfd *there; /* the same for the server, -1 where an entry is local */
    struct pollfd *here;  /* the same for this machine; two more at the end: the channel, and signals */
    unsigned count;
    bool remote, ours;    /* whether some are the server's; the library's, which are none */
    int64_t deadline;     /* CLOCK_MONOTONIC in ns; -1: none */
};

static int64_t now(void)
{
    struct timespec t = {0};
    (void)RAW(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t left(const struct wait *wait) { return wait->deadline < 0 ? -1 : RSYS_MAX(wait->deadline - now(), INT64_C(0)); }

/* Whether the program's own kernel is not to make the call as it is. */
static bool split(struct wait *wait)
{
    for (unsigned i = 0; i < wait->count; i++) {
        int fd = wait->fds[i].fd, home = fd_remote(fd);
        wait->here[i] = wait->there[i] = wait->fds[i];
        wait->fds[i].revents = 0;
        wait->here[i].fd = home >= 0 ? -1 : fd_is_ours(fd) ? INT32_MAX : fd; /* that one is none */
        wait->there[i].fd = home;
        wait->remote = wait->remote || home >= 0;
        wait->ours = wait->ours || fd_is_ours(fd);
    }
    return wait->remote || wait->ours;
}

/* Poll here, with what tells of an answer and of signals.  The result of poll(2) over the program's part. */
static int64_t poll_here(struct wait *wait, int channel, int signals, int64_t ns)
{
    struct timespec timeout = {ns / 1000000000, ns % 1000000000};
    wait->here[wait->count] = (struct pollfd){.fd = channel, .events = POLLIN};
    wait->here[wait->count + 1] = (struct pollfd){.fd = signals, .events = POLLIN};
    return RAW(SYS_ppoll, wait->here, wait->count + 2, ns < 0 ? NULL : &timeout, NULL, 8);
}

static int64_t count_ready(struct wait *wait)
{
    int64_t ready = 0;
    for (unsigned i = 0; i < wait->count; i++) {
        wait->fds[i].revents = wait->there[i].fd >= 0 ? wait->there[i].revents : wait->here[i].revents;
        ready += wait->fds[i].revents != 0;
    }
    return ready;
}

static uint64_t milliseconds_left(const struct wait *wait)
{
    int64_t ns = left(wait);
    return ns < 0 ? UINT64_MAX : (uint64_t)RSYS_MIN((ns + 999999) / 1000000, (int64_t)INT32_MAX);
}

static int64_t send_poll(struct wait *wait, struct channel *channel, uint32_t *ret_seq)
{
    struct rsys_request *request = &channel->request;
    struct iovec iov[4];
    size_t size = wait->count * sizeof *wait->there;
    rsys_request_start(request, SYS_poll, (uint64_t[6]){0, wait->count, milliseconds_left(wait)});
    int64_t at = rsys_request_in(request, 0, wait->there, size);
    if (at >= 0)
        at = rsys_request_out_at(request, (uint32_t)at, size, RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){.own = wait->there});
    if (at < 0)
        return at;
    *ret_seq = channel_next_seq(channel);
    int count = rsys_request_frame(request, *ret_seq, 0, iov, &size);
    return channel_send(channel, iov, count) < 0 ? session_fail(&session, ECONNRESET) : 0;
}

static int64_t receive_poll(struct wait *wait, struct channel *channel, uint32_t seq)
{
    struct rsys_wire_reply reply;
    const uint8_t *data;
    struct pollfd *there = wait->there;
    if (channel_receive(channel, seq, CHANNEL_PATIENT, &reply, &data) < 0)
        return session_fail(&session, ECONNRESET);
    if (reply.result < 0) { /* cancelled, or refused: nothing is ready */
        for (unsigned i = 0; i < wait->count; i++)
            there[i].revents = 0;
        return reply.result == -512 || reply.result == -EINTR ? 0 : reply.result;
    }
    int failed = rsys_request_finish(&channel->request, &reply, data, &rsys_memory_own);
    for (unsigned i = 0; i < wait->count; i++)
        there[i].fd = fd_remote(wait->fds[i].fd); /* the answer's is the server's word */
    return failed < 0 ? session_fail(&session, EPROTO) : 0;
}

/* Wait here, for an answer on the channel as well.  The result of poll(2), with these two counted; *ret_interrupted: a signal has ended it. */
static int64_t wait_here(struct wait *wait, int channel, bool *ret_interrupted)
{
    int signals = signals_fd();
    for (;;) {
        int64_t got = poll_here(wait, channel, signals, left(wait));
        bool told = got > 0 && wait->here[wait->count + 1].revents != 0;
        *ret_interrupted = told && signals_pending();
        if (got != 1 || !told || *ret_interrupted)
            return got;
        signals = signals_fd_exact();
    }
}

static int64_t wait_both(struct wait *wait)
{
    struct channel *channel = NULL;
    uint32_t seq = 0;
    int64_t failed = wait->remote ? thread_channel(&session, &channel) : 0;
    if (failed == 0 && wait->remote)
        failed = send_poll(wait, channel, &seq);
    if (failed < 0)
        return failed;
    bool interrupted;
    int64_t got = wait_here(wait, wait->remote ? channel->fd : -1, &interrupted);
    if (wait->remote && got >= 0 && wait->here[wait->count].revents == 0)
        session_cancel(&session, channel, seq);
    if (wait->remote)
        failed = receive_poll(wait, channel, seq);
    if (failed < 0 || got < 0)
        return failed < 0 ? failed : got;
    if (got > 0)
        (void)poll_here(wait, -1, -1, 0);
    int64_t ready = count_ready(wait);
    return ready == 0 && interrupted ? -EINTR : ready;
}

/* Room for count entries.  0 or -errno. */
static int64_t make_room(struct wait *wait, uint64_t count)
{
    if (count > WAITS_MAX)
        return -EINVAL;
    wait->count = (unsigned)count;
    wait->fds = malloc((3 * count + 2) * sizeof *wait->fds);
    if (wait->fds == NULL)
        return -ENOMEM;
    wait->there = wait->fds + count;
    wait->here = wait->there + count;
    return 0;
}

int wait_writable(int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLOUT}, {.fd = signals_fd(), .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 || fds[0].revents != 0)
            return 0;
        if (signals_pending())
            return -EINTR;
        fds[1].fd = signals_fd_exact();
    }
}

/* ---- poll, ppoll ---- */

static int64_t read_deadline(struct wait *wait, uint64_t address, bool micro)
{
    int64_t t[2];
    wait->deadline = -1;
    if (address == 0)
        return 0;
    if (peek(address, t, sizeof t) < 0)
        return -EFAULT;
    if (t[0] < 0 || t[1] < 0 || (!micro && t[1] >= 1000000000))
        return -EINVAL;
    wait->deadline = t[0] > INT32_MAX ? -1 : now() + t[0] * INT64_C(1000000000) + (micro ? 1000 * t[1] : t[1]);
    return 0;
}

static int64_t do_poll(uint64_t nr, const uint64_t args[6], bool *ret_local)
{
    struct wait wait = {.deadline = -1};
    int64_t result = make_room(&wait, args[1]);
    *ret_local = true;
    if (result < 0 || peek(args[0], wait.fds, wait.count * sizeof *wait.fds) < 0 || !split(&wait)) {
        free(wait.fds);
        return 0;
    }
    *ret_local = false;
    if (nr == SYS_poll)
        wait.deadline = (int)args[2] < 0 ? -1 : now() + (int)args[2] * INT64_C(1000000);
    else
        result = read_deadline(&wait, args[2], false);
    if (result == 0 && nr == SYS_ppoll)
        result = signals_swap(args[3], args[4]);
    if (result == 0)
        result = wait_both(&wait);
    for (unsigned i = 0; i < wait.count && result >= 0; i++)
        if (poke(args[0] + i * sizeof *wait.fds + offsetof(struct pollfd, revents), &wait.fds[i].revents, sizeof(short)) < 0)
            result = -EFAULT;
    free(wait.fds);
    return result;
}

/* ---- select, pselect6 ---- */

enum { READS, WRITES, ODDS, SETS };
static const short events_of[SETS] = {POLLIN | POLLRDNORM | POLLRDBAND, POLLOUT | POLLWRNORM | POLLWRBAND, POLLPRI};
static const short answers_of[SETS] = {POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR, POLLPRI};

static int64_t read_sets(const uint64_t args[6], unsigned n, uint64_t sets[SETS][FD_SETSIZE / 64], struct wait *wait)
{
    size_t words = (n + 63) / 64;
    memset(sets, 0, SETS * sizeof sets[0]);
    for (int s = 0; s < SETS; s++)
        if (args[1 + s] != 0 && peek(args[1 + s], sets[s], words * 8) < 0)
            return -EFAULT;
    int64_t failed = make_room(wait, n);
    for (unsigned fd = 0; fd < n && failed == 0; fd++) {
        wait->fds[fd] = (struct pollfd){.fd = -1};
        for (int s = 0; s < SETS; s++)
            if ((sets[s][fd / 64] >> fd % 64 & 1) != 0) {
                wait->fds[fd].fd = (int)fd;
                wait->fds[fd].events |= events_of[s];
            }
    }
    return failed;
}

static int64_t write_sets(const uint64_t args[6], unsigned n, uint64_t sets[SETS][FD_SETSIZE / 64], const struct wait *wait)
{
    int64_t ready = 0;
    for (unsigned fd = 0; fd < n; fd++)
        for (int s = 0; s < SETS; s++) {
            uint64_t bit = UINT64_C(1) << fd % 64;
            if ((sets[s][fd / 64] & bit) == 0)
                continue;
            if ((wait->fds[fd].revents & POLLNVAL) != 0)
                return -EBADF;
            if ((wait->fds[fd].revents & answers_of[s]) == 0)
                sets[s][fd / 64] &= ~bit;
            else
                ready++;
        }
    for (int s = 0; s < SETS; s++)
        if (args[1 + s] != 0 && poke(args[1 + s], sets[s], (n + 63) / 64 * 8) < 0)
            return -EFAULT;
    return ready;
}

/* Linux tells in the timeout how much of it is left. */
static void write_left(uint64_t nr, uint64_t address, const struct wait *wait)
{
    int64_t ns = left(wait), t[2] = {ns / 1000000000, ns % 1000000000 / (nr == SYS_select ? 1000 : 1)};
    if (address != 0 && wait->deadline >= 0)
        (void)poke(address, t, sizeof t);
}

static int64_t do_select(uint64_t nr, const uint64_t args[6], bool *ret_local)
{
    uint64_t sets[SETS][FD_SETSIZE / 64], mask[2];
    struct wait wait = {.deadline = -1};
    unsigned n = (unsigned)args[0];
    *ret_local = true;
    if (n > FD_SETSIZE || read_sets(args, n, sets, &wait) < 0 || !split(&wait)) {
        free(wait.fds);
        return 0;
    }
    *ret_local = false;
    int64_t result = read_deadline(&wait, args[4], nr == SYS_select);
    if (result == 0 && nr == SYS_pselect6 && args[5] != 0)
        result = peek(args[5], mask, sizeof mask) < 0 ? -EFAULT : signals_swap(mask[0], mask[1]);
    if (result == 0)
        result = wait_both(&wait);
    if (result >= 0)
        result = write_sets(args, n, sets, &wait);
    write_left(nr, args[4], &wait);
    free(wait.fds);
    return result;
}

/* ---- epoll ---- */

#define EVENTS_MAX 1024

static int64_t send_epoll(struct wait *wait, struct channel *channel, int shadow, struct epoll_event *events, uint32_t room, uint32_t *ret_seq)
{
    struct rsys_request *request = &channel->request;
    struct iovec iov[4];
    size_t size;
    rsys_request_start(request, SYS_epoll_wait, (uint64_t[6]){(uint64_t)shadow, 0, room, milliseconds_left(wait)});
    int64_t at = rsys_request_out(request, 1, room * sizeof *events, RSYS_OUT_RESULT, sizeof *events, (struct rsys_out_target){.own = events});
    if (at < 0)
        return at;
    *ret_seq = channel_next_seq(channel);
    int count = rsys_request_frame(request, *ret_seq, 0, iov, &size);
    return channel_send(channel, iov, count) < 0 ? session_fail(&session, ECONNRESET) : 0;
}

/* How many events the shadow had, or -errno. */
static int64_t receive_epoll(struct channel *channel, uint32_t seq, uint32_t room)
{
    struct rsys_wire_reply reply;
    const uint8_t *data;
    if (channel_receive(channel, seq, CHANNEL_PATIENT, &reply, &data) < 0)
        return session_fail(&session, ECONNRESET);
    if (reply.result < 0)
        return reply.result == -512 || reply.result == -EINTR ? 0 : reply.result;
    if (reply.result > room || rsys_request_finish(&channel->request, &reply, data, &rsys_memory_own) < 0)
        return session_fail(&session, EPROTO);
    return reply.result;
}

/* One wait on both; the shadow's events come first.  How many; 0: none, and perhaps no time is left; or -errno. */
static int64_t wait_instance(struct wait *wait, int set, struct epoll_event *events, uint32_t room)
{
    struct channel *channel;
    uint32_t seq = 0;
    bool interrupted, timed = left(wait) != 0;
    int64_t there = thread_channel(&session, &channel);
    if (there == 0)
        there = send_epoll(wait, channel, fd_shadow(set), events, room, &seq);
    if (there < 0)
        return there;
    wait->here[0] = (struct pollfd){.fd = set, .events = POLLIN};
    int64_t got = wait_here(wait, channel->fd, &interrupted);
    if (got >= 0 && wait->here[1].revents == 0)
        session_cancel(&session, channel, seq);
    there = receive_epoll(channel, seq, room);
    if (there < 0)
        return there;
    int64_t here = there < room ? RAW(SYS_epoll_wait, set, events + there, room - there, 0) : 0;
    int64_t all = there + RSYS_MAX(here, INT64_C(0));
    /* Without time to wait, epoll_wait does not ask about signals. */
    return all > 0 ? all : here < 0 ? here : interrupted && timed ? -EINTR : 0;
}

int64_t wait_epoll(uint64_t nr, const uint64_t args[6])
{
    struct wait wait = {.deadline = -1};
    struct epoll_event *events;
    int64_t result = (int)args[2] <= 0 ? -EINVAL : make_room(&wait, 1);
    uint32_t room = RSYS_MIN((uint32_t)args[2], (uint32_t)EVENTS_MAX);
    if (result == 0 && nr == SYS_epoll_pwait2)
        result = read_deadline(&wait, args[3], false);
    else if (result == 0 && (int)args[3] >= 0)
        wait.deadline = now() + (int)args[3] * INT64_C(1000000);
    events = result == 0 ? malloc(room * sizeof *events) : NULL;
    if (result == 0 && events == NULL)
        result = -ENOMEM;
    if (result == 0 && nr != SYS_epoll_wait)
        result = signals_swap(args[4], args[5]);
    if (result == 0)
        do
            result = wait_instance(&wait, (int)args[0], events, room);
        while (result == 0 && left(&wait) != 0 && fd_shadow((int)args[0]) >= 0);
    if (result > 0 && poke(args[1], events, (size_t)result * sizeof *events) < 0)
        result = -EFAULT;
    free(events);
    free(wait.fds);
    return result;
}

/* ---- poll and select ---- */

enum way call_wait(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    bool local;
    *ret = nr == SYS_poll || nr == SYS_ppoll ? do_poll(nr, args, &local) : do_select(nr, args, &local);
    if (!local)
        return WAY_DONE;
    return nr == SYS_ppoll || nr == SYS_pselect6 ? call_masked(context, nr, args, ret) : WAY_LOCAL;
}

// SPDX-License-Identifier: GPL-2.0-only
/* waits-random.c: some thousand waits of every kind over random sets of descriptors of both homes, whose readiness is known and set at random */
// stdin: x
// limit: 90
// also: preload
#include "guest.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>

#define ROUNDS 2500
#define REPORT 250

/* A descriptor, and how to make it readable and to take that back. */
struct source {
    int fd, other;
    enum { PIPE, PIPE_OUT, SOCKET, EVENT, SIGNAL, DEAD, ALIVE, INPUT, OUTPUT, SET, KINDS } kind;
    bool ready;
};

static struct source sources[24];
static unsigned count;
static uint32_t state = 12345, hash = 2166136261u;

static uint32_t pick(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static bool verbose; /* with an argument: every value, to see where two runs part; a second one is another seed */

static void note(long value)
{
    if (verbose)
        say("%lx", value);
    for (unsigned i = 0; i < 8; i++)
        hash = (hash ^ (uint8_t)((uint64_t)value >> 8 * i)) * 16777619u;
}

static void add(int fd, int other, int kind) { sources[count++] = (struct source){fd, other, kind, false}; }

static void make_sources(void)
{
    int p[2];
    sigset_t set;
    for (int i = 0; i < 3; i++) {
        MUST(pipe2(p, O_NONBLOCK));
        add(p[0], p[1], PIPE);
        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p));
        add(p[0], p[1], SOCKET);
        add((int)MUST(eventfd(0, EFD_NONBLOCK)), -1, EVENT);
        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN + 1 + i);
        MUST(sigprocmask(SIG_BLOCK, &set, NULL));
        add((int)MUST(signalfd(-1, &set, SFD_NONBLOCK)), SIGRTMIN + 1 + i, SIGNAL);
    }
    MUST(pipe2(p, O_NONBLOCK));
    add(p[1], p[0], PIPE_OUT);
    pid_t dead = (pid_t)MUST(fork());
    if (dead == 0)
        _exit(0);
    add((int)MUST(syscall(SYS_pidfd_open, dead, 0)), -1, DEAD);
    siginfo_t info;
    MUST(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT));
    add((int)MUST(syscall(SYS_pidfd_open, getpid(), 0)), -1, ALIVE);
    add(0, -1, INPUT);
    add(1, -1, OUTPUT);
}

/* Change what some descriptor is. */
static void change(struct source *source)
{
    char text[128];
    uint64_t one = 1;
    bool ready = !source->ready;
    switch (source->kind) {
    case PIPE:
    case SOCKET:
        MUST(ready ? write(source->other, "x", 1) : read(source->fd, text, sizeof text));
        break;
    case EVENT:
        MUST(ready ? write(source->fd, &one, 8) : read(source->fd, &one, 8));
        break;
    case SIGNAL:
        if (ready)
            MUST(raise(source->other));
        else
            MUST(read(source->fd, text, sizeof text));
        break;
    default:
        return;
    }
    source->ready = ready;
}

static int timeout(void)
{
    static const int some[] = {0, 0, 0, 1, 3};
    return some[pick(5)];
}

static void step(const char *what)
{
    if (verbose)
        say("%s", what);
}

static void do_poll(void)
{
    static const short events[] = {POLLIN, POLLOUT, POLLIN | POLLOUT, POLLPRI, 0, POLLIN | POLLRDNORM, POLLOUT | POLLWRBAND, POLLRDHUP | POLLIN};
    struct pollfd fds[10];
    unsigned n = pick(11);
    step("poll");
    for (unsigned i = 0; i < n; i++)
        fds[i] = (struct pollfd){pick(12) == 0 ? -1 : pick(20) == 0 ? 900 : sources[pick(count)].fd, events[pick(8)], 77};
    struct timespec time = {0, timeout() * 1000000l};
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    switch (pick(4)) {
    case 0:
        note(ppoll(fds, n, &time, &mask));
        break;
    case 1:
        note(ppoll(fds, n, &time, NULL));
        break;
    default:
        note(poll(fds, n, timeout()));
    }
    for (unsigned i = 0; i < n; i++)
        note(fds[i].revents);
}

static void do_select(void)
{
    fd_set sets[3];
    int top = 0;
    step("select");
    for (int s = 0; s < 3; s++) {
        FD_ZERO(&sets[s]);
        for (unsigned i = pick(5); i > 0; i--) {
            int fd = sources[pick(count)].fd;
            FD_SET(fd, &sets[s]);
            top = fd > top ? fd : top;
        }
    }
    struct timeval time = {0, timeout() * 1000};
    struct timespec spec = {0, timeout() * 1000000l};
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    fd_set *in = pick(8) ? &sets[0] : NULL, *out = pick(4) ? &sets[1] : NULL, *except = pick(3) ? &sets[2] : NULL;
    note(pick(3) ? select(top + 1, in, out, except, &time) : pselect(top + 1, in, out, except, &spec, pick(2) ? &mask : NULL));
    for (unsigned i = 0; i < count; i++)
        note((in && FD_ISSET(sources[i].fd, in)) | (out && FD_ISSET(sources[i].fd, out)) << 1 | (except && FD_ISSET(sources[i].fd, except)) << 2);
}

static int by_data(const void *a, const void *b)
{
    const struct epoll_event *x = a, *y = b;
    return x->data.u32 < y->data.u32 ? -1 : x->data.u32 > y->data.u32;
}

static void wait_set(int set)
{
    struct epoll_event got[40];
    step("epoll_wait");
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    int n = pick(3) ? epoll_wait(set, got, 40, timeout()) : epoll_pwait(set, got, 40, timeout(), &mask);
    note(n);
    if (n > 0)
        qsort(got, (size_t)n, sizeof *got, by_data);
    for (int i = 0; i < n; i++) {
        note(got[i].events);
        note(got[i].data.u32);
    }
}

/* A set of its own, looked at through its number, a duplicate, poll, or a set that it is in; changed between. */
static void do_epoll(void)
{
    step("epoll");
    int set = (int)MUST(epoll_create1(pick(2) ? EPOLL_CLOEXEC : 0)), copy = pick(3) == 0 ? (int)MUST(dup(set)) : -1, outer = -1;
    if (pick(3) == 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = 500};
        outer = (int)MUST(epoll_create1(0));
        note(epoll_ctl(outer, EPOLL_CTL_ADD, set, &event));
        note(epoll_ctl(set, EPOLL_CTL_ADD, outer, &event));
    }
    for (int i = 0; i < 12; i++) {
        static const uint32_t events[] = {EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLONESHOT, EPOLLPRI, EPOLLIN | EPOLLRDHUP, 0};
        unsigned which = pick(count);
        struct epoll_event event = {.events = events[pick(7)], .data.u32 = which};
        if (sources[which].kind != SIGNAL && pick(4) == 0)
            event.events |= EPOLLET;
        int op = pick(6) == 0 ? EPOLL_CTL_DEL : pick(5) == 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        int result = epoll_ctl(copy >= 0 && pick(2) ? copy : set, op, sources[which].fd, &event);
        note(result < 0 ? -errno : 0);
        if (pick(3) == 0)
            change(&sources[pick(count)]);
        if (pick(4) == 0)
            wait_set(copy >= 0 && pick(2) ? copy : outer >= 0 && pick(3) == 0 ? outer : set);
        if (pick(8) == 0) {
            struct pollfd fds[2] = {{set, POLLIN, 0}, {sources[0].fd, POLLIN, 0}};
            note(poll(fds, pick(2) + 1, 0));
            note(fds[0].revents);
        }
    }
    close(set);
    if (copy >= 0) {
        wait_set(copy);
        close(copy);
    }
    if (outer >= 0) {
        wait_set(outer);
        close(outer);
    }
}

int main(int argc, char **argv)
{
    verbose = argc > 1;
    if (argc > 2)
        state = (uint32_t)atoi(argv[2]);
    make_sources();
    for (int i = 1; i <= ROUNDS; i++) {
        change(&sources[pick(count)]);
        switch (pick(8)) {
        case 0:
        case 1:
        case 2:
            do_poll();
            break;
        case 3:
        case 4:
            do_select();
            break;
        default:
            if (i % 4 == 0)
                do_epoll();
        }
        if (i % REPORT == 0)
            say("%d: %08x", i, hash);
    }
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* waits-masks.c: ppoll, pselect6 and epoll_pwait with a mask, over descriptors of both homes, with signals pending, coming, blocked, and descriptors ready or not */
// stdin: x
// also: preload
#include "guest.h"

#include <sys/epoll.h>
#include <sys/select.h>

static volatile sig_atomic_t handled;
static sigset_t in_handler;

static void on_signal(int number)
{
    handled += number == SIGUSR1 ? 1 : 10;
    sigprocmask(SIG_BLOCK, NULL, &in_handler);
}

static int fds[2], self, set;
enum { PPOLL, PSELECT, EPWAIT, KINDS };

static int wait_for(int kind, int milliseconds, const sigset_t *mask)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000l};
    struct pollfd polled[2] = {{fds[0], POLLIN, 0}, {self, POLLIN, 0}};
    struct epoll_event got[4];
    fd_set in;
    switch (kind) {
    case PPOLL:
        return ppoll(polled, 2, milliseconds < 0 ? NULL : &time, mask);
    case PSELECT:
        FD_ZERO(&in);
        FD_SET(fds[0], &in);
        FD_SET(self, &in);
        return pselect((self > fds[0] ? self : fds[0]) + 1, &in, NULL, NULL, milliseconds < 0 ? NULL : &time, mask);
    default:
        return epoll_pwait(set, got, 4, milliseconds, mask);
    }
}

static void show(const char *what, int kind, int milliseconds, const sigset_t *mask)
{
    static const char *const names[] = {"ppoll", "pselect", "epoll_pwait"};
    sigset_t after, pending;
    double start = now();
    sigemptyset(&in_handler);
    int before = handled, n = wait_for(kind, milliseconds, mask);
    const char *error = n < 0 ? error_name(errno) : "";
    bool slept = now() - start >= 0.045;
    sigprocmask(SIG_BLOCK, NULL, &after);
    sigpending(&pending);
    say("%s, %s: %d %s, handlers %d, in them USR1 %d USR2 %d; after: USR1 %d USR2 %d; pending USR1 %d%s", names[kind], what, n, error, handled - before,
        sigismember(&in_handler, SIGUSR1), sigismember(&in_handler, SIGUSR2), sigismember(&after, SIGUSR1), sigismember(&after, SIGUSR2),
        sigismember(&pending, SIGUSR1), milliseconds == 50 && slept ? ", in time" : "");
}

static void clear_pending(void)
{
    sigset_t one;
    struct timespec none = {0, 0};
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    while (sigtimedwait(&one, NULL, &none) > 0)
        ;
}

static void rounds(int kind, const sigset_t *open_mask, const sigset_t *closed_mask)
{
    char c;
    show("nothing", kind, 50, open_mask);
    show("at once", kind, 0, open_mask);
    raise(SIGUSR1);
    show("pending", kind, 20000, open_mask);
    raise(SIGUSR1);
    show("pending, at once", kind, 0, open_mask);
    raise(SIGUSR1);
    show("pending but blocked", kind, 50, closed_mask);
    MUST(write(fds[1], "x", 1));
    show("pending and ready", kind, 20000, open_mask);
    show("pending and ready, for ever", kind, -1, open_mask);
    clear_pending();
    show("ready", kind, 20000, open_mask);
    MUST(read(fds[0], &c, 1));
    int end;
    pid_t child = kick_until_closed(SIGUSR1, &end);
    show("comes", kind, 20000, open_mask);
    close(end);
    reap(child);
    clear_pending();
    child = (pid_t)MUST(fork());
    if (child == 0) {
        wait_asleep(getppid());
        _exit(write(fds[1], "x", 1) == 1 ? 0 : 1);
    }
    show("becomes ready", kind, 20000, open_mask);
    reap(child);
    MUST(read(fds[0], &c, 1));
    show("no mask", kind, 0, NULL);
}

int main(void)
{
    sigset_t blocked, open_mask, closed_mask;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
    sigemptyset(&open_mask);
    sigaddset(&open_mask, SIGUSR2);
    closed_mask = open_mask;
    sigaddset(&closed_mask, SIGUSR1);
    MUST(pipe(fds));
    self = (int)MUST(syscall(SYS_pidfd_open, getpid(), 0)); /* never ready, and on the other side */
    set = (int)MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, self, &event));
    for (int kind = 0; kind < KINDS; kind++)
        rounds(kind, &open_mask, &closed_mask);
    MUST(epoll_ctl(set, EPOLL_CTL_DEL, self, NULL));
    rounds(EPWAIT, &open_mask, &closed_mask);
    TRY(syscall(SYS_ppoll, NULL, 0, NULL, &open_mask, 4));
    struct pollfd polled = {fds[0], POLLIN, 0};
    TRY(syscall(SYS_ppoll, &polled, 1, NULL, &open_mask, 4));
    TRY(syscall(SYS_ppoll, &polled, 1, NULL, 8, 8));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* signalfd.c: signalfds: read, poll, select and epoll, alone and with pipes, over fork, exec of a child, and with another mask */
#include "guest.h"

#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>

static int pipe_fds[2], handled;

static void on_signal(int number)
{
    (void)number;
    handled++;
}

static void block(int first, int second, sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, first);
    if (second != 0)
        sigaddset(ret_set, second);
    MUST(sigprocmask(SIG_BLOCK, ret_set, NULL));
}

static void take(int fd)
{
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    if (n < 0)
        say("read: %s", error_name(errno));
    else
        say("read %zd: %s code %d value %d", n, sigabbrev_np((int)info.ssi_signo) ? sigabbrev_np((int)info.ssi_signo) : "real-time", info.ssi_code, info.ssi_int);
}

static int look(int fd, int timeout)
{
    struct pollfd fds[2] = {{fd, POLLIN | POLLOUT, 0}, {pipe_fds[0], POLLIN, 0}};
    int n = poll(fds, 2, timeout);
    say("poll %d: %x %x", n, (unsigned)fds[0].revents, (unsigned)fds[1].revents);
    return n;
}

/* A child that sends a signal once we wait. */
static pid_t sender(int number, int times)
{
    pid_t child = (pid_t)MUST(fork());
    if (child != 0)
        return child;
    wait_asleep(getppid());
    for (int i = 0; i < times; i++)
        sigqueue(getppid(), number, (union sigval){.sival_int = i});
    _exit(0);
}

/* The same, from a stranger: its end is no signal to us.  (One that is ignored wakes no signalfd natively; a traced process is told of those, too.) */
static void stranger(int number)
{
    pid_t us = getpid(), child = (pid_t)MUST(fork());
    if (child != 0) {
        reap(child);
        return;
    }
    if (MUST(fork()) != 0)
        _exit(0);
    wait_asleep(us);
    kill(us, number);
    _exit(0);
}

static void errors(void)
{
    sigset_t set;
    sigemptyset(&set);
    TRY(syscall(SYS_signalfd4, -1, &set, 4, 0));
    TRY(syscall(SYS_signalfd4, -1, NULL, 8, 0));
    TRY(syscall(SYS_signalfd4, -1, &set, 8, 1));
    TRY(signalfd(99, &set, 0));
    TRY(signalfd(pipe_fds[0], &set, 0));
    TRY(signalfd(0, &set, 0));
}

static void polls(int fd)
{
    look(fd, 0);
    raise(SIGUSR1);
    look(fd, -1);
    take(fd);
    take(fd);
    look(fd, 10);
    pid_t child = sender(SIGUSR1, 1);
    look(fd, 20000);
    take(fd);
    reap(child);
    /* Real-time signals keep their order whoever waits. */
    child = sender(SIGRTMIN + 1, 3);
    look(fd, 20000);
    reap(child);
    for (int i = 0; i < 4; i++)
        take(fd);
    raise(SIGUSR1);
    MUST(write(pipe_fds[1], "x", 1));
    look(fd, 1000);
    take(fd);
    look(fd, 1000);
    fd_set in, out;
    struct timeval time = {1, 0};
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fd, &in);
    FD_SET(fd, &out);
    FD_SET(pipe_fds[0], &in);
    TRY(select(fd + 1, &in, &out, NULL, &time));
    say("select: %d %d %d", FD_ISSET(fd, &in) != 0, FD_ISSET(fd, &out) != 0, FD_ISSET(pipe_fds[0], &in) != 0);
    char c;
    MUST(read(pipe_fds[0], &c, 1));
}

static void child_ends(int fd)
{
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        wait_asleep(getppid());
        _exit(3);
    }
    look(fd, 20000);
    struct signalfd_siginfo info;
    MUST(read(fd, &info, sizeof info));
    say("%s of the child: %s, status %d", sigabbrev_np((int)info.ssi_signo), (pid_t)info.ssi_pid == child ? "yes" : "no", info.ssi_status);
    say_end("child", child);
}

static void epolls(int fd, uint32_t how)
{
    int set = (int)MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | how, .data.u32 = 1}, got[4];
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    event = (struct epoll_event){.events = EPOLLIN, .data.u32 = 2};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, pipe_fds[0], &event));
    for (int i = 0; i < 6; i++) {
        bool comes = i == 1 || i == 4;
        if (comes)
            stranger(SIGUSR1);
        if (i == 3)
            raise(SIGUSR1);
        int n = epoll_wait(set, got, 4, comes ? 20000 : 10);
        say("epoll %d: %x %u", n, n > 0 ? got[0].events : 0, n > 0 ? got[0].data.u32 : 0);
        if (i == 2 || i == 3)
            take(fd);
        if (i == 3 && how == EPOLLONESHOT) {
            event = (struct epoll_event){.events = EPOLLIN | how, .data.u32 = 3};
            TRY(epoll_ctl(set, EPOLL_CTL_MOD, fd, &event));
        }
    }
    take(fd);
    TRY(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL));
    raise(SIGUSR1);
    TRY(epoll_wait(set, got, 4, 10));
    take(fd);
    close(set);
}

static pthread_barrier_t barrier;
static pid_t waiter;

static void *waits_too(void *argument)
{
    waiter = gettid();
    pthread_barrier_wait(&barrier);
    look(*(int *)argument, 20000);
    return NULL;
}

/* A signal for the process wakes a thread that waits for it, while others do something else. */
static void threads(int fd)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    MUST(pthread_create(&thread, NULL, waits_too, &fd) == 0 ? 0 : -1);
    pthread_barrier_wait(&barrier);
    wait_asleep(waiter);
    kill(getpid(), SIGUSR1);
    pthread_join(thread, NULL);
    take(fd);
}

/* What an exec leaves open goes on. */
static void executed(int set, int fd)
{
    struct epoll_event got;
    TRY(epoll_wait(set, &got, 1, 0));
    stranger(SIGUSR1);
    TRY(epoll_wait(set, &got, 1, 20000));
    take(fd);
    TRY(epoll_wait(set, &got, 1, 0));
}

static void execute(const char *name, int fd)
{
    char numbers[2][16];
    int set = (int)MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, pipe_fds[0], &event));
    snprintf(numbers[0], sizeof numbers[0], "%d", set);
    snprintf(numbers[1], sizeof numbers[1], "%d", fd);
    execl("/proc/self/exe", name, numbers[0], numbers[1], NULL);
    say("exec: %s", error_name(errno));
}

int main(int argc, char **argv)
{
    sigset_t set, other;
    if (argc == 3) {
        executed(atoi(argv[1]), atoi(argv[2]));
        return 0;
    }
    MUST(pipe(pipe_fds));
    errors();
    block(SIGUSR1, SIGRTMIN + 1, &set);
    int fd = (int)TRY(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    TRY(fcntl(fd, F_GETFD));
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    polls(fd);
    epolls(fd, 0);
    epolls(fd, EPOLLET);
    epolls(fd, EPOLLONESHOT);
    threads(fd);
    block(SIGCHLD, 0, &other);
    TRY(signalfd(fd, &other, 0) == fd ? 0 : -1);
    child_ends(fd);
    child_ends(dup(fd));
    /* Who has a handler for another signal is interrupted as ever. */
    signal(SIGUSR2, on_signal);
    int end;
    pid_t child = kick_until_closed(SIGUSR2, &end);
    look(fd, 20000);
    CHECK(handled > 0);
    close(end);
    reap(child);
    take(fd);
    close(fd);
    /* In a child of its own: its own signals. */
    fd = (int)MUST(signalfd(-1, &set, 0));
    raise(SIGUSR1);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        look(fd, 10);
        raise(SIGUSR1);
        look(fd, 10000);
        take(fd);
        _exit(0);
    }
    say_end("child", child);
    look(fd, 0);
    take(fd);
    execute(argv[0], fd);
    return 1;
}

// SPDX-License-Identifier: GPL-2.0-only
/* epoll-shared.c: epoll sets with descriptors of both homes, over duplicates, forks, threads, execs and closed descriptors, and sets in sets */
// stdin: x
// also: preload
#include "guest.h"

#include <sys/epoll.h>

static int open_pidfd(pid_t pid) { return (int)MUST(syscall(SYS_pidfd_open, pid, 0)); }

/* A process that has ended and one that lives until its pipe is closed: descriptors that are ready and that are not. */
static pid_t dead_child(void)
{
    siginfo_t info;
    pid_t child = (pid_t)MUST(fork());
    if (child == 0)
        _exit(0);
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    return child;
}

static pid_t living_child(int *ret_end)
{
    int p[2];
    char c;
    MUST(pipe2(p, O_CLOEXEC));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        close(p[1]);
        (void)!read(p[0], &c, 1);
        _exit(0);
    }
    close(p[0]);
    *ret_end = p[1];
    return child;
}

static int control(int set, int op, int fd, uint32_t events, uint32_t data)
{
    struct epoll_event event = {.events = events, .data.u32 = data};
    return epoll_ctl(set, op, fd, &event);
}

static void look(const char *what, int set, int timeout)
{
    struct epoll_event got[8];
    int n = epoll_wait(set, got, 8, timeout);
    if (n < 0)
        say("%s: %s", what, error_name(errno));
    else
        say("%s: %d, %x %u", what, n, n > 0 ? got[0].events & EPOLLIN : 0, n > 0 ? got[0].data.u32 : 0);
}

static void duplicates(int ready)
{
    int set = (int)MUST(epoll_create1(0)), copy = dup(set), second = dup(ready);
    TRY(control(set, EPOLL_CTL_ADD, ready, EPOLLIN, 1));
    look("by the duplicate", copy, 0);
    TRY(control(copy, EPOLL_CTL_ADD, ready, EPOLLIN, 1));
    TRY(control(copy, EPOLL_CTL_ADD, second, EPOLLIN | EPOLLET, 2));
    TRY(control(copy, EPOLL_CTL_DEL, ready, 0, 0));
    look("the other number", set, 0);
    look("the edge once", set, 0);
    close(set);
    TRY(control(copy, EPOLL_CTL_MOD, second, EPOLLIN, 3));
    look("when the first is closed", copy, 0);
    /* An entry lives as long as the file has a descriptor. */
    close(second);
    look("the file has another descriptor", copy, 0);
    TRY(control(copy, EPOLL_CTL_MOD, second, EPOLLIN, 4));
    TRY(dup2(ready, second) == second ? 0 : -1);
    TRY(control(copy, EPOLL_CTL_MOD, second, EPOLLIN, 5));
    look("at its number again", copy, 0);
    TRY(control(copy, EPOLL_CTL_ADD, copy, EPOLLIN, 6));
    close(copy);
    look("closed", copy, 0);
    close(second);
}

static void forks(int ready)
{
    int set = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), own = dup(ready);
    MUST(control(set, EPOLL_CTL_ADD, own, EPOLLIN, 7));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        look("in the child", set, 0);
        TRY(control(set, EPOLL_CTL_MOD, own, EPOLLIN, 8));
        int more = dup(own);
        TRY(control(set, EPOLL_CTL_ADD, more, EPOLLIN | EPOLLONESHOT, 9));
        close(own);
        _exit(0);
    }
    say_end("child", child);
    look("as the child left it", set, 0);
    TRY(control(set, EPOLL_CTL_DEL, own, 0, 0));
    look("what the child put in", set, 0);
    look("once", set, 0);
    close(own);
    close(set);
}

static void nested(int ready, int alive, int end)
{
    int p[2], outer = (int)MUST(epoll_create1(0)), middle = (int)MUST(epoll_create1(0)), inner = (int)MUST(epoll_create1(0));
    MUST(pipe(p));
    TRY(control(outer, EPOLL_CTL_ADD, middle, EPOLLIN, 1));
    TRY(control(middle, EPOLL_CTL_ADD, inner, EPOLLIN, 2));
    TRY(control(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 3));
    look("empty", outer, 0);
    TRY(control(inner, EPOLL_CTL_ADD, ready, EPOLLIN, 4));
    look("outer", outer, 0);
    look("middle", middle, 0);
    look("inner", inner, 0);
    MUST(write(p[1], "x", 1));
    MUST(control(inner, EPOLL_CTL_ADD, p[0], EPOLLIN, 5));
    look("both homes, told once", outer, 0);
    struct pollfd polled[2] = {{outer, POLLIN, 0}, {inner, POLLIN, 0}};
    TRY(poll(polled, 2, 0));
    say("%x %x", (unsigned)polled[0].revents, (unsigned)polled[1].revents);
    TRY(control(inner, EPOLL_CTL_DEL, ready, 0, 0));
    TRY(control(inner, EPOLL_CTL_DEL, p[0], 0, 0));
    look("empty again", outer, 0);
    TRY(poll(polled, 2, 0));
    TRY(control(inner, EPOLL_CTL_ADD, alive, EPOLLIN, 6));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        wait_asleep(getppid());
        _exit(0);
    }
    close(end);
    TRY(poll(polled, 1, 20000));
    look("woken", outer, 20000);
    reap(child);
    close(inner);
    look("the inner one is closed", outer, 0);
    close(middle);
    close(outer);
}

static pthread_barrier_t barrier;
static volatile pid_t waiter;

static void *waits(void *argument)
{
    waiter = gettid();
    pthread_barrier_wait(&barrier);
    look("in the thread", *(int *)argument, 20000);
    return NULL;
}

/* What is put into a set while somebody waits in it. */
static void threads(int ready)
{
    pthread_t thread;
    int set = (int)MUST(epoll_create1(0)), inner = (int)MUST(epoll_create1(0));
    pthread_barrier_init(&barrier, NULL, 2);
    for (int round = 0; round < 2; round++) {
        if (round == 1)
            MUST(control(set, EPOLL_CTL_ADD, inner, EPOLLIN, 11));
        MUST(pthread_create(&thread, NULL, waits, &set) == 0 ? 0 : -1);
        pthread_barrier_wait(&barrier);
        wait_asleep(waiter);
        MUST(control(round == 0 ? set : inner, EPOLL_CTL_ADD, ready, EPOLLIN, 10));
        pthread_join(thread, NULL);
        MUST(control(round == 0 ? set : inner, EPOLL_CTL_DEL, ready, 0, 0));
    }
    close(set);
    close(inner);
}

int main(int argc, char **argv)
{
    char number[16];
    int end;
    if (argc == 2) {
        look("after an exec", atoi(argv[1]), 0);
        return 0;
    }
    pid_t dead = dead_child(), alive = living_child(&end);
    int ready = open_pidfd(dead), living = open_pidfd(alive);
    duplicates(ready);
    forks(ready);
    nested(ready, living, end);
    threads(ready);
    int kept = (int)MUST(epoll_create1(0)), gone = (int)MUST(epoll_create1(EPOLL_CLOEXEC));
    MUST(fcntl(ready, F_SETFD, 0));
    MUST(control(kept, EPOLL_CTL_ADD, ready, EPOLLIN, 12));
    MUST(control(gone, EPOLL_CTL_ADD, ready, EPOLLIN, 13));
    snprintf(number, sizeof number, "%d", kept);
    execl("/proc/self/exe", argv[0], number, NULL);
    say("exec: %s", error_name(errno));
    return 1;
}

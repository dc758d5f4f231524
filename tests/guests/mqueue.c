// SPDX-License-Identifier: GPL-2.0-only
/* mqueue.c: POSIX message queues: attributes, priorities, blocking, times, poll and epoll, across a fork */
// also: preload
#include "guest.h"

#include <mqueue.h>
#include <semaphore.h>
#include <sys/epoll.h>

static const char name[] = "/rsys-test-queue";

static void show(mqd_t queue)
{
    struct mq_attr attr = {0};
    TRY(mq_getattr(queue, &attr));
    say("flags %lx maxmsg %ld msgsize %ld curmsgs %ld", attr.mq_flags, attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs);
}

static void take(mqd_t queue)
{
    char text[64] = "";
    unsigned priority = 99;
    ssize_t n = mq_receive(queue, text, sizeof text, &priority);
    if (n < 0)
        say("receive: %s", error_name(errno));
    else
        say("receive %zd: %.*s priority %u", n, (int)n, text, priority);
}

static void on_alarm(int number) { (void)number; }
static volatile sig_atomic_t told_code, told_value, told;
static sem_t thread_told;

static void on_message(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    told_code = info->si_code;
    told_value = info->si_value.sival_int;
    told = 1;
}

static void on_thread(union sigval value)
{
    told_value = value.sival_int;
    sem_post(&thread_told);
}

/* Of the next message, by a signal while we sleep, and by a thread of the C library's. */
static void notified(mqd_t queue)
{
    struct sigaction action = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 42};
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaction(SIGUSR2, &action, NULL);
    sigprocmask(SIG_BLOCK, &set, &old);
    TRY(mq_notify(queue, &event));
    TRY(mq_notify(queue, &event));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        usleep(20000);
        _exit(mq_send(queue, "told", 4, 0) == 0 ? 0 : 1);
    }
    while (!told)
        sigsuspend(&old);
    say("code %d value %d", told_code, told_value);
    sigprocmask(SIG_SETMASK, &old, NULL);
    say_end("child", child);
    take(queue);
    event.sigev_notify = SIGEV_NONE;
    TRY(mq_notify(queue, &event));
    TRY(mq_notify(queue, NULL));
    event.sigev_notify = 77;
    TRY(mq_notify(queue, &event));
    event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    TRY(mq_notify(queue, &event));
    event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread, .sigev_value.sival_int = 43};
    sem_init(&thread_told, 0, 0);
    TRY(mq_notify(queue, &event));
    TRY(mq_send(queue, "to the thread", 13, 0));
    while (sem_wait(&thread_told) != 0)
        ;
    say("value %d", told_value);
    take(queue);
}

static mqd_t made(struct mq_attr *attr)
{
    char text[65] = "";
    mq_unlink(name);
    TRY(mq_open(name, O_RDWR));
    mqd_t queue = (mqd_t)TRY(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, attr));
    TRY(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, attr));
    TRY(fcntl((int)queue, F_GETFD));
    show(queue);
    TRY(mq_send(queue, "low", 3, 1));
    TRY(mq_send(queue, "high", 4, 9));
    TRY(mq_send(queue, "low too", 7, 1));
    TRY(mq_send(queue, text, 65, 1));
    TRY(mq_receive(queue, text, 10, NULL));
    show(queue);
    return queue;
}

static void timed(mqd_t queue)
{
    char text[64];
    struct timespec past = {1, 0}, wrong = {1, -1};
    TRY(mq_timedsend(queue, "x", 1, 0, &past));
    TRY(mq_timedsend(queue, "x", 1, 0, &wrong));
    struct pollfd fds = {(int)queue, POLLIN | POLLOUT, 0};
    TRY(poll(&fds, 1, 0));
    say("%x", (unsigned)fds.revents);
    take(queue);
    TRY(poll(&fds, 1, 0));
    say("%x", (unsigned)fds.revents);
    take(queue);
    take(queue);
    TRY(mq_timedreceive(queue, text, sizeof text, NULL, &past));
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 50000000;
    if (soon.tv_nsec >= 1000000000) {
        soon.tv_sec++;
        soon.tv_nsec -= 1000000000;
    }
    double start = now();
    TRY(mq_timedreceive(queue, text, sizeof text, NULL, &soon));
    CHECK(now() - start > 0.03);
}

int main(void)
{
    struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 64};
    mqd_t queue = made(&attr);
    timed(queue);
    int set = (int)MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 4};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, (int)queue, &event));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        wait_asleep(getppid());
        _exit(mq_send(queue, "from the child", 14, 3) == 0 ? 0 : 1);
    }
    TRY(epoll_wait(set, &event, 1, 20000));
    say("%x %u", event.events, event.data.u32);
    take(queue);
    say_end("child", child);
    /* A handler interrupts it, or not. */
    struct sigaction action = {.sa_handler = on_alarm};
    int end;
    sigaction(SIGUSR1, &action, NULL);
    child = kick_until_closed(SIGUSR1, &end);
    take(queue);
    close(end);
    reap(child);
    notified(queue);
    attr.mq_flags = O_NONBLOCK;
    TRY(mq_setattr(queue, &attr, NULL));
    take(queue);
    show(queue);
    TRY(mq_notify(queue, NULL));
    TRY(mq_unlink(name));
    TRY(mq_unlink(name));
    TRY(mq_close(queue));
    TRY(mq_send(queue, "x", 1, 0));
    return 0;
}

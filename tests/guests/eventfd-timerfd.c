// SPDX-License-Identifier: GPL-2.0-only
/* eventfd-timerfd.c: eventfds and timerfds: counts, semaphores, absolute and repeated times, readiness, errors; memory files and their seals */
// also: preload
#include "guest.h"

#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

static void events(void)
{
    uint64_t value = 2;
    int e = (int)MUST(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
    struct pollfd fds = {e, POLLIN | POLLOUT, 0};
    for (int i = 0; i < 3; i++) {
        TRY(poll(&fds, 1, 0));
        say("%x", (unsigned)fds.revents);
        TRY(read(e, &value, sizeof value));
        say("%lu", (unsigned long)value);
    }
    value = UINT64_MAX;
    TRY(write(e, &value, sizeof value));
    value = UINT64_MAX - 1;
    TRY(write(e, &value, sizeof value));
    value = 1;
    TRY(write(e, &value, sizeof value));
    TRY(poll(&fds, 1, 0));
    say("%x", (unsigned)fds.revents);
    TRY(eventfd(0, 1 << 20));
    CHECK(fcntl(e, F_GETFD) == FD_CLOEXEC);
}

static void timers(void)
{
    uint64_t value = 0;
    struct itimerspec spec = {{0, 10000000}, {0, 0}}, left;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 3};
    int set = (int)MUST(epoll_create1(0)), t = (int)MUST(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    TRY(read(t, &value, sizeof value));
    TRY(timerfd_gettime(t, &left));
    say("%ld %ld", (long)left.it_value.tv_sec, left.it_value.tv_nsec);
    clock_gettime(CLOCK_REALTIME, &spec.it_value);
    TRY(timerfd_settime(t, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL)); /* now, which has passed, and then again and again */
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, t, &event));
    TRY(epoll_wait(set, &event, 1, 20000));
    TRY(read(t, &value, sizeof value));
    CHECK(value >= 1);
    TRY(epoll_wait(set, &event, 1, 20000));
    TRY(timerfd_gettime(t, &left));
    say("%ld %ld", left.it_interval.tv_nsec, (long)left.it_value.tv_sec);
    memset(&spec, 0, sizeof spec);
    TRY(timerfd_settime(t, 0, &spec, &left));
    CHECK(left.it_interval.tv_nsec == 10000000);
    TRY(epoll_wait(set, &event, 1, 30));
    TRY(timerfd_settime(t, 77, &spec, NULL));
    spec.it_value.tv_nsec = 1000000000;
    TRY(timerfd_settime(t, 0, &spec, NULL));
    TRY(timerfd_create(77, 0));
    TRY(timerfd_settime(set, 0, &spec, NULL));
}

static void memory_files(void)
{
    char text[8] = "";
    int m = (int)MUST(memfd_create("a memory file", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    TRY(write(m, "sealed", 6));
    TRY(fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    TRY(ftruncate(m, 3));
    TRY(pwrite(m, "longer than", 11, 0));
    TRY(pwrite(m, "SEALED", 6, 0));
    TRY(fcntl(m, F_GET_SEALS));
    TRY(fcntl(m, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
    TRY(pwrite(m, "x", 1, 0));
    TRY(fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK));
    TRY(pread(m, text, 6, 0));
    say("%s", text);
    TRY(memfd_create("x", 0x800));
}

int main(void)
{
    uint64_t value = 0;
    int e = (int)TRY(eventfd(3, EFD_NONBLOCK));
    TRY(read(e, &value, sizeof value));
    say("%lu", (unsigned long)value);
    TRY(read(e, &value, sizeof value));
    value = 5;
    TRY(write(e, &value, sizeof value));
    TRY(read(e, &value, 4));
    int t = (int)TRY(timerfd_create(CLOCK_MONOTONIC, 0));
    struct itimerspec spec = {{0, 0}, {0, 20000000}};
    TRY(timerfd_settime(t, 0, &spec, NULL));
    TRY(read(t, &value, sizeof value));
    say("%lu", (unsigned long)value);
    events();
    timers();
    memory_files();
    return 0;
}

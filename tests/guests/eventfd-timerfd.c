// SPDX-License-Identifier: GPL-2.0-only
/* eventfd-timerfd.c: eventfd, timerfd, signalfd and pidfd */
#include "guest.h"

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

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
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* time.c: clocks, sleeping, times of a process */
// also: preload
#include "guest.h"

int main(void)
{
    struct timespec a, b, t = {0, 20000000};
    struct timeval tv;
    struct tm tm;
    TRY(clock_gettime(CLOCK_MONOTONIC, &a));
    TRY(nanosleep(&t, NULL));
    TRY(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL));
    clock_gettime(CLOCK_MONOTONIC, &b);
    CHECK((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 40000000);
    TRY(gettimeofday(&tv, NULL));
    CHECK(labs(time(NULL) - tv.tv_sec) <= 1);
    TRY(clock_getres(CLOCK_REALTIME, &a));
    say("%ld", a.tv_nsec);
    TRY(clock_gettime(77, &a));
    TRY(clock_settime(CLOCK_REALTIME, &a));
    make_file("f", "x");
    struct stat st;
    MUST(stat("f", &st));
    CHECK(labs(st.st_mtim.tv_sec - time(NULL)) < 3);
    time_t fixed = 1000000000;
    char text[64];
    strftime(text, sizeof text, "%F %T", gmtime_r(&fixed, &tm));
    say("%s", text);
    struct rusage usage;
    TRY(getrusage(RUSAGE_SELF, &usage));
    CHECK(clock() >= 0);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* signals-timers.c: alarm, setitimer, POSIX timers, while a remote call blocks */
// also: preload
#include "guest.h"

static volatile int count;
static void handler(int number)
{
    (void)number;
    count++;
}

int main(void)
{
    int p[2];
    char c;
    struct sigaction action = {.sa_handler = handler};
    MUST(pipe(p));
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {{0, 30000}, {0, 30000}}; /* again, should the first come before the read */
    TRY(setitimer(ITIMER_REAL, &timer, NULL));
    TRY(read(p[0], &c, 1));
    CHECK(count > 0);
    timer.it_interval.tv_usec = timer.it_value.tv_usec = 5000;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    int wrong = 0;
    for (int i = 0; count < 10 && i < 100000; i++) {
        int fd = open("f", O_CREAT | O_RDWR, 0644);
        wrong += fd < 0 || pwrite(fd, "x", 1, 0) != 1 || pread(fd, &c, 1, 0) != 1 || c != 'x' || close(fd) != 0;
    }
    CHECK(count >= 10);
    say("%d wrong", wrong);
    timer = (struct itimerval){{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &timer, NULL);
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    TRY(timer_create(CLOCK_MONOTONIC, &event, &id));
    struct itimerspec spec = {{0, 10000000}, {0, 10000000}};
    count = 0;
    TRY(timer_settime(id, 0, &spec, NULL));
    while (count == 0)
        pause();
    TRY(timer_delete(id));
    TRY(alarm(100));
    CHECK(alarm(0) > 90);
    return 0;
}

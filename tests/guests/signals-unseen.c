// SPDX-License-Identifier: GPL-2.0-only
/* signals-unseen.c: handlers without SA_RESTART run often while calls are made that never wait: none of these may fail with EINTR */
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
    struct sigaction action = {.sa_handler = handler};
    struct stat st;
    char text[16];
    int wrong = 0;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    MUST(write(fd, "0123456789", 10));
    struct itimerval often = {{0, 150}, {0, 150}}, never = {{0, 0}, {0, 0}};
    MUST(setitimer(ITIMER_REAL, &often, NULL));
    for (int i = 0; i < 3000; i++) {
        wrong += kill(getpid(), 0) != 0;
        wrong += kill(getpid(), SIGUSR1) != 0;
        wrong += stat("f", &st) != 0;
        wrong += fstat(fd, &st) != 0;
        wrong += pread(fd, text, sizeof text, 0) != 10;
        wrong += lseek(fd, 0, SEEK_SET) != 0;
        int other = open("f", O_RDONLY);
        wrong += other < 0;
        wrong += close(other) != 0;
    }
    MUST(setitimer(ITIMER_REAL, &never, NULL));
    CHECK(count > 3000);
    say("%d wrong", wrong);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* sigio-storm.c: large reads and writes, forks and threads while a descriptor raises thousands of signals */
// also: preload
#include "guest.h"

static volatile sig_atomic_t told;
static void on_signal(int number) { told += number > 0; }

static unsigned char pattern[200000], found[200000];

static void *reads(void *argument)
{
    int fd = *(int *)argument, bad = 0;
    unsigned char own[4096];
    for (int i = 0; i < 200; i++)
        bad += pread(fd, own, sizeof own, i * 100) != sizeof own || memcmp(own, pattern + i * 100, sizeof own) != 0;
    return (void *)(intptr_t)bad;
}

int main(void)
{
    int s[2], bad = 0, fd = (int)MUST(open("data", O_CREAT | O_RDWR, 0644));
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t thread;
    void *result;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)(i * 7 + i / 251);
    MUST(write(fd, pattern, sizeof pattern) == sizeof pattern ? 0 : -1);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    sigaction(SIGIO, &action, NULL);
    MUST(fcntl(s[0], F_SETOWN, getpid()));
    MUST(fcntl(s[0], F_SETFL, O_ASYNC | O_NONBLOCK));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        signal(SIGIO, SIG_IGN);
        for (int i = 0; i < 2000; i++)
            (void)!send(s[1], "x", 1, MSG_DONTWAIT);
        _exit(0);
    }
    MUST(pthread_create(&thread, NULL, reads, &fd) == 0 ? 0 : -1);
    for (int i = 0; i < 40; i++) {
        char c;
        while (recv(s[0], &c, 1, MSG_DONTWAIT) == 1)
            ;
        memset(found, 0, sizeof found);
        bad += pread(fd, found, sizeof found, 0) != sizeof found || memcmp(found, pattern, sizeof found) != 0;
        bad += pwrite(fd, pattern, sizeof pattern, 0) != sizeof pattern;
        if (i % 10 == 0) {
            pid_t other = (pid_t)MUST(fork());
            if (other == 0)
                _exit(pread(fd, found, sizeof found, 0) == sizeof found ? 0 : 1);
            bad += reap(other) != 0;
        }
    }
    pthread_join(thread, &result);
    say("wrong here %d, in the thread %d", bad, (int)(intptr_t)result);
    say_end("child", child);
    CHECK(told > 0);
    return 0;
}

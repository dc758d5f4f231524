// SPDX-License-Identifier: GPL-2.0-only
/* raw.c: the floor: the same bytes over the same transport with nothing between.
 *
 *   raw pingpong N REQUEST REPLY    nanoseconds for a round trip of so many bytes there and back, over TCP on loopback
 *   raw echo                        send back what comes; prints its port
 *   raw stream BYTES BLOCK          bytes a second in one direction, sent and received in blocks */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 3

static char *buffer;

static void die(const char *what)
{
    fprintf(stderr, "raw: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void make_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        die("listen");
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (fds[0] < 0 || connect(fds[0], (struct sockaddr *)&address, length) < 0 || (fds[1] = accept(listener, NULL, NULL)) < 0)
        die("connect");
    for (int i = 0; i < 2; i++)
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    close(listener);
}

static int receive(int fd, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t got = recv(fd, buffer, n - have, 0);
        if (got <= 0)
            return -1;
        have += (size_t)got;
    }
    return 0;
}

static int transmit(int fd, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t sent = send(fd, buffer, n - have, MSG_NOSIGNAL);
        if (sent <= 0)
            return -1;
        have += (size_t)sent;
    }
    return 0;
}

static double pingpong(int fds[2], long n, size_t request, size_t reply)
{
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        while (receive(fds[1], request) == 0 && transmit(fds[1], reply) == 0)
            ;
        _exit(0);
    }
    close(fds[1]);
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double started = now();
        for (long i = 0; i < n / ROUNDS; i++)
            if (transmit(fds[0], request) < 0 || receive(fds[0], reply) < 0)
                die("ping-pong");
        double took = (now() - started) / (double)(n / ROUNDS);
        if (best == 0 || took < best)
            best = took;
    }
    close(fds[0]);
    waitpid(child, NULL, 0);
    return best;
}

static double stream(int fds[2], size_t bytes, size_t block)
{
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        for (size_t at = 0; at < bytes; at += block)
            if (transmit(fds[1], block) < 0)
                _exit(1);
        _exit(0);
    }
    close(fds[1]);
    double started = now();
    for (size_t at = 0; at < bytes; at += block)
        if (receive(fds[0], block) < 0)
            die("stream");
    double took = now() - started;
    close(fds[0]);
    waitpid(child, NULL, 0);
    return (double)bytes * 1e9 / took;
}

/* Send back what comes, connection after connection, until killed. */
static void __attribute__((noreturn)) echo(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int s = accept(listener, NULL, NULL);
        ssize_t n;
        if (s < 0)
            die("accept");
        setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        while ((n = recv(s, buffer, 65536, 0)) > 0 && send(s, buffer, (size_t)n, MSG_NOSIGNAL) == n)
            ;
        close(s);
    }
}

int main(int argc, char **argv)
{
    int fds[2];
    buffer = calloc(1, 4 << 20);
    if (argc == 2 && strcmp(argv[1], "echo") == 0)
        echo();
    make_pair(fds);
    if (argc == 5 && strcmp(argv[1], "pingpong") == 0)
        printf("%.1f\n", pingpong(fds, atol(argv[2]), (size_t)atol(argv[3]), (size_t)atol(argv[4])));
    else if (argc == 4 && strcmp(argv[1], "stream") == 0)
        printf("%.1f\n", stream(fds, (size_t)atol(argv[2]), (size_t)atol(argv[3])));
    else
        return 2;
    return 0;
}

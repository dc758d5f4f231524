// SPDX-License-Identifier: GPL-2.0-only
/* socket-waits.c: blocked accept, recv, send and connect: signals with and without SA_RESTART, timeouts, shutdown and close by another thread */
// limit: 60
#include "guest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static volatile int signals;
static void handler(int number)
{
    (void)number;
    signals++;
}

static void with_flags(int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    MUST(sigaction(SIGUSR1, &action, NULL));
    signals = 0;
}

/* A child that sends the parent a signal when it sleeps, and then does something. */
static pid_t kick(void (*then)(int), int fd)
{
    pid_t parent = getpid(), child = (pid_t)MUST(fork());
    if (child == 0) {
        if (wait_asleep(parent))
            kill(parent, SIGUSR1);
        if (then != NULL && wait_asleep(parent))
            then(fd);
        _exit(0);
    }
    return child;
}

static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "name"};

static void connect_to_name(int unused)
{
    (void)unused;
    int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(connect(fd, (struct sockaddr *)&name, sizeof name));
    MUST(write(fd, "late", 4));
}

static void write_late(int fd) { MUST(write(fd, "late", 4)); }

static void accepts(void)
{
    char text[8] = "";
    int l = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(bind(l, (struct sockaddr *)&name, sizeof name));
    MUST(listen(l, 3));
    with_flags(0);
    pid_t child = kick(NULL, -1);
    TRY(accept(l, NULL, NULL));
    reap(child);
    with_flags(SA_RESTART);
    child = kick(connect_to_name, -1);
    int fd = (int)WORKS(accept(l, NULL, NULL));
    (void)fd;
    reap(child);
    say("%d signals", signals);
    struct timeval time = {0, 100000};
    MUST(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    TRY(accept4(l, NULL, NULL, SOCK_NONBLOCK));
    time.tv_sec = 20;
    MUST(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    child = kick(NULL, -1); /* with a timeout, SA_RESTART restarts nothing */
    TRY(accept(l, NULL, NULL));
    reap(child);
    TRY(fcntl(l, F_SETFL, O_NONBLOCK));
    TRY(accept(l, NULL, NULL));
    TRY(accept4(l, NULL, NULL, 12345));
    TRY(accept(999, NULL, NULL));
    socklen_t length = (socklen_t)-1;
    TRY(accept(l, (struct sockaddr *)&name, &length));
    close(l);
    TRY(read(fd, text, 0));
}

static void receives(void)
{
    int s[2];
    char text[16] = "";
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    with_flags(0);
    pid_t child = kick(NULL, -1);
    TRY(recv(s[0], text, sizeof text, 0));
    reap(child);
    with_flags(SA_RESTART);
    child = kick(write_late, s[1]);
    TRY(recv(s[0], text, sizeof text, 0));
    reap(child);
    say("%s, %d signals", text, signals);
    struct timeval time = {0, 100000};
    MUST(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    double began = now();
    TRY(recv(s[0], text, sizeof text, 0));
    TRY(read(s[0], text, sizeof text));
    CHECK(now() - began >= 0.2);
    time.tv_sec = 20;
    MUST(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    signals = 0;
    child = kick(NULL, -1);
    TRY(recv(s[0], text, sizeof text, 0));
    reap(child);
    child = kick(NULL, -1);
    TRY(read(s[0], text, sizeof text));
    reap(child);
    struct iovec iov = {text, sizeof text};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    child = kick(NULL, -1);
    TRY(recvmsg(s[0], &m, 0));
    reap(child);
    /* Some of it has come before the signal: that is the result. */
    child = (pid_t)MUST(fork());
    if (child == 0) {
        MUST(write(s[1], "part", 4));
        if (wait_asleep(getppid()))
            kill(getppid(), SIGUSR1);
        _exit(0);
    }
    TRY(recv(s[0], text, 10, MSG_WAITALL));
    reap(child);
    say("%d signals", signals);
    time = (struct timeval){0, 100000};
    MUST(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
    static char data[1 << 20];
    long sent = 0, n;
    while ((n = send(s[0], data, sizeof data, 0)) > 0)
        sent += n;
    say("filled: %s", error_name(errno));
    time.tv_sec = 20;
    MUST(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
    child = kick(NULL, -1);
    TRY(send(s[0], data, 100, 0));
    reap(child);
    TRY(send(s[0], data, 100, MSG_DONTWAIT));
    TRY(shutdown(s[1], SHUT_RD));
    TRY(send(s[0], data, 100, MSG_NOSIGNAL));
}

static int shared = -1;

static void *shut(void *pid)
{
    (void)pid;
    wait_asleep(getpid());
    shutdown(shared, SHUT_RDWR);
    return NULL;
}

static void *close_it(void *go)
{
    int peer = *(int *)go;
    wait_asleep(getpid());
    close(shared);
    if (wait_asleep(getpid()))
        MUST(write(peer, "after close", 11));
    return NULL;
}

static void by_threads(void)
{
    pthread_t thread;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    shared = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(bind(shared, (struct sockaddr *)&address, sizeof address));
    MUST(listen(shared, 1));
    pthread_create(&thread, NULL, shut, NULL);
    TRY(accept(shared, NULL, NULL)); /* woken by the shutdown */
    pthread_join(thread, NULL);
    close(shared);
    int s[2];
    char text[16] = "";
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    shared = s[0];
    pthread_create(&thread, NULL, shut, NULL);
    TRY(recv(shared, text, sizeof text, 0));
    pthread_join(thread, NULL);
    close(shared);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    shared = s[0];
    pthread_create(&thread, NULL, close_it, &s[1]);
    TRY(recv(shared, text, sizeof text, 0)); /* the closed socket lives as long as it is waited on */
    pthread_join(thread, NULL);
    say("%s", text);
    TRY(recv(shared, text, sizeof text, 0));
}

static void connects(void)
{
    /* A full queue of a unix listener: connect blocks. */
    unlink("name");
    int l = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fds[8];
    MUST(bind(l, (struct sockaddr *)&name, sizeof name));
    MUST(listen(l, 0));
    for (int i = 0; i < 2; i++)
        fds[i] = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    TRY(connect(fds[0], (struct sockaddr *)&name, sizeof name));
    MUST(fcntl(fds[1], F_SETFL, O_NONBLOCK));
    TRY(connect(fds[1], (struct sockaddr *)&name, sizeof name));
    MUST(fcntl(fds[1], F_SETFL, 0));
    with_flags(0);
    pid_t child = kick(NULL, -1);
    TRY(connect(fds[1], (struct sockaddr *)&name, sizeof name));
    reap(child);
    struct timeval time = {0, 100000};
    MUST(setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
    TRY(connect(fds[1], (struct sockaddr *)&name, sizeof name));
}

int main(void)
{
    accepts();
    receives();
    by_threads();
    connects();
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* side-by-side.c: sockets of a network among files, pipes and the terminal's descriptors: numbers, duplicates, children, execs, waits and copies of both */
// also: tls
// transport: unix
// stdin: x
#include "guest.h"

#include <arpa/inet.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>

/* Two ends of a connection, at the lowest free numbers. */
static void make_ends(int ends[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int l = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    MUST(bind(l, (struct sockaddr *)&address, sizeof address));
    MUST(listen(l, 5));
    MUST(getsockname(l, (struct sockaddr *)&address, &length));
    ends[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(ends[0], (struct sockaddr *)&address, sizeof address));
    ends[1] = (int)MUST(accept4(l, NULL, NULL, SOCK_CLOEXEC));
    say("numbers %d %d %d", l, ends[0], ends[1]);
    MUST(close(l));
}

/* What comes out of one end when something is written into the other. */
static void pass(const char *what, int in, int out)
{
    char got[16] = "";
    long n = write(in, "hello", 5);
    say("%s: wrote %ld %s", what, n, n < 0 ? error_name(errno) : "");
    if (n > 0 && (n = read(out, got, sizeof got - 1)) != 5)
        say("%s: read %ld", what, n);
    else if (n > 0)
        say("%s: %s", what, got);
}

static void numbers(void)
{
    int ends[2], p[2], f;
    make_ends(ends);
    f = (int)TRY(open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    TRY(pipe(p));
    TRY(dup(ends[1]));
    TRY(dup2(ends[0], 40));
    TRY(dup3(f, 41, O_CLOEXEC));
    TRY(fcntl(ends[0], F_DUPFD, 20));
    TRY(fcntl(f, F_DUPFD_CLOEXEC, 20));
    TRY(fcntl(ends[1], F_DUPFD_CLOEXEC, 20));
    TRY(fcntl(22, F_GETFD));
    TRY(fcntl(20, F_GETFD));
    TRY(dup3(ends[0], ends[0], 0));
    TRY(dup2(ends[0], ends[0]) == ends[0]);
    TRY(dup2(ends[0], -1));
    TRY(dup2(99, ends[0]));
    pass("duplicates", 40, 22);
    /* One kind over the other. */
    TRY(dup2(f, 40));
    TRY(dup2(ends[0], 41));
    TRY(lseek(40, 0, SEEK_CUR));
    TRY(lseek(41, 0, SEEK_CUR));
    pass("over a file", 41, ends[1]);
    MUST(close(ends[0]));
    pass("its other number", 20, ends[1]);
    TRY(socket(AF_INET, SOCK_DGRAM, 0) == ends[0]);
    TRY(close(ends[0]));
    TRY(open("file", O_RDONLY) == ends[0]);
    TRY(close(ends[0]));
    TRY(close(ends[0]));
    TRY(write(ends[0], "x", 1));
    TRY(close_range(3, 30, 0));
    TRY(fcntl(p[0], F_GETFD));
    TRY(write(22, "x", 1));
    TRY(fcntl(40, F_GETFD));
    TRY(fcntl(41, F_GETFD));
    TRY(close_range(31, ~0u, CLOSE_RANGE_CLOEXEC));
    TRY(fcntl(40, F_GETFD));
    TRY(fcntl(41, F_GETFD));
    TRY(close_range(3, ~0u, 0));
    TRY(open("file", O_RDONLY));
    TRY(close(3));
}

static void waits(void)
{
    int ends[2], p[2];
    char c;
    make_ends(ends);
    MUST(pipe(p));
    struct pollfd fds[5] = {{ends[0], POLLIN, 0}, {p[0], POLLIN, 0}, {0, POLLIN, 0}, {ends[1], POLLIN | POLLOUT, 0}, {99, POLLIN, 0}};
    TRY(poll(fds, 5, 1000));
    say("%x %x %x %x %x", fds[0].revents, fds[1].revents, fds[2].revents, fds[3].revents, fds[4].revents);
    for (int round = 0; round < 2; round++) {
        pid_t child = (pid_t)MUST(fork());
        if (child == 0) {
            MUST(write(round == 0 ? ends[1] : p[1], "x", 1));
            _exit(0);
        }
        TRY(poll(fds, 2, 20000));
        say("%x %x", fds[0].revents, fds[1].revents);
        MUST(read(fds[round].fd, &c, 1));
        fd_set in;
        struct timeval time = {0, 1000};
        FD_ZERO(&in);
        FD_SET(p[0], &in);
        FD_SET(ends[0], &in);
        TRY(select(FD_SETSIZE, &in, NULL, NULL, &time));
        reap(child);
    }
    int set = (int)TRY(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 1}, got[4];
    TRY(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
    event.data.u32 = 2;
    TRY(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &event));
    TRY(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &event));
    TRY(epoll_ctl(set, EPOLL_CTL_DEL, 99, NULL));
    TRY(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &event));
    TRY(epoll_wait(set, got, 4, 0));
    MUST(write(p[1], "x", 1));
    TRY(epoll_wait(set, got, 4, -1));
    say("%u", got[0].data.u32);
    MUST(write(ends[1], "x", 1));
    TRY(epoll_wait(set, got, 4, -1));
    MUST(read(p[0], &c, 1));
    TRY(epoll_wait(set, got, 4, -1));
    say("%u", got[0].data.u32);
    MUST(close(p[1]));
    TRY(epoll_wait(set, got, 4, -1));
    TRY(close_range(3, ~0u, 0));
}

static void copies(void)
{
    int ends[2], p[2];
    char got[32] = "";
    off_t at = 2;
    make_ends(ends);
    MUST(pipe(p));
    make_file("source", "what is in the file");
    int f = (int)MUST(open("source", O_RDWR));
    TRY(sendfile(ends[0], f, &at, 9));
    TRY(read(ends[1], got, sizeof got));
    say("%s at %ld", got, (long)at);
    MUST(write(ends[1], "from the network", 16));
    TRY(splice(ends[0], NULL, p[1], NULL, 8, 0));
    TRY(splice(p[0], NULL, f, &(off_t){0}, 8, 0));
    show_file("source");
    MUST(write(p[1], "pipe", 4));
    TRY(splice(p[0], NULL, ends[1], NULL, 10, 0));
    memset(got, 0, sizeof got);
    TRY(read(ends[0], got, 8));
    TRY(recv(ends[0], got, sizeof got, 0));
    say("%s", got);
    TRY(close_range(3, ~0u, 0));
}

static void *closes(void *argument)
{
    int f = (int)MUST(open("file", O_RDONLY));
    MUST(close(*(int *)argument));
    return (void *)(long)f;
}

/* Threads share the numbers, children have copies, and an exec keeps what is not close-on-exec. */
static void families(const char *program)
{
    int ends[2];
    pthread_t thread;
    void *result;
    char number[2][8];
    make_ends(ends);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        MUST(close(ends[1]));
        say("child: number %d", (int)MUST(open("file", O_RDONLY)));
        MUST(write(ends[0], "from the child", 14));
        _exit(0);
    }
    char got[32] = "";
    TRY(read(ends[1], got, sizeof got));
    say("%s", got);
    reap(child);
    int again = (int)MUST(dup(ends[0]));
    MUST(pthread_create(&thread, NULL, closes, &again) == 0 ? 0 : -1);
    MUST(pthread_join(thread, &result) == 0 ? 0 : -1);
    say("thread: file %ld", (long)result - again);
    TRY(socket(AF_INET6, SOCK_STREAM, 0) == again);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        snprintf(number[0], sizeof number[0], "%d", ends[0]);
        snprintf(number[1], sizeof number[1], "%d", ends[1]);
        execl("/proc/self/exe", program, number[0], number[1], NULL);
        say("exec: %s", error_name(errno));
        _exit(1);
    }
    memset(got, 0, sizeof got);
    reap(child);
    TRY(read(ends[1], got, sizeof got));
    say("%s", got);
    TRY(close_range(3, ~0u, 0));
}

static void limits(void)
{
    struct rlimit limit = {12, 12};
    int count = 0, fd;
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    while ((fd = count % 2 == 0 ? socket(AF_INET, SOCK_STREAM, 0) : open("file", O_RDONLY)) >= 0)
        count++;
    say("%d: %s", count, error_name(errno));
    TRY(close(5));
    TRY(dup(0));
    TRY(dup(4));
    TRY(fcntl(4, F_DUPFD, 100));
    TRY(dup2(3, 12));
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        TRY(fcntl(atoi(argv[2]), F_GETFD));
        TRY(write(atoi(argv[1]), "from the executed", 17));
        TRY(open("file", O_RDONLY));
        return 0;
    }
    numbers();
    waits();
    copies();
    families(argv[0]);
    limits();
    return 0;
}

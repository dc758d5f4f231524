// SPDX-License-Identifier: GPL-2.0-only
/* socket-tcp.c: TCP: non-blocking connect, urgent data, MSG_PEEK, WAITALL, TRUNC, MORE, NOSIGNAL, resets, TCP_DEFER_ACCEPT, TCP_FASTOPEN, TCP_INFO, IPv6, ioctls */
// limit: 60
// also: preload
#include "guest.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

static struct sockaddr_in address = {.sin_family = AF_INET};
static volatile int signals;
static void handler(int number) { signals = number; }

static int listener(void)
{
    socklen_t size = sizeof address;
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    MUST(bind(fd, (struct sockaddr *)&address, sizeof address));
    MUST(listen(fd, 8));
    MUST(getsockname(fd, (struct sockaddr *)&address, &size));
    return fd;
}

static int dial(int flags)
{
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | flags, 0));
    if (flags == 0)
        MUST(connect(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n = poll(&p, 1, 10000);
    say("poll %d, revents %x", n, p.revents);
}

static int error_of(int fd)
{
    int code = -1;
    socklen_t length = sizeof code;
    MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length));
    return code;
}

static void nonblocking(void)
{
    say("-- non-blocking");
    int l = listener(), fd = dial(SOCK_NONBLOCK);
    TRY(fcntl(l, F_SETFL, O_NONBLOCK));
    TRY(accept(l, NULL, NULL));
    int result = connect(fd, (struct sockaddr *)&address, sizeof address);
    CHECK(result == 0 || errno == EINPROGRESS);
    wait_for(fd, POLLOUT);
    say("error %d", error_of(fd));
    wait_for(l, POLLIN);
    int other = (int)MUST(accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    CHECK(fcntl(other, F_GETFL) & O_NONBLOCK);
    CHECK(fcntl(other, F_GETFD) == FD_CLOEXEC);
    TRY(connect(fd, (struct sockaddr *)&address, sizeof address));
    char byte;
    TRY(recv(fd, &byte, 1, 0));
    struct sockaddr_in peer;
    socklen_t size = 4;
    memset(&peer, 0xff, sizeof peer);
    TRY(getpeername(fd, (struct sockaddr *)&peer, &size));
    say("size %u, family %d, untouched %d", size, peer.sin_family, peer.sin_addr.s_addr == 0xffffffff);
    close(other);
    close(fd);
    close(l);
    fd = dial(SOCK_NONBLOCK); /* nobody listens there now */
    result = connect(fd, (struct sockaddr *)&address, sizeof address);
    CHECK(result == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
    if (errno == EINPROGRESS) {
        wait_for(fd, POLLOUT);
        say("error %s, then %d", error_name(error_of(fd)), error_of(fd));
    }
    TRY(getpeername(fd, (struct sockaddr *)&peer, &size));
    close(fd);
    fd = dial(SOCK_NONBLOCK);
    TRY(send(fd, "x", 1, MSG_NOSIGNAL));
    TRY(shutdown(fd, SHUT_WR));
    TRY(listen(fd, 1));
    TRY(connect(fd, (struct sockaddr *)&address, 3));
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    TRY(connect(fd, &unspecified, sizeof unspecified));
    close(fd);
}

static void flags(void)
{
    char text[32] = "";
    int l = listener(), a = dial(0), b = (int)MUST(accept(l, NULL, NULL)), n;
    say("-- flags");
    TRY(send(a, "abc", 3, MSG_MORE));
    TRY(send(a, "def", 3, 0));
    TRY(recv(b, text, 6, MSG_WAITALL | MSG_PEEK));
    say("peeked %s", text);
    TRY(ioctl(b, FIONREAD, &n));
    say("%d bytes", n);
    memset(text, 0, sizeof text);
    TRY(recv(b, text, 2, 0));
    TRY(recv(b, NULL, 2, MSG_TRUNC)); /* of a stream: thrown away */
    TRY(recv(b, text + 2, 20, 0));
    say("%s", text);
    TRY(recv(b, text, 20, MSG_DONTWAIT));
    TRY(ioctl(a, SIOCOUTQ, &n));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        for (int i = 0; i < 5; i++) {
            MUST(send(a, "12", 2, 0));
            usleep(20000);
        }
        _exit(0);
    }
    TRY(recv(b, text, 10, MSG_WAITALL));
    say("%.10s", text);
    reap(child);
    close(a);
    close(b);
    close(l);
}

static void urgent(void)
{
    char text[32] = "";
    int l = listener(), a = dial(0), b = (int)MUST(accept(l, NULL, NULL)), n;
    say("-- urgent");
    struct sigaction action = {.sa_handler = handler};
    MUST(sigaction(SIGURG, &action, NULL));
    TRY(send(a, "normal", 6, 0));
    TRY(send(a, "!", 1, MSG_OOB));
    TRY(send(a, "after", 5, 0));
    wait_for(b, POLLPRI);
    TRY(ioctl(b, SIOCATMARK, &n));
    say("at the mark: %d", n);
    memset(text, 0, sizeof text);
    TRY(recv(b, text, 20, 0));
    say("%s", text);
    TRY(ioctl(b, SIOCATMARK, &n));
    say("at the mark: %d", n);
    TRY(recv(b, text, 1, MSG_OOB));
    say("urgent %c", text[0]);
    TRY(recv(b, text, 1, MSG_OOB));
    memset(text, 0, sizeof text);
    TRY(recv(b, text, 20, 0));
    say("%s", text);
    close(a);
    close(b);
    close(l);
}

static void ends(void)
{
    char text[32] = "";
    int l = listener(), a = dial(0), b = (int)MUST(accept(l, NULL, NULL));
    struct sigaction action = {.sa_handler = handler};
    say("-- ends");
    struct linger reset = {1, 0};
    MUST(setsockopt(a, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
    close(a);
    wait_for(b, POLLIN);
    TRY(recv(b, text, 20, 0));
    TRY(recv(b, text, 20, 0));
    MUST(sigaction(SIGPIPE, &action, NULL));
    signals = 0;
    TRY(send(b, "x", 1, MSG_NOSIGNAL));
    say("signal %d", signals);
    TRY(send(b, "x", 1, 0));
    say("signal %d", signals);
    close(b);
    a = dial(0);
    b = (int)MUST(accept(l, NULL, NULL));
    TRY(shutdown(a, SHUT_WR));
    wait_for(b, POLLIN | POLLRDHUP);
    TRY(read(b, text, 1));
    TRY(write(b, "still", 5));
    memset(text, 0, sizeof text);
    TRY(read(a, text, 10));
    say("%s", text);
    TRY(write(a, "x", 1));
    struct tcp_info info;
    socklen_t length = sizeof info;
    memset(&info, 0, sizeof info);
    TRY(getsockopt(b, IPPROTO_TCP, TCP_INFO, &info, &length));
    say("state %d", info.tcpi_state);
    length = 1;
    TRY(getsockopt(b, IPPROTO_TCP, TCP_INFO, &info, &length));
    say("length %u", length);
    close(a);
    close(b);
    close(l);
}

static void deferred(void)
{
    say("-- deferred accept, fast open");
    int l = listener(), seconds = 10;
    TRY(setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds));
    MUST(fcntl(l, F_SETFL, O_NONBLOCK));
    int a = dial(0);
    TRY(accept(l, NULL, NULL));
    TRY(send(a, "now", 3, 0));
    wait_for(l, POLLIN);
    WORKS(accept(l, NULL, NULL));
    close(a);
    close(l);
    l = listener();
    int queue = 5;
    TRY(setsockopt(l, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof queue));
    a = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    TRY(sendto(a, "early", 5, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof address));
    int b = (int)MUST(accept(l, NULL, NULL));
    char text[8] = "";
    TRY(recv(b, text, sizeof text, 0));
    say("%s", text);
    close(a);
    close(b);
    close(l);
}

static void version_6(void)
{
    say("-- IPv6");
    struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, peer;
    socklen_t size = sizeof own;
    char text[64] = "";
    int l = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    TRY(bind(l, (struct sockaddr *)&own, sizeof own));
    TRY(listen(l, 2));
    MUST(getsockname(l, (struct sockaddr *)&own, &size));
    int a = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    TRY(connect(a, (struct sockaddr *)&own, sizeof own));
    size = sizeof peer;
    int b = (int)MUST(accept(l, (struct sockaddr *)&peer, &size));
    say("%u %s", size, inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
    TRY(sendto(a, "six", 3, 0, NULL, 0));
    size = sizeof peer;
    TRY(recvfrom(b, text, sizeof text, 0, (struct sockaddr *)&peer, &size));
    say("%u", size);
    close(l);
    /* An IPv4 client at an IPv6 listener. */
    own.sin6_addr = in6addr_any;
    own.sin6_port = 0;
    l = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    MUST(bind(l, (struct sockaddr *)&own, sizeof own));
    MUST(listen(l, 2));
    size = sizeof own;
    MUST(getsockname(l, (struct sockaddr *)&own, &size));
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = own.sin6_port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    a = dial(0);
    size = sizeof peer;
    b = (int)MUST(accept(l, (struct sockaddr *)&peer, &size));
    say("%s", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
}

static void large(void)
{
    say("-- more than a request");
    int l = listener();
    size_t total = 5u << 20;
    char *data = malloc(total);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        int a = dial(0);
        memset(data, 'L', total);
        _exit(send(a, data, total, 0) == (ssize_t)total ? 0 : 1);
    }
    int b = (int)MUST(accept(l, NULL, NULL));
    say("received %zd", recv(b, data, total, MSG_WAITALL));
    CHECK(data[0] == 'L' && data[total - 1] == 'L');
    say_end("sender", child);
    free(data);
}

int main(void)
{
    nonblocking();
    flags();
    urgent();
    ends();
    deferred();
    version_6();
    large();
    return 0;
}

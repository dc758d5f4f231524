// SPDX-License-Identifier: GPL-2.0-only
/* socket-control.c: control messages: credentials, descriptors, timestamps, packet information, TTL and TOS, errors of the queue, UDP segments */
#include "guest.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/un.h>

static pid_t first;

static void on(int fd, int level, int option)
{
    int one = 1;
    MUST(setsockopt(fd, level, option, &one, sizeof one));
}

static const char *pid_name(pid_t pid) { return pid == first ? "the first" : pid == getpid() ? "itself" : pid == getppid() ? "the parent" : pid == 0 ? "nobody" : "another"; }

static void show_control(const struct cmsghdr *c)
{
    const unsigned char *data = CMSG_DATA(c);
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
        struct ucred u;
        memcpy(&u, data, sizeof u);
        say("  credentials: %s, %u:%u", pid_name(u.pid), u.uid, u.gid);
    } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        say("  %zu descriptors", (c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            int fd;
            char text[16] = "";
            memcpy(&fd, data + i * sizeof fd, sizeof fd);
            TRY(read(fd, text, sizeof text));
            say("  \"%s\", close on exec: %d", text, fcntl(fd, F_GETFD));
            close(fd);
        }
    } else if (c->cmsg_level == SOL_SOCKET && (c->cmsg_type == SO_TIMESTAMP || c->cmsg_type == SO_TIMESTAMPNS || c->cmsg_type == SO_TIMESTAMPING)) {
        int64_t seconds;
        memcpy(&seconds, data, sizeof seconds);
        say("  time of type %d, length %d, %s", c->cmsg_type, (int)c->cmsg_len, seconds > 1500000000 ? "now" : "none");
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo i;
        memcpy(&i, data, sizeof i);
        say("  interface %d, for %08x", i.ipi_ifindex, ntohl(i.ipi_addr.s_addr));
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo i;
        char text[64];
        memcpy(&i, data, sizeof i);
        say("  interface %d, for %s", (int)i.ipi6_ifindex, inet_ntop(AF_INET6, &i.ipi6_addr, text, sizeof text));
    } else if (c->cmsg_type == IP_RECVERR || (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
        struct sock_extended_err e;
        memcpy(&e, data, sizeof e);
        say("  error %s, origin %d, type %d, code %d", error_name((int)e.ee_errno), e.ee_origin, e.ee_type, e.ee_code);
    } else {
        int number = 0;
        memcpy(&number, data, c->cmsg_len - CMSG_LEN(0) < sizeof number ? c->cmsg_len - CMSG_LEN(0) : sizeof number);
        say("  level %d type %d length %d: %d", c->cmsg_level, c->cmsg_type, (int)c->cmsg_len, number);
    }
}

static void receive(const char *what, int fd, size_t control_room, int flags)
{
    char data[64] = "", name[128];
    union {
        struct cmsghdr align;
        char bytes[512];
    } control;
    struct iovec iov = {data, sizeof data - 1};
    struct msghdr m = {.msg_name = name, .msg_namelen = sizeof name, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = control_room};
    memset(&control, 0, sizeof control);
    ssize_t n = recvmsg(fd, &m, flags);
    if (n < 0) {
        say("%s: %s", what, error_name(errno));
        return;
    }
    say("%s: %zd bytes \"%s\", name of %d, control of %zu, flags %x", what, n, data, (int)m.msg_namelen, (size_t)m.msg_controllen, m.msg_flags);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
        show_control(c);
}

static ssize_t send_control(int fd, const void *to, socklen_t to_size, const char *text, int level, int type, const void *value, size_t size)
{
    union {
        struct cmsghdr align;
        char bytes[256];
    } control;
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr m = {.msg_name = (void *)(uintptr_t)to, .msg_namelen = to_size, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(size)};
    memset(&control, 0, sizeof control);
    control.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(&control.align), value, size);
    return sendmsg(fd, &m, 0);
}

static void credentials(void)
{
    int s[2];
    say("-- credentials");
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    MUST(send(s[0], "before", 6, 0));
    on(s[1], SOL_SOCKET, SO_PASSCRED);
    receive("sent before SO_PASSCRED", s[1], 512, 0);
    struct ucred own = {getpid(), getuid(), getgid()}, other = own;
    MUST(send(s[0], "implied", 7, 0));
    receive("implied", s[1], 512, 0);
    TRY(send_control(s[0], NULL, 0, "said", SOL_SOCKET, SCM_CREDENTIALS, &own, sizeof own));
    receive("said", s[1], 512, 0);
    other.uid = 54321;
    TRY(send_control(s[0], NULL, 0, "lied", SOL_SOCKET, SCM_CREDENTIALS, &other, sizeof other));
    other = own;
    other.pid = 1;
    TRY(send_control(s[0], NULL, 0, "lied", SOL_SOCKET, SCM_CREDENTIALS, &other, sizeof other));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        MUST(send(s[0], "a child's", 9, 0));
        struct ucred child_own = {getpid(), getuid(), getgid()};
        MUST(send_control(s[0], NULL, 0, "said by it", SOL_SOCKET, SCM_CREDENTIALS, &child_own, sizeof child_own));
        _exit(0);
    }
    reap(child);
    receive("of a child", s[1], 512, 0);
    receive("of a child", s[1], 512, 0);
    MUST(send(s[0], "no room", 7, 0));
    receive("no room", s[1], 8, 0);
    struct ucred peer;
    socklen_t length = sizeof peer;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    TRY(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &peer, &length));
    say("peer %s %u:%u", pid_name(peer.pid), peer.uid, peer.gid);
    gid_t groups[8];
    length = 0;
    TRY(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, groups, &length));
    say("length %u", length);
}

static void descriptors(void)
{
    int s[2], fds[3];
    say("-- descriptors");
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    for (int i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "f%d", i);
        make_file(name, name);
        fds[i] = (int)MUST(open(name, O_RDONLY));
    }
    TRY(send_control(s[0], NULL, 0, "three", SOL_SOCKET, SCM_RIGHTS, fds, sizeof fds));
    receive("three", s[1], 512, MSG_CMSG_CLOEXEC);
    TRY(send_control(s[0], NULL, 0, "three", SOL_SOCKET, SCM_RIGHTS, fds, sizeof fds));
    receive("room for one", s[1], CMSG_SPACE(sizeof(int)), 0);
    TRY(send_control(s[0], NULL, 0, "unread", SOL_SOCKET, SCM_RIGHTS, fds, sizeof fds));
    receive("room for none", s[1], 0, 0);
    fds[1] = 999;
    TRY(send_control(s[0], NULL, 0, "bad", SOL_SOCKET, SCM_RIGHTS, fds, sizeof fds));
    TRY(send_control(s[0], NULL, 0, "bad", SOL_SOCKET, 77, fds, sizeof fds));
    TRY(send_control(s[0], NULL, 0, "peeked", SOL_SOCKET, SCM_RIGHTS, fds, sizeof fds[0]));
    receive("peeked", s[1], 512, MSG_PEEK);
    receive("after the peek", s[1], 512, 0);
    /* A socket through itself, kept alive by what is on the way in it. */
    TRY(send_control(s[0], NULL, 0, "x", SOL_SOCKET, SCM_RIGHTS, &s[1], sizeof s[1]));
    close(s[0]);
    close(s[1]);
}

static int bound(int family, void *address, socklen_t *size)
{
    int fd = (int)MUST(socket(family, SOCK_DGRAM, 0));
    memset(address, 0, *size);
    if (family == AF_INET)
        *(struct sockaddr_in *)address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    else
        *(struct sockaddr_in6 *)address = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    MUST(bind(fd, address, *size));
    MUST(getsockname(fd, address, size));
    return fd;
}

static void packets(int family)
{
    struct sockaddr_storage address, gone;
    socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6), gone_size = size;
    say("-- packets of %s", family == AF_INET ? "IPv4" : "IPv6");
    int to = bound(family, &address, &size), from = (int)MUST(socket(family, SOCK_DGRAM, 0)), number = 33, traffic = 0x20;
    if (family == AF_INET) {
        on(to, IPPROTO_IP, IP_PKTINFO);
        on(to, IPPROTO_IP, IP_RECVTTL);
        on(to, IPPROTO_IP, IP_RECVTOS);
        TRY(send_control(from, &address, size, "ttl", IPPROTO_IP, IP_TTL, &number, sizeof number));
        receive("ttl", to, 512, 0);
        TRY(send_control(from, &address, size, "tos", IPPROTO_IP, IP_TOS, &traffic, sizeof traffic));
        receive("tos", to, 512, 0);
        struct in_pktinfo source = {.ipi_spec_dst.s_addr = htonl(0x7f000005)};
        TRY(send_control(from, &address, size, "source", IPPROTO_IP, IP_PKTINFO, &source, sizeof source));
        receive("source", to, 512, 0);
    } else {
        on(to, IPPROTO_IPV6, IPV6_RECVPKTINFO);
        on(to, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
        on(to, IPPROTO_IPV6, IPV6_RECVTCLASS);
        TRY(send_control(from, &address, size, "hops", IPPROTO_IPV6, IPV6_HOPLIMIT, &number, sizeof number));
        receive("hops", to, 512, 0);
        TRY(send_control(from, &address, size, "class", IPPROTO_IPV6, IPV6_TCLASS, &traffic, sizeof traffic));
        receive("class", to, 512, 0);
    }
    on(to, SOL_SOCKET, SO_TIMESTAMP);
    TRY(sendto(from, "time", 4, 0, (struct sockaddr *)&address, size));
    receive("time", to, 512, 0);
    on(to, SOL_SOCKET, SO_TIMESTAMPNS);
    TRY(sendto(from, "ns", 2, 0, (struct sockaddr *)&address, size));
    receive("ns", to, 512, 0);
    int what = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    TRY(setsockopt(to, SOL_SOCKET, SO_TIMESTAMPING, &what, sizeof what));
    TRY(sendto(from, "stamping", 8, 0, (struct sockaddr *)&address, size));
    receive("stamping", to, 512, 0);
    /* Errors of the queue: nobody is at the port. */
    close(bound(family, &gone, &gone_size));
    on(from, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR);
    TRY(sendto(from, "lost", 4, 0, (struct sockaddr *)&gone, size));
    struct pollfd p = {.fd = from};
    TRY(poll(&p, 1, 5000));
    say("revents %x", p.revents);
    receive("the error", from, 512, MSG_ERRQUEUE);
    receive("no other", from, 512, MSG_ERRQUEUE);
    TRY(recv(from, &number, sizeof number, MSG_DONTWAIT));
    what = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;
    TRY(setsockopt(from, SOL_SOCKET, SO_TIMESTAMPING, &what, sizeof what));
    TRY(sendto(from, "sent at", 7, 0, (struct sockaddr *)&address, size));
    TRY(poll(&p, 1, 5000));
    receive("sent at", from, 512, MSG_ERRQUEUE);
    close(to);
    close(from);
}

static void segments(void)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(struct sockaddr_in);
    say("-- segments");
    int to = bound(AF_INET, &address, &size), from = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    uint16_t segment = 3;
    TRY(send_control(from, &address, size, "abcdefgh", IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment));
    for (int i = 0; i < 4; i++)
        receive("segment", to, 512, MSG_DONTWAIT);
    on(to, IPPROTO_UDP, UDP_GRO);
    TRY(send_control(from, &address, size, "abcdefgh", IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment));
    receive("together", to, 512, MSG_DONTWAIT);
}

int main(void)
{
    first = getpid();
    credentials();
    descriptors();
    packets(AF_INET);
    packets(AF_INET6);
    segments();
    return 0;
}

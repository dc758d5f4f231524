// SPDX-License-Identifier: GPL-2.0-only
/* socket-options.c: options of sockets of all families, read, set and read again; value-result lengths; packet filters; what is refused */
// also: preload
#include "guest.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static void get(int fd, const char *name, int level, int option, socklen_t room)
{
    unsigned char value[300];
    char text[700] = "";
    size_t at = 0;
    socklen_t length = room;
    memset(value, 0xee, sizeof value);
    int result = getsockopt(fd, level, option, value, &length);
    int code = errno;
    for (socklen_t i = 0; i < room && i < 40; i++)
        at += (size_t)sprintf(text + at, "%02x", value[i]);
    say("get %s in %d: %s, length %d, %s", name, (int)room, result < 0 ? error_name(code) : "done", (int)length, text);
}

static void set(int fd, const char *name, int level, int option, const void *value, socklen_t length)
{
    int result = setsockopt(fd, level, option, value, length);
    say("set %s: %s", name, result < 0 ? error_name(errno) : "done");
}

#define GET(fd, level, option) get(fd, #option, level, option, 4)
#define GET_ROOM(fd, level, option, room) get(fd, #option, level, option, room)
#define SET_INT(fd, level, option, number) \
    do { \
        int value = number; \
        set(fd, #option " " #number, level, option, &value, sizeof value); \
        GET(fd, level, option); \
    } while (0)
#define SET(fd, level, option, value) set(fd, #option, level, option, &(value), sizeof(value))

static void common(const char *what, int fd)
{
    say("-- %s", what);
    struct timeval time = {1, 500000};
    struct linger linger = {1, 2};
    GET(fd, SOL_SOCKET, SO_TYPE);
    GET(fd, SOL_SOCKET, SO_DOMAIN);
    GET(fd, SOL_SOCKET, SO_PROTOCOL);
    GET(fd, SOL_SOCKET, SO_ERROR);
    GET(fd, SOL_SOCKET, SO_ACCEPTCONN);
    SET_INT(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    SET_INT(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    SET_INT(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    SET_INT(fd, SOL_SOCKET, SO_BROADCAST, 1);
    SET_INT(fd, SOL_SOCKET, SO_OOBINLINE, 1);
    SET_INT(fd, SOL_SOCKET, SO_SNDBUF, 30000);
    SET_INT(fd, SOL_SOCKET, SO_RCVBUF, 30000);
    SET_INT(fd, SOL_SOCKET, SO_SNDBUFFORCE, 40000);
    SET_INT(fd, SOL_SOCKET, SO_PRIORITY, 5);
    SET_INT(fd, SOL_SOCKET, SO_MARK, 7);
    SET_INT(fd, SOL_SOCKET, SO_RCVLOWAT, 3);
    SET_INT(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
    SET_INT(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    SET_INT(fd, SOL_SOCKET, SO_PASSCRED, 1);
    SET_INT(fd, SOL_SOCKET, SO_DONTROUTE, 1);
    SET_INT(fd, SOL_SOCKET, SO_NO_CHECK, 1);
    SET(fd, SOL_SOCKET, SO_RCVTIMEO, time);
    GET_ROOM(fd, SOL_SOCKET, SO_RCVTIMEO, 16);
    time.tv_usec = 2000000;
    SET(fd, SOL_SOCKET, SO_SNDTIMEO, time);
    GET_ROOM(fd, SOL_SOCKET, SO_SNDTIMEO, 20);
    SET(fd, SOL_SOCKET, SO_LINGER, linger);
    GET_ROOM(fd, SOL_SOCKET, SO_LINGER, 8);
    GET_ROOM(fd, SOL_SOCKET, SO_LINGER, 5);
    GET_ROOM(fd, SOL_SOCKET, SO_TYPE, 2);
    GET_ROOM(fd, SOL_SOCKET, SO_TYPE, 0);
    GET_ROOM(fd, SOL_SOCKET, SO_TYPE, 100);
    GET(fd, SOL_SOCKET, 12345);
    set(fd, "SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
    GET_ROOM(fd, SOL_SOCKET, SO_BINDTODEVICE, 16);
    set(fd, "with no value", SOL_SOCKET, SO_REUSEADDR, NULL, 4);
    set(fd, "too short", SOL_SOCKET, SO_REUSEADDR, "", 1);
    int none = -1;
    TRY(getsockopt(fd, SOL_SOCKET, SO_TYPE, &none, NULL));
    socklen_t bad = (socklen_t)-1;
    TRY(getsockopt(fd, SOL_SOCKET, SO_TYPE, &none, &bad));
    bad = 4;
    TRY(getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, &bad));
}

static void filters(void)
{
    int s[2];
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    struct sock_filter first_is_a[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'a', 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 2), /* cut */
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {4, first_is_a}, wild = {4, (void *)8}, empty = {0, first_is_a}, huge = {5000, first_is_a};
    char text[16] = "";
    say("-- filters");
    SET(s[1], SOL_SOCKET, SO_ATTACH_FILTER, wild);
    SET(s[1], SOL_SOCKET, SO_ATTACH_FILTER, empty);
    SET(s[1], SOL_SOCKET, SO_ATTACH_FILTER, huge);
    set(s[1], "SO_ATTACH_FILTER, short", SOL_SOCKET, SO_ATTACH_FILTER, &program, 8);
    GET_ROOM(s[1], SOL_SOCKET, SO_GET_FILTER, 0);
    SET(s[1], SOL_SOCKET, SO_ATTACH_FILTER, program);
    TRY(send(s[0], "bcd", 3, 0));
    TRY(send(s[0], "abc", 3, 0));
    TRY(recv(s[1], text, sizeof text, MSG_DONTWAIT));
    say("%s", text);
    struct sock_filter back[8];
    socklen_t length = 0;
    TRY(getsockopt(s[1], SOL_SOCKET, SO_GET_FILTER, NULL, &length));
    say("%u instructions", length);
    length = 2;
    TRY(getsockopt(s[1], SOL_SOCKET, SO_GET_FILTER, back, &length));
    length = 8;
    TRY(getsockopt(s[1], SOL_SOCKET, SO_GET_FILTER, back, &length));
    say("%u instructions, %s", length, memcmp(back, first_is_a, sizeof first_is_a) == 0 ? "the same" : "others");
    length = 8;
    TRY(getsockopt(s[1], SOL_SOCKET, SO_GET_FILTER, (void *)8, &length));
    SET_INT(s[1], SOL_SOCKET, SO_DETACH_FILTER, 0);
    SET_INT(s[1], SOL_SOCKET, SO_DETACH_FILTER, 0);
    SET(s[1], SOL_SOCKET, SO_ATTACH_FILTER, program);
    SET_INT(s[1], SOL_SOCKET, SO_LOCK_FILTER, 1);
    SET_INT(s[1], SOL_SOCKET, SO_LOCK_FILTER, 0);
    SET_INT(s[1], SOL_SOCKET, SO_DETACH_FILTER, 0);
    SET(s[1], SOL_SOCKET, SO_ATTACH_FILTER, program);
    SET_INT(s[1], SOL_SOCKET, SO_ATTACH_BPF, 1234);

}

/* Two sockets of a port: the program says which of them gets a datagram. */
static void choices(void)
{
    char text[16];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct sock_filter second[] = {BPF_STMT(BPF_RET | BPF_K, 1)};
    struct sock_fprog choose = {1, second};
    int port[2], one = 1;
    for (int i = 0; i < 2; i++) {
        port[i] = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
        MUST(setsockopt(port[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof one));
        MUST(bind(port[i], (struct sockaddr *)&address, sizeof address));
        MUST(getsockname(port[i], (struct sockaddr *)&address, &size));
    }
    SET(port[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, choose);
    int from = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    for (int i = 0; i < 4; i++)
        MUST(sendto(from, "x", 1, 0, (struct sockaddr *)&address, sizeof address));
    TRY(recv(port[0], text, sizeof text, MSG_DONTWAIT));
    for (int i = 0; i < 4; i++)
        TRY(recv(port[1], text, sizeof text, MSG_DONTWAIT));
    SET_INT(port[0], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
}

static void of_tcp(void)
{
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    common("tcp", fd);
    SET_INT(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    SET_INT(fd, IPPROTO_TCP, TCP_CORK, 1);
    SET_INT(fd, IPPROTO_TCP, TCP_KEEPIDLE, 20);
    SET_INT(fd, IPPROTO_TCP, TCP_KEEPINTVL, 21);
    SET_INT(fd, IPPROTO_TCP, TCP_KEEPCNT, 22);
    SET_INT(fd, IPPROTO_TCP, TCP_SYNCNT, 4);
    SET_INT(fd, IPPROTO_TCP, TCP_LINGER2, 10);
    SET_INT(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3);
    SET_INT(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
    SET_INT(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
    SET_INT(fd, IPPROTO_TCP, TCP_MAXSEG, 1000);
    SET_INT(fd, IPPROTO_TCP, TCP_FASTOPEN, 5);
    set(fd, "TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
    GET_ROOM(fd, IPPROTO_TCP, TCP_CONGESTION, 16);
    set(fd, "TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, "none such", 9);
    set(fd, "TCP_ULP", IPPROTO_TCP, TCP_ULP, "none such", 9);
    SET_INT(fd, IPPROTO_TCP, TCP_REPAIR, 1);
    SET_INT(fd, IPPROTO_IP, IP_TOS, 0x10);
    SET_INT(fd, IPPROTO_IP, IP_TTL, 77);
    SET_INT(fd, IPPROTO_IP, IP_TTL, 1000);
    SET_INT(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    SET_INT(fd, IPPROTO_IP, IP_FREEBIND, 1);
    SET_INT(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
    GET(fd, IPPROTO_IP, IP_MTU);
    set(fd, "IP_OPTIONS", IPPROTO_IP, IP_OPTIONS, "\1\1\1", 4);
    GET_ROOM(fd, IPPROTO_IP, IP_OPTIONS, 40);
    set(fd, "IPT_SO_SET_REPLACE", IPPROTO_IP, 64, "", 1);
    struct tcp_info info;
    socklen_t length = sizeof info;
    TRY(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
    say("state %u", info.tcpi_state);
}

int main(void)
{
    int fd;
    of_tcp();
    fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    common("udp", fd);
    SET_INT(fd, IPPROTO_UDP, UDP_CORK, 1);
    SET_INT(fd, IPPROTO_UDP, UDP_SEGMENT, 500);
    SET_INT(fd, IPPROTO_UDP, UDP_GRO, 1);
    SET_INT(fd, IPPROTO_IP, IP_PKTINFO, 1);
    SET_INT(fd, IPPROTO_IP, IP_RECVTTL, 1);
    SET_INT(fd, IPPROTO_IP, IP_RECVTOS, 1);
    SET_INT(fd, IPPROTO_IP, IP_RECVERR, 1);
    SET_INT(fd, IPPROTO_IP, IP_MULTICAST_TTL, 3);
    SET_INT(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    close(fd);
    fd = (int)MUST(socket(AF_INET6, SOCK_DGRAM, 0));
    common("udp6", fd);
    SET_INT(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    SET_INT(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
    SET_INT(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 8);
    SET_INT(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    SET_INT(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    SET_INT(fd, IPPROTO_IPV6, IPV6_TCLASS, 32);
    SET_INT(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    close(fd);
    fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    common("unix", fd);
    GET_ROOM(fd, SOL_SOCKET, SO_PEERCRED, 12);
    GET_ROOM(fd, SOL_SOCKET, SO_PEERCRED, 4);
    close(fd);
    fd = (int)MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    common("netlink", fd);
    SET_INT(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    SET_INT(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 1);
    GET_ROOM(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, 8);
    GET_ROOM(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, 0);
    close(fd);
    filters();
    choices();
    static const int refused[][2] = {{AF_INET, SOCK_RAW}, {9999, SOCK_STREAM}, {AF_INET, 77}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        WORKS(socket(refused[i][0], refused[i][1], 0));
    TRY(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    TRY(getsockopt(999, SOL_SOCKET, SO_TYPE, NULL, NULL));
    int p[2];
    MUST(pipe(p));
    GET(p[0], SOL_SOCKET, SO_TYPE);
    return 0;
}

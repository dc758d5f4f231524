// SPDX-License-Identifier: GPL-2.0-only
/* socket-udp.c: UDP: connect and disconnect, errors of a closed port, broadcast, multicast on lo, peeks and cut datagrams, sendmmsg and recvmmsg with a timeout, ports shared */
// also: preload
#include "guest.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

static int bound(uint32_t host, struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    MUST(bind(fd, (struct sockaddr *)address, sizeof *address));
    MUST(getsockname(fd, (struct sockaddr *)address, &size));
    return fd;
}

static void connected(void)
{
    struct sockaddr_in to, from, third;
    socklen_t size = sizeof from;
    static char large[70000];
    char text[16] = "";
    int a = bound(INADDR_LOOPBACK, &to), b = bound(INADDR_LOOPBACK, &from), c = bound(INADDR_LOOPBACK, &third), n;
    say("-- connected");
    TRY(send(b, "x", 1, 0));
    TRY(connect(b, (struct sockaddr *)&to, sizeof to));
    TRY(send(b, "one", 3, 0));
    TRY(write(b, "", 0));
    TRY(sendto(c, "by another", 10, 0, (struct sockaddr *)&from, sizeof from));
    TRY(recv(b, text, sizeof text, MSG_DONTWAIT)); /* only its peer's */
    struct sockaddr_in peer;
    TRY(recvfrom(a, text, sizeof text, 0, (struct sockaddr *)&peer, &size));
    CHECK(size == sizeof peer && peer.sin_port == from.sin_port);
    TRY(ioctl(a, FIONREAD, &n));
    TRY(recvfrom(a, text, sizeof text, 0, NULL, NULL));
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    TRY(connect(b, &unspecified, sizeof unspecified)); /* gives up the port too, unless it was asked for by number */
    TRY(bind(b, (struct sockaddr *)&from, sizeof from));
    TRY(getpeername(b, (struct sockaddr *)&peer, &size));
    TRY(sendto(c, "now", 3, 0, (struct sockaddr *)&from, sizeof from));
    TRY(recv(b, text, sizeof text, 0));
    TRY(connect(b, (struct sockaddr *)&to, sizeof to));
    close(a);
    TRY(send(b, "lost", 4, 0));
    TRY(recv(b, text, sizeof text, 0));
    TRY(sendto(b, "x", 1, 0, (struct sockaddr *)&third, 5));
    TRY(sendto(b, large, sizeof large, 0, (struct sockaddr *)&third, sizeof third));
    TRY(sendto(b, (void *)8, 10, 0, (struct sockaddr *)&third, sizeof third));
    TRY(shutdown(b, SHUT_RD));
    close(b);
    close(c);
}

static void spread(void)
{
    struct sockaddr_in any, to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7fffffff)};
    char text[16] = "";
    int a = bound(INADDR_ANY, &any), b = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;
    say("-- broadcast, multicast");
    to.sin_port = any.sin_port;
    TRY(sendto(b, "all", 3, 0, (struct sockaddr *)&to, sizeof to));
    MUST(setsockopt(b, SOL_SOCKET, SO_BROADCAST, &one, sizeof one));
    TRY(sendto(b, "all", 3, 0, (struct sockaddr *)&to, sizeof to));
    TRY(recv(a, text, sizeof text, MSG_DONTWAIT));
    struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xefff0001), .imr_address.s_addr = htonl(INADDR_LOOPBACK)};
    TRY(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    TRY(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    TRY(setsockopt(b, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group));
    to.sin_addr = group.imr_multiaddr;
    TRY(sendto(b, "group", 5, 0, (struct sockaddr *)&to, sizeof to));
    TRY(recv(a, text, sizeof text, MSG_DONTWAIT));
    TRY(setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group));
    TRY(sendto(b, "group", 5, 0, (struct sockaddr *)&to, sizeof to));
    TRY(recv(a, text, sizeof text, MSG_DONTWAIT));
    struct ip_mreq_source source = {group.imr_multiaddr, {htonl(INADDR_LOOPBACK)}, {htonl(INADDR_LOOPBACK)}};
    TRY(setsockopt(a, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &source, sizeof source));
    char bytes[64];
    struct ip_msfilter *filter = (struct ip_msfilter *)(void *)bytes;
    memset(bytes, 0, sizeof bytes);
    filter->imsf_multiaddr = group.imr_multiaddr;
    filter->imsf_interface.s_addr = htonl(INADDR_LOOPBACK);
    filter->imsf_numsrc = 4;
    socklen_t size = sizeof bytes;
    TRY(getsockopt(a, IPPROTO_IP, IP_MSFILTER, bytes, &size));
    say("%u sources, mode %u, the first %08x", filter->imsf_numsrc, filter->imsf_fmode, ntohl(filter->imsf_slist[0].s_addr));
    int b6 = (int)MUST(socket(AF_INET6, SOCK_DGRAM, 0));
    struct ipv6_mreq six = {.ipv6mr_interface = if_nametoindex("lo")};
    inet_pton(AF_INET6, "ff02::1234", &six.ipv6mr_multiaddr);
    TRY(setsockopt(b6, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &six, sizeof six));
    TRY(setsockopt(b6, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &six, sizeof six));
}

static void many(void)
{
    struct sockaddr_in to, names[4];
    int a = bound(INADDR_LOOPBACK, &to), b = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    char in[4][8];
    struct mmsghdr m[4];
    struct iovec iov[4];
    say("-- many");
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){(void *)(uintptr_t)&"abcdefg"[i], 3};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &to, .msg_namelen = sizeof to}};
    }
    TRY(sendmmsg(b, m, 4, 0));
    m[2].msg_hdr.msg_namelen = 3;
    TRY(sendmmsg(b, m, 4, 0));
    TRY(sendmmsg(b, m + 2, 2, 0));
    memset(in, 0, sizeof in);
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){in[i], 2};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &names[i], .msg_namelen = sizeof names[i]}};
    }
    TRY(recvmmsg(a, m, 4, 0, NULL));
    for (int i = 0; i < 4; i++)
        say("%s, %u bytes, flags %x, name of %u", in[i], m[i].msg_len, m[i].msg_hdr.msg_flags, m[i].msg_hdr.msg_namelen);
    struct timespec time = {0, 1};
    TRY(recvmmsg(a, m, 4, 0, &time));
    say("%ld.%ld", (long)time.tv_sec, time.tv_nsec);
    TRY(recvmmsg(a, m, 4, MSG_DONTWAIT, NULL));
    TRY(recvmmsg(a, m, 4, MSG_DONTWAIT, NULL));
    time.tv_nsec = 1000000000;
    TRY(recvmmsg(a, m, 4, MSG_DONTWAIT, &time));
    TRY(sendmmsg(b, m, 0, 0));
    MUST(sendto(b, "last", 4, 0, (struct sockaddr *)&to, sizeof to));
    time = (struct timespec){30, 0};
    TRY(recvmmsg(a, m, 4, MSG_WAITFORONE, &time));
    CHECK(time.tv_sec == 29);
    MUST(sendto(b, "peek", 4, 0, (struct sockaddr *)&to, sizeof to));
    TRY(recv(a, in, 2, MSG_PEEK));
    TRY(recv(a, in, 2, MSG_PEEK | MSG_TRUNC));
    TRY(recv(a, in, 8, MSG_WAITALL));
}

int main(void)
{
    connected();
    spread();
    many();
    return 0;
}

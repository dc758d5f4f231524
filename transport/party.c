/* SPDX-License-Identifier: GPL-2.0-only */
/* party.c: on whose part a connection is, for limits: what one party cannot change at will. */
#include "transport/transport.h"

#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static void of_ipv6(const struct in6_addr *six, struct rsys_party *ret)
{
    /* An IPv4 client of a listener that takes both. */
    if (IN6_IS_ADDR_V4MAPPED(six)) {
        ret->family = AF_INET;
        memcpy(ret->id, &six->s6_addr[12], 4);
        return;
    }
    /* Whoever has one address of a /64 has them all; but link-local addresses have all one, and are told apart by their other half. */
    ret->family = AF_INET6;
    memcpy(ret->id, IN6_IS_ADDR_LINKLOCAL(six) ? &six->s6_addr[8] : &six->s6_addr[0], 8);
}

void rsys_party_of(int fd, struct rsys_party *ret)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_vm vm;
        struct sockaddr_storage room;
    } name;
    socklen_t size = sizeof name;
    memset(ret, 0, sizeof *ret);
    memset(&name, 0, sizeof name);
    if (getpeername(fd, &name.any, &size) < 0)
        return; /* it has gone already: all such count as one */
    ret->family = name.any.sa_family;
    if (name.any.sa_family == AF_INET) {
        memcpy(ret->id, &name.four.sin_addr, sizeof name.four.sin_addr);
    } else if (name.any.sa_family == AF_INET6) {
        of_ipv6(&name.six.sin6_addr, ret);
    } else if (name.any.sa_family == AF_VSOCK) {
        memcpy(ret->id, &name.vm.svm_cid, sizeof name.vm.svm_cid);
    } else if (name.any.sa_family == AF_UNIX) {
        struct ucred who;
        socklen_t who_size = sizeof who;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size) == 0)
            memcpy(ret->id, &who.uid, sizeof who.uid);
    }
}

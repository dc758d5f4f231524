/* SPDX-License-Identifier: GPL-2.0-only */
/* pin.c: a connection that can only ever be with its present peer.
 *
 * The client's connections are sockets of the server's network namespace, and executors hold them.  Take an executor to be hostile: connect(2) with AF_UNSPEC
 * disconnects a TCP socket, and another connect(2) would reach whatever the server's network reaches, past the sandbox's own.  No seccomp filter can tell
 * this socket from the guest's (descriptors are renumbered by SCM_RIGHTS, addresses lie in memory).  But a socket filter (socket(7), SO_ATTACH_FILTER)
 * sees every segment that comes in, stays over a disconnection, and once locked (SO_LOCK_FILTER) is never changed again by anybody: this one drops what does
 * not come from the present peer's address and port to the present port.  So no other connection of the socket is ever established, and nothing is read
 * from anybody else; what can still be sent is a SYN, whose answer is lost. */
#include "sandbox/sandbox.h"

#include "src/core/util.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

#define LOAD(size, offset) (struct sock_filter) BPF_STMT(BPF_LD | (size) | BPF_ABS, (uint32_t)(offset))
/* Go on when equal, else jump over the `rest` instructions that follow to the last one. */
#define UNLESS(value, rest) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (uint8_t)(rest))

/* The source address, `words` of 32 bits at `at` in the network header; then the ports, at which a TCP socket's filter starts (tcp_filter). */
static unsigned make_filter(struct sock_filter *filter, int at, const uint32_t *address, unsigned words, uint16_t peer_port, uint16_t own_port)
{
    const unsigned length = 2 * words + 6;
    unsigned n = 0;
    for (unsigned i = 0; i < words; i++) {
        filter[n++] = LOAD(BPF_W, SKF_NET_OFF + at + 4 * (int)i);
        filter[n] = UNLESS(ntohl(address[i]), length - 2 - n);
        n++;
    }
    filter[n++] = LOAD(BPF_H, 0);
    filter[n] = UNLESS(ntohs(peer_port), length - 2 - n);
    n++;
    filter[n++] = LOAD(BPF_H, 2);
    filter[n] = UNLESS(ntohs(own_port), length - 2 - n);
    n++;
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX); /* the whole segment */
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);          /* dropped */
    return n;
}

int rsys_sandbox_pin_connection(int fd, struct rsys_error **err)
{
    union name peer, own;
    socklen_t peer_size = sizeof peer, own_size = sizeof own;
    if (getpeername(fd, &peer.any, &peer_size) < 0 || getsockname(fd, &own.any, &own_size) < 0)
        return rsys_error_make(err, errno, "pin the client's connection: its names");
    struct sock_filter filter[16];
    struct sock_fprog program = {.filter = filter};
    uint32_t address[4];
    switch (peer.any.sa_family) {
    case AF_UNIX:
        return 1; /* a connected one stays connected to its peer */
    case AF_VSOCK:
        /* So does one that was accepted: its state never goes back to unconnected, the only one in which connect(2) and listen(2) do anything
         * (vsock_connect, vsock_listen; tests/unit/unit-vsock.c asks the kernel). */
        return 1;
    case AF_INET:
        memcpy(address, &peer.v4.sin_addr, 4);
        program.len = (unsigned short)make_filter(filter, 12, address, 1, peer.v4.sin_port, own.v4.sin_port);
        break;
    case AF_INET6:
        memcpy(address, &peer.v6.sin6_addr, 16);
        if (IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr)) /* its segments are IPv4's */
            program.len = (unsigned short)make_filter(filter, 12, address + 3, 1, peer.v6.sin6_port, own.v6.sin6_port);
        else
            program.len = (unsigned short)make_filter(filter, 8, address, 4, peer.v6.sin6_port, own.v6.sin6_port);
        break;
    default:
        return 0;
    }
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) == 0)
        return 1;
    /* Newer kernels want CAP_NET_ADMIN for it (seen in 6.18). */
    return errno == EPERM ? 0 : rsys_error_make(err, errno, "pin the client's connection to its peer");
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* ops.h: what a transport is, inside transport/.  Adding one: a file with these functions, and a line in address.c. */
#ifndef RSYS_TRANSPORT_OPS_H
#define RSYS_TRANSPORT_OPS_H

#include "transport/transport.h"

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Connections that the daemon has not accepted yet: as many as the system allows (net.core.somaxconn), so that a flood of them makes no other one wait
 * for a SYN's retransmission. */
#define RSYS_LISTEN_BACKLOG 65535

struct rsys_address {
    const struct rsys_transport_ops *ops;
    char *text;     /* canonical: as rsys_address_parse takes it; owned */
    char *host;     /* tcp: name or number; unix: the path; owned */
    uint32_t port;  /* tcp, vsock */
    uint32_t cid;   /* vsock */
    unsigned mode;  /* unix: of the name that listening makes */
    int fd;         /* embedded */
    struct rsys_left {
        uint32_t device[2];
        uint64_t inode; /* 0: nothing */
        int64_t born[2]; /* inode numbers are used again */
    } *left;        /* unix: the name that rsys_address_listen made; owned */
    struct tls_client *tls; /* tls: its keys and process; owned */
};

struct rsys_transport_ops {
    const char *scheme; /* without its colon */
    const char *form;   /* for messages: "tcp:HOST:PORT" */
    bool breaks;        /* a connection may be cut although both ends live, and another one made */
    /* Read what follows "scheme:" into address (host, port, fd, text). */
    int (*parse)(struct rsys_address *address, const char *rest, struct rsys_error **err);
    bool (*is_public)(const struct rsys_address *address);
    int (*listen)(const struct rsys_address *address, struct rsys_error **err);
    /* Whether a listening stream socket of this family is one of ours: 1, and address is filled in; 0; -1 on failure.  NULL: none is. */
    int (*adopt)(struct rsys_address *address, int family, int listener, struct rsys_error **err);
    int (*accept)(const struct rsys_address *address, int listener, struct rsys_peer *peer); /* peer is zeroed */
    int (*connect)(const struct rsys_address *address, int timeout_ms, struct rsys_error **err);
    int (*name)(const struct rsys_address *address, int listener, char *text, size_t size);
    void (*unlisten)(const struct rsys_address *address); /* may be NULL */
    const char *(*hint)(int code); /* what to look at when listening or connecting failed so; NULL, or returns NULL: what is said for all transports */
    void (*release)(struct rsys_address *address); /* what else the address owns; may be NULL */
};

extern const struct rsys_transport_ops rsys_transport_tcp, rsys_transport_tls, rsys_transport_vsock, rsys_transport_unix, rsys_transport_embedded;

/* tcp.c, for what is made of TCP connections too. */
int rsys_tcp_parse(struct rsys_address *address, const char *rest, struct rsys_error **err);
int rsys_tcp_listen(const struct rsys_address *address, struct rsys_error **err);
int rsys_tcp_accept(const struct rsys_address *address, int listener, struct rsys_peer *peer);
int rsys_tcp_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err);
int rsys_tcp_name(const struct rsys_address *address, int listener, char *text, size_t size);

/* A point in time to wait until; < 0: for ever (monotonic milliseconds). */
int64_t rsys_deadline(int timeout_ms);
/* What is left of it for poll(2): -1, or >= 0. */
int rsys_deadline_left(int64_t deadline);
/* poll one descriptor.  0; -1 with errno, ETIMEDOUT when the time is over. */
int rsys_wait_fd(int fd, short events, int64_t deadline);
/* Make an error: "WHAT ADDRESS: REASON (what to look at)"; what is "listen on" or "connect to".  Returns -1 with errno = code. */
int rsys_transport_failed(const char *what, const struct rsys_address *address, int code, struct rsys_error **err);
/* The same for a failed connect, with the hints that hold for all transports. */
int rsys_connect_failed(const struct rsys_address *address, int code, struct rsys_error **err);
/* connect(2) on a fresh non-blocking socket, finished within the deadline; the socket is blocking after it.  0 or -1 with errno. */
int rsys_socket_connect(int fd, const void *name, unsigned size, int64_t deadline);

#endif

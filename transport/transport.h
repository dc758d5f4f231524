/* SPDX-License-Identifier: GPL-2.0-only */
/* transport.h: byte streams between client and server, whatever carries them.
 *
 * A transport is four functions behind struct rsys_transport_ops; nothing outside transport/ knows which one it has.  What a connection gives is
 * a connected SOCK_STREAM descriptor, close-on-exec, blocking, tuned for small messages (TCP_NODELAY, keepalive with a stated time). */
#ifndef RSYS_TRANSPORT_TRANSPORT_H
#define RSYS_TRANSPORT_TRANSPORT_H

#include "src/core/error.h"
#include "src/core/wire.h"
#include "transport/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct rsys_address; /* a parsed address */

/* Parse "tcp:HOST:PORT" or "tls:HOST:PORT" (name, IPv4, [IPv6]), "vsock:CID:PORT" ("host" and "local" are CIDs too; "vsock:PORT", to listen on: all of this
 * machine's), "unix:PATH", or (inside the program only) "embedded:FD".  Port defaults to 9000.
 * Returns NULL and fills err when the text is no address. */
struct rsys_address *rsys_address_parse(const char *text, struct rsys_error **err);
void rsys_address_free(struct rsys_address *address);
const char *rsys_address_text(const struct rsys_address *address);

/* The mode that a unix socket's name gets when it is listened on; 0600 without this.  Nothing for other transports. */
void rsys_address_set_mode(struct rsys_address *address, unsigned mode);
/* For connecting to a tls: address: its key file; path NULL: the default one.  confine: tls.h.  Of another address, path is an error. */
int rsys_address_use_key(struct rsys_address *address, const char *path, rsys_tls_confine *confine, struct rsys_error **err);
/* An adopted listener of tcp: is to be one of tls:. */
int rsys_address_make_tls(struct rsys_address *address, struct rsys_error **err);
/* Its TLS process is this program (src/client/tls-main.c), executed as nobody's child, and not a child that is forked from us; program has to stay.  Behind rsys_address_use_key, before the first connection. */
void rsys_address_use_tls_program(struct rsys_address *address, const char *program);
/* Whether connections there are to be handed to a TLS process (tls.h) when they are accepted. */
bool rsys_address_is_tls(const struct rsys_address *address);

/* Whether listening there lets other machines in without a key (TCP on a non-loopback address). */
bool rsys_address_is_public(const struct rsys_address *address);

/* Who a connection is with, as the kernel tells it: nothing that the peer says. */
enum rsys_peer_kind {
    RSYS_PEER_UNTOLD = 0, /* tcp, embedded */
    RSYS_PEER_UID,        /* unix: the user that called connect(2), as this process's user namespace sees it; RSYS_UID_NOBODYS: cannot be told */
    RSYS_PEER_CID,        /* vsock: the machine */
};
struct rsys_peer {
    uint8_t kind; /* enum rsys_peer_kind */
    uint32_t id;
    char text[160]; /* for logs */
};
/* Whether a connection to it may be cut although both ends live, so that it is worth while to resume what it was for. */
bool rsys_address_breaks(const struct rsys_address *address);

/* A listening descriptor (non-blocking, close-on-exec), or -1.  A stale unix socket that nobody listens on is replaced. */
int rsys_address_listen(const struct rsys_address *address, struct rsys_error **err);
/* The address of a listening descriptor that we were handed, which is made non-blocking and close-on-exec; it stays the caller's.  What it has in the file system is
 * whoever's made it: rsys_address_unlisten removes nothing.  NULL: it is no listener of any transport. */
struct rsys_address *rsys_address_adopt(int listener, struct rsys_error **err);
/* Accept one connection of a listener: the descriptor, or -1 with errno (EAGAIN: none there; EPIPE: "embedded:" only, the client is gone and no other will come).
 * *peer gets who it is. */
int rsys_address_accept(const struct rsys_address *address, int listener, struct rsys_peer *peer);
/* The address to connect to, as text: with the port that the kernel chose when the address has port 0.  0, or -1 with errno. */
int rsys_listener_name(const struct rsys_address *address, int listener, char *text, size_t size);
/* Remove what listening left in the file system (a unix socket's name). */
void rsys_address_unlisten(const struct rsys_address *address);

/* Connect within timeout_ms (also over several addresses of one name).  Thread-safe. */
int rsys_address_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err);

/* On whose part a connection is, for limits: TCP's address (IPv6: the /64 that it is in), vsock's context id, the user of a unix socket.  Comparable with memcmp. */
struct rsys_party {
    uint16_t family; /* AF_*; 0: it has gone already */
    uint8_t id[8];
};
void rsys_party_of(int fd, struct rsys_party *ret);

/* ---- whole messages on a connected socket (frames.c) ---- */

/* Exactly n bytes.  0; or -1 with errno: ETIMEDOUT when the time is over, EPIPE at end of file.  timeout_ms < 0: no limit.  Never raises SIGPIPE.  The descriptor may be non-blocking. */
int rsys_receive_all(int fd, void *buffer, size_t n, int timeout_ms);
int rsys_send_all(int fd, const void *buffer, size_t n, int timeout_ms);
/* All of iov with as few system calls as can be (one, usually).  iov is changed. */
int rsys_send_iov(int fd, struct iovec *iov, int count, int timeout_ms);

/* What a socket has not taken yet (frames.c). */
struct rsys_backlog {
    uint8_t *bytes; /* owned; NULL: nothing waits */
    size_t at, size;
};
/* Send as much as the socket takes; the rest waits, where nothing has waited.  0, or -1: the other side has gone, or there is no memory.  Never waits itself. */
int rsys_backlog_send(struct rsys_backlog *backlog, int fd, const void *data, size_t size);
/* Send of what waits.  0, or -1: the other side has gone. */
int rsys_backlog_push(struct rsys_backlog *backlog, int fd);

/* The client's side of the session hello on a fresh connection: sends it (resume: for how many seconds the session is to outlive a cut), receives the answer within timeout_ms.  On success *ret_payload is the
 * payload behind the reply (a struct rsys_welcome and rules; malloc'd, *ret_size bytes, size checked <= RSYS_WELCOME_MAX).  Failure: what
 * the server said, or that it does not speak rsys (and what to look at). */
int rsys_hello_session(int fd, unsigned resume, int timeout_ms, void **ret_payload, size_t *ret_size, struct rsys_error **err);
/* Make what a server has sent fit to be shown on the user's terminal. */
void rsys_make_printable(char *text, size_t n);
/* The client's side of a channel's hello (flags: RSYS_RESUME_*, or 0): sends only. */
int rsys_hello_channel(int fd, const uint8_t token[RSYS_TOKEN_SIZE], uint32_t flags);
/* The client's side of a tether's hello (flags: RSYS_RESUME_*): sends it and receives the answer.  0; -1: it failed; 1: the server refuses it for good, err says why. */
int rsys_hello_tether(int fd, const uint8_t token[RSYS_TOKEN_SIZE], uint32_t flags, int timeout_ms, struct rsys_error **err);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* tls-inner.h: what the files tls-*.c share. */
#ifndef RSYS_TRANSPORT_TLS_INNER_H
#define RSYS_TRANSPORT_TLS_INNER_H

#include "src/core/wire.h"
#include "transport/tls.h"
#include "transport/transport.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <sys/types.h>

/* ---- tls-keys.c ---- */

#define TLS_PSK_SIZE 32
#define TLS_CHAIN_MAX 8u
#define TLS_FINGERPRINT_SIZE (7 + 64 + 1) /* "sha256:...", terminated */

struct tls_psk {
    char name[RSYS_TLS_NAME_SIZE];
    uint8_t key[TLS_PSK_SIZE];
};

/* A key file, read. */
struct tls_keys {
    gnutls_x509_privkey_t key;            /* NULL: there are shared keys only */
    gnutls_x509_crt_t own[TLS_CHAIN_MAX]; /* first the key's, then those that lead to its authority */
    unsigned owns;
    gnutls_x509_crt_t *peer;              /* trusted each for itself */
    unsigned peers;
    gnutls_x509_trust_list_t trust;       /* authorities and their revocation lists */
    unsigned authorities;
    struct tls_psk *psk;
    size_t psks;
};

struct tls_keys *tls_keys_parse(const char *text, size_t size, struct rsys_error **err);
void tls_keys_free(struct tls_keys *keys);
/* Whether a peer with this chain of certificates (DER, its own first) is let in.  0 and its name; or -1 and why not. */
int tls_keys_trust(const struct tls_keys *keys, const gnutls_datum_t *der, unsigned count, const char *host, bool is_server, char name[RSYS_TLS_NAME_SIZE], char *why,
                   size_t size);
void tls_fingerprint(const gnutls_datum_t *der, char text[TLS_FINGERPRINT_SIZE]);
/* Its owner, made printable. */
void tls_certificate_name(gnutls_x509_crt_t certificate, char name[RSYS_TLS_NAME_SIZE]);

/* ---- a connection ---- */

#define TLS_BUFFER (256u << 10)                  /* of what is carried at once */
#define TLS_OUT_ROOM (TLS_BUFFER + (128u << 10)) /* the same encrypted, and any flight of a handshake */
#define TLS_RECORD 16384u                        /* of a record's data, at most */
#define TLS_FLOWS_MAX 2048u                      /* of one session */

struct tls_flow;
struct tls_process;

/* One end of a connection. */
struct tls_side {
    struct tls_flow *flow;
    int fd;
    unsigned watched; /* epoll's events; 0: not in it */
    bool ended;       /* nothing more comes from it */
    struct rsys_backlog waiting; /* to be sent to it */
};

enum tls_stage {
    TLS_HANDSHAKE,
    TLS_VERDICT, /* the client waits for the server's word */
    TLS_RELAY,
    TLS_LAST,    /* what waits is to be sent, then it ends */
};

struct tls_flow {
    struct tls_side wire, plain; /* the connection, and the end that is ours of the pair */
    struct tls_process *process;
    struct tls_flow *next;
    gnutls_session_t tls;
    enum tls_stage stage;
    bool first;   /* of the session: with certificates or a shared key; the others have the session's */
    bool kernel;  /* the kernel may take over */
    bool trusted; /* the peer has shown that it is who it should be */
    uint8_t head[12]; /* client: the answer's first bytes, when they are not TLS's (struct rsys_hello_reply) */
    size_t head_have;
    bool head_seen;
    uint64_t records; /* sent since the last key */
    struct rsys_tls_result result;
};

struct tls_process {
    bool server;
    int control_fd, epoll_fd;
    struct tls_keys *keys;
    char *host;               /* a certificate's name, or NULL; owned */
    gnutls_certificate_credentials_t certificate;
    gnutls_psk_server_credentials_t psk_server, session_psk_server;
    gnutls_psk_client_credentials_t psk_client, session_psk_client;
    struct tls_flow *flows;   /* owned */
    unsigned flow_count;
    bool has_session;         /* a first connection came out well: */
    uint8_t id[16], session_key[TLS_PSK_SIZE];
    char identity[40];        /* the id, as TLS has it */
    char name[RSYS_TLS_NAME_SIZE];
    gnutls_datum_t peer[TLS_CHAIN_MAX]; /* its certificates, to be looked at again; owned */
    unsigned peers;
    struct tls_psk peer_psk;            /* or its shared key; name "" when it has certificates */
    /* One event at a time uses these. */
    uint8_t in[TLS_BUFFER], clear[TLS_BUFFER + TLS_RECORD], out[TLS_OUT_ROOM];
    size_t in_at, in_have, out_have;
};

/* ---- tls-handshake.c ---- */

/* Make the credentials of the process's keys anew.  0, or a GnuTLS error. */
int tls_credentials(struct tls_process *process);
void tls_credentials_free(struct tls_process *process);
/* Begin the handshake of a flow whose sides are set.  -1: it cannot be had (out of memory). */
int tls_handshake_begin(struct tls_flow *flow);
/* The wire has something, or there is room in it: go on.  Changes the stage. */
void tls_handshake_go_on(struct tls_flow *flow);
/* Whether the session's peer is still one that the keys let in. */
bool tls_peer_still_trusted(struct tls_process *process);

/* ---- tls-relay.c ---- */

/* The records' way: GnuTLS's functions, over the process's buffers (by exact reads of the wire until the relay). */
void tls_set_transport(struct tls_flow *flow);
/* Send what GnuTLS has put out; the rest waits.  -1: the wire is gone. */
int tls_flush(struct tls_flow *flow);
/* An event of one of the sides in TLS_RELAY.  -1: the flow is over. */
int tls_relay(struct tls_flow *flow, struct tls_side *side, unsigned events);

/* ---- tls-kernel.c ---- */

/* Hand the session's keys to the kernel.  1; 0: it does not take them, nothing has changed; -1: neither it nor we can go on. */
int tls_kernel_take(struct tls_flow *flow);

#endif

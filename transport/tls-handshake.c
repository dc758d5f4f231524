/* SPDX-License-Identifier: GPL-2.0-only */
/* tls-handshake.c: who the peer is, and the keys of the connection.
 *
 * A session's first connection is authenticated with certificates or with a shared key of the key files, and ends with the server's word (the verdict), so that a
 * client learns why it is refused and nothing but data follows.  From it both sides derive (RFC 5705) the session's public id and a key of the session's own: that, as
 * a pre-shared key with a fresh key exchange, authenticates the session's other connections, without a signature. */
#include "transport/tls-inner.h"

#include "src/core/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* TLS 1.3 alone; suites whose hash is SHA-256, as shared keys have it. */
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+ECDHE-PSK:-CIPHER-ALL"
#define PRIORITY_ANY PRIORITY ":+AES-128-GCM:+CHACHA20-POLY1305"
#define PRIORITY_KERNEL PRIORITY ":+CHACHA20-POLY1305"

/* The server's word behind a session's handshake: this, then text. */
struct verdict {
    uint32_t magic;
    uint16_t version, status; /* enum rsys_hello_status */
    uint32_t size;
    char text[300];
};
#define VERDICT_HEAD 12u

/* ---- credentials ---- */

/* The key of a client of the key file.  One that is not known gets a key that nobody has: its handshake fails as one with a wrong key does. */
static int find_psk(gnutls_session_t session, const gnutls_datum_t *name, gnutls_datum_t *ret_key)
{
    const struct tls_flow *flow = gnutls_session_get_ptr(session);
    const struct tls_process *process = flow->process;
    const uint8_t *key = NULL;
    if (!flow->first && process->has_session && name->size == strlen(process->identity) && memcmp(name->data, process->identity, name->size) == 0)
        key = process->session_key;
    for (size_t i = 0; flow->first && i < process->keys->psks; i++)
        if (name->size == strlen(process->keys->psk[i].name) && memcmp(name->data, process->keys->psk[i].name, name->size) == 0)
            key = process->keys->psk[i].key;
    ret_key->data = gnutls_malloc(TLS_PSK_SIZE);
    if (ret_key->data == NULL)
        return -1;
    ret_key->size = TLS_PSK_SIZE;
    if (key != NULL)
        memcpy(ret_key->data, key, TLS_PSK_SIZE);
    else if (gnutls_rnd(GNUTLS_RND_KEY, ret_key->data, TLS_PSK_SIZE) < 0)
        return -1;
    return 0;
}

void tls_credentials_free(struct tls_process *process)
{
    if (process->certificate != NULL)
        gnutls_certificate_free_credentials(process->certificate);
    if (process->psk_server != NULL)
        gnutls_psk_free_server_credentials(process->psk_server);
    if (process->psk_client != NULL)
        gnutls_psk_free_client_credentials(process->psk_client);
    process->certificate = NULL;
    process->psk_server = NULL;
    process->psk_client = NULL;
}

static int psk_client_credentials(gnutls_psk_client_credentials_t *ret, const char *name, const uint8_t *key)
{
    const gnutls_datum_t datum = {(unsigned char *)(uintptr_t)key, TLS_PSK_SIZE};
    int code = gnutls_psk_allocate_client_credentials(ret);
    return code < 0 ? code : gnutls_psk_set_client_credentials(*ret, name, &datum, GNUTLS_PSK_KEY_RAW);
}

int tls_credentials(struct tls_process *process)
{
    const struct tls_keys *keys = process->keys;
    int code = 0;
    tls_credentials_free(process);
    if (process->server) {
        code = gnutls_psk_allocate_server_credentials(&process->psk_server);
        if (code == 0)
            gnutls_psk_set_server_credentials_function2(process->psk_server, find_psk);
    } else if (keys->psks != 0) {
        code = psk_client_credentials(&process->psk_client, keys->psk[0].name, keys->psk[0].key);
    }
    if (code == 0 && (process->server || keys->psks == 0))
        code = gnutls_certificate_allocate_credentials(&process->certificate);
    if (code == 0 && process->certificate != NULL && keys->key != NULL) {
        gnutls_x509_crt_t own[TLS_CHAIN_MAX];
        memcpy(own, keys->own, sizeof own);
        code = gnutls_certificate_set_x509_key(process->certificate, own, (int)keys->owns, keys->key);
    }
    return code < 0 ? code : 0;
}

/* ---- ends ---- */

/* Tell the other end of the pair how it came out.  A fresh pair has room for it. */
static int tell(struct tls_flow *flow, enum rsys_tls_status status)
{
    flow->result.status = status;
    memcpy(flow->result.id, flow->process->id, sizeof flow->result.id);
    memcpy(flow->result.name, flow->process->name, sizeof flow->result.name);
    return send(flow->plain.fd, &flow->result, sizeof flow->result, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof flow->result ? 0 : -1;
}

/* What the other side sent is printed on a terminal or in a log. */
static void make_printable(char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void __attribute__((format(printf, 2, 3))) failed(struct tls_flow *flow, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(flow->result.text, sizeof flow->result.text, format, list);
    va_end(list);
    make_printable(flow->result.text);
    (void)tls_flush(flow); /* an alert, or the verdict: before we are told to end */
    (void)tell(flow, RSYS_TLS_FAILED);
    flow->stage = TLS_LAST;
}

/* The connection's bytes are the session's from here on. */
static void succeed(struct tls_flow *flow)
{
    int taken = tls_flush(flow) < 0 ? -1 : tls_kernel_take(flow);
    if (taken < 0)
        failed(flow, "the connection ended");
    else if (tell(flow, taken == 1 ? RSYS_TLS_KERNEL : RSYS_TLS_RELAYED) < 0)
        flow->stage = TLS_LAST;
    else
        flow->stage = taken == 1 ? TLS_LAST : TLS_RELAY;
}

/* ---- the session ---- */

static int derive(struct tls_flow *flow)
{
    struct tls_process *process = flow->process;
    static const char id[] = "EXPORTER-rsys-session-id", key[] = "EXPORTER-rsys-session-key";
    int code = gnutls_prf_rfc5705(flow->tls, sizeof id - 1, id, 0, NULL, sizeof process->id, (char *)process->id);
    if (code == 0)
        code = gnutls_prf_rfc5705(flow->tls, sizeof key - 1, key, 0, NULL, sizeof process->session_key, (char *)process->session_key);
    for (size_t i = 0; i < sizeof process->id; i++)
        snprintf(process->identity + 2 * i, 3, "%02x", process->id[i]);
    if (code == 0 && process->server) {
        code = gnutls_psk_allocate_server_credentials(&process->session_psk_server);
        if (code == 0)
            gnutls_psk_set_server_credentials_function2(process->session_psk_server, find_psk);
    } else if (code == 0) {
        code = psk_client_credentials(&process->session_psk_client, process->identity, process->session_key);
    }
    process->has_session = code == 0;
    return code;
}

/* ---- the server's side ---- */

/* Keep who it is, to ask again when the keys change. */
static int remember_peer(struct tls_process *process, const gnutls_datum_t *der, unsigned count)
{
    for (unsigned i = 0; i < count; i++, process->peers++) {
        process->peer[i].data = malloc(der[i].size);
        if (process->peer[i].data == NULL)
            return -1;
        memcpy(process->peer[i].data, der[i].data, der[i].size);
        process->peer[i].size = der[i].size;
    }
    return 0;
}

static const struct tls_psk *psk_of(const struct tls_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->psks; i++)
        if (strcmp(keys->psk[i].name, name) == 0)
            return &keys->psk[i];
    return NULL;
}

bool tls_peer_still_trusted(struct tls_process *process)
{
    char name[RSYS_TLS_NAME_SIZE], why[300];
    if (process->peers != 0)
        return tls_keys_trust(process->keys, process->peer, process->peers, NULL, false, name, why, sizeof why) == 0;
    const struct tls_psk *psk = psk_of(process->keys, process->peer_psk.name);
    return psk != NULL && memcmp(psk->key, process->peer_psk.key, sizeof psk->key) == 0;
}

/* Whose key it was.  0; or -1 and why it is not let in. */
static int look_at_client(struct tls_flow *flow, char *why, size_t size)
{
    struct tls_process *process = flow->process;
    const char *psk_name = gnutls_psk_server_get_username(flow->tls);
    if (psk_name != NULL) { /* its handshake came out well: it has the key */
        const struct tls_psk *psk = psk_of(process->keys, psk_name);
        if (psk == NULL) {
            snprintf(why, size, "its shared key is not in the key file");
            return -1;
        }
        process->peer_psk = *psk;
        snprintf(process->name, sizeof process->name, "%s", psk->name);
        return 0;
    }
    unsigned count = 0;
    const gnutls_datum_t *der = gnutls_certificate_get_peers(flow->tls, &count);
    if (tls_keys_trust(process->keys, der, der == NULL ? 0 : count, NULL, false, process->name, why, size) < 0)
        return -1;
    if (remember_peer(process, der, count) < 0) {
        snprintf(why, size, "the server is out of memory");
        return -1;
    }
    return 0;
}

static void server_verdict(struct tls_flow *flow)
{
    struct verdict verdict = {.magic = RSYS_WIRE_MAGIC, .version = RSYS_WIRE_VERSION, .status = RSYS_HELLO_OK};
    char why[280];
    bool refused = look_at_client(flow, why, sizeof why) < 0;
    if (refused) {
        verdict.status = RSYS_HELLO_REFUSED;
        snprintf(verdict.text, sizeof verdict.text, "%s", why);
        verdict.size = (uint32_t)strlen(verdict.text);
    } else if (derive(flow) < 0) {
        failed(flow, "the session's keys cannot be made");
        return;
    }
    ssize_t sent = gnutls_record_send(flow->tls, &verdict, VERDICT_HEAD + verdict.size);
    if (refused)
        failed(flow, "the client is refused: %s", why);
    else if (sent < 0)
        failed(flow, "%s", gnutls_strerror((int)sent));
    else
        succeed(flow);
}

/* ---- the client's side ---- */

/* Within the handshake, before our own certificate is shown. */
static int look_at_server(gnutls_session_t session)
{
    struct tls_flow *flow = gnutls_session_get_ptr(session);
    char name[RSYS_TLS_NAME_SIZE];
    unsigned count = 0;
    const gnutls_datum_t *der = gnutls_certificate_get_peers(session, &count);
    if (tls_keys_trust(flow->process->keys, der, der == NULL ? 0 : count, flow->process->host, true, name, flow->result.text, sizeof flow->result.text) < 0)
        return GNUTLS_E_CERTIFICATE_ERROR;
    flow->trusted = true;
    return 0;
}

static void client_verdict(struct tls_flow *flow)
{
    struct verdict verdict = {0};
    ssize_t n = gnutls_record_recv(flow->tls, &verdict, sizeof verdict - 1);
    if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
        return;
    if (n == GNUTLS_E_FATAL_ALERT_RECEIVED) {
        failed(flow, "the server refused this client's key: %s", gnutls_alert_get_name(gnutls_alert_get(flow->tls)));
    } else if (n <= 0) {
        failed(flow, "the server closed the connection behind the handshake (its log says why)");
    } else if (n < (ssize_t)VERDICT_HEAD || verdict.magic != RSYS_WIRE_MAGIC || verdict.size != (size_t)n - VERDICT_HEAD) {
        failed(flow, "what listens there does not speak rsys; is the address right?");
    } else if (verdict.version != RSYS_WIRE_VERSION) {
        failed(flow, "the server speaks version %u of the protocol and this client version %u: install the same rsys on both", verdict.version, RSYS_WIRE_VERSION);
    } else if (verdict.status != RSYS_HELLO_OK) {
        failed(flow, "the server refuses this client's key: %s (on the server, rsys-keygen --add-client makes one, and SIGHUP has the file read)", verdict.text);
    } else if (derive(flow) < 0) {
        failed(flow, "the session's keys cannot be made");
    } else {
        succeed(flow);
    }
}

/* The daemon has answered in the clear: a header, and its message. */
static void plain_answer(struct tls_flow *flow)
{
    struct rsys_hello_reply reply;
    char text[260] = "";
    if (flow->head_have < sizeof reply) {
        ssize_t n = recv(flow->wire.fd, flow->head + flow->head_have, sizeof reply - flow->head_have, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        flow->head_have = n <= 0 ? sizeof reply : flow->head_have + (size_t)n;
        if (flow->head_have < sizeof reply)
            return;
    }
    memcpy(&reply, flow->head, sizeof reply);
    /* Sent with the header in one message.  It comes from whoever is there, without a key: it is shown, and nothing else. */
    if (recv(flow->wire.fd, text, RSYS_MIN(sizeof text - 1, (size_t)reply.size), MSG_DONTWAIT) < 0)
        text[0] = 0;
    if (reply.status == RSYS_HELLO_BAD_VERSION || reply.version != RSYS_WIRE_VERSION)
        failed(flow, "the server speaks version %u of the protocol and this client version %u: install the same rsys on both", reply.version, RSYS_WIRE_VERSION);
    else
        failed(flow, "the server refused the connection%s%s", text[0] != 0 ? ": " : "", text);
}

/* ---- the handshake ---- */

static int set_credentials(struct tls_flow *flow)
{
    struct tls_process *process = flow->process;
    int code;
    if (!flow->first)
        return gnutls_credentials_set(flow->tls, GNUTLS_CRD_PSK, process->server ? (void *)process->session_psk_server : (void *)process->session_psk_client);
    if (process->server) {
        code = gnutls_credentials_set(flow->tls, GNUTLS_CRD_PSK, process->psk_server);
        /* Asked for, not demanded: whoever has none is told so by the verdict. */
        gnutls_certificate_server_set_request(flow->tls, GNUTLS_CERT_REQUEST);
    } else if (process->psk_client != NULL) {
        return gnutls_credentials_set(flow->tls, GNUTLS_CRD_PSK, process->psk_client);
    } else {
        code = 0;
        gnutls_session_set_verify_function(flow->tls, look_at_server);
    }
    if (code == 0 && process->keys->key != NULL)
        code = gnutls_credentials_set(flow->tls, GNUTLS_CRD_CERTIFICATE, process->certificate);
    return code;
}

int tls_handshake_begin(struct tls_flow *flow)
{
    struct tls_process *process = flow->process;
    flow->first = !process->has_session;
    flow->stage = TLS_HANDSHAKE;
    if (gnutls_init(&flow->tls, (process->server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_AUTO_REKEY) < 0) {
        flow->tls = NULL;
        return -1;
    }
    gnutls_session_set_ptr(flow->tls, flow);
    tls_set_transport(flow);
    if (gnutls_priority_set_direct(flow->tls, flow->kernel ? PRIORITY_KERNEL : PRIORITY_ANY, NULL) < 0 || set_credentials(flow) < 0)
        return -1;
    if (process->server)
        return 0; /* its first bytes start it */
    struct rsys_hello preamble = {.magic = RSYS_WIRE_MAGIC, .version = RSYS_WIRE_VERSION, .kind = RSYS_HELLO_TLS};
    if (!flow->first)
        memcpy(preamble.token, process->id, sizeof preamble.token);
    memcpy(process->out, &preamble, sizeof preamble);
    process->out_have = sizeof preamble;
    tls_handshake_go_on(flow);
    return 0;
}

static void handshake_failed(struct tls_flow *flow, int code)
{
    const char *peer = flow->process->server ? "client" : "server";
    if (flow->head_seen) {
        plain_answer(flow);
        return;
    }
    if (code == GNUTLS_E_FATAL_ALERT_RECEIVED) {
        gnutls_alert_description_t alert = gnutls_alert_get(flow->tls);
        const char *hint = alert == GNUTLS_A_PROTOCOL_VERSION ? " (it does not speak TLS 1.3)"
                           : !flow->process->server           ? " (does it know this client's key?  Its log says more)"
                                                               : " (does it know this server's key?)";
        failed(flow, "the %s ended the handshake: %s%s", peer, gnutls_alert_get_name(alert), hint);
        return;
    }
    (void)gnutls_alert_send_appropriate(flow->tls, code);
    if (code == GNUTLS_E_CERTIFICATE_ERROR || code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
        failed(flow, "the server is not trusted: %s", flow->result.text[0] != 0 ? strdupa(flow->result.text) : gnutls_strerror(code));
    else if (code == GNUTLS_E_PREMATURE_TERMINATION || code == GNUTLS_E_PULL_ERROR || code == GNUTLS_E_PUSH_ERROR)
        failed(flow, "the %s closed the connection within the handshake", peer);
    else if (code == GNUTLS_E_UNSUPPORTED_VERSION_PACKET)
        failed(flow, "the %s does not speak TLS 1.3", peer);
    else if (code == GNUTLS_E_UNEXPECTED_PACKET_LENGTH || code == GNUTLS_E_UNEXPECTED_PACKET || code == GNUTLS_E_RECORD_OVERFLOW)
        failed(flow, "what the %s sends is not TLS", peer);
    else if (flow->process->server && (code == GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER || code == GNUTLS_E_DECRYPTION_FAILED))
        failed(flow, "the client's shared key is not in the key file (%s)", gnutls_strerror(code));
    else
        failed(flow, "the handshake with the %s failed: %s", peer, gnutls_strerror(code));
}

static void handshake_done(struct tls_flow *flow)
{
    struct tls_process *process = flow->process;
    bool by_psk = gnutls_auth_get_type(flow->tls) == GNUTLS_CRD_PSK;
    /* Whoever has shown no certificate has to have shown the key. */
    if (!process->server && !flow->trusted && !by_psk)
        failed(flow, "the server has not shown that it knows the shared key");
    else if (!flow->first && !by_psk)
        failed(flow, "the peer has not shown that it knows the session's key");
    else if (flow->first && process->has_session)
        failed(flow, "the session has begun on another connection");
    else if (!flow->first)
        succeed(flow);
    else if (process->server)
        server_verdict(flow);
    else
        flow->stage = TLS_VERDICT;
}

void tls_handshake_go_on(struct tls_flow *flow)
{
    if (flow->wire.waiting.bytes != NULL)
        return; /* what is to be sent comes first */
    if (flow->head_seen) {
        plain_answer(flow);
        return;
    }
    if (flow->stage == TLS_HANDSHAKE) {
        int code = gnutls_handshake(flow->tls);
        if (code == 0)
            handshake_done(flow);
        else if (gnutls_error_is_fatal(code))
            handshake_failed(flow, code);
    }
    if (flow->stage == TLS_VERDICT)
        client_verdict(flow);
    if (tls_flush(flow) < 0 && flow->stage != TLS_RELAY && flow->stage != TLS_LAST)
        failed(flow, "the connection ended");
}

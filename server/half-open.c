/* SPDX-License-Identifier: GPL-2.0-only */
/* half-open.c: connections from their acceptance to their whole hello.
 *
 * All that the daemon itself ever reads from the network is here: one struct of 40 bytes.  The sender is hostile.  It is safe because no more than the
 * struct's size is ever received, every field is compared with what is known, nothing in it is a length or an index, and neither
 * time nor number of such connections is the sender's choice.  When there are too many, whoever has most of them loses one: those of others stay. */
#include "server/daemon.h"

#include "server/access.h"
#include "server/log.h"
#include "src/core/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Take it out of the list and forget it; the descriptor is returned.  Its account may be gone after it, unless it counts something else.  A TLS process of
 * its own goes with it, unless somebody has taken that. */
static int half_open_remove(struct daemon *daemon, struct half_open *connection)
{
    *(connection->previous != NULL ? &connection->previous->next : &daemon->half_open) = connection->next;
    *(connection->next != NULL ? &connection->next->previous : &daemon->youngest) = connection->previous;
    daemon->half_open_count--;
    connection->account->half_open--;
    account_put(daemon, connection->account);
    int fd = connection->watch.fd;
    daemon_unwatch(daemon, &connection->watch);
    tls_drop(daemon, connection);
    free(connection);
    return fd;
}

void half_open_drop(struct daemon *daemon, struct half_open *connection, const char *why)
{
    if (why != NULL)
        server_log_about(&(struct log_about){.peer = connection->peer.text}, LOG_LEVEL_DEBUG, "%s", why);
    close(half_open_remove(daemon, connection));
}

/* Make room for one more. */
static void half_open_drop_one(struct daemon *daemon, const char *why)
{
    const struct account *most = account_with_most(daemon);
    for (struct half_open *connection = daemon->half_open; connection != NULL; connection = connection->next)
        if (connection->account == most) {
            half_open_drop(daemon, connection, why);
            return;
        }
}

void half_open_refuse(struct daemon *daemon, struct half_open *connection, const char *why)
{
    server_log_about(&(struct log_about){.peer = connection->peer.text}, LOG_LEVEL_INFO, "refused: %s", why);
    (void)server_hello_reply(connection->watch.fd, RSYS_HELLO_REFUSED, why, strlen(why), 0);
    half_open_drop(daemon, connection, NULL);
}

/* A whole hello is there. */
static void half_open_done(struct daemon *daemon, struct half_open *connection)
{
    struct rsys_hello hello;
    memcpy(&hello, connection->hello, sizeof hello);
    static const uint32_t no_reserved[3];
    static const uint8_t no_token[RSYS_TOKEN_SIZE];
    struct rsys_peer peer = connection->peer;
    if (hello.magic != RSYS_WIRE_MAGIC) {
        half_open_drop(daemon, connection, "does not speak rsys");
        return;
    }
    if (hello.version != RSYS_WIRE_VERSION) {
        char text[120];
        snprintf(text, sizeof text, "rsys-sandboxd %s speaks version %u of the protocol, the client version %u", PACKAGE_VERSION, RSYS_WIRE_VERSION,
                 hello.version);
        (void)server_hello_reply(connection->watch.fd, RSYS_HELLO_BAD_VERSION, text, strlen(text), 0);
        half_open_drop(daemon, connection, text);
        return;
    }
    bool outside = connection->tls.wanted && !connection->tls.inside;
    if (outside != (hello.kind == RSYS_HELLO_TLS)) {
        half_open_refuse(daemon, connection, outside ? "TLS alone is spoken at this address: connect to it as tls:HOST:PORT, with a key (rsys-keygen)"
                                                     : "no TLS is spoken at this address (rsys-sandboxd --listen tls:HOST:PORT does)");
        return;
    }
    bool session = hello.kind == RSYS_HELLO_SESSION && memcmp(hello.token, no_token, sizeof no_token) == 0;
    bool channel = hello.kind == RSYS_HELLO_CHANNEL && hello.resume <= RSYS_RESUME_VIEW_DROP, tether = hello.kind == RSYS_HELLO_TETHER && hello.resume <= RSYS_RESUME_CONTROL;
    if ((!session && !channel && !tether && !(outside && hello.resume == 0)) || memcmp(hello.reserved, no_reserved, sizeof no_reserved) != 0) {
        half_open_drop(daemon, connection, "a malformed hello");
        return;
    }
    if (outside) {
        (void)tls_begin(daemon, connection, &hello);
        return;
    }
    /* A TLS process is one session's: its first connection makes that, the others belong to it. */
    struct tls_worker *tls = connection->tls.worker;
    if (tls != NULL && session != connection->tls.owned) {
        half_open_drop(daemon, connection, session ? "a second session over one TLS process" : "a channel before its session");
        return;
    }
    connection->tls.owned = false; /* it stays, whatever becomes of this */
    struct account *account = connection->account;
    account->held++; /* it stays while this goes */
    int fd = half_open_remove(daemon, connection);
    if (session)
        sessions_start(daemon, hello.resume, fd, &peer, account, tls);
    else if (tether)
        sessions_tether(daemon, &hello, fd, &peer, tls);
    else
        sessions_channel(daemon, &hello, fd, &peer, tls);
    tls_worker_settle(daemon, tls);
    account->held--;
    account_put(daemon, account);
}

void half_open_ready(struct daemon *daemon, struct watch *watch)
{
    struct half_open *connection = (struct half_open *)watch;
    ssize_t n = recv(watch->fd, connection->hello + connection->have, sizeof connection->hello - connection->have, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        half_open_drop(daemon, connection, "ended without a hello");
        return;
    }
    connection->have += (size_t)n;
    if (connection->have == sizeof connection->hello)
        half_open_done(daemon, connection);
}

static void half_open_add(struct daemon *daemon, int fd, const struct rsys_peer *peer, bool tls)
{
    if (daemon->half_open_count >= HALF_OPEN_MAX)
        half_open_drop_one(daemon, "too many connections without a hello: it is the oldest of whoever has most");
    struct rsys_party who;
    rsys_party_of(fd, &who);
    struct half_open *connection = calloc(1, sizeof *connection);
    struct account *account = connection != NULL ? account_of(daemon, &who) : NULL;
    if (account == NULL) {
        free(connection);
        close(fd);
        return;
    }
    connection->account = account;
    account->half_open++;
    connection->watch = (struct watch){.fd = fd, .ready = half_open_ready};
    connection->tls = (struct half_open_tls){.wanted = tls, .wire_fd = -1};
    connection->deadline = server_now() + 1000 * (int64_t)daemon->options->hello_timeout;
    connection->peer = *peer;
    connection->previous = daemon->youngest;
    *(daemon->youngest != NULL ? &daemon->youngest->next : &daemon->half_open) = connection;
    daemon->youngest = connection;
    daemon->half_open_count++;
    if (daemon_watch(daemon, &connection->watch) < 0)
        half_open_drop(daemon, connection, "cannot be waited for");
    else
        half_open_ready(daemon, &connection->watch); /* the hello is usually there already */
}

void daemon_accept(struct daemon *daemon, struct watch *watch)
{
    struct listener *listener = (struct listener *)watch;
    struct rsys_peer peer;
    char why[160];
    int fd = rsys_address_accept(listener->address, watch->fd, &peer);
    if (fd >= 0 && !access_allows(&daemon->options->clients, &daemon->policy.spec->clients, &peer, why, sizeof why)) {
        /* At once, whatever it has to say: it is not to have a place that others wait for. */
        sessions_refuse(daemon, fd, &peer, why);
    } else if (fd >= 0) {
        half_open_add(daemon, fd, &peer, rsys_address_is_tls(listener->address));
    } else if (errno == EPIPE && listener->embedded) {
        daemon->draining = true; /* rsys-jail is gone: its session too, now */
        daemon->drain_until = 0;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        /* The connection stays in the listener's queue.  Room comes with the end of another one. */
        if (daemon->full_told + 1000 <= server_now()) {
            server_log(LOG_LEVEL_ERROR, "cannot accept a connection: %s", strerror(errno));
            daemon->full_told = server_now();
        }
        if (daemon->half_open != NULL)
            half_open_drop_one(daemon, "its descriptor is needed");
        else
            daemon_pause(daemon);
    } else if (errno != EAGAIN && errno != EINTR) {
        server_log(LOG_LEVEL_DEBUG, "%s: accept: %s", rsys_address_text(listener->address), strerror(errno));
    }
}

void half_open_expire(struct daemon *daemon, int64_t now)
{
    while (daemon->half_open != NULL && daemon->half_open->deadline <= now)
        half_open_drop(daemon, daemon->half_open, "no hello in time");
}

void half_open_close_all(struct daemon *daemon)
{
    while (daemon->half_open != NULL)
        half_open_drop(daemon, daemon->half_open, "the daemon ends");
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* tls.c: the daemon's side of TLS.
 *
 * The daemon reads no TLS.  A connection to a tls: address begins with a preamble, of which the daemon learns what it is for: a new session, or the one with this public
 * id.  For a new one it starts a TLS process, our own program executed afresh: nothing of the daemon's memory (other sessions' tokens) is in it, and no two have their memory at the same
 * addresses.  What comes out is a plain descriptor, which goes on as any connection does: it has a hello to read.  So nothing of a session is started before its client has shown its
 * key, and all bounds of half-open connections hold meanwhile. */
#include "server/daemon.h"

#include "sandbox/sandbox.h"
#include "server/log.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* TLS processes of clients that have not shown their keys: the most at once.  One more makes the oldest go. */
#define UNKNOWN_MAX 16

int tls_load_keys(struct daemon *daemon, const char *path, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *found = NULL;
    struct rsys_tls_file keys = {0};
    if (path == NULL && rsys_tls_default_path("server", &found, err) < 0)
        return -1;
    if (rsys_tls_file_read(&keys, path != NULL ? path : found, err) < 0)
        return -1;
    if (rsys_tls_file_check(&keys, true, err) < 0) {
        rsys_tls_file_free(&keys);
        return -1;
    }
    rsys_tls_file_free(&daemon->tls.keys);
    daemon->tls.keys = keys;
    daemon->tls.kernel = rsys_tls_kernel_can();
    for (struct tls_worker *worker = daemon->tls.workers; worker != NULL; worker = worker->next) {
        RSYS_AUTO_ERROR why = NULL;
        if (rsys_tls_process_keys(worker->control_fd, &daemon->tls.keys, NULL, &why) < 0)
            server_log(LOG_LEVEL_ERROR, "a TLS process keeps its old keys: %s", rsys_error_text(why));
    }
    return 0;
}

void tls_free(struct daemon *daemon)
{
    while (daemon->tls.workers != NULL)
        tls_worker_end(daemon, daemon->tls.workers);
    rsys_tls_file_free(&daemon->tls.keys);
}

/* ---- TLS processes ---- */

static void run_worker(int control_fd)
{
    char number[16];
    snprintf(number, sizeof number, "%d", control_fd);
    fcntl(control_fd, F_SETFD, 0);
    execl("/proc/self/exe", "rsys-tls", "--tls-process", number, (char *)NULL);
    dprintf(STDERR_FILENO, "rsys-sandboxd: execute /proc/self/exe, for a TLS process: %s\n", strerror(errno));
    _exit(1);
}

static struct tls_worker *worker_start(struct daemon *daemon)
{
    int pair[2];
    RSYS_AUTO_ERROR err = NULL;
    struct tls_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        free(worker);
        return NULL;
    }
    worker->pid = fork();
    if (worker->pid == 0)
        run_worker(pair[1]);
    close(pair[1]);
    worker->control_fd = pair[0];
    worker->next = daemon->tls.workers;
    daemon->tls.workers = worker;
    if (worker->pid > 0 && rsys_tls_process_keys(worker->control_fd, &daemon->tls.keys, NULL, &err) == 0)
        return worker;
    server_log(LOG_LEVEL_ERROR, "start a TLS process: %s", worker->pid < 0 ? strerror(errno) : rsys_error_text(err));
    tls_worker_end(daemon, worker);
    return NULL;
}

void tls_worker_end(struct daemon *daemon, struct tls_worker *worker)
{
    for (struct tls_worker **at = &daemon->tls.workers; worker != NULL && *at != NULL; at = &(*at)->next)
        if (*at == worker) {
            *at = worker->next;
            /* Those that are on their way through it. */
            for (struct half_open *connection = daemon->half_open, *next; connection != NULL; connection = next) {
                next = connection->next;
                if (connection->tls.worker == worker)
                    half_open_drop(daemon, connection, "its session has ended");
            }
            close(worker->control_fd); /* it sees the end of file; sessions_reap waits for it */
            free(worker);
            return;
        }
}

const struct tls_worker *tls_worker_reaped(struct daemon *daemon, pid_t pid)
{
    struct tls_worker *worker = daemon->tls.workers;
    while (worker != NULL && worker->pid != pid)
        worker = worker->next;
    if (worker != NULL)
        worker->pid = 0; /* it may be another process's from now on */
    return worker;
}

void tls_worker_settle(struct daemon *daemon, struct tls_worker *worker)
{
    for (const struct session *session = daemon->sessions; session != NULL; session = session->next)
        if (session->tls == worker)
            return;
    tls_worker_end(daemon, worker);
}

static struct tls_worker *worker_by_id(const struct daemon *daemon, const uint8_t id[16])
{
    for (struct tls_worker *worker = daemon->tls.workers; worker != NULL; worker = worker->next)
        if (worker->ready && memcmp(worker->id, id, sizeof worker->id) == 0)
            return worker;
    return NULL;
}

static bool is_unknown(const struct half_open *connection) { return connection->tls.worker != NULL && !connection->tls.worker->ready; }

static unsigned unknown_of(const struct daemon *daemon, const struct account *account)
{
    unsigned count = 0;
    for (const struct half_open *at = daemon->half_open; at != NULL; at = at->next)
        count += is_unknown(at) && (account == NULL || at->account == account);
    return count;
}

/* Room for one more client that nobody knows. */
static void limit_unknown(struct daemon *daemon)
{
    struct half_open *found = NULL;
    unsigned most = 0;
    if (unknown_of(daemon, NULL) < UNKNOWN_MAX)
        return;
    for (struct half_open *at = daemon->half_open; at != NULL; at = at->next)
        if (is_unknown(at) && unknown_of(daemon, at->account) > most) {
            most = unknown_of(daemon, at->account);
            found = at;
        }
    half_open_drop(daemon, found, "too many clients that have not shown their keys: it is the oldest of whoever has most");
}

/* ---- connections ---- */

void tls_drop(struct daemon *daemon, struct half_open *connection)
{
    rsys_close(connection->tls.wire_fd);
    connection->tls.wire_fd = -1;
    if (connection->tls.owned && connection->tls.worker != NULL) {
        /* At once: it has nothing to send any more, and a flood of such is not to have more of them than there may be. */
        if (connection->tls.worker->pid > 0)
            kill(connection->tls.worker->pid, SIGKILL);
        tls_worker_end(daemon, connection->tls.worker);
    }
    connection->tls.worker = NULL;
    connection->tls.owned = false;
}

/* How it came out.  The sender is a TLS process, which may have been taken over by its client: it is safe because the result is one struct of fixed size, whose fields
 * are compared or copied within their bounds, and what is made of it is a connection that has a hello to send like any other. */
static void take_result(struct daemon *daemon, struct half_open *connection)
{
    struct half_open_tls *tls = &connection->tls;
    struct rsys_tls_result *result = &tls->result;
    result->name[sizeof result->name - 1] = result->text[sizeof result->text - 1] = 0;
    if (result->status != RSYS_TLS_RELAYED && result->status != RSYS_TLS_KERNEL) {
        server_log_about(&(struct log_about){.peer = connection->peer.text}, LOG_LEVEL_INFO, "refused: TLS: %s", result->text);
        half_open_drop(daemon, connection, NULL);
        return;
    }
    if (!tls->worker->ready) {
        if (worker_by_id(daemon, result->id) != NULL) {
            half_open_drop(daemon, connection, "its session's id is another one's");
            return;
        }
        tls->worker->ready = true;
        memcpy(tls->worker->id, result->id, sizeof tls->worker->id);
    }
    if (result->status == RSYS_TLS_KERNEL) {
        daemon_unwatch(daemon, &connection->watch);
        close(connection->watch.fd);
        connection->watch.fd = rsys_fd_steal(&tls->wire_fd);
        if (daemon_watch(daemon, &connection->watch) < 0) {
            half_open_drop(daemon, connection, "cannot be waited for");
            return;
        }
    }
    rsys_close(tls->wire_fd);
    tls->wire_fd = -1;
    tls->inside = true;
    size_t at = strlen(connection->peer.text);
    snprintf(connection->peer.text + at, sizeof connection->peer.text - at, ",key=%s", result->name);
    connection->have = 0;
    connection->watch.ready = half_open_ready;
}

static void result_ready(struct daemon *daemon, struct watch *watch)
{
    struct half_open *connection = (struct half_open *)watch;
    struct rsys_tls_result *result = &connection->tls.result;
    ssize_t n = recv(watch->fd, (uint8_t *)result + connection->have, sizeof *result - connection->have, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        half_open_drop(daemon, connection, "its TLS process has ended");
        return;
    }
    connection->have += (size_t)n;
    if (connection->have == sizeof *result)
        take_result(daemon, connection);
}

bool tls_begin(struct daemon *daemon, struct half_open *connection, const struct rsys_hello *preamble)
{
    static const uint8_t none[RSYS_TOKEN_SIZE];
    struct half_open_tls *tls = &connection->tls;
    bool new = memcmp(preamble->token, none, sizeof none) == 0;
    int pair[2];
    if (new) {
        limit_unknown(daemon);
        tls->worker = worker_start(daemon);
        tls->owned = true;
    } else {
        tls->worker = worker_by_id(daemon, preamble->token);
    }
    if (tls->worker == NULL) {
        half_open_refuse(daemon, connection, new ? "the server can start no more processes" : "the session is over");
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        half_open_refuse(daemon, connection, "the server is out of descriptors");
        return false;
    }
    /* The kernel may have it only if the sandbox may hold it afterwards: else there would be two relays. */
    bool kernel = daemon->tls.kernel && rsys_sandbox_pin_connection(connection->watch.fd, NULL) == 1;
    int sent = rsys_tls_process_connection(tls->worker->control_fd, connection->watch.fd, pair[1], kernel);
    close(pair[1]);
    daemon_unwatch(daemon, &connection->watch);
    tls->wire_fd = connection->watch.fd;
    connection->watch = (struct watch){.fd = pair[0], .ready = result_ready};
    connection->have = 0;
    if (sent < 0 || daemon_watch(daemon, &connection->watch) < 0) {
        half_open_drop(daemon, connection, "its TLS process does not take it");
        return false;
    }
    return true;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* tls.c: the transport tls:HOST:PORT: TCP, whose bytes a TLS process encrypts (tls-process.c).
 *
 * What listening gives is the bare TCP connection: the daemon reads its preamble, and hands it to a TLS process.  Connecting does all of it.  The client's TLS process is
 * a child of whoever connects first, forked from it: that has to be single-threaded then; or a program of its own (rsys_address_use_tls_program). */
#include "transport/ops.h"
#include "transport/session.h"
#include "transport/tls.h"

#include "src/core/util.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* How long a TLS process may take to send what it still has when its session is over. */
#define END_MS 2500

struct tls_client {
    struct rsys_tls_file file;
    rsys_tls_confine *confine;
    const char *program;   /* instead of a fork, or NULL */
    pthread_mutex_t mutex; /* for what follows */
    int control_fd;        /* to its TLS process; -1: not started */
    pid_t pid;
    bool kernel;
};

static void tls_release(struct rsys_address *address)
{
    struct tls_client *client = address->tls;
    if (client == NULL)
        return;
    rsys_close(client->control_fd);
    if (client->pid > 0) {
        RSYS_AUTO_FD pidfd = (int)syscall(SYS_pidfd_open, client->pid, 0);
        struct pollfd ended = {.fd = pidfd, .events = POLLIN};
        if (pidfd < 0 || poll(&ended, 1, END_MS) != 1)
            kill(client->pid, SIGKILL);
        while (waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    rsys_tls_file_free(&client->file);
    pthread_mutex_destroy(&client->mutex);
    free(rsys_steal(&address->tls));
}

int rsys_address_use_key(struct rsys_address *address, const char *path, rsys_tls_confine *confine, struct rsys_error **err)
{
    if (address->ops != &rsys_transport_tls)
        return path == NULL ? 0 : rsys_error_make(err, 0, "a key file is for tls: addresses, and %s is none", address->text);
    RSYS_AUTO_FREE char *found = NULL;
    struct tls_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return rsys_error_make(err, ENOMEM, "keys for %s", address->text);
    client->confine = confine;
    client->control_fd = -1;
    pthread_mutex_init(&client->mutex, NULL);
    address->tls = client;
    if (path == NULL && rsys_tls_default_path("client", &found, err) < 0)
        return -1;
    if (rsys_tls_file_read(&client->file, path != NULL ? path : found, err) < 0)
        return -1;
    return rsys_tls_file_check(&client->file, false, err);
}

void rsys_address_use_tls_program(struct rsys_address *address, const char *program) { address->tls->program = program; }

int rsys_address_make_tls(struct rsys_address *address, struct rsys_error **err)
{
    char *text = NULL;
    if (address->ops != &rsys_transport_tcp)
        return rsys_error_make(err, 0, "%s: TLS is spoken over TCP alone", address->text);
    if (asprintf(&text, "tls%s", address->text + strlen(address->ops->scheme)) < 0)
        return rsys_error_make(err, ENOMEM, "%s", address->text);
    free(address->text);
    address->text = text;
    address->ops = &rsys_transport_tls;
    return 0;
}

bool rsys_address_is_tls(const struct rsys_address *address) { return address->ops == &rsys_transport_tls; }

/* Its keys protect it. */
static bool tls_is_public(const struct rsys_address *address) { return false; }

static int start_process(const struct rsys_address *address, struct rsys_error **err)
{
    struct tls_client *client = address->tls;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return rsys_error_make(err, errno, "start the TLS process");
    client->pid = client->program != NULL ? rsys_execute_orphan(client->program, "rsys-tls", "--control", pair[1]) : fork();
    if (client->pid == 0 && client->program == NULL) {
        close(pair[0]);
        rsys_tls_process_run(pair[1], false, client->confine);
    }
    close(pair[1]);
    if (client->pid < 0) {
        close(pair[0]);
        client->pid = 0;
        return rsys_error_make(err, errno, "start the TLS process");
    }
    client->control_fd = pair[0];
    client->kernel = rsys_tls_kernel_can();
    return rsys_tls_process_keys(client->control_fd, &client->file, address->host, err);
}

static int process_of(const struct rsys_address *address, struct rsys_error **err)
{
    struct tls_client *client = address->tls;
    if (client == NULL)
        return rsys_error_make(err, 0, "connect to %s: no key file is read", address->text);
    pthread_mutex_lock(&client->mutex);
    int result = client->control_fd >= 0 ? 0 : start_process(address, err);
    pthread_mutex_unlock(&client->mutex);
    return result;
}

static int tls_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err)
{
    int64_t deadline = rsys_deadline(timeout_ms);
    struct rsys_tls_result result;
    int pair[2];
    if (process_of(address, err) < 0)
        return -1;
    RSYS_AUTO_FD wire = rsys_tcp_connect(address, timeout_ms, err);
    if (wire < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return rsys_connect_failed(address, errno, err);
    RSYS_AUTO_FD ours = pair[0], theirs = pair[1];
    if (rsys_tls_process_connection(address->tls->control_fd, wire, theirs, address->tls->kernel) < 0)
        return rsys_error_make(err, errno, "connect to %s: the TLS process", address->text);
    rsys_close(rsys_fd_steal(&theirs));
    if (rsys_receive_all(ours, &result, sizeof result, rsys_deadline_left(deadline)) < 0) {
        if (errno == ETIMEDOUT)
            return rsys_error_make(err, ETIMEDOUT, "connect to %s: no answer in TLS (does rsys-sandboxd listen there, at a tls: address?)", address->text);
        return rsys_error_make(err, errno == EPIPE ? 0 : errno, "connect to %s: the TLS process has ended", address->text);
    }
    result.text[sizeof result.text - 1] = 0;
    if (result.status == RSYS_TLS_KERNEL)
        return rsys_fd_steal(&wire);
    if (result.status == RSYS_TLS_RELAYED)
        return rsys_fd_steal(&ours);
    return rsys_error_make(err, 0, "connect to %s: %s", address->text, result.text);
}

const struct rsys_transport_ops rsys_transport_tls = {
    .scheme = "tls",
    .form = "tls:HOST:PORT",
    .parse = rsys_tcp_parse,
    .is_public = tls_is_public,
    .listen = rsys_tcp_listen,
    .accept = rsys_tcp_accept,
    .connect = tls_connect,
    .name = rsys_tcp_name,
    .release = tls_release,
};

/* SPDX-License-Identifier: GPL-2.0-only */
/* sessions.c: the daemon's side of its sessions: a process each, a token each, and the way for spare channels into their sandboxes.
 *
 * The daemon puts channels into a session's broker by itself.  All that hostile executors can do to their ends of the broker is to
 * make that fail, and it never waits there. */
#include "server/daemon.h"

#include "sandbox/sandbox.h"
#include "server/control.h"
#include "server/log.h"
#include "server/pass.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

/* How long a session that is told to end may take before it is killed. */
#define END_TIMEOUT_MS 5000

void sessions_refuse(struct daemon *daemon, int fd, const struct rsys_peer *peer, const char *message)
{
    server_log_about(&(struct log_about){.peer = peer->text}, LOG_LEVEL_INFO, "refused: %s", message);
    daemon->totals.refused++;
    (void)server_hello_reply(fd, RSYS_HELLO_REFUSED, message, strlen(message), 0);
    close(fd);
}

static void session_free(struct session *session)
{
    rsys_close(session->broker_fd);
    rsys_close(session->counters_fd);
    counters_free(session->counters);
    free(session);
}

static void uncount(struct daemon *daemon, struct session *session)
{
    daemon->session_count -= session->counted;
    session->counted = false;
}

/* Let it end: its process sees the end of file. */
static void session_end(struct daemon *daemon, struct session *session)
{
    if (session->watch.fd < 0)
        return;
    daemon_unwatch(daemon, &session->watch);
    close(rsys_fd_steal(&session->watch.fd));
    session->deadline = server_now() + END_TIMEOUT_MS;
}

/* The session's process says that its sandbox runs, and gives the broker's end; or it has ended. */
static void session_ready(struct daemon *daemon, struct watch *watch)
{
    struct session *session = (struct session *)watch;
    int broker = server_receive_fd(watch->fd);
    if (broker < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (broker < 0 || session->broker_fd >= 0) {
        rsys_close(broker);
        session_end(daemon, session); /* sessions_reap has the rest */
        return;
    }
    session->broker_fd = broker;
    session->deadline = 0;
    server_log_about(SESSION_ABOUT(session), LOG_LEVEL_DEBUG, "its sandbox runs, after %lld ms", (long long)(server_now() - session->started));
}

static void run_child(struct daemon *daemon, const struct session *session, int control_fd, int daemon_fd, pid_t daemon_pid)
{
    struct server_session_start start = {.policy = &daemon->policy, .number = session->number, .peer = session->peer.text, .control_fd = control_fd, .daemon_fd = daemon_fd,
                                         .daemon_pid = daemon_pid, .pinned = session->pinned, .counters_fd = session->counters_fd,
                                         .counters = session->counters};
    memcpy(start.token, session->token, sizeof start.token);
    server_session_run(&start);
}

static bool pin(int fd)
{
    RSYS_AUTO_ERROR err = NULL;
    int pinned = rsys_sandbox_pin_connection(fd, &err);
    if (pinned < 0)
        server_log(LOG_LEVEL_ERROR, "%s", rsys_error_text(err));
    return pinned == 1;
}

/* NULL: no memory, or no random numbers. */
static struct session *session_new(struct daemon *daemon, const struct rsys_peer *peer)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return NULL;
    session->broker_fd = -1;
    /* Nobody asks a private daemon. */
    session->counters_fd = daemon->options->embedded_fd >= 0 ? -1 : counters_new_page();
    session->counters = counters_new();
    if (session->counters == NULL || getrandom(session->token, sizeof session->token, 0) != (ssize_t)sizeof session->token) {
        session_free(session);
        return NULL;
    }
    session->number = ++daemon->last_number;
    session->counted = true;
    session->started = server_now();
    session->since = time(NULL);
    session->deadline = session->started + 1000 * (int64_t)daemon->options->start_timeout;
    session->peer = *peer;
    return session;
}

void sessions_start(struct daemon *daemon, int fd, const struct rsys_peer *peer)
{
    RSYS_AUTO_FD control_fd = fd;
    if (daemon->draining || daemon->session_count >= daemon->options->max_sessions) {
        sessions_refuse(daemon, rsys_fd_steal(&control_fd), peer, daemon->draining ? "the server is ending" : "the server has as many sessions as it may (--max-sessions)");
        return;
    }
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        sessions_refuse(daemon, rsys_fd_steal(&control_fd), peer, "the server is out of memory or descriptors");
        return;
    }
    RSYS_AUTO_FD ours = pair[0], theirs = pair[1];
    struct session *session = session_new(daemon, peer);
    if (session == NULL) {
        sessions_refuse(daemon, rsys_fd_steal(&control_fd), peer, "the server is out of memory");
        return;
    }
    session->pinned = pin(control_fd);
    pid_t self = getpid();
    session->pid = fork();
    if (session->pid == 0)
        run_child(daemon, session, control_fd, theirs, self);
    if (session->pid < 0) {
        sessions_refuse(daemon, rsys_fd_steal(&control_fd), peer, "the server can make no more processes");
        session_free(session);
        return;
    }
    session->watch = (struct watch){.fd = rsys_fd_steal(&ours), .ready = session_ready};
    session->next = daemon->sessions;
    daemon->sessions = session;
    daemon->session_count++;
    if (daemon_watch(daemon, &daemon->sessions->watch) < 0)
        session_end(daemon, daemon->sessions);
    server_log_about(SESSION_ABOUT(session), LOG_LEVEL_INFO, "started for %s", peer->text);
}

/* Every byte is looked at, whatever the first ones are: the time tells nothing about the token. */
static bool same_token(const uint8_t *a, const uint8_t *b)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < RSYS_TOKEN_SIZE; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

void sessions_channel(struct daemon *daemon, const uint8_t token[RSYS_TOKEN_SIZE], int fd, const struct rsys_peer *peer)
{
    RSYS_AUTO_FD channel = fd;
    struct session *found = NULL;
    for (struct session *session = daemon->sessions; session != NULL; session = session->next)
        if (same_token(session->token, token))
            found = session;
    /* Its process told us of the broker before it told the client of the token: the message is here, if not read yet. */
    if (found != NULL && found->broker_fd < 0 && found->watch.fd >= 0)
        session_ready(daemon, &found->watch);
    if (found == NULL || found->broker_fd < 0) {
        server_log_about(&(struct log_about){.peer = peer->text}, LOG_LEVEL_DEBUG, "a channel for no session that there is");
        return;
    }
    /* A connection that cannot be pinned is not the sandbox's to hold: its process relays it, when it was started to. */
    int to = pin(channel) ? found->broker_fd : found->pinned ? -1 : found->watch.fd;
    if (server_send_fd(to, channel, MSG_DONTWAIT) < 0)
        server_log_about(&(struct log_about){found->number, peer->text}, LOG_LEVEL_DEBUG, "a channel is dropped: %s", strerror(errno));
}

static void session_remove(struct daemon *daemon, struct session *session, int status)
{
    for (struct session **at = &daemon->sessions; *at != NULL; at = &(*at)->next)
        if (*at == session) {
            *at = session->next;
            break;
        }
    uncount(daemon, session);
    session_end(daemon, session);
    struct counters_sum sum;
    counters_read(session->counters_fd, session->counters, &sum);
    counters_sum_add(&daemon->totals.ended, &sum);
    server_log_about(SESSION_ABOUT(session), LOG_LEVEL_INFO, "ended after %lld ms%s", (long long)(server_now() - session->started),
                     WIFSIGNALED(status) ? ", killed" : "");
    session_free(session);
}

void sessions_reap(struct daemon *daemon)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct session *session = daemon->sessions;
        while (session != NULL && session->pid != pid)
            session = session->next;
        if (session != NULL)
            session_remove(daemon, session, status);
        else
            control_reaped(daemon, pid);
    }
}

void sessions_expire(struct daemon *daemon, int64_t now)
{
    for (struct session *session = daemon->sessions; session != NULL; session = session->next)
        if (session->deadline != 0 && session->deadline <= now) {
            server_log_about(SESSION_ABOUT(session), LOG_LEVEL_ERROR, "%s: killed",
                             session->watch.fd < 0 ? "does not end in time" : "its sandbox did not start in time");
            kill(session->pid, SIGKILL); /* PR_SET_PDEATHSIG takes the sandbox along */
            session_end(daemon, session);
            session->deadline = 0;
            /* One that the kernel holds (a file system that does not answer) cannot be waited for, and is not to keep its place. */
            uncount(daemon, session);
        }
}

void sessions_end_all(struct daemon *daemon)
{
    for (struct session *session = daemon->sessions; session != NULL; session = session->next)
        session_end(daemon, session);
}

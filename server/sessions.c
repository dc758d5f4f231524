/* SPDX-License-Identifier: GPL-2.0-only */
/* sessions.c: the daemon's side of its sessions: a process each, a token each, and the way for spare channels into their sandboxes.
 *
 * The daemon puts channels into a session's broker by itself.  All that hostile executors can do to their ends of the broker is to
 * make that fail, and it never waits there. */
#include "server/daemon.h"

#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"
#include "server/control.h"
#include "server/log.h"
#include "server/pass.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

/* How long a session that is told to end may take before it is killed. */
#define END_TIMEOUT_MS 5000

/* Refusals that are told in one second, one by one. */
#define REFUSALS_TOLD 10

/* A flood of clients is not to be a flood of lines. */
static void tell_refusal(struct daemon *daemon, const struct rsys_peer *peer, const char *message)
{
    int64_t now = server_now();
    if (now - daemon->refused_since >= 1000) {
        if (daemon->refused > REFUSALS_TOLD)
            server_log(LOG_LEVEL_INFO, "%u more clients were refused in the second after", daemon->refused - REFUSALS_TOLD);
        daemon->refused_since = now;
        daemon->refused = 0;
    }
    if (daemon->refused++ < REFUSALS_TOLD)
        server_log_about(&(struct log_about){.peer = peer->text}, LOG_LEVEL_INFO, "refused: %s", message);
}

void sessions_refuse(struct daemon *daemon, int fd, const struct rsys_peer *peer, const char *message)
{
    tell_refusal(daemon, peer, message);
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

static void set_deadline(struct daemon *daemon, struct session *session, int64_t deadline)
{
    daemon->deadlines += (deadline != 0) - (session->deadline != 0);
    session->deadline = deadline;
}

static void uncount(struct daemon *daemon, struct session *session)
{
    if (!session->counted)
        return;
    daemon->session_count--;
    session->counted = false;
    session->account->sessions--;
}

/* It is being started no more: its sandbox runs, or never will. */
static void start_over(struct daemon *daemon, struct session *session)
{
    if (!session->starting)
        return;
    session->starting = false;
    daemon->starting--;
    session->account->starting--;
}

/* Forget it. */
static void session_remove(struct daemon *daemon, struct session *session)
{
    struct session **at = &daemon->sessions;
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    set_deadline(daemon, session, 0);
    start_over(daemon, session);
    uncount(daemon, session);
    session->account->held--;
    account_put(daemon, session->account);
    tls_worker_end(daemon, session->tls);
    session_free(session);
}

/* It waits no more for its turn: its client's connection, the caller's.  (It is removed next, or started.) */
static int stop_waiting(struct daemon *daemon, struct session *session)
{
    daemon->waiting--;
    daemon_unwatch(daemon, &session->watch);
    return rsys_fd_steal(&session->watch.fd);
}

static void refuse_waiting(struct daemon *daemon, struct session *session, const char *message)
{
    sessions_refuse(daemon, stop_waiting(daemon, session), &session->peer, message);
    session_remove(daemon, session);
}

/* Let it end: its process sees the end of file. */
static void session_end(struct daemon *daemon, struct session *session)
{
    start_over(daemon, session);
    if (session->watch.fd < 0)
        return;
    daemon_unwatch(daemon, &session->watch);
    close(rsys_fd_steal(&session->watch.fd));
    set_deadline(daemon, session, server_now() + END_TIMEOUT_MS);
}

/* The session's process says that its sandbox runs, and gives the broker's end; or it has ended. */
static void session_ready(struct daemon *daemon, struct watch *watch)
{
    struct session *session = (struct session *)watch;
    enum server_pass what;
    int broker = server_receive_fd(watch->fd, &what);
    if (broker < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (broker < 0 || session->broker_fd >= 0) {
        rsys_close(broker);
        session_end(daemon, session); /* sessions_reap has the rest */
        return;
    }
    session->broker_fd = broker;
    set_deadline(daemon, session, 0);
    start_over(daemon, session);
    server_log_about(SESSION_ABOUT(session), LOG_LEVEL_DEBUG, "its sandbox runs, after %lld ms", (long long)(server_now() - session->started));
}

static void run_child(struct daemon *daemon, const struct session *session, int control_fd, int daemon_fd, pid_t daemon_pid)
{
    struct server_session_start start = {.policy = &daemon->policy, .number = session->number, .peer = session->peer.text, .control_fd = control_fd, .daemon_fd = daemon_fd,
                                         .daemon_pid = daemon_pid, .pinned = session->pinned, .resume = session->resume, .counters_fd = session->counters_fd,
                                         .counters = session->counters};
    memcpy(start.token, session->token, sizeof start.token);
    server_session_run(&start);
}

static bool pin(int fd)
{
    RSYS_AUTO_ERROR err = NULL;
    int pinned = rsys_sandbox_pin_connection(fd, &err);
    if (pinned < 0) /* the commonest reason is the client's own: it has gone */
        server_log(err != NULL && err->code == ENOTCONN ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, "%s", rsys_error_text(err));
    return pinned == 1;
}

static bool has_gone(int fd)
{
    struct pollfd end = {.fd = fd, .events = POLLRDHUP};
    return poll(&end, 1, 0) > 0;
}

/* What takes more than a moment is got when its turn has come: a flood of clients that do not wait for theirs costs no more than their connections. */
static int equip(const struct daemon *daemon, struct session *session)
{
    /* Nobody asks a private daemon. */
    session->counters_fd = daemon->options->embedded_fd >= 0 ? -1 : counters_new_page();
    session->counters = counters_new();
    return session->counters != NULL && getrandom(session->token, sizeof session->token, 0) == (ssize_t)sizeof session->token ? 0 : -1;
}

/* Its process, and the daemon's end of the pair to it.  Returns NULL, or why there is none; in the child it does not return. */
static const char *make_process(struct daemon *daemon, struct session *session, int control_fd)
{
    int pair[2];
    if (equip(daemon, session) < 0)
        return "the server is out of memory";
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return "the server is out of descriptors";
    RSYS_AUTO_FD ours = pair[0], theirs = pair[1];
    session->pinned = pin(control_fd);
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        run_child(daemon, session, control_fd, theirs, self);
    if (pid < 0)
        return "the server can make no more processes";
    session->pid = pid;
    session->watch = (struct watch){.fd = rsys_fd_steal(&ours), .ready = session_ready};
    return NULL;
}

/* Its turn has come.  If it cannot be started it is refused and gone. */
static void session_fork(struct daemon *daemon, struct session *session)
{
    RSYS_AUTO_FD control_fd = stop_waiting(daemon, session);
    /* A sandbox costs milliseconds, this a microsecond. */
    if (has_gone(control_fd)) {
        server_log_about(&(struct log_about){.peer = session->peer.text}, LOG_LEVEL_DEBUG, "gone before its session was started");
        session_remove(daemon, session);
        return;
    }
    const char *why = make_process(daemon, session, control_fd);
    if (why != NULL) {
        sessions_refuse(daemon, rsys_fd_steal(&control_fd), &session->peer, why);
        session_remove(daemon, session);
        return;
    }
    session->starting = true;
    daemon->starting++;
    session->account->starting++;
    session->account->turn = ++daemon->starts;
    set_deadline(daemon, session, server_now() + 1000 * (int64_t)daemon->options->start_timeout);
    server_log_about(SESSION_ABOUT(session), LOG_LEVEL_INFO, "started for %s", session->peer.text);
    if (daemon_watch(daemon, &session->watch) < 0)
        session_end(daemon, session);
}

/* Its client has gone before it was started. */
static void waiting_gone(struct daemon *daemon, struct watch *watch)
{
    struct session *session = (struct session *)watch;
    close(stop_waiting(daemon, session));
    server_log_about(&(struct log_about){.peer = session->peer.text}, LOG_LEVEL_DEBUG, "gone before its session was started");
    session_remove(daemon, session);
}

/* NULL: no memory, or no random numbers. */
static struct session *session_new(struct daemon *daemon, const struct rsys_peer *peer)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return NULL;
    session->broker_fd = -1;
    session->counters_fd = -1;
    session->number = ++daemon->last_number;
    session->counted = true;
    session->started = server_now();
    session->since = time(NULL);
    session->peer = *peer;
    return session;
}

/* The last of the places where sandboxes are made is for others than whoever has the rest. */
static bool may_start(const struct daemon *daemon, const struct account *account)
{
    return account->paused_until == 0 && daemon->starting < daemon->starts_max && account->starting < daemon->starts_max - 1;
}

void sessions_start(struct daemon *daemon, unsigned resume, int fd, const struct rsys_peer *peer, struct account *account, struct tls_worker *tls)
{
    const struct options *options = daemon->options;
    const char *why = daemon->draining                                  ? "the server is ending"
                      : daemon->session_count >= options->max_sessions  ? "the server has as many sessions as it may (--max-sessions)"
                      : account->sessions >= options->max_per_peer      ? "you have as many sessions here as one may (--max-sessions-per-peer)"
                                                                        : NULL;
    struct session *session = why == NULL ? session_new(daemon, peer) : NULL;
    if (session == NULL) {
        sessions_refuse(daemon, fd, peer, why != NULL ? why : "the server is out of memory");
        return;
    }
    session->watch = (struct watch){.fd = fd, .ready = waiting_gone};
    session->tls = tls;
    session->account = account;
    session->resume = RSYS_MIN(resume, options->resume_timeout);
    account->held++;
    account->sessions++;
    daemon->session_count++;
    daemon->waiting++;
    session->next = daemon->sessions;
    daemon->sessions = session;
    set_deadline(daemon, session, session->started + 1000 * (int64_t)options->start_timeout);
    /* Usually its turn is now, and it needs no watching. */
    if (daemon->waiting == 1 && may_start(daemon, account))
        session_fork(daemon, session);
    else if (daemon_watch_end(daemon, &session->watch) < 0)
        refuse_waiting(daemon, session, "the server is out of memory");
}

/* Whose turn it is: of those who have the fewest being started, whoever has waited longest since the last one; his oldest.  NULL: nobody's. */
static struct session *next_waiting(const struct daemon *daemon)
{
    struct session *next = NULL;
    for (struct session *session = daemon->sessions; session != NULL; session = session->next) {
        const struct account *a = session->account, *b = next != NULL ? next->account : NULL;
        if (session->pid == 0 && may_start(daemon, a) && (b == NULL || a->starting < b->starting || (a->starting == b->starting && a->turn <= b->turn)))
            next = session;
    }
    return next;
}

void sessions_advance(struct daemon *daemon)
{
    struct session *next;
    while (daemon->waiting > 0 && (next = next_waiting(daemon)) != NULL)
        session_fork(daemon, next);
}

/* Every byte is looked at, whatever the first ones are: the time tells nothing about the token. */
static bool same_token(const uint8_t *a, const uint8_t *b)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < RSYS_TOKEN_SIZE; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

static struct session *find(struct daemon *daemon, const uint8_t token[RSYS_TOKEN_SIZE], const struct tls_worker *tls)
{
    struct session *found = NULL;
    for (struct session *session = daemon->sessions; session != NULL; session = session->next)
        if (same_token(session->token, token) && session->tls == tls)
            found = session;
    /* Its process told us of the broker before it told the client of the token: the message is here, if not read yet. */
    if (found != NULL && found->broker_fd < 0 && found->pid != 0 && found->watch.fd >= 0)
        session_ready(daemon, &found->watch);
    return found != NULL && found->broker_fd >= 0 && found->watch.fd >= 0 ? found : NULL;
}

void sessions_tether(struct daemon *daemon, const struct rsys_hello *hello, int fd, const struct rsys_peer *peer, const struct tls_worker *tls)
{
    RSYS_AUTO_FD tether = fd;
    struct session *found = find(daemon, hello->token, tls);
    if (found == NULL || found->resume == 0) {
        sessions_refuse(daemon, rsys_fd_steal(&tether), peer, found == NULL ? "there is no such session any more" : "the session is not to be resumed");
        return;
    }
    enum server_pass what = (hello->resume & RSYS_RESUME_CONTROL) != 0 ? SERVER_PASS_CONTROL : SERVER_PASS_TETHER;
    if (server_send_fd(found->watch.fd, what, tether, MSG_DONTWAIT) < 0)
        server_log_about(&(struct log_about){found->number, peer->text}, LOG_LEVEL_DEBUG, "a tether is dropped: %s", strerror(errno));
}

void sessions_channel(struct daemon *daemon, const struct rsys_hello *hello, int fd, const struct rsys_peer *peer, const struct tls_worker *tls)
{
    RSYS_AUTO_FD channel = fd;
    struct session *found = find(daemon, hello->token, tls);
    if (found == NULL || (hello->resume != 0 && found->resume == 0)) {
        server_log_about(&(struct log_about){.peer = peer->text}, LOG_LEVEL_DEBUG, "a channel for no session that there is");
        return;
    }
    /* A connection that cannot be pinned is not the sandbox's to hold: its process relays it, when it was started to.  One for the view's executor goes that way too,
     * because that may have to be told. */
    found->used = true;
    enum server_pass what = hello->resume == 0 ? SERVER_PASS_ANY : hello->resume == RSYS_RESUME_VIEW ? SERVER_PASS_VIEW : SERVER_PASS_DROP;
    if (found->resume != 0)
        server_channel_patience(channel);
    int to = pin(channel) ? found->broker_fd : found->pinned ? -1 : found->watch.fd;
    if (server_send_fd(what != SERVER_PASS_ANY && to >= 0 ? found->watch.fd : to, what, channel, MSG_DONTWAIT) < 0)
        server_log_about(&(struct log_about){found->number, peer->text}, LOG_LEVEL_DEBUG, "a channel is dropped: %s", strerror(errno));
}

static void session_ended(struct daemon *daemon, struct session *session, int status)
{
    session_end(daemon, session);
    if (!session->used)
        account_pause(daemon, session->account);
    struct counters_sum sum;
    counters_read(session->counters_fd, session->counters, &sum);
    counters_sum_add(&daemon->totals.ended, &sum);
    server_log_about(SESSION_ABOUT(session), LOG_LEVEL_INFO, "ended after %lld ms%s", (long long)(server_now() - session->started),
                     WIFSIGNALED(status) ? ", killed" : "");
    session_remove(daemon, session);
    /* One that was killed has left its control group. */
    daemon->sweep = (daemon->sweep || WIFSIGNALED(status)) && !rsys_cgroups_sweep(daemon->policy.groups);
}

void sessions_reap(struct daemon *daemon)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct session *session = daemon->sessions;
        while (session != NULL && session->pid != pid)
            session = session->next;
        if (session != NULL) {
            session_ended(daemon, session, status);
            continue;
        }
        /* Without its TLS process a session's connections are lost, and there will be no others. */
        const struct tls_worker *worker = tls_worker_reaped(daemon, pid);
        for (session = daemon->sessions; worker != NULL && session != NULL; session = session->next)
            if (session->tls == worker && session->pid != 0)
                session_end(daemon, session);
        if (worker == NULL)
            control_reaped(daemon, pid);
    }
}

static void session_expired(struct daemon *daemon, struct session *session)
{
    if (session->pid == 0) {
        refuse_waiting(daemon, session, "the server is busy with other clients: try again later");
        return;
    }
    server_log_about(SESSION_ABOUT(session), LOG_LEVEL_ERROR, "%s: killed",
                     session->watch.fd < 0 ? "does not end in time" : "its sandbox did not start in time");
    kill(session->pid, SIGKILL); /* PR_SET_PDEATHSIG takes the sandbox along */
    session_end(daemon, session);
    set_deadline(daemon, session, 0);
    /* One that the kernel holds (a file system that does not answer) cannot be waited for, and is not to keep its place. */
    uncount(daemon, session);
}

void sessions_expire(struct daemon *daemon, int64_t now)
{
    for (struct session *session = daemon->deadlines != 0 ? daemon->sessions : NULL, *next; session != NULL; session = next) {
        next = session->next;
        if (session->deadline != 0 && session->deadline <= now)
            session_expired(daemon, session);
    }
}

void sessions_end_all(struct daemon *daemon)
{
    for (struct session *session = daemon->sessions, *next; session != NULL; session = next) {
        next = session->next;
        if (session->pid == 0)
            refuse_waiting(daemon, session, "the server is ending");
        else
            session_end(daemon, session);
    }
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* daemon.c: the daemon's listeners, signals and loop. */
#include "server/daemon.h"

#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"
#include "server/control.h"
#include "server/log.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "tcp:127.0.0.1:9000"
#define DEFAULT_VSOCK "vsock:9000"
#define VSOCK_HOST "/dev/vhost-vsock" /* a host of virtual machines has it */
#define PAUSE_MS 100

int64_t server_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int daemon_watch(struct daemon *daemon, struct watch *watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    return epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event);
}

int daemon_watch_end(struct daemon *daemon, struct watch *watch)
{
    struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = watch};
    return epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event);
}

void daemon_unwatch(struct daemon *daemon, struct watch *watch)
{
    (void)epoll_ctl(daemon->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

static void watch_listeners(struct daemon *daemon, bool on)
{
    for (size_t i = 0; i < daemon->listener_count; i++) {
        if (on)
            (void)daemon_watch(daemon, &daemon->listeners[i].watch);
        else
            daemon_unwatch(daemon, &daemon->listeners[i].watch);
    }
}

void daemon_pause(struct daemon *daemon)
{
    watch_listeners(daemon, false);
    daemon->paused_until = server_now() + PAUSE_MS;
}

/* Whether we may serve there at all, whoever has made the listener; and what that takes. */
static int check_address(struct daemon *daemon, const struct rsys_address *address, struct rsys_error **err)
{
    if (daemon->listener_count == OPTIONS_LISTEN_MAX)
        return rsys_error_make(err, 0, "listen on %s: %d addresses are the most", rsys_address_text(address), OPTIONS_LISTEN_MAX);
    if (rsys_address_is_public(address) && !daemon->options->insecure)
        return rsys_error_make(err, 0, "listen on %s: other machines reach this address, and there is neither encryption nor a key: "
                               "use tls:HOST:PORT (rsys-keygen makes the keys of both sides), or a loopback address and a tunnel (ssh -L), or allow it with --insecure",
                               rsys_address_text(address));
    if (rsys_address_is_tls(address) && daemon->tls.keys.text == NULL)
        return tls_load_keys(daemon, daemon->options->key, err);
    return 0;
}

/* Serve a listener; takes address and fd, also on failure.  from: who has made it, for the log; NULL: it is rsys-jail's, the only one, and goes with it. */
static int serve_listener(struct daemon *daemon, struct rsys_address *address, int fd, const char *from, FILE *ready, struct rsys_error **err)
{
    struct listener *listener = &daemon->listeners[daemon->listener_count++];
    *listener = (struct listener){.watch = {.fd = fd, .ready = daemon_accept}, .address = address, .embedded = from == NULL};
    if (daemon_watch(daemon, &listener->watch) < 0)
        return rsys_error_make(err, errno, "wait for connections to %s", rsys_address_text(address));
    if (rsys_listener_name(address, fd, listener->name, sizeof listener->name) < 0)
        return rsys_error_make(err, errno, "the name of %s", rsys_address_text(address));
    server_log(from == NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "listening on %s%s", listener->name, from != NULL ? from : "");
    if (ready != NULL)
        fprintf(ready, "%s\n", listener->name);
    return 0;
}

static int add_listener(struct daemon *daemon, const char *text, const char *from, FILE *ready, struct rsys_error **err)
{
    struct rsys_address *address = rsys_address_parse(text, err);
    if (address == NULL)
        return -1;
    int mode = daemon->options->socket_mode;
    rsys_address_set_mode(address, mode >= 0 ? (unsigned)mode : daemon->options->clients.uids.given ? 0666 : 0600);
    int fd = check_address(daemon, address, err) < 0 ? -1 : rsys_address_listen(address, err);
    if (fd < 0) {
        rsys_address_free(address);
        return -1;
    }
    return serve_listener(daemon, address, fd, from, ready, err);
}

/* One that the service manager has made. */
static int adopt_listener(struct daemon *daemon, unsigned index, FILE *ready, struct rsys_error **err)
{
    int fd = MANAGER_FIRST_FD + (int)index;
    struct rsys_address *address = rsys_address_adopt(fd, err);
    char name[64], from[100];
    manager_listener_name(&daemon->manager, index, name, sizeof name);
    if (address == NULL)
        return -1;
    if ((strcmp(name, "tls") == 0 && rsys_address_make_tls(address, err) < 0) || check_address(daemon, address, err) < 0) {
        rsys_address_free(address);
        return -1;
    }
    snprintf(from, sizeof from, ", inherited%s%s", name[0] != 0 ? " as " : "", name);
    return serve_listener(daemon, address, fd, from, ready, err);
}

/* vsock, where there are virtual machines to serve.  Nobody has asked for it: where it fails (another program has the port; the module is missing),
 * that is told, and what every machine can do goes on. */
static int add_defaults(struct daemon *daemon, FILE *ready, struct rsys_error **err)
{
    RSYS_AUTO_ERROR why = NULL;
    if (add_listener(daemon, DEFAULT_ADDRESS, "", ready, err) < 0)
        return -1;
    if (access(VSOCK_HOST, F_OK) == 0 && add_listener(daemon, DEFAULT_VSOCK, "", ready, &why) < 0)
        server_log(LOG_LEVEL_ERROR, "virtual machines are not served: %s", rsys_error_text(why));
    return 0;
}

static int open_listeners(struct daemon *daemon, struct rsys_error **err)
{
    const struct options *options = daemon->options;
    FILE *ready = NULL;
    if (options->ready_fd >= 0 && (ready = fdopen(options->ready_fd, "w")) == NULL)
        return rsys_error_make(err, errno, "--ready-fd=%d", options->ready_fd);
    int result = 0;
    for (unsigned i = 0; result == 0 && i < daemon->manager.listeners; i++)
        result = adopt_listener(daemon, i, ready, err);
    for (size_t i = 0; result == 0 && i < options->listens; i++)
        result = add_listener(daemon, options->listen[i], "", ready, err);
    if (result == 0 && options->embedded_fd >= 0) {
        char text[32];
        snprintf(text, sizeof text, "embedded:%d", options->embedded_fd);
        result = add_listener(daemon, text, NULL, ready, err);
        if (result == 0)
            close(options->embedded_fd); /* the listener has its own */
    }
    if (result == 0 && daemon->listener_count == 0)
        result = add_defaults(daemon, ready, err);
    if (ready != NULL && fclose(ready) != 0 && result == 0)
        result = rsys_error_make(err, errno, "--ready-fd=%d", options->ready_fd);
    return result;
}

static void close_listeners(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->listener_count; i++) {
        daemon_unwatch(daemon, &daemon->listeners[i].watch);
        close(daemon->listeners[i].watch.fd);
        rsys_address_unlisten(daemon->listeners[i].address);
        rsys_address_free(daemon->listeners[i].address);
    }
    daemon->listener_count = 0;
}

/* SIGHUP: new sessions get the policy and the keys as they are now; what cannot be read changes nothing. */
static void reload(struct daemon *daemon)
{
    RSYS_AUTO_ERROR err = NULL;
    struct timespec now;
    if (daemon->draining)
        return; /* there will be no new ones */
    clock_gettime(CLOCK_MONOTONIC, &now);
    manager_tell(&daemon->manager, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
    const char *what = "policy";
    if (server_policy_load(&daemon->policy, daemon->options->policy, &err) < 0)
        server_log(LOG_LEVEL_ERROR, "the policy stays as it was: %s", rsys_error_text(err));
    else
        server_log(LOG_LEVEL_INFO, "the policy is loaded again");
    /* Whatever became of the policy: clients may have been revoked. */
    RSYS_AUTO_ERROR keys_err = NULL;
    if (daemon->tls.keys.text != NULL && tls_load_keys(daemon, daemon->options->key, &keys_err) < 0) {
        server_log(LOG_LEVEL_ERROR, "the keys stay as they were: %s", rsys_error_text(keys_err));
        what = "keys";
    } else if (daemon->tls.keys.text != NULL) {
        server_log(LOG_LEVEL_INFO, "the keys are loaded again");
    }
    const struct rsys_error *why = keys_err != NULL ? keys_err : err;
    if (why != NULL)
        manager_tell(&daemon->manager, "READY=1\nSTATUS=The %s could not be loaded again: %s", what, rsys_error_text(why));
    else
        manager_tell(&daemon->manager, "READY=1");
}

/* SIGTERM: no new sessions; those that there are may go on for a while.  The second one, and SIGINT: they end now. */
static void drain(struct daemon *daemon, bool now)
{
    if (!daemon->draining)
        manager_tell(&daemon->manager, "STOPPING=1");
    now |= daemon->draining || daemon->options->drain_timeout == 0;
    daemon->draining = true;
    daemon->drain_until = server_now() + (now ? 0 : 1000 * (int64_t)daemon->options->drain_timeout);
    if (!now && daemon->session_count > 0)
        server_log(LOG_LEVEL_INFO, "draining: %u sessions may go on for %u s; SIGTERM once more ends them", daemon->session_count,
                   daemon->options->drain_timeout);
}

static void signals_ready(struct daemon *daemon, struct watch *watch)
{
    struct signalfd_siginfo info;
    while (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            sessions_reap(daemon);
        else if (info.ssi_signo == SIGHUP)
            reload(daemon);
        else
            drain(daemon, info.ssi_signo == SIGINT);
    }
}

static int open_signals(struct daemon *daemon, struct rsys_error **err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* counters_new_page, under a limit of file sizes */
    signal(SIGCHLD, SIG_DFL); /* an inherited SIG_IGN would reap by itself */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return rsys_error_make(err, errno, "block signals");
    daemon->signals = (struct watch){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = signals_ready};
    if (daemon->signals.fd < 0 || daemon_watch(daemon, &daemon->signals) < 0)
        return rsys_error_make(err, errno, "wait for signals");
    return 0;
}

/* Milliseconds until something is due; -1: nothing is. */
static int next_timeout(const struct daemon *daemon)
{
    int64_t next = INT64_MAX;
    if (daemon->half_open != NULL)
        next = daemon->half_open->deadline;
    if (daemon->paused_until != 0)
        next = RSYS_MIN(next, daemon->paused_until);
    if (daemon->draining && !daemon->ending)
        next = RSYS_MIN(next, daemon->drain_until);
    if (daemon->manager.watchdog_ms != 0)
        next = RSYS_MIN(next, daemon->watchdog_due);
    if (daemon->pauses_until != 0)
        next = RSYS_MIN(next, daemon->pauses_until);
    for (const struct session *session = daemon->deadlines != 0 ? daemon->sessions : NULL; session != NULL; session = session->next)
        if (session->deadline != 0)
            next = RSYS_MIN(next, session->deadline);
    if (next == INT64_MAX)
        return -1;
    int64_t left = next - server_now();
    return left < 0 ? 0 : (int)RSYS_MIN(left + 1, (int64_t)3600000);
}

static void end_sessions(struct daemon *daemon)
{
    daemon->ending = true;
    if (daemon->session_count > 0)
        server_log(LOG_LEVEL_INFO, "ending %u sessions", daemon->session_count);
    close_listeners(daemon);
    half_open_close_all(daemon);
    sessions_end_all(daemon);
}

/* What the service manager is to know after each event. */
static void tell_manager(struct daemon *daemon, int64_t now)
{
    if (daemon->manager.watchdog_ms != 0 && daemon->watchdog_due <= now) {
        manager_tell_now(&daemon->manager, "WATCHDOG=1");
        daemon->watchdog_due = now + daemon->manager.watchdog_ms;
    }
    if (daemon->told_count == daemon->session_count && daemon->told_number == daemon->last_number)
        return;
    daemon->told_count = daemon->session_count;
    daemon->told_number = daemon->last_number;
    manager_tell_now(&daemon->manager, "STATUS=%u sessions, %u since the start", daemon->session_count, daemon->last_number);
}

static void serve(struct daemon *daemon)
{
    /* Draining, channels of the sessions that there are still come in. */
    while (!daemon->draining || daemon->session_count > 0) {
        if (daemon->draining && !daemon->ending && daemon->drain_until <= server_now())
            end_sessions(daemon);
        struct epoll_event event;
        int n = epoll_wait(daemon->epoll_fd, &event, 1, next_timeout(daemon));
        if (n == 1) {
            struct watch *watch = event.data.ptr;
            watch->ready(daemon, watch);
        } else if (n < 0 && errno != EINTR) {
            server_log(LOG_LEVEL_ERROR, "epoll_wait: %s", strerror(errno));
            drain(daemon, true);
        }
        int64_t now = server_now();
        if (daemon->paused_until != 0 && daemon->paused_until <= now) {
            daemon->paused_until = 0;
            watch_listeners(daemon, true);
        }
        half_open_expire(daemon, now);
        sessions_expire(daemon, now);
        accounts_expire(daemon, now);
        sessions_advance(daemon);
        tell_manager(daemon, now);
    }
}

static int open_all(struct daemon *daemon, struct rsys_error **err)
{
    const struct options *options = daemon->options;
    /* The variables of the manager of rsys-jail are not for its private daemon. */
    if (options->embedded_fd < 0 && manager_open(&daemon->manager, err) < 0)
        return -1;
    if (server_policy_load(&daemon->policy, options->policy, err) < 0 || rsys_sandbox_new_keyring(err) < 0 || open_signals(daemon, err) < 0)
        return -1;
    if (options->embedded_fd < 0 && control_open(daemon, err) < 0)
        return -1;
    return open_listeners(daemon, err);
}

/* How many sandboxes are made at a time: as many as there are processors.  More would only make all of them later. */
static unsigned starts_at_once(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 2 : processors > 64 ? 64 : (unsigned)processors;
}

/* A session takes three descriptors of the daemon; the soft limit is meant for programs that use select(2). */
static void raise_descriptors(const struct options *options)
{
    struct rlimit limit;
    rlim_t need = 3 * (rlim_t)options->max_sessions + HALF_OPEN_MAX + 2 * OPTIONS_LISTEN_MAX + 64;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < need && options->embedded_fd < 0)
        server_log(LOG_LEVEL_INFO, "the hard limit on open files is %llu, and --max-sessions=%u may take %llu: raise it (ulimit -Hn, LimitNOFILE=)",
                   (unsigned long long)limit.rlim_max, options->max_sessions, (unsigned long long)need);
}

int server_run(const struct options *options)
{
    RSYS_AUTO_ERROR err = NULL;
    struct daemon daemon = {.options = options, .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .signals = {.fd = -1}, .manager = {.fd = -1}, .since = time(NULL)};
    server_log_level(options->verbosity);
    server_log_format(options->log_json);
    raise_descriptors(options);
    daemon.starts_max = starts_at_once();
    int result = daemon.epoll_fd < 0 ? rsys_error_make(&err, errno, "epoll_create1") : open_all(&daemon, &err);
    /* A private daemon shares its stderr with the program that is jailed, and what fails is told by rsys-jail. */
    if (result == 0 && options->embedded_fd >= 0 && options->verbosity <= 0)
        server_log_level(LOG_LEVEL_NOTHING);
    if (result == 0) {
        manager_tell(&daemon.manager, "READY=1\nSTATUS=0 sessions");
        serve(&daemon);
    } else {
        server_log(LOG_LEVEL_ERROR, "%s", rsys_error_text(err));
    }
    control_close(&daemon);
    close_listeners(&daemon);
    half_open_close_all(&daemon);
    accounts_free(&daemon);
    tls_free(&daemon);
    server_policy_free(&daemon.policy);
    rsys_cgroups_close(daemon.policy.groups);
    manager_close(&daemon.manager);
    rsys_close(daemon.signals.fd);
    rsys_close(daemon.epoll_fd);
    return result < 0 ? 1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* daemon.c: the daemon's listeners, signals and loop. */
#include "server/daemon.h"

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

static int add_listener(struct daemon *daemon, const char *text, bool embedded, FILE *ready, struct rsys_error **err)
{
    struct rsys_address *address = rsys_address_parse(text, err);
    if (address == NULL)
        return -1;
    if (rsys_address_is_public(address) && !daemon->options->insecure) {
        rsys_address_free(address);
        return rsys_error_make(err, 0, "listen on %s: other machines reach this address, and there is neither encryption nor a key: "
                               "use a loopback address and a tunnel (ssh -L), or allow it with --insecure", text);
    }
    int mode = daemon->options->socket_mode;
    rsys_address_set_mode(address, mode >= 0 ? (unsigned)mode : daemon->options->clients.uids.given ? 0666 : 0600);
    int fd = rsys_listen(address, err);
    if (fd < 0) {
        rsys_address_free(address);
        return -1;
    }
    struct listener *listener = &daemon->listeners[daemon->listener_count++];
    *listener = (struct listener){.watch = {.fd = fd, .ready = daemon_accept}, .address = address, .embedded = embedded};
    if (daemon_watch(daemon, &listener->watch) < 0)
        return rsys_error_make(err, errno, "wait for connections to %s", text);
    char name[256];
    if (rsys_listener_name(address, fd, name, sizeof name) < 0)
        return rsys_error_make(err, errno, "the name of %s", text);
    server_log(embedded ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "listening on %s", name);
    if (ready != NULL)
        fprintf(ready, "%s\n", name);
    return 0;
}

/* vsock, where there are virtual machines to serve.  Nobody has asked for it: where it fails (another program has the port; the module is missing),
 * that is told, and what every machine can do goes on. */
static int add_defaults(struct daemon *daemon, FILE *ready, struct rsys_error **err)
{
    RSYS_AUTO_ERROR why = NULL;
    if (add_listener(daemon, DEFAULT_ADDRESS, false, ready, err) < 0)
        return -1;
    if (access(VSOCK_HOST, F_OK) == 0 && add_listener(daemon, DEFAULT_VSOCK, false, ready, &why) < 0)
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
    for (size_t i = 0; result == 0 && i < options->listens; i++)
        result = add_listener(daemon, options->listen[i], false, ready, err);
    if (result == 0 && options->embedded_fd >= 0) {
        char text[32];
        snprintf(text, sizeof text, "embedded:%d", options->embedded_fd);
        result = add_listener(daemon, text, true, ready, err);
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
        close(daemon->listeners[i].watch.fd);
        rsys_unlisten(daemon->listeners[i].address);
        rsys_address_free(daemon->listeners[i].address);
    }
    daemon->listener_count = 0;
}

/* SIGHUP: new sessions get the policy as it is now; one that does not compile changes nothing. */
static void reload(struct daemon *daemon)
{
    RSYS_AUTO_ERROR err = NULL;
    if (server_policy_load(&daemon->policy, daemon->options->policy, &err) < 0)
        server_log(LOG_LEVEL_ERROR, "the policy stays as it was: %s", rsys_error_text(err));
    else
        server_log(LOG_LEVEL_INFO, "the policy is loaded again");
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
            daemon->draining = true;
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
    for (const struct session *session = daemon->sessions; session != NULL; session = session->next)
        if (session->deadline != 0)
            next = RSYS_MIN(next, session->deadline);
    if (next == INT64_MAX)
        return -1;
    int64_t left = next - server_now();
    return left < 0 ? 0 : (int)RSYS_MIN(left + 1, (int64_t)3600000);
}

static void serve(struct daemon *daemon)
{
    bool ending = false;
    while (!daemon->draining || daemon->session_count > 0) {
        if (daemon->draining && !ending) {
            ending = true;
            close_listeners(daemon);
            half_open_close_all(daemon);
            sessions_end_all(daemon);
        }
        struct epoll_event event;
        int n = epoll_wait(daemon->epoll_fd, &event, 1, next_timeout(daemon));
        if (n == 1) {
            struct watch *watch = event.data.ptr;
            watch->ready(daemon, watch);
        } else if (n < 0 && errno != EINTR) {
            server_log(LOG_LEVEL_ERROR, "epoll_wait: %s", strerror(errno));
            daemon->draining = true;
        }
        int64_t now = server_now();
        if (daemon->paused_until != 0 && daemon->paused_until <= now) {
            daemon->paused_until = 0;
            watch_listeners(daemon, true);
        }
        half_open_expire(daemon, now);
        sessions_expire(daemon, now);
    }
}

int server_run(const struct options *options)
{
    RSYS_AUTO_ERROR err = NULL;
    struct daemon daemon = {.options = options, .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .signals = {.fd = -1}};
    server_log_level(options->verbosity);
    int result = daemon.epoll_fd < 0 ? rsys_error_make(&err, errno, "epoll_create1") : 0;
    if (result == 0)
        result = server_policy_load(&daemon.policy, options->policy, &err);
    if (result == 0)
        result = open_signals(&daemon, &err);
    if (result == 0)
        result = open_listeners(&daemon, &err);
    /* A private daemon shares its stderr with the program that is jailed, and what fails is told by rsys-jail. */
    if (result == 0 && options->embedded_fd >= 0 && options->verbosity <= 0)
        server_log_level(LOG_LEVEL_NOTHING);
    if (result == 0)
        serve(&daemon);
    else
        server_log(LOG_LEVEL_ERROR, "%s", rsys_error_text(err));
    close_listeners(&daemon);
    half_open_close_all(&daemon);
    server_policy_free(&daemon.policy);
    rsys_close(daemon.signals.fd);
    rsys_close(daemon.epoll_fd);
    return result < 0 ? 1 : 0;
}

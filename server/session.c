/* SPDX-License-Identifier: GPL-2.0-only */
/* session.c: the process of one session.
 *
 * It looks at nothing that the client sends (it may have to carry it, see relay.h).  It waits for the end of any of the three that make the session: the client's connection, the daemon,
 * the sandbox's pid 1; then it ends the sandbox, waits until the kernel has taken it apart, and goes. */
#include "server/session.h"

#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"
#include "server/addresses.h"
#include "server/denials.h"
#include "server/executor/executor.h"
#include "server/log.h"
#include "server/pass.h"
#include "server/program.h"
#include "server/ranges.h"
#include "server/relay.h"
#include "server/tether.h"
#include "src/core/util.h"
#include "transport/transport.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* How long a client may take to receive its welcome. */
#define WELCOME_TIMEOUT_MS 10000

int server_hello_reply(int fd, enum rsys_hello_status status, const void *payload, size_t size, int timeout_ms)
{
    struct rsys_hello_reply reply = {.magic = RSYS_WIRE_MAGIC, .version = RSYS_WIRE_VERSION, .status = (uint16_t)status, .size = (uint32_t)size};
    struct iovec iov[2] = {{&reply, sizeof reply}, {(void *)payload, size}};
    return rsys_send_iov(fd, iov, size != 0 ? 2 : 1, timeout_ms);
}

void server_channel_patience(int fd)
{
    const struct timeval limit = {.tv_usec = RSYS_EXECUTOR_PATIENCE_MS * 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static void fail(const struct server_session_start *start, const char *message)
{
    server_log(LOG_LEVEL_ERROR, "%s", message);
    (void)server_hello_reply(start->control_fd, RSYS_HELLO_FAILED, message, RSYS_MIN(strlen(message), (size_t)RSYS_WELCOME_MAX), WELCOME_TIMEOUT_MS);
    _exit(1);
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Close every descriptor but stderr and what we were given: other sessions' and the listeners are none of ours. */
static void close_others(const struct server_session_start *start)
{
    int keep[] = {STDERR_FILENO, start->control_fd, start->daemon_fd, start->counters_fd, rsys_cgroups_fd(start->policy->groups)};
    unsigned from = 0;
    qsort(keep, RSYS_ARRAY_SIZE(keep), sizeof *keep, ascending);
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(keep); i++) {
        if (keep[i] < 0)
            continue;
        if ((unsigned)keep[i] > from)
            (void)syscall(SYS_close_range, from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    (void)syscall(SYS_close_range, from, ~0u, 0);
}

static int send_welcome(const struct server_session_start *start)
{
    const struct rsys_spec *spec = start->policy->spec;
    uint32_t nofile = 0;
    if (rsys_sandbox_nofile(&spec->sandbox, &nofile, NULL) < 0)
        return -1;
    size_t rules = spec->rules.count * sizeof *spec->rules.rules, size = sizeof(struct rsys_welcome) + rules;
    RSYS_AUTO_FREE uint8_t *payload = calloc(1, size);
    if (payload == NULL || size > RSYS_WELCOME_MAX)
        return -1;
    struct rsys_welcome welcome = {.nofile = nofile, .uid = spec->sandbox.uid, .gid = spec->sandbox.gid, .rules = (uint32_t)spec->rules.count,
                                   .default_action = spec->rules.default_action, .default_errno = spec->rules.default_error,
                                   .flags = spec->sandbox.confined ? RSYS_WELCOME_CONFINED : 0, .resume = start->resume};
    memcpy(welcome.token, start->token, sizeof welcome.token);
    snprintf(welcome.hostname, sizeof welcome.hostname, "%s", spec->sandbox.hostname != NULL ? spec->sandbox.hostname : "sandbox");
    memcpy(payload, &welcome, sizeof welcome);
    if (rules != 0)
        memcpy(payload + sizeof welcome, spec->rules.rules, rules);
    return server_hello_reply(start->control_fd, RSYS_HELLO_OK, payload, size, WELCOME_TIMEOUT_MS);
}

/* A further connection of the client, which is not to be handed into the sandbox: relayed. */
static void relay_channel(const struct server_session_start *start, struct relays *relays, int broker, enum server_pass what, int connection)
{
    int end = connection; /* what the daemon has pinned needs no relay */
    if (relays != NULL && relays_add(relays, connection, &end) < 0)
        return; /* the client sees the end of its connection */
    if (start->resume != 0)
        server_channel_patience(end);
    (void)server_send_fd(broker, what, end, MSG_DONTWAIT);
    close(end);
}

static int watch(int epoll_fd, int fd, unsigned events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* The daemon has a connection for us, or has gone: then why the session ends. */
static const char *from_daemon(const struct server_session_start *start, pid_t pid, struct relays *relays, struct tether *tether, int broker)
{
    enum server_pass what;
    int connection = server_receive_fd(start->daemon_fd, &what);
    if (connection < 0)
        return errno == EAGAIN || errno == EINTR ? NULL : "the daemon ends it";
    if (what == SERVER_PASS_DROP)
        kill(pid, RSYS_EXECUTOR_DROP_VIEW);
    if (what == SERVER_PASS_DROP || what == SERVER_PASS_VIEW || what == SERVER_PASS_ANY) {
        relay_channel(start, relays, broker, what == SERVER_PASS_ANY ? what : SERVER_PASS_VIEW, connection);
        return NULL;
    }
    if (!tether_is(tether)) { /* the connection of the session's hello is pid 1's alone from now on */
        (void)epoll_ctl(tether->epoll_fd, EPOLL_CTL_DEL, start->control_fd, NULL);
        close(start->control_fd);
    }
    /* It may be waiting on a connection of whose end only the client knows. */
    if (what == SERVER_PASS_CONTROL)
        kill(pid, RSYS_EXECUTOR_DROP);
    tether_take(tether, connection);
    return NULL;
}

/* Until the client, the daemon or the sandbox ends.  pid 1 reads the client's connection; we only look for its end, so that a pid 1 that does not
 * read cannot outlive its client; a session that can be resumed has a tether for that.  Meanwhile, relay what has to be. */
static const char *serve(const struct server_session_start *start, pid_t pid, struct relays *relays, struct tether *tether, int broker, struct denials *denials, int listener)
{
    static char client, daemon, init, denied; /* their addresses tell the events apart */
    const char *why = NULL;
    int epoll_fd = tether->epoll_fd, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || watch(epoll_fd, start->control_fd, EPOLLRDHUP, &client) < 0 || watch(epoll_fd, start->daemon_fd, EPOLLIN, &daemon) < 0 ||
        watch(epoll_fd, pidfd, EPOLLIN, &init) < 0 || (denials != NULL && watch(epoll_fd, listener, EPOLLIN, &denied) < 0))
        return strerror(errno);
    while (why == NULL) {
        struct epoll_event event; /* one at a time: an event may end what the next one is of */
        int until_denials = denials_timeout(denials), until_over = tether_timeout(tether);
        int n = epoll_wait(epoll_fd, &event, 1, until_denials < 0 || (until_over >= 0 && until_over < until_denials) ? until_over : until_denials);
        if (n < 0 && errno != EINTR)
            return strerror(errno);
        denials_tell(denials, false);
        if (tether_is_over(tether))
            return "the client has not come back";
        if (n <= 0)
            continue;
        if (event.data.ptr == &client)
            why = "the client is gone";
        else if (event.data.ptr == &init)
            why = "its pid 1 has ended";
        else if (event.data.ptr == tether)
            why = tether_ready(tether) ? NULL : "the client is gone";
        else if (event.data.ptr == &daemon)
            why = from_daemon(start, pid, relays, tether, broker);
        else if (event.data.ptr == &denied)
            denials_ready(denials);
        else
            relays_ready(relays, event.data.ptr, event.events);
    }
    return why;
}

static void end_sandbox(pid_t pid)
{
    kill(pid, SIGKILL);
    /* The wait for a pid namespace's pid 1 is over when all its processes are (zap_pid_ns_processes): nothing is left after it. */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Addresses for a sandbox that is connected to our network: their locks, as the range's, are held until we end. */
static int take_addresses(struct rsys_sandbox_start *sandbox, struct rsys_error **err)
{
    const struct rsys_veth_spec *veth = &sandbox->spec->veth;
    if (sandbox->spec->network != RSYS_NETWORK_VETH)
        return 0;
    snprintf(sandbox->link_name, sizeof sandbox->link_name, "rsys%d", (int)getpid());
    for (int which = RSYS_IPV4; which <= RSYS_IPV6; which++)
        if (veth->subnet[which].prefix != 0 && server_address_take(&veth->subnet[which], which, sandbox->address[which], err) < 0)
            return -1;
    return 0;
}

/* A control group, when the policy has limits for one.  We stay outside: what we do is the server's (what waits in relays is bounded by itself), and somebody has
 * to be left to tell why the kernel has ended all that is in it. */
static int make_group(const struct server_session_start *start, struct rsys_sandbox_start *sandbox, struct rsys_cgroup *group, struct rsys_error **err)
{
    if (!rsys_cgroup_wanted(&sandbox->spec->group))
        return 0;
    if (rsys_cgroup_make(start->policy->groups, &sandbox->spec->group, group, err) < 0)
        return -1;
    sandbox->group_fd = group->fd;
    return 0;
}

/* The sandbox has ended: the last word to the client, if it can take one at once. */
static void end_group(const struct server_session_start *start, struct tether *tether, struct rsys_cgroup *group)
{
    char text[160] = "";
    if (rsys_cgroup_ran_out(group)) {
        snprintf(text, sizeof text, "the session's memory limit, %llu bytes, was reached, and the server's kernel has killed it (the policy's limits.memory)",
                 (unsigned long long)start->policy->spec->sandbox.group.memory);
        server_log(LOG_LEVEL_ERROR, "ended: %s", text);
    }
    /* The connection of the hello is pid 1's alone where the session is resumed: it may have been another's since. */
    if (!tether_is(tether) && start->resume == 0 && text[0] != 0)
        tether->fd = start->control_fd;
    tether_end(tether, text);
    rsys_cgroup_remove(group);
}

void server_session_run(const struct server_session_start *start)
{
    RSYS_AUTO_ERROR err = NULL;
    prctl(PR_SET_NAME, "rsys-session");
    server_log_own(start->number, start->peer);
    umask(022);
    close_others(start);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != start->daemon_pid)
        _exit(1);
    struct rsys_sandbox_start sandbox = {.spec = &start->policy->spec->sandbox, .filter = start->policy->filter,
                                         .filter_count = start->policy->filter_count, .counters_fd = start->counters_fd,
                                         .group_fd = -1, .control_fd = start->control_fd, .resumable = start->resume != 0};
    struct rsys_cgroup group = RSYS_CGROUP_NONE;
    uint32_t first = 0;
    /* The range's lock is held until we end: it is never closed before.  Who may not map the range maps its own id. */
    if (server_range_take(&first) < 0 && errno == EUSERS)
        fail(start, "all ranges of user ids for sessions are taken on this machine (4094): end other sessions first");
    sandbox.outside_uid = sandbox.outside_gid = first;
    int broker = -1, listener = -1;
    RSYS_AUTO_FD epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct tether tether = {.fd = -1, .epoll_fd = epoll_fd, .seconds = start->resume};
    struct relays *relays = NULL;
    if (!start->pinned) {
        /* Its end is watched for beside the relay, which reads it: each needs a descriptor of its own for epoll. */
        int own = fcntl(start->control_fd, F_DUPFD_CLOEXEC, 3);
        relays = relays_new(epoll_fd);
        if (own < 0 || relays == NULL || relays_add(relays, own, &sandbox.control_fd) < 0)
            fail(start, "the relay of the client's connection cannot be made");
    }
    if (start->resume != 0)
        server_channel_patience(sandbox.control_fd);
    sandbox.executor_fd = server_program_open(&err);
    pid_t pid = -1;
    if (sandbox.executor_fd >= 0 && take_addresses(&sandbox, &err) == 0 && make_group(start, &sandbox, &group, &err) == 0)
        pid = rsys_sandbox_start(&sandbox, &broker, &listener, &err);
    if (pid < 0) {
        rsys_cgroup_remove(&group);
        fail(start, rsys_error_text(err));
    }
    close(sandbox.executor_fd);
    rsys_close(sandbox.counters_fd);
    if (!start->pinned)
        close(sandbox.control_fd);
    struct denials *denials = listener >= 0 ? denials_new(listener, start->policy->spec, start->counters) : NULL;
    if (listener >= 0 && denials == NULL)
        fail(start, "there is no memory for what the policy denies");
    const char *why = "the daemon is gone";
    if (server_send_fd(start->daemon_fd, SERVER_PASS_ANY, broker, 0) == 0) {
        if (start->pinned && start->resume == 0)
            close(rsys_fd_steal(&broker)); /* the daemon puts the channels in by itself */
        why = send_welcome(start) < 0 ? "the client did not take its welcome" : serve(start, pid, relays, &tether, broker, denials, listener);
    }
    end_sandbox(pid);
    denials_tell(denials, true);
    end_group(start, &tether, &group);
    rsys_sandbox_unlink(&sandbox);
    server_log(LOG_LEVEL_DEBUG, "ended: %s", why);
    _exit(0);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* session.c: the process of one session.
 *
 * It reads nothing that the client sends.  It waits for the end of any of the three that make the session: the client's connection, the daemon,
 * the sandbox's pid 1; then it ends the sandbox, waits until the kernel has taken it apart, and goes. */
#include "server/session.h"

#include "sandbox/sandbox.h"
#include "server/log.h"
#include "server/program.h"
#include "server/ranges.h"
#include "src/core/util.h"
#include "transport/transport.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
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

static void fail(const struct server_session_start *start, const char *message)
{
    server_log(LOG_LEVEL_ERROR, "session %u: %s", start->number, message);
    (void)server_hello_reply(start->control_fd, RSYS_HELLO_FAILED, message, RSYS_MIN(strlen(message), (size_t)RSYS_WELCOME_MAX), WELCOME_TIMEOUT_MS);
    _exit(1);
}

/* Close every descriptor but stderr and the two that are given: other sessions' and the listeners are none of ours. */
static void close_others(int a, int b)
{
    const int keep[] = {STDERR_FILENO, RSYS_MIN(a, b), RSYS_MAX(a, b)};
    unsigned from = 0;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(keep); i++) {
        if ((unsigned)keep[i] > from)
            (void)syscall(SYS_close_range, from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    (void)syscall(SYS_close_range, from, ~0u, 0);
}

static int send_broker(int daemon_fd, int broker_fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    char byte = 'r';
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &broker_fd, sizeof broker_fd);
    return sendmsg(daemon_fd, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
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
                                   .default_action = spec->rules.default_action, .default_errno = spec->rules.default_error};
    memcpy(welcome.token, start->token, sizeof welcome.token);
    snprintf(welcome.hostname, sizeof welcome.hostname, "%s", spec->sandbox.hostname != NULL ? spec->sandbox.hostname : "sandbox");
    memcpy(payload, &welcome, sizeof welcome);
    if (rules != 0)
        memcpy(payload + sizeof welcome, spec->rules.rules, rules);
    return server_hello_reply(start->control_fd, RSYS_HELLO_OK, payload, size, WELCOME_TIMEOUT_MS);
}

/* Until the client, the daemon or the sandbox ends.  pid 1 reads the client's connection; we only look for its end, so that
 * a pid 1 that does not read cannot outlive its client. */
static const char *wait_for_end(const struct server_session_start *start, pid_t pid)
{
    RSYS_AUTO_FD pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return "pidfd_open failed";
    struct pollfd fds[] = {{.fd = start->control_fd, .events = POLLRDHUP}, {.fd = start->daemon_fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    for (;;) {
        if (poll(fds, RSYS_ARRAY_SIZE(fds), -1) < 0) {
            if (errno == EINTR)
                continue;
            return "poll failed";
        }
        if (fds[0].revents != 0)
            return "the client is gone";
        if (fds[1].revents != 0)
            return "the daemon ends it";
        if (fds[2].revents != 0)
            return "its pid 1 has ended";
    }
}

static void end_sandbox(pid_t pid)
{
    kill(pid, SIGKILL);
    /* The wait for a pid namespace's pid 1 is over when all its processes are (zap_pid_ns_processes): nothing is left after it. */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void server_session_run(const struct server_session_start *start)
{
    RSYS_AUTO_ERROR err = NULL;
    prctl(PR_SET_NAME, "rsys-session");
    umask(022);
    close_others(start->control_fd, start->daemon_fd);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != start->daemon_pid)
        _exit(1);
    struct rsys_sandbox_start sandbox = {.spec = &start->policy->spec->sandbox, .filter = start->policy->filter,
                                         .filter_count = start->policy->filter_count, .control_fd = start->control_fd};
    uint32_t first = 0;
    /* The range's lock is held until we end: it is never closed before.  Who may not map the range maps its own id. */
    (void)server_range_take(&first);
    sandbox.outside_uid = sandbox.outside_gid = first;
    int broker = -1;
    sandbox.executor_fd = server_program_open(&err);
    sandbox.forbid_connect = !start->pinned;
    pid_t pid = sandbox.executor_fd < 0 ? -1 : rsys_sandbox_start(&sandbox, &broker, &err);
    if (pid < 0)
        fail(start, rsys_error_text(err));
    close(sandbox.executor_fd);
    const char *why = "the daemon is gone";
    if (send_broker(start->daemon_fd, broker) == 0) {
        close(broker);
        why = send_welcome(start) < 0 ? "the client did not take its welcome" : wait_for_end(start, pid);
    }
    end_sandbox(pid);
    server_log(LOG_LEVEL_DEBUG, "session %u: ended: %s", start->number, why);
    _exit(0);
}

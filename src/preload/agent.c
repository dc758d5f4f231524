/* SPDX-License-Identifier: GPL-2.0-only */
/* agent.c: the process that holds a session: it makes executors for the program's threads and processes, and hands out their channels.
 *
 * The program's processes are its user's, as it is itself: what they say is checked only so far that a mistake does no harm.  Each has a connection of
 * its own, whose end is its end; with the last one, the agent ends, and with it the session. */
#include "src/preload/launcher.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A process of the program's. */
struct client {
    int fd;
    struct channel *leader;         /* NULL: it has ended */
    uint64_t tids[TIDS / 64];       /* its threads' */
};
struct agent {
    struct rsys_session *session;
    struct client **clients;
    struct pollfd *polls;
    size_t count, room;
};

static int add_client(struct agent *agent, int fd, struct channel *leader)
{
    if (agent->count == agent->room) {
        size_t room = 2 * agent->room + 8;
        struct client **clients = reallocarray(agent->clients, room, sizeof *clients);
        if (clients != NULL)
            agent->clients = clients;
        struct pollfd *polls = clients == NULL ? NULL : reallocarray(agent->polls, room, sizeof *polls);
        if (polls == NULL)
            return -ENOMEM;
        agent->polls = polls;
        agent->room = room;
    }
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return -ENOMEM;
    client->fd = fd;
    client->leader = leader;
    agent->clients[agent->count++] = client;
    return 0;
}

/* End a process's executor, and wait until it has. */
static void end_process(struct agent *agent, struct client *client)
{
    if (client->leader == NULL)
        return;
    if (atomic_load(&agent->session->lost) == 0)
        channel_exit(client->leader, true);
    session_free_tid(agent->session, client->leader->tid);
    for (pid_t tid = 0; tid < (pid_t)TIDS; tid++)
        if ((client->tids[tid / 64] >> tid % 64 & 1) != 0)
            session_free_tid(agent->session, tid);
    channel_free(client->leader);
    client->leader = NULL;
}

static void remove_client(struct agent *agent, size_t index)
{
    struct client *client = agent->clients[index];
    end_process(agent, client);
    close(client->fd);
    free(client);
    agent->clients[index] = agent->clients[--agent->count];
}

static bool has_thread(const struct client *client, int tid) { return tid > 0 && tid < (int)TIDS && (client->tids[tid / 64] >> tid % 64 & 1) != 0; }

/* An executor thread: its tid, and its channel in *ret_fd. */
static int64_t make_thread(struct agent *agent, struct client *client, int *ret_fd)
{
    struct channel *channel;
    int failed = session_clone(agent->session, client->leader, CLONE_FS | CLONE_FILES | CLONE_THREAD, &channel);
    if (failed < 0)
        return failed;
    pid_t tid = channel->tid;
    client->tids[tid / 64] |= UINT64_C(1) << tid % 64;
    *ret_fd = rsys_fd_steal(&channel->fd);
    channel_free(channel);
    return tid;
}

/* An executor process, and in *ret_fd a connection for who it is for. */
static int64_t make_process(struct agent *agent, struct client *client, int *ret_fd)
{
    struct channel *leader = NULL;
    int pair[2], failed = session_clone(agent->session, client->leader, 0, &leader);
    if (failed < 0)
        return failed;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        failed = -errno;
    } else if ((failed = add_client(agent, pair[0], leader)) < 0) {
        close(pair[0]);
        close(pair[1]);
    } else {
        *ret_fd = pair[1];
        return 0;
    }
    channel_exit(leader, true);
    channel_free(leader);
    return failed;
}

static int64_t serve(struct agent *agent, struct client *client, const struct preload_request *request, int *ret_fd)
{
    if (atomic_load(&agent->session->lost) != 0 || client->leader == NULL)
        return -ECONNRESET;
    switch (request->op) {
    case PRELOAD_THREAD: return make_thread(agent, client, ret_fd);
    case PRELOAD_PROCESS: return make_process(agent, client, ret_fd);
    case PRELOAD_CANCEL:
        if (has_thread(client, request->tid))
            session_cancel_of(agent->session, client->leader->tid, request->tid, request->seq);
        return 0;
    case PRELOAD_GONE:
        if (has_thread(client, request->tid)) {
            client->tids[request->tid / 64] &= ~(UINT64_C(1) << request->tid % 64);
            session_free_tid(agent->session, request->tid);
        }
        return 0;
    case PRELOAD_EXIT: end_process(agent, client); return 0;
    default: return -EINVAL;
    }
}

static void answer(int fd, int64_t result, int passed)
{
    struct preload_answer answer = {result};
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec out = {&answer, sizeof answer};
    struct msghdr message = {.msg_iov = &out, .msg_iovlen = 1};
    if (passed >= 0) {
        memcpy(CMSG_DATA(&control.head), &passed, sizeof passed);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    (void)sendmsg(fd, &message, MSG_NOSIGNAL); /* who does not take it has ended, and is found so */
    rsys_close(passed);
}

/* One request.  Whether the process is still there. */
static bool serve_one(struct agent *agent, struct client *client)
{
    struct preload_request request;
    int passed = -1, fd = client->fd;
    ssize_t got = recv(fd, &request, sizeof request, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got != (ssize_t)sizeof request)
        return false;
    int64_t result = serve(agent, client, &request, &passed);
    answer(fd, result, passed);
    return true;
}

static void run(struct agent *agent)
{
    while (agent->count > 0) {
        for (size_t i = 0; i < agent->count; i++)
            agent->polls[i] = (struct pollfd){.fd = agent->clients[i]->fd, .events = POLLIN};
        size_t count = agent->count;
        if (poll(agent->polls, count, -1) < 0)
            continue;
        for (size_t i = count; i-- > 0;) /* downwards: the last takes the place of who leaves */
            if (agent->polls[i].revents != 0 && !serve_one(agent, agent->clients[i]))
                remove_client(agent, i);
    }
}

/* Nothing of the program's, or of who started it, is held up by us: its terminal, its pipes, its directory. */
static int leave(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        if (dup2(null, fd) < 0)
            return -1;
    if (null < 0 || chdir("/") < 0 || setsid() < 0)
        return -1;
    rsys_close(null);
    for (int signal = 1; signal < NSIG; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            (void)!sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_NAME, "rsys-agent");
    return 0;
}

/* Close what was open before us in whoever started us. */
static void close_inherited(void)
{
    for (int fd = 3, most = (int)RSYS_MIN(sysconf(_SC_OPEN_MAX), 65536L); fd < most; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
            close(fd);
    }
}

int agent_start(struct rsys_session *session, int own, int theirs, struct rsys_error **err)
{
    struct agent agent = {.session = session};
    int status;
    /* Not fork: that would tell the library's handlers, and have an executor made. */
    pid_t child = _Fork();
    if (child < 0)
        return rsys_error_make(err, errno, "fork the session's agent");
    if (child == 0) {
        pid_t grandchild = _Fork();
        if (grandchild != 0)
            _exit(grandchild < 0);
        close(theirs);
        close_inherited();
        if (leave() < 0 || add_client(&agent, own, session->leader) < 0)
            _exit(1);
        run(&agent);
        _exit(0);
    }
    if (waitpid(child, &status, 0) < 0 || status != 0)
        return rsys_error_make(err, 0, "start the session's agent");
    return 0;
}

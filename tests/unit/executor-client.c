/* SPDX-License-Identifier: GPL-2.0-only */
/* executor-client.c: see executor-client.h. */
#include "tests/unit/executor-client.h"

#include "sandbox/sandbox.h"
#include "server/counters.h"
#include "server/executor/executor.h"
#include "src/core/util.h"
#include "transport/transport.h"

#include <check.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void pair(int type, int fds[2]) { ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0); }

static void put(int fd, int at)
{
    if (dup2(fd, at) != at)
        _exit(101);
}

/* The sandbox's first process: what sandbox/ does, as far as the executor needs it. */
static void become_init(const char *program, int sync_fd, int control, const int broker[2], int counters_fd, uint64_t capabilities)
{
    char byte, nofile[16], kept[20];
    if (read(sync_fd, &byte, 1) != 1 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        _exit(102);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("proc", "/proc", "proc", 0, NULL) < 0 || chdir("/") < 0)
        _exit(103);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        _exit(104);
    umask(022);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int self = open(program, O_RDONLY | O_CLOEXEC);
    put(broker[0], CLIENT_NOFILE + RSYS_FD_BROKER_TAKE);
    put(broker[1], CLIENT_NOFILE + RSYS_FD_BROKER_GIVE);
    put(self, CLIENT_NOFILE + RSYS_FD_SELF);
    put(open("/", O_PATH | O_CLOEXEC), CLIENT_NOFILE + RSYS_FD_PLACEHOLDER);
    put(counters_fd, CLIENT_NOFILE + RSYS_FD_COUNTERS);
    put(control, CLIENT_NOFILE + RSYS_FD_CHANNEL);
    close_range(0, CLIENT_NOFILE - 1, 0);
    close_range(CLIENT_NOFILE + RSYS_FD_CHANNEL + 1, ~0u, 0);
    limit.rlim_cur = CLIENT_NOFILE;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        _exit(105);
    snprintf(nofile, sizeof nofile, "%d", CLIENT_NOFILE);
    snprintf(kept, sizeof kept, "%lx", (unsigned long)capabilities);
    char *argv[] = {(char *)"init", nofile, kept, (char *)"0", NULL}, *envp[] = {NULL};
    syscall(SYS_execveat, CLIENT_NOFILE + RSYS_FD_SELF, "", argv, envp, AT_EMPTY_PATH);
    _exit(106);
}

void client_start(struct client *client, const char *program, unsigned spares, uint64_t capabilities)
{
    int control[2], broker[2], sync_fds[2];
    memset(client, 0, sizeof *client);
    pair(SOCK_STREAM, control);
    pair(SOCK_SEQPACKET, broker);
    pair(SOCK_STREAM, sync_fds);
    client->counters_fd = counters_new_page();
    ck_assert_int_ge(client->counters_fd, 0);
    struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC, .exit_signal = SIGCHLD};
    client->init = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    ck_assert_int_ge(client->init, 0);
    if (client->init == 0)
        become_init(program, sync_fds[0], control[1], broker, client->counters_fd, capabilities);
    client->range = geteuid() == 0 && rsys_sandbox_write_maps(client->init, 0, 0, 0, 0, 65536, NULL) == 0;
    if (!client->range) {
        RSYS_AUTO_ERROR err = NULL;
        ck_assert_msg(rsys_sandbox_write_maps(client->init, 0, getuid(), 0, getgid(), 1, &err) == 0, "%s", rsys_error_text(err));
    }
    ck_assert_int_eq(write(sync_fds[1], "", 1), 1);
    close(sync_fds[0]);
    close(sync_fds[1]);
    close(control[1]);
    close(broker[0]);
    client->broker = broker[1];
    client->control.fd = control[0];
    for (unsigned i = 0; i < spares; i++)
        client_add_channel(client);
}

void client_stop(struct client *client)
{
    int status;
    close(client->control.fd);
    ck_assert_int_eq(waitpid(client->init, &status, 0), client->init);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "init ended with status %#x", status);
    for (unsigned i = 0; i < client->count; i++)
        close(client->channels[i].fd);
    close(client->broker);
    close(client->counters_fd);
}

void client_add_channel(struct client *client)
{
    int fds[2];
    pair(SOCK_STREAM, fds);
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &fds[1], sizeof(int));
    ck_assert_int_eq(sendmsg(client->broker, &message, 0), 1);
    close(fds[1]);
    unsigned slot = 0;
    while (slot < client->count && client->channels[slot].fd >= 0)
        slot++;
    ck_assert_uint_lt(slot, CLIENT_CHANNELS);
    client->channels[slot] = (struct client_channel){.fd = fds[0]};
    client->count = RSYS_MAX(client->count, slot + 1);
}

/* The first spare channel on which something has come. */
static struct client_channel *wait_spare(struct client *client)
{
    struct pollfd wait[CLIENT_CHANNELS];
    for (unsigned i = 0; i < client->count; i++)
        wait[i] = (struct pollfd){.fd = client->channels[i].tid == 0 ? client->channels[i].fd : -1, .events = POLLIN};
    int ready = poll(wait, client->count, CLIENT_TIMEOUT);
    ck_assert_msg(ready > 0, "no greeting came");
    for (unsigned i = 0; i < client->count; i++)
        if (wait[i].revents != 0)
            return &client->channels[i];
    return NULL;
}

int64_t client_any_greeting(struct client *client, pid_t *ret_tid)
{
    struct client_channel *channel = wait_spare(client);
    struct rsys_wire_reply reply;
    ck_assert_int_eq(rsys_receive_all(channel->fd, &reply, sizeof reply, CLIENT_TIMEOUT), 0);
    ck_assert_uint_eq(reply.seq, 0);
    ck_assert_uint_eq(reply.size, 0);
    channel->seq = 0;
    if (reply.result < 0) {
        ck_assert(client_hung_up(channel));
        close(channel->fd);
        *channel = (struct client_channel){.fd = -1, .tid = -1};
        *ret_tid = (pid_t)reply.signals;
        return reply.result;
    }
    channel->tid = *ret_tid = (pid_t)reply.result;
    return reply.result;
}

struct client_channel *client_greeted(struct client *client, pid_t tid)
{
    for (;;) {
        for (unsigned i = 0; i < client->count; i++)
            if (client->channels[i].tid == tid)
                return &client->channels[i];
        pid_t other;
        ck_assert_int_gt(client_any_greeting(client, &other), 0);
    }
}

struct client_channel *client_spawn(struct client *client, pid_t pid, bool pager)
{
    ck_assert_int_eq(client_call(&client->control, RSYS_OP_SPAWN, (uint64_t)pid, pager, 0), 0);
    return client_greeted(client, pid);
}

void client_send(struct client_channel *channel, struct rsys_request *request, uint16_t flags)
{
    struct iovec iov[4];
    size_t size;
    int count = rsys_request_frame(request, ++channel->seq, flags, iov, &size);
    ck_assert_int_eq(rsys_send_iov(channel->fd, iov, count, CLIENT_TIMEOUT), 0);
}

int64_t client_receive(struct client_channel *channel, struct rsys_request *request)
{
    struct rsys_wire_reply reply;
    ck_assert_msg(rsys_receive_all(channel->fd, &reply, sizeof reply, CLIENT_TIMEOUT) == 0, "no reply: %s", strerror(errno));
    ck_assert_uint_le(reply.size, rsys_request_reply_max(request));
    RSYS_AUTO_FREE uint8_t *data = malloc(reply.size + 1);
    ck_assert_int_eq(rsys_receive_all(channel->fd, data, reply.size, CLIENT_TIMEOUT), 0);
    ck_assert_uint_eq(reply.seq, channel->seq);
    ck_assert_int_eq(rsys_request_finish(request, &reply, data, &rsys_memory_own), 0);
    channel->signals = reply.signals;
    return reply.result;
}

void client_post(struct client_channel *channel, uint16_t nr, uint16_t flags, uint64_t a, uint64_t b, uint64_t c)
{
    struct rsys_request request = {0};
    rsys_request_start(&request, nr, (uint64_t[6]){a, b, c});
    client_send(channel, &request, flags);
    rsys_request_free(&request);
}

int64_t client_wait(struct client_channel *channel)
{
    struct rsys_request none = {.head.seq = channel->seq};
    return client_receive(channel, &none);
}

int64_t client_call(struct client_channel *channel, uint16_t nr, uint64_t a, uint64_t b, uint64_t c)
{
    client_post(channel, nr, 0, a, b, c);
    return client_wait(channel);
}

int64_t client_call_path(struct client_channel *channel, uint16_t nr, int arg, const char *path, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct rsys_request request = {0};
    rsys_request_start(&request, nr, (uint64_t[6]){a, b, c, d});
    ck_assert_int_ge(rsys_request_in(&request, arg, path, strlen(path) + 1), 0);
    client_send(channel, &request, 0);
    int64_t result = client_receive(channel, &request);
    rsys_request_free(&request);
    return result;
}

int64_t client_read(struct client_channel *channel, int fd, void *buffer, size_t n)
{
    struct rsys_request request = {0};
    rsys_request_start(&request, SYS_read, (uint64_t[6]){(uint64_t)fd, 0, n});
    ck_assert_int_ge(rsys_request_out(&request, 1, n, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = buffer}), 0);
    client_send(channel, &request, 0);
    int64_t result = client_receive(channel, &request);
    rsys_request_free(&request);
    return result;
}

int64_t client_write(struct client_channel *channel, int fd, const void *buffer, size_t n)
{
    struct rsys_request request = {0};
    rsys_request_start(&request, SYS_write, (uint64_t[6]){(uint64_t)fd, 0, n});
    ck_assert_int_ge(rsys_request_in(&request, 1, buffer, n), 0);
    client_send(channel, &request, 0);
    int64_t result = client_receive(channel, &request);
    rsys_request_free(&request);
    return result;
}

int client_pipe(struct client_channel *channel, int ret_fds[2])
{
    struct rsys_request request = {0};
    rsys_request_start(&request, SYS_pipe2, (uint64_t[6]){0});
    ck_assert_int_ge(rsys_request_out(&request, 0, 8, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = ret_fds}), 0);
    client_send(channel, &request, 0);
    int64_t result = client_receive(channel, &request);
    rsys_request_free(&request);
    return (int)result;
}

int64_t client_read_file(struct client_channel *channel, const char *path, char *buffer, size_t n)
{
    int64_t fd = client_call_path(channel, SYS_open, 0, path, 0, O_RDONLY, 0, 0), have = 0, got;
    if (fd < 0)
        return fd;
    while ((got = client_read(channel, (int)fd, buffer + have, n - 1 - (size_t)have)) > 0)
        have += got;
    buffer[have] = '\0';
    ck_assert_int_eq(client_call(channel, SYS_close, (uint64_t)fd, 0, 0), 0);
    return got < 0 ? got : have;
}

bool client_hung_up(struct client_channel *channel)
{
    char byte;
    struct pollfd wait = {.fd = channel->fd, .events = POLLIN};
    return poll(&wait, 1, CLIENT_TIMEOUT) == 1 && recv(channel->fd, &byte, 1, 0) <= 0;
}

void client_exit(struct client_channel *channel, bool whole)
{
    ck_assert_int_eq(client_call(channel, RSYS_OP_EXIT, whole, 0, 0), 0);
    channel->tid = 0;
}

void client_exec(struct client_channel *channel, const char *const *argv)
{
    char strings[4096];
    uint64_t count = 0, size = 0;
    for (; argv[count] != NULL; count++) {
        ck_assert_uint_lt(size + strlen(argv[count]), sizeof strings);
        strcpy(strings + size, argv[count]);
        size += strlen(argv[count]) + 1;
    }
    struct rsys_request request = {0};
    rsys_request_start(&request, RSYS_OP_EXEC, (uint64_t[6]){count, size, channel->seq + 2});
    ck_assert_int_ge(rsys_request_in(&request, -1, strings, size), 0);
    client_send(channel, &request, RSYS_REQUEST_NOREPLY);
    rsys_request_free(&request);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* server-client.c: starts rsys-sandboxd and speaks to it as a client does. */
#include "tests/unit/server-client.h"

#include "src/core/spec.h"
#include "src/core/util.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TIMEOUT 10000 /* ms: nothing here takes that long */

static void execute(enum who who, const char *const *argv)
{
    int program = open("rsys-sandboxd", O_RDONLY | O_CLOEXEC); /* the build's folder may be closed to an ordinary user */
    who_become(who);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    fexecve(program, (char *const *)argv, (char *const[]){NULL});
    _exit(126);
}

void server_start(struct server *server, enum who who, const char *option, const char *another)
{
    int ready[2];
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    server->embedded_fd = -1;
    server->pid = fork();
    if (server->pid == 0) {
        char ready_text[32];
        int fd = fcntl(ready[1], F_DUPFD, 3);
        snprintf(ready_text, sizeof ready_text, "--ready-fd=%d", fd);
        bool elsewhere = option != NULL && strncmp(option, "--listen", 8) == 0;
        const char *const argv[] = {"rsys-sandboxd", "--quiet", "--control=", ready_text, elsewhere ? option : "--listen=tcp:127.0.0.1:0",
                                    elsewhere ? another : option, elsewhere ? NULL : another, NULL};
        execute(who, argv);
    }
    close(ready[1]);
    FILE *file = fdopen(ready[0], "r");
    ck_assert_msg(fgets(server->address, sizeof server->address, file) != NULL, "rsys-sandboxd does not start as %s", who_names[who]);
    fclose(file);
    server->address[strcspn(server->address, "\n")] = 0;
}

void server_start_embedded(struct server *server, enum who who)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    server->embedded_fd = pair[0];
    snprintf(server->address, sizeof server->address, "embedded:%d", pair[0]);
    server->pid = fork();
    if (server->pid == 0) {
        char text[32];
        int fd = fcntl(pair[1], F_DUPFD, 3);
        snprintf(text, sizeof text, "--embedded=%d", fd);
        const char *const argv[] = {"rsys-sandboxd", "--quiet", text, NULL};
        execute(who, argv);
    }
    close(pair[1]);
}

int server_wait(struct server *server)
{
    RSYS_AUTO_FD fd = (int)syscall(SYS_pidfd_open, server->pid, 0);
    ck_assert_msg(becomes_readable(fd, TIMEOUT), "rsys-sandboxd does not end");
    int status;
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

void server_stop(struct server *server, int status)
{
    kill(server->pid, SIGTERM);
    ck_assert_int_eq(server_wait(server), status);
    rsys_close(server->embedded_fd);
}

int server_connect(const struct server *server)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_address *address = rsys_address_parse(server->address, &err);
    int fd = address != NULL ? rsys_address_connect(address, TIMEOUT, &err) : -1;
    ck_assert_msg(fd >= 0, "%s", rsys_error_text(err));
    rsys_address_free(address);
    return fd;
}

int server_say(char *text, size_t size, const char *argument)
{
    int out[2];
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        dup2(out[1], 2);
        const char *const argv[] = {"rsys-sandboxd", argument, NULL};
        execute(WHO_ROOT, argv);
    }
    close(out[1]);
    size_t have = 0;
    for (ssize_t n; have < size - 1 && (n = read(out[0], text + have, size - 1 - have)) > 0;)
        have += (size_t)n;
    text[have] = 0;
    close(out[0]);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The n-th process, by pid, whose parent is `parent`; 0: there is none. */
static pid_t nth_child(pid_t parent, int n)
{
    pid_t found[64];
    int count = 0;
    DIR *proc = opendir("/proc");
    ck_assert_ptr_nonnull(proc);
    for (struct dirent *entry; (entry = readdir(proc)) != NULL && count < 64;) {
        char path[300], line[512];
        int pid = atoi(entry->d_name), ppid = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *file = pid > 0 ? fopen(path, "re") : NULL;
        if (file == NULL)
            continue;
        char *end = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
        if (end != NULL && sscanf(end + 1, " %*c %d", &ppid) == 1 && ppid == parent)
            found[count++] = pid;
        fclose(file);
    }
    closedir(proc);
    return n < count ? found[n] : 0; /* procfs lists pids in their order */
}

pid_t server_child(const struct server *server, int n)
{
    pid_t pid = nth_child(server->pid, n);
    ck_assert_int_gt(pid, 0);
    return pid;
}

pid_t child_of(pid_t parent)
{
    pid_t pid = nth_child(parent, 0);
    ck_assert_int_gt(pid, 0);
    return pid;
}

bool becomes_readable(int fd, int ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, ms) == 1;
}

bool client_try_open(struct client *client, const struct server *server)
{
    RSYS_AUTO_ERROR err = NULL;
    RSYS_AUTO_FREE void *payload = NULL;
    size_t size = 0;
    *client = (struct client){.server = server, .control = server_connect(server)};
    if (rsys_hello_session(client->control, 0, TIMEOUT, &payload, &size, &err) < 0) {
        close(client->control);
        return strstr(rsys_error_text(err), "--max-sessions") != NULL ? false : (ck_abort_msg("%s", rsys_error_text(err)), false);
    }
    ck_assert_uint_ge(size, sizeof client->welcome);
    memcpy(&client->welcome, payload, sizeof client->welcome);
    ck_assert_uint_eq(size, sizeof client->welcome + client->welcome.rules * sizeof(struct rsys_wire_rule));
    return true;
}

void client_open(struct client *client, const struct server *server)
{
    ck_assert(client_try_open(client, server));
}

void client_close(struct client *client)
{
    rsys_close(client->control);
    for (int i = 0; i < client->count; i++)
        close(client->channels[i]);
    client->count = 0;
}

static int64_t receive(int fd, uint32_t seq)
{
    struct rsys_wire_reply reply;
    ck_assert_msg(rsys_receive_all(fd, &reply, sizeof reply, TIMEOUT) == 0, "no reply: %s", strerror(errno));
    ck_assert_uint_eq(reply.seq, seq);
    ck_assert_uint_eq(reply.size, 0);
    return reply.result;
}

int client_spawn(struct client *client, pid_t pid, bool pager)
{
    int fd = server_connect(client->server), index = client->count++;
    ck_assert_int_eq(rsys_hello_channel(fd, client->welcome.token, 0), 0);
    struct rsys_wire_request request = {.seq = ++client->seq, .nr = RSYS_OP_SPAWN, .args = {(uint64_t)pid, pager}};
    ck_assert_int_eq(rsys_send_all(client->control, &request, sizeof request, TIMEOUT), 0);
    ck_assert_int_eq(receive(client->control, client->seq), 0);
    ck_assert_int_eq(receive(fd, 0), pid); /* the greeting */
    client->channels[index] = fd;
    client->seqs[index] = 0;
    return index;
}

int64_t client_call(struct client *client, int channel, uint16_t nr, uint64_t a, uint64_t b)
{
    struct rsys_wire_request request = {.seq = ++client->seqs[channel], .nr = nr, .args = {a, b}};
    ck_assert_int_eq(rsys_send_all(client->channels[channel], &request, sizeof request, TIMEOUT), 0);
    return receive(client->channels[channel], request.seq);
}

int64_t client_call_data(struct client *client, int channel, uint16_t nr, const uint64_t args[6], int at, const void *data, uint32_t size)
{
    struct rsys_wire_request request = {.seq = ++client->seqs[channel], .nr = nr, .relocs = 1, .in_size = size, .arena = size};
    memcpy(request.args, args, sizeof request.args);
    struct rsys_wire_reloc reloc = {.at = (uint32_t)at, .to = 0};
    struct iovec iov[] = {{&request, sizeof request}, {&reloc, sizeof reloc}, {(void *)data, size}};
    ck_assert_int_eq(rsys_send_iov(client->channels[channel], iov, 3, TIMEOUT), 0);
    return receive(client->channels[channel], request.seq);
}

int64_t client_open_file(struct client *client, int channel, const char *path, int flags)
{
    const uint64_t args[6] = {(uint64_t)AT_FDCWD, 0, (uint64_t)flags, 0644};
    return client_call_data(client, channel, SYS_openat, args, 1, path, (uint32_t)strlen(path) + 1);
}

void client_bulk(struct client *client, int channel, unsigned times)
{
    const uint32_t size = RSYS_ARENA_SIZE;
    RSYS_AUTO_FREE uint8_t *data = calloc(1, size + sizeof(uint32_t));
    ck_assert_ptr_nonnull(data);
    int64_t zero = client_open_file(client, channel, "/dev/zero", O_RDONLY), null = client_open_file(client, channel, "/dev/null", O_WRONLY);
    const struct rsys_wire_reloc reloc = {.at = 1, .to = 0};
    const struct rsys_wire_out out = {.length = size, .how = RSYS_OUT_RESULT, .unit = 1};
    uint32_t first = client->seqs[channel] + 1;
    /* All are sent before any answer is received: what is on the way fills up in both directions, and nothing is lost. */
    for (unsigned i = 0; i < times; i++) {
        struct rsys_wire_request request = {.seq = ++client->seqs[channel], .nr = SYS_read, .relocs = 1, .outs = 1, .arena = size,
                                            .args = {(uint64_t)zero, 0, size}};
        struct iovec iov[] = {{&request, sizeof request}, {(void *)&reloc, sizeof reloc}, {(void *)&out, sizeof out}};
        ck_assert_int_eq(rsys_send_iov(client->channels[channel], iov, 3, TIMEOUT), 0);
    }
    for (unsigned i = 0; i < times; i++) {
        struct rsys_wire_reply reply;
        ck_assert_int_eq(rsys_receive_all(client->channels[channel], &reply, sizeof reply, TIMEOUT), 0);
        ck_assert_uint_eq(reply.seq, first + i);
        ck_assert_int_eq(reply.result, size);
        ck_assert_uint_eq(reply.size, size + sizeof(uint32_t));
        ck_assert_int_eq(rsys_receive_all(client->channels[channel], data, reply.size, TIMEOUT), 0);
    }
    for (unsigned i = 0; i < times; i++) {
        struct rsys_wire_request request = {.seq = ++client->seqs[channel], .nr = SYS_write, .relocs = 1, .in_size = size, .arena = size,
                                            .args = {(uint64_t)null, 0, size}};
        struct iovec iov[] = {{&request, sizeof request}, {(void *)&reloc, sizeof reloc}, {data, size}};
        ck_assert_int_eq(rsys_send_iov(client->channels[channel], iov, 3, TIMEOUT), 0);
    }
    for (unsigned i = 0; i < times; i++)
        ck_assert_int_eq(receive(client->channels[channel], first + times + i), size);
}

int client_sharer(struct client *client, int channel, pid_t tid)
{
    int fd = server_connect(client->server), index = client->count++;
    ck_assert_int_eq(rsys_hello_channel(fd, client->welcome.token, 0), 0);
    ck_assert_int_eq(client_call(client, channel, RSYS_OP_CLONE, CLONE_FILES, (uint64_t)tid), 0);
    ck_assert_int_eq(receive(fd, 0), tid);
    client->channels[index] = fd;
    client->seqs[index] = 0;
    return index;
}

bool client_hung_up(int fd, int ms)
{
    char buffer[4096];
    for (;;) {
        if (!becomes_readable(fd, ms))
            return false;
        if (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) <= 0)
            return true;
    }
}

// SPDX-License-Identifier: GPL-2.0-only
/* cut-relay.c: a network that breaks, between a client and a server of one machine.
 *
 *   cut-relay PORT | vsock:PORT
 *
 * Listens on 127.0.0.1 (or vsock's loopback) at a free port, prints it, and carries each connection to PORT there.  A line of standard input does one thing, and is answered with a line: how many
 * connections it was done to.
 *
 *   reset N     both sides of connection N (modulo how many there are, in the order of their acceptance) are reset
 *   silence N   it stays open, and nothing is carried any more
 *   reset all, silence all
 *   hold        nothing is carried, and no connection accepted, until
 *   release
 *   refuse      connections are made no more, until
 *   accept
 *   count       nothing
 *
 * Ends with its standard input. */
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define BUFFER (256u << 10)

struct connection {
    int fd[2];          /* client, server */
    int ended[2];       /* nothing more comes from this one */
    char *waiting[2];   /* for this one */
    size_t at[2], size[2];
    int silent;
};

static struct connection connections[CONNECTIONS_MAX];
static int count, held, refusing, listener, family = AF_INET;
static unsigned server_port;

union name {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_vm vm;
};

/* A socket, and the address of a port for it (0: a free one, to listen at). */
static int make_socket(unsigned port, union name *name)
{
    memset(name, 0, sizeof *name);
    name->any.sa_family = (sa_family_t)family;
    if (family == AF_VSOCK) {
        name->vm.svm_cid = VMADDR_CID_LOCAL;
        name->vm.svm_port = port != 0 ? port : VMADDR_PORT_ANY;
    } else {
        name->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        name->in.sin_port = htons((uint16_t)port);
    }
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static socklen_t size_of_name(void) { return family == AF_VSOCK ? sizeof(struct sockaddr_vm) : sizeof(struct sockaddr_in); }

static int dial(void)
{
    union name name;
    int fd = make_socket(server_port, &name);
    if (fd >= 0 && connect(fd, &name.any, size_of_name()) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void add(void)
{
    int one = 1, client = accept4(listener, NULL, NULL, SOCK_CLOEXEC), server = client < 0 || refusing || count == CONNECTIONS_MAX ? -1 : dial();
    if (server < 0) {
        if (client >= 0)
            close(client);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connections[count++] = (struct connection){.fd = {client, server}};
}

static void drop(int i, int reset)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    for (int side = 0; side < 2; side++) {
        if (reset)
            setsockopt(connections[i].fd[side], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(connections[i].fd[side]);
        free(connections[i].waiting[side]);
    }
    memmove(&connections[i], &connections[i + 1], (size_t)(count - i - 1) * sizeof connections[0]);
    count--;
}

/* -1: a side is gone. */
static int carry(struct connection *c, int from, short events)
{
    static char buffer[BUFFER];
    int to = !from;
    if (c->waiting[from] != NULL && (events & (POLLOUT | POLLERR | POLLHUP)) != 0) {
        ssize_t n = send(c->fd[from], c->waiting[from] + c->at[from], c->size[from] - c->at[from], MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return -1;
        c->at[from] += n > 0 ? (size_t)n : 0;
        if (c->at[from] == c->size[from]) {
            free(c->waiting[from]);
            c->waiting[from] = NULL;
        }
    }
    if (c->ended[from] || c->waiting[to] != NULL || (events & (POLLIN | POLLERR | POLLHUP)) == 0)
        return 0;
    ssize_t got = recv(c->fd[from], buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN ? 0 : -1;
    if (got == 0) {
        c->ended[from] = 1;
        shutdown(c->fd[to], SHUT_WR);
        return c->ended[to] ? -1 : 0;
    }
    ssize_t sent = send(c->fd[to], buffer, (size_t)got, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return -1;
    if (sent < got) {
        c->at[to] = 0;
        c->size[to] = (size_t)(got - (sent > 0 ? sent : 0));
        c->waiting[to] = malloc(c->size[to]);
        memcpy(c->waiting[to], buffer + (got - (ssize_t)c->size[to]), c->size[to]);
    }
    return 0;
}

static int command(const char *line)
{
    char what[16] = "", which[16] = "";
    int done = 0;
    sscanf(line, "%15s %15s", what, which);
    if (strcmp(what, "hold") == 0 || strcmp(what, "release") == 0) {
        held = what[0] == 'h';
        return count;
    }
    if (strcmp(what, "refuse") == 0 || strcmp(what, "accept") == 0) {
        refusing = what[0] == 'r';
        return count;
    }
    int all = strcmp(which, "all") == 0, n = count > 0 ? (int)(strtoul(which, NULL, 10) % (unsigned)count) : 0;
    for (int i = count - 1; i >= 0 && strcmp(what, "count") != 0; i--) {
        if (!all && i != n)
            continue;
        done++;
        if (what[0] == 'r')
            drop(i, 1);
        else
            connections[i].silent = 1;
    }
    return what[0] == 'c' ? count : done;
}

/* Lines that are there.  -1: the end. */
static int commands(void)
{
    static char line[256];
    static size_t have;
    ssize_t n = read(STDIN_FILENO, line + have, sizeof line - 1 - have);
    if (n <= 0)
        return -1;
    have += (size_t)n;
    for (char *end; (end = memchr(line, '\n', have)) != NULL;) {
        *end = 0;
        printf("%d\n", command(line));
        fflush(stdout);
        have -= (size_t)(end + 1 - line);
        memmove(line, end + 1, have);
    }
    return 0;
}

static short events_of(const struct connection *c, int side)
{
    if (held || c->silent)
        return 0;
    return (short)((c->ended[side] || c->waiting[!side] != NULL ? 0 : POLLIN) | (c->waiting[side] != NULL ? POLLOUT : 0));
}

int main(int argc, char **argv)
{
    static struct pollfd fds[2 + 2 * CONNECTIONS_MAX];
    union name name;
    const char *port = argc == 2 ? argv[1] : "";
    if (strncmp(port, "vsock:", 6) == 0) {
        family = AF_VSOCK;
        port += 6;
    }
    server_port = (unsigned)strtoul(port, NULL, 10);
    listener = make_socket(0, &name);
    socklen_t length = size_of_name();
    if (server_port == 0 || listener < 0 || bind(listener, &name.any, length) < 0 || listen(listener, 128) < 0 || getsockname(listener, &name.any, &length) < 0) {
        perror("cut-relay");
        return 1;
    }
    printf("%u\n", family == AF_VSOCK ? name.vm.svm_port : ntohs(name.in.sin_port));
    fflush(stdout);
    for (;;) {
        int had = count;
        fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = held ? -1 : listener, .events = POLLIN};
        for (int i = 0; i < had; i++)
            for (int side = 0; side < 2; side++) {
                short events = events_of(&connections[i], side);
                /* A descriptor that has only its end to tell would make poll return at once, for ever. */
                fds[2 + 2 * i + side] = (struct pollfd){.fd = events != 0 ? connections[i].fd[side] : -1, .events = events};
            }
        if (poll(fds, (nfds_t)(2 + 2 * had), -1) < 0)
            return 1;
        for (int i = had - 1; i >= 0; i--)
            for (int side = 0; side < 2; side++)
                if (fds[2 + 2 * i + side].revents != 0 && carry(&connections[i], side, fds[2 + 2 * i + side].revents) < 0) {
                    drop(i, 0);
                    break;
                }
        if (fds[1].revents != 0)
            add();
        if (fds[0].revents != 0 && commands() < 0)
            return 0;
    }
}

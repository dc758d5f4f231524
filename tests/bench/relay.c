// SPDX-License-Identifier: GPL-2.0-only
/* relay.c: a network between a client and a server of one machine: a fixed delay, and a count of the round trips.
 *
 *   relay PORT ROUND_TRIP_MICROSECONDS COUNT_FILE
 *
 * Listens on 127.0.0.1 at a free port, prints it, and carries each connection to 127.0.0.1:PORT.  Every byte is held for half of the round trip's time.
 * When a connection ends it adds to COUNT_FILE how often the direction turned from server-to-client to client-to-server: the round trips that somebody
 * waited for.  Ends with its standard input. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define QUEUE_MAX (8u << 20) /* bytes held in one direction; more waits in the sender's socket */

struct chunk {
    struct chunk *next;
    int64_t due; /* ns */
    size_t at, size;
    char data[];
};

struct way { /* one direction */
    int from, to;
    struct chunk *first, *last;
    size_t queued;
    int ended; /* the sender's end has been seen */
};

struct connection {
    struct way way[2]; /* 0: client to server */
    int direction;     /* of the last bytes */
};

static struct connection *connections[CONNECTIONS_MAX];
static unsigned count;
static int64_t delay;
static uint64_t turns;
static const char *count_file;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void add(int listener, int port)
{
    int one = 1, client = accept(listener, NULL, NULL), server = client < 0 ? -1 : dial(port);
    if (server < 0 || count == CONNECTIONS_MAX) {
        close(client);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct connection *connection = calloc(1, sizeof *connection);
    connection->way[0] = (struct way){.from = client, .to = server};
    connection->way[1] = (struct way){.from = server, .to = client};
    connection->direction = 1;
    connections[count++] = connection;
}

static void write_count(void)
{
    int fd = open(count_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0) {
        dprintf(fd, "%llu\n", (unsigned long long)turns);
        close(fd);
    }
}

static void take(struct connection *connection, int direction)
{
    static char data[1 << 20];
    struct way *way = &connection->way[direction];
    ssize_t got = recv(way->from, data, sizeof data, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        way->ended = 1;
    if (got > 0 && connection->direction != direction) {
        connection->direction = direction;
        turns += direction == 0;
    }
    struct chunk *chunk = malloc(sizeof *chunk + (got > 0 ? (size_t)got : 0)); /* of no bytes: the end, delayed as well */
    *chunk = (struct chunk){.due = now() + delay, .size = got > 0 ? (size_t)got : 0};
    if (got > 0)
        memcpy(chunk->data, data, (size_t)got);
    if (way->first == NULL)
        way->first = chunk;
    else
        way->last->next = chunk;
    way->last = chunk;
    way->queued += chunk->size;
}

/* Send what is due.  Returns -1 when the receiver is gone, 1 when it takes no more for now. */
static int give(struct way *way, int64_t time)
{
    while (way->first != NULL && way->first->due <= time) {
        struct chunk *chunk = way->first;
        if (chunk->size == 0)
            shutdown(way->to, SHUT_WR);
        ssize_t sent = chunk->size == 0 ? 0 : send(way->to, chunk->data + chunk->at, chunk->size - chunk->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR ? 1 : -1;
        chunk->at += (size_t)sent;
        way->queued -= (size_t)sent;
        if (chunk->at < chunk->size)
            return 1;
        way->first = chunk->next;
        free(chunk);
    }
    return 0;
}

static void drop(unsigned i)
{
    struct connection *connection = connections[i];
    for (int d = 0; d < 2; d++)
        while (connection->way[d].first != NULL) {
            struct chunk *next = connection->way[d].first->next;
            free(connection->way[d].first);
            connection->way[d].first = next;
        }
    close(connection->way[0].from);
    close(connection->way[0].to);
    free(connection);
    connections[i] = connections[--count];
    write_count();
}

/* Let everything that is due go; *next becomes the time of the next that will be. */
static void step(struct pollfd *fds, int64_t *next)
{
    int64_t time = now();
    for (unsigned i = 0; i < count; i++) {
        struct connection *connection = connections[i];
        int dead = 0;
        for (int d = 0; d < 2; d++) {
            struct way *way = &connection->way[d];
            int given = give(way, time);
            dead |= given < 0;
            fds[d].fd = way->from;
            fds[d].events = (short)(!way->ended && way->queued < QUEUE_MAX ? POLLIN : 0);
        }
        for (int d = 0; d < 2; d++) {
            struct way *way = &connection->way[d];
            if (way->first != NULL && way->first->due <= time)
                fds[1 - d].events |= POLLOUT;
            else if (way->first != NULL && (*next == 0 || way->first->due < *next))
                *next = way->first->due;
        }
        dead |= connection->way[0].ended && connection->way[1].ended && connection->way[0].first == NULL && connection->way[1].first == NULL;
        /* A descriptor that has only POLLHUP to tell would make poll return at once, for ever. */
        for (int d = 0; d < 2; d++)
            if (fds[d].events == 0)
                fds[d].fd = -1;
        if (dead)
            drop(i--);
        else
            fds += 2;
    }
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int port = atoi(argv[1]);
    delay = atoll(argv[2]) * 500;
    count_file = argv[3];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 128) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
        perror("relay: listen");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    static struct pollfd fds[3 + 2 * CONNECTIONS_MAX];
    for (;;) {
        int64_t next = 0;
        step(fds + 3, &next);
        struct itimerspec when = {.it_value = {next / 1000000000, next % 1000000000}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
        fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = timer, .events = POLLIN};
        fds[2] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        unsigned had = count;
        if (poll(fds, 3 + 2 * had, -1) < 0 && errno != EINTR)
            return 1;
        char byte;
        if (fds[2].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0)
            return 0;
        for (unsigned i = 0; i < had; i++)
            for (int d = 0; d < 2; d++)
                if ((fds[3 + 2 * i + d].revents & ~POLLOUT) != 0 && !connections[i]->way[d].ended)
                    take(connections[i], d);
        if (fds[0].revents != 0)
            add(listener, port);
    }
}

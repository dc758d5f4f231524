/* SPDX-License-Identifier: GPL-2.0-only */
/* server-client.h: starts rsys-sandboxd and speaks to it as a client does, one frame at a time.  Everything asserts (check.h). */
#ifndef RSYS_TESTS_SERVER_CLIENT_H
#define RSYS_TESTS_SERVER_CLIENT_H

#include "src/core/wire.h"
#include "tests/unit/who.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    char address[256];
    int embedded_fd; /* -1: it listens on the address */
};

/* Start it on a free loopback port, or where option says, with up to two options (the first is --listen, if any); wait until it listens. */
void server_start(struct server *server, enum who who, const char *option, const char *another);
void server_start_embedded(struct server *server, enum who who);
/* SIGTERM, and expect this exit status. */
void server_stop(struct server *server, int status);
/* Wait for its end: the exit status, or the signal. */
int server_wait(struct server *server);
int server_connect(const struct server *server);
/* Run it with one argument to its end; its status, and what it said. */
int server_say(char *text, size_t size, const char *argument);
/* The n-th child (in the order of pids) of the daemon: a session's process; the only child of a process. */
pid_t server_child(const struct server *server, int n);
pid_t child_of(pid_t parent);
/* A pidfd whose process ends within ms. */
bool becomes_readable(int fd, int ms);

struct client {
    const struct server *server;
    int control;
    struct rsys_welcome welcome;
    uint32_t seq;
    int channels[64];
    uint32_t seqs[64];
    int count;
};

void client_open(struct client *client, const struct server *server);
bool client_try_open(struct client *client, const struct server *server); /* false: refused */
void client_close(struct client *client);
/* A new executor with a channel of its own; the channel's index. */
int client_spawn(struct client *client, pid_t pid, bool pager);
/* A call without pointers. */
int64_t client_call(struct client *client, int channel, uint16_t nr, uint64_t a, uint64_t b);
/* args[at] points at data. */
int64_t client_call_data(struct client *client, int channel, uint16_t nr, const uint64_t args[6], int at, const void *data, uint32_t size);
/* A process that shares its descriptors with the channel's, with a channel of its own; the channel's index. */
int client_sharer(struct client *client, int channel, pid_t tid);
/* Megabytes in both directions, as many of them as told on the way at once. */
void client_bulk(struct client *client, int channel, unsigned times);
int64_t client_open_file(struct client *client, int channel, const char *path, int flags);
/* End of file, or a reset, within ms; what comes before is dropped. */
bool client_hung_up(int fd, int ms);

#endif

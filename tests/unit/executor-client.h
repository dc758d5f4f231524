/* SPDX-License-Identifier: GPL-2.0-only */
/* executor-client.h: starts the executor program as a sandbox's init, without a daemon, and speaks to it in frames. */
#ifndef RSYS_TESTS_EXECUTOR_CLIENT_H
#define RSYS_TESTS_EXECUTOR_CLIENT_H

#include "src/core/encode.h"
#include "src/core/wire.h"

#include <stdbool.h>
#include <sys/types.h>

#define CLIENT_NOFILE 256 /* L */
#define CLIENT_TIMEOUT 10000 /* ms: no answer of an executor may take longer */
#define CLIENT_CHANNELS 64

/* Our end of a channel. */
struct client_channel {
    int fd;
    pid_t tid;         /* whose it is; 0: spare */
    uint32_t seq;      /* of the last request */
    uint64_t signals;  /* of the last reply */
};

struct client {
    pid_t init;                 /* as we see it */
    struct client_channel control;
    int counters_fd;            /* the page that executors count in */
    int broker;                 /* to send spare channels to */
    struct client_channel channels[CLIENT_CHANNELS];
    unsigned count;
    bool range;                 /* ids 0 .. 65535 are mapped, not 0 alone */
};

/* Start init in fresh user, pid and mount namespaces (with a /proc of its own), give it `spares` channels.  program: the executor's path.
 * capabilities: what executors keep.  Everything asserts (check.h). */
void client_start(struct client *client, const char *program, unsigned spares, uint64_t capabilities);
/* Hang up, and see init end by itself. */
void client_stop(struct client *client);
void client_add_channel(struct client *client);
/* Wait for the greeting of that executor. */
struct client_channel *client_greeted(struct client *client, pid_t tid);
/* The result of the next greeting on any spare channel; *ret_tid gets whose failure it is when it is an error. */
int64_t client_any_greeting(struct client *client, pid_t *ret_tid);
struct client_channel *client_spawn(struct client *client, pid_t pid, bool pager);

void client_send(struct client_channel *channel, struct rsys_request *request, uint16_t flags);
/* Receive the reply to `request`, the last one that was sent, and store its outs. */
int64_t client_receive(struct client_channel *channel, struct rsys_request *request);
/* A request without data: sent, not waited for; and the same, waited for. */
void client_post(struct client_channel *channel, uint16_t nr, uint16_t flags, uint64_t a, uint64_t b, uint64_t c);
int64_t client_wait(struct client_channel *channel);
int64_t client_call(struct client_channel *channel, uint16_t nr, uint64_t a, uint64_t b, uint64_t c);
/* args[arg] points at a string. */
int64_t client_call_path(struct client_channel *channel, uint16_t nr, int arg, const char *path, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* read-like: args[1] points at n bytes that come back. */
int64_t client_read(struct client_channel *channel, int fd, void *buffer, size_t n);
int64_t client_write(struct client_channel *channel, int fd, const void *buffer, size_t n);
int client_pipe(struct client_channel *channel, int ret_fds[2]);
/* Read a whole file of the sandbox, up to n - 1 bytes, terminated; its size. */
int64_t client_read_file(struct client_channel *channel, const char *path, char *buffer, size_t n);
/* End of file on the channel within the timeout. */
bool client_hung_up(struct client_channel *channel);
/* The channel is spare again (after RSYS_OP_EXIT). */
void client_exit(struct client_channel *channel, bool whole);
void client_exec(struct client_channel *channel, const char *const *argv);

#endif

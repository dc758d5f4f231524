/* SPDX-License-Identifier: GPL-2.0-only */
/* control.c: what is asked of the sandbox's first process: the first executor, cancelling, killing. */
#include "src/jail/internal.h"

#include <string.h>

static int control_post(struct jail *jail, uint16_t op, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct rsys_request request = {0};
    uint64_t args[6] = {a0, a1, a2};
    int64_t seq;

    rsys_request_start(&request, op, args);
    seq = rsys_channel_send(jail->control, &request, RSYS_REQUEST_NOREPLY);
    rsys_request_free(&request);
    return seq < 0 ? -1 : 0;
}

static void spawn_done(struct channel *channel, struct errand *errand, int64_t result)
{
    if (result < 0)
        rsys_jail_lost(channel->jail, "the server cannot make an executor for process %d: %s", (int)errand->tid, strerror((int)-result));
}

int rsys_control_spawn(struct jail *jail, pid_t pid)
{
    struct rsys_request request = {0};
    uint64_t args[6] = {(uint64_t)pid};
    int64_t seq;

    rsys_request_start(&request, RSYS_OP_SPAWN, args);
    seq = rsys_channel_errand(jail->control, &request, pid, spawn_done);
    rsys_request_free(&request);
    return seq < 0 ? -1 : 0;
}

static void cancel_done(struct channel *channel, struct errand *errand, int64_t result)
{
    rsys_channel_cancelled(channel->jail, errand->tid);
}

void rsys_control_cancel(struct guest *guest, uint32_t seq)
{
    struct rsys_request request = {0};
    uint64_t args[6] = {(uint64_t)guest->process->pid, (uint64_t)guest->tid, seq};

    rsys_request_start(&request, RSYS_OP_CANCEL, args);
    if (rsys_channel_errand(guest->process->jail->control, &request, guest->tid, cancel_done) >= 0)
        rsys_channel_cancels(guest->channel);
    rsys_request_free(&request);
}

void rsys_control_end(struct jail *jail)
{
    control_post(jail, RSYS_OP_END, 0, 0, 0);
}

void rsys_control_kill(struct jail *jail, pid_t pid)
{
    control_post(jail, RSYS_OP_KILL, (uint64_t)pid, 0, 0);
}

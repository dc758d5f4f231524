/* SPDX-License-Identifier: GPL-2.0-only */
/* wait.c: how the library waits for a reply.
 *
 * What the kernel does to this wait when a signal comes is what it would do to the call itself: it goes on with a recv(2), which is where the rest of
 * the waiting is done, behind a handler with SA_RESTART, and with a poll(2) behind none. */
#include "src/client/internal.h"

#include <errno.h>
#include <poll.h>

int channel_wait(struct channel *channel, enum channel_patience patience)
{
    struct pollfd wait = {.fd = channel->fd, .events = POLLIN};
    if (patience == CHANNEL_STRICT && poll(&wait, 1, -1) < 0)
        return errno == EINTR ? -EINTR : -1;
    return 0;
}

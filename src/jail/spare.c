/* SPDX-License-Identifier: GPL-2.0-only */
/* spare.c: connections ahead of need, so that a fork or a new thread waits for none.  The connector makes them (connector.c).
 *
 * A channel whose executor has ended is a spare again: the executor gave it back to the broker before it ended. */
#include "src/jail/connector.h"
#include "src/jail/internal.h"

#include <errno.h>
#include <sys/socket.h>

#define SPARES 3          /* how many are kept ready */
#define SPARES_REFUSED 64 /* so many lost in a row without one greeting: the session is over */

void rsys_spare_balance(struct jail *jail)
{
    int more = rsys_resume_spares_wanted(jail);

    while (more >= 0 && jail->spares < SPARES + (unsigned)more) {
        char wish = RSYS_WISH_SPARE;

        /* Few wishes are under way at once: there is always room for them. */
        if (send(jail->spare.fd, &wish, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            return;
        jail->spares++;
    }
}

int rsys_spare_ask_tether(struct jail *jail, bool control)
{
    char wish = control ? RSYS_WISH_CONTROL : RSYS_WISH_TETHER;

    return send(jail->spare.fd, &wish, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

void rsys_spare_event(struct jail *jail)
{
    struct rsys_connector_news news;
    struct channel *channel;
    int fd = -1, received = rsys_connector_receive(jail->spare.fd, MSG_DONTWAIT, &news, &fd);

    if (received < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (received < 0) {
        rsys_jail_lost(jail, "the connector has ended");
        return;
    }
    if (news.wish != RSYS_WISH_SPARE) {
        rsys_resume_tether_news(jail, fd, news.refused, news.message);
        return;
    }
    if (news.message[0]) {
        if (!rsys_resume_spare_lost(jail))
            rsys_jail_lost(jail, "no further connection to the server: %s", news.message);
        return;
    }
    channel = fd >= 0 ? rsys_channel_new(jail, fd) : NULL;
    if (!channel || rsys_source_watch(jail, &channel->source, false) < 0)
        rsys_jail_lost(jail, "a new connection to the server cannot be kept: out of memory or descriptors");
}

void rsys_spare_lost(struct jail *jail)
{
    if (rsys_resume_spare_lost(jail))
        return;
    jail->spares--;
    if (++jail->spares_lost >= SPARES_REFUSED)
        rsys_jail_lost_soon(jail, "the server closes every connection of the session"); /* why is on its way, perhaps */
    else
        rsys_spare_balance(jail);
}

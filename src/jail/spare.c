/* SPDX-License-Identifier: GPL-2.0-only */
/* spare.c: connections ahead of need, so that a fork or a new thread waits for none.
 *
 * Connecting blocks, and it needs the user's network and names of files: a thread of the parent does it, outside of the cage.  The supervisor
 * asks with one byte a channel; the answer is one message a channel: a struct spare_news, with the connection as SCM_RIGHTS.
 *
 * A channel whose executor has ended is a spare again: the executor gave it back to the broker before it ended. */
#include "src/jail/internal.h"
#include "transport/transport.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#define SPARES 3          /* how many are kept ready */
#define SPARES_REFUSED 64 /* so many lost in a row without one greeting: the session is over */

struct spare_news {
    char message[256]; /* why there is no connection; "" when there is one */
};

static int news_send(int to, const struct spare_news *news, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)news, .iov_len = sizeof(*news)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    }
    return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void *connector_main(void *argument)
{
    struct rsys_connector own = *(struct rsys_connector *)argument;
    char wish;

    free(argument);
    while (recv(own.fd, &wish, 1, 0) == 1) {
        RSYS_AUTO_ERROR err = NULL;
        struct spare_news news = {""};
        RSYS_AUTO_FD fd = rsys_address_connect(own.address, own.timeout_ms, &err);

        if (fd >= 0 && rsys_hello_channel(fd, own.token) < 0)
            rsys_error_make(&err, errno, "send a channel's hello to %s", rsys_address_text(own.address));
        if (err)
            snprintf(news.message, sizeof(news.message), "%s", rsys_error_text(err));
        if (news_send(own.fd, &news, err ? -1 : fd) < 0)
            break;
    }
    close(own.fd);
    return NULL;
}

int rsys_connector_start(const struct rsys_connector *connector, struct rsys_error **err)
{
    struct rsys_connector *own = malloc(sizeof(*own));
    pthread_t thread;
    int code;

    if (!own)
        return rsys_error_make(err, ENOMEM, "start the connector");
    *own = *connector;
    code = pthread_create(&thread, NULL, connector_main, own);
    if (code) {
        free(own);
        return rsys_error_make(err, code, "start the connector's thread");
    }
    pthread_detach(thread);
    return 0;
}

/* ---- the supervisor's side ---- */

void rsys_spare_balance(struct jail *jail)
{
    while (jail->spares < SPARES) {
        char wish = 1;

        /* At most SPARES wishes are under way: there is always room for them. */
        if (send(jail->spare.fd, &wish, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            return;
        jail->spares++;
    }
}

void rsys_spare_event(struct jail *jail)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct spare_news news;
    struct iovec iov = {.iov_base = &news, .iov_len = sizeof(news)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct channel *channel;
    int fd = -1;
    ssize_t n = recvmsg(jail->spare.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != (ssize_t)sizeof(news)) {
        rsys_jail_lost(jail, "the connector has ended");
        return;
    }
    if (news.message[0]) {
        rsys_jail_lost(jail, "no further connection to the server: %.*s", (int)sizeof(news.message) - 1, news.message);
        return;
    }
    if (message.msg_controllen >= CMSG_LEN(sizeof(int)) && control.head.cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
    channel = fd >= 0 ? rsys_channel_new(jail, fd) : NULL;
    if (!channel || rsys_source_watch(jail, &channel->source, false) < 0)
        rsys_jail_lost(jail, "a new connection to the server cannot be kept: out of memory or descriptors");
}

void rsys_spare_lost(struct jail *jail)
{
    jail->spares--;
    if (++jail->spares_lost >= SPARES_REFUSED)
        rsys_jail_lost(jail, "the server closes every connection of the session");
    else
        rsys_spare_balance(jail);
}

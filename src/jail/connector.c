/* SPDX-License-Identifier: GPL-2.0-only */
/* connector.c: a thread of the parent that makes connections for the cage. */
#include "src/jail/connector.h"

#include "src/core/util.h"
#include "src/jail/session.h"
#include "transport/transport.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int news_send(int to, const struct rsys_connector_news *news, int fd)
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

int rsys_connector_receive(int from, int flags, struct rsys_connector_news *news, int *ret_fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = news, .iov_len = sizeof(*news)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(from, &message, flags | MSG_CMSG_CLOEXEC);

    if (n < 0)
        return -1;
    if (n != (ssize_t)sizeof(*news)) {
        errno = EPIPE;
        return -1;
    }
    news->message[sizeof(news->message) - 1] = '\0';
    *ret_fd = -1;
    if (message.msg_controllen >= CMSG_LEN(sizeof(int)) && control.head.cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(&control.head), sizeof(*ret_fd));
    return 0;
}

int rsys_connector_view_ask(int connector, bool drop)
{
    char wish = drop ? RSYS_WISH_DROP : RSYS_WISH_VIEW;

    return send(connector, &wish, 1, MSG_NOSIGNAL) == 1 ? 0 : -EPIPE;
}

int rsys_connector_view_take(int connector)
{
    struct rsys_connector_news news;
    int fd, received;

    do
        received = rsys_connector_receive(connector, 0, &news, &fd);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return errno == EAGAIN ? -EAGAIN : -EPIPE;
    return fd < 0 ? -ENOTCONN : fd;
}

static void *connector_main(void *argument)
{
    struct rsys_connector own = *(struct rsys_connector *)argument;
    char wish;

    free(argument);
    while (recv(own.fd, &wish, 1, 0) == 1) {
        RSYS_AUTO_ERROR err = NULL;
        struct rsys_connector_news news = {.wish = wish};
        RSYS_AUTO_FD fd = rsys_address_connect(own.address, own.timeout_ms, &err);

        if (fd >= 0 && (wish == RSYS_WISH_TETHER || wish == RSYS_WISH_CONTROL))
            news.refused = rsys_hello_tether(fd, own.token, wish == RSYS_WISH_CONTROL ? RSYS_RESUME_CONTROL : 0, own.timeout_ms, &err) > 0;
        else if (fd >= 0 && rsys_hello_channel(fd, own.token, wish == RSYS_WISH_VIEW ? RSYS_RESUME_VIEW : wish == RSYS_WISH_DROP ? RSYS_RESUME_VIEW_DROP : 0) < 0)
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

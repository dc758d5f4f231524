/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp.c: the transport tcp:HOST:PORT. */
#include "transport/ops.h"
#include "src/core/ids.h"
#include "src/core/util.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DEFAULT_PORT 9000

/* A peer that vanished without a word is noticed after KEEP_IDLE + KEEP_COUNT * KEEP_INTERVAL = 60 seconds. */
#define KEEP_IDLE 30
#define KEEP_INTERVAL 10
#define KEEP_COUNT 3

int rsys_tcp_parse(struct rsys_address *address, const char *rest, struct rsys_error **err)
{
    const char *host = rest, *end, *port, *scheme = address->ops->scheme;
    bool bracket = rest[0] == '[';
    if (bracket) {
        host = rest + 1;
        end = strchr(host, ']');
        if (end == NULL)
            return rsys_error_make(err, 0, "address \"%s:%s\": ] is missing", scheme, rest);
        port = end + 1;
    } else {
        end = host + strcspn(host, ":");
        port = end;
        if (*port == ':' && strchr(port + 1, ':') != NULL)
            return rsys_error_make(err, 0, "address \"%s:%s\": write an IPv6 address in brackets, %s:[ADDRESS]:PORT", scheme, rest, scheme);
    }
    if (end == host)
        return rsys_error_make(err, 0, "address \"%s:%s\": the host is missing", scheme, rest);
    address->port = DEFAULT_PORT;
    if (*port != 0 && (*port != ':' || rsys_number_parse(port + 1, 65535, &address->port) < 0))
        return rsys_error_make(err, 0, "address \"%s:%s\": the port has to be a number from 0 to 65535", scheme, rest);
    address->host = strndup(host, (size_t)(end - host));
    if (address->host == NULL || asprintf(&address->text, bracket ? "%s:[%s]:%u" : "%s:%s:%u", scheme, address->host, address->port) < 0) {
        address->text = NULL;
        return rsys_error_make(err, ENOMEM, "address \"%s:%s\"", scheme, rest);
    }
    struct in6_addr six;
    if (bracket && inet_pton(AF_INET6, address->host, &six) != 1 && strchr(address->host, '%') == NULL)
        return rsys_error_make(err, 0, "address \"%s:%s\": no IPv6 address between the brackets", scheme, rest);
    return 0;
}

static int resolve(const struct rsys_address *address, int flags, struct addrinfo **ret, struct rsys_error **err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    int failed = getaddrinfo(address->host, port, &hints, ret);
    if (failed == EAI_SYSTEM)
        return rsys_error_make(err, errno, "%s: look up \"%s\"", address->text, address->host);
    if (failed != 0)
        return rsys_error_make(err, 0, "%s: look up \"%s\": %s", address->text, address->host, gai_strerror(failed));
    return 0;
}

static bool is_loopback(const struct sockaddr *name)
{
    if (name->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)name)->sin_addr.s_addr) >> 24) == 127;
    if (name->sa_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)name)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
    }
    return false;
}

/* A name that cannot be resolved is taken for public: then listening there fails anyway. */
static bool tcp_is_public(const struct rsys_address *address)
{
    struct addrinfo *found = NULL;
    if (resolve(address, 0, &found, NULL) < 0)
        return true;
    bool public = false;
    for (struct addrinfo *a = found; a != NULL; a = a->ai_next)
        public |= !is_loopback(a->ai_addr);
    freeaddrinfo(found);
    return public;
}

/* Small messages at once, and a dead peer noticed in a stated time.  What a kernel refuses of it costs speed, not correctness. */
static void tune(int fd)
{
    int one = 1, idle = KEEP_IDLE, interval = KEEP_INTERVAL, count = KEEP_COUNT;
    unsigned user = 1000u * (KEEP_IDLE + KEEP_COUNT * KEEP_INTERVAL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user, sizeof user);
}

static int listen_on(const struct addrinfo *a)
{
    int one = 1;
    RSYS_AUTO_FD fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
        return -1;
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, RSYS_LISTEN_BACKLOG) < 0)
        return -1;
    return rsys_fd_steal(&fd);
}

int rsys_tcp_listen(const struct rsys_address *address, struct rsys_error **err)
{
    struct addrinfo *found = NULL;
    int fd = -1, code = 0;
    if (resolve(address, AI_PASSIVE, &found, err) < 0)
        return -1;
    for (struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next) {
        fd = listen_on(a);
        if (fd < 0 && code == 0)
            code = errno;
    }
    freeaddrinfo(found);
    if (fd < 0)
        return rsys_error_make(err, code, "listen on %s", address->text);
    return fd;
}

static void name_text(const char *scheme, const struct sockaddr_storage *name, socklen_t size, char *text, size_t text_size)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getnameinfo((const struct sockaddr *)name, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(text, text_size, "%s:?", scheme);
    else
        snprintf(text, text_size, name->ss_family == AF_INET6 ? "%s:[%s]:%s" : "%s:%s:%s", scheme, host, port);
}

int rsys_tcp_accept(const struct rsys_address *address, int listener, struct rsys_peer *peer)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    int fd = accept4(listener, (struct sockaddr *)&name, &size, SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    tune(fd);
    name_text(address->ops->scheme, &name, size, peer->text, sizeof peer->text);
    return fd;
}

int rsys_tcp_name(const struct rsys_address *address, int listener, char *text, size_t size)
{
    struct sockaddr_storage name;
    socklen_t name_size = sizeof name;
    if (getsockname(listener, (struct sockaddr *)&name, &name_size) < 0)
        return -1;
    name_text(address->ops->scheme, &name, name_size, text, size);
    return 0;
}

static int tcp_adopt(struct rsys_address *address, int family, int listener, struct rsys_error **err)
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (family != AF_INET && family != AF_INET6)
        return 0;
    if (getsockname(listener, (struct sockaddr *)&name, &size) < 0)
        return rsys_error_make(err, errno, "the address of descriptor %d", listener);
    int failed = getnameinfo((struct sockaddr *)&name, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    if (failed != 0 || rsys_number_parse(port, 65535, &address->port) < 0)
        return rsys_error_make(err, 0, "the address of descriptor %d: %s", listener, failed != 0 ? gai_strerror(failed) : port);
    address->host = strdup(host);
    if (address->host == NULL || asprintf(&address->text, family == AF_INET6 ? "tcp:[%s]:%s" : "tcp:%s:%s", host, port) < 0) {
        address->text = NULL;
        return rsys_error_make(err, ENOMEM, "the address of descriptor %d", listener);
    }
    return 1;
}

static int connect_one(const struct addrinfo *a, int64_t deadline)
{
    RSYS_AUTO_FD fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || rsys_socket_connect(fd, a->ai_addr, a->ai_addrlen, deadline) < 0)
        return -1;
    tune(fd);
    return rsys_fd_steal(&fd);
}

/* The addresses of a name share what time is left, so that a first one that does not answer leaves time for the next. */
int rsys_tcp_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err)
{
    struct addrinfo *found = NULL;
    int64_t deadline = rsys_deadline(timeout_ms);
    int fd = -1, code = ECONNREFUSED, left = 0;
    if (resolve(address, 0, &found, err) < 0)
        return -1;
    for (struct addrinfo *a = found; a != NULL; a = a->ai_next)
        left++;
    for (struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next, left--) {
        fd = connect_one(a, deadline < 0 ? -1 : rsys_deadline(rsys_deadline_left(deadline) / left));
        /* The IPv6 side of localhost is often refused; a reason from the other address says more. */
        if (fd < 0 && (a == found || errno != ECONNREFUSED))
            code = errno;
    }
    freeaddrinfo(found);
    return fd >= 0 ? fd : rsys_connect_failed(address, code, err);
}

const struct rsys_transport_ops rsys_transport_tcp = {
    .scheme = "tcp",
    .form = "tcp:HOST:PORT",
    .breaks = true,
    .parse = rsys_tcp_parse,
    .is_public = tcp_is_public,
    .listen = rsys_tcp_listen,
    .adopt = tcp_adopt,
    .accept = rsys_tcp_accept,
    .connect = rsys_tcp_connect,
    .name = rsys_tcp_name,
};

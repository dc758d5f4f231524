/* SPDX-License-Identifier: GPL-2.0-only */
/* unix.c: the transport unix:PATH.
 *
 * The socket's name has mode 0600 if nothing else is asked for, so the kernel lets only its owner (and root) connect. */
#include "transport/ops.h"
#include "src/core/ids.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int unix_parse(struct rsys_address *address, const char *rest, struct rsys_error **err)
{
    struct sockaddr_un name;
    if (rest[0] == 0)
        return rsys_error_make(err, 0, "address \"unix:\": the path is missing");
    /* rsys-jail connects from a process that has another root and working directory: a relative path is this directory's for good. */
    RSYS_AUTO_FREE char *here = rest[0] != '/' ? getcwd(NULL, 0) : NULL;
    if (rest[0] != '/' && (here == NULL || asprintf(&address->host, "%s/%s", here, rest) < 0))
        return rsys_error_make(err, errno, "address \"unix:%s\": the working directory", rest);
    if (rest[0] == '/')
        address->host = strdup(rest);
    if (address->host != NULL && strlen(address->host) >= sizeof name.sun_path)
        return rsys_error_make(err, 0, "address \"unix:%s\": the path is longer than %zu bytes", rest, sizeof name.sun_path - 1);
    address->left = calloc(1, sizeof *address->left);
    if (address->host == NULL || address->left == NULL || asprintf(&address->text, "unix:%s", rest) < 0) {
        address->text = NULL;
        return rsys_error_make(err, ENOMEM, "address \"unix:%s\"", rest);
    }
    return 0;
}

static bool unix_is_public(const struct rsys_address *address) { return false; }

static struct sockaddr_un unix_name(const struct rsys_address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    strncpy(name.sun_path, address->host, sizeof name.sun_path - 1); /* fits: unix_parse */
    return name;
}

/* A name that is there already: is it a socket that nobody listens on any more? */
static bool is_stale(const struct rsys_address *address, const struct sockaddr_un *name)
{
    struct stat status;
    if (lstat(address->host, &status) < 0 || !S_ISSOCK(status.st_mode))
        return false;
    RSYS_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof *name) < 0 && errno == ECONNREFUSED;
}

static void identify(const char *path, struct rsys_left *ret)
{
    struct statx status;
    memset(ret, 0, sizeof *ret);
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) == 0)
        *ret = (struct rsys_left){{status.stx_dev_major, status.stx_dev_minor}, status.stx_ino, {status.stx_btime.tv_sec, status.stx_btime.tv_nsec}};
}

/* bind(2) gives the name mode 0777 less the umask: so it has its mode from its first moment on.  Servers listen before they have threads. */
static int bind_name(int fd, const struct sockaddr_un *name, unsigned mode)
{
    mode_t before = umask(0777 & ~(mode_t)mode);
    int bound = bind(fd, (const struct sockaddr *)name, sizeof *name);
    int code = errno;
    umask(before);
    errno = code;
    return bound;
}

static int unix_listen(const struct rsys_address *address, struct rsys_error **err)
{
    struct sockaddr_un name = unix_name(address);
    RSYS_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return rsys_error_make(err, errno, "listen on %s", address->text);
    int bound = bind_name(fd, &name, address->mode);
    if (bound < 0 && errno == EADDRINUSE) {
        if (!is_stale(address, &name))
            return rsys_error_make(err, EADDRINUSE, "listen on %s", address->text);
        if (unlink(address->host) == 0 || errno == ENOENT)
            bound = bind_name(fd, &name, address->mode);
    }
    if (bound < 0 || listen(fd, RSYS_LISTEN_BACKLOG) < 0)
        return rsys_error_make(err, errno, "listen on %s", address->text);
    identify(address->host, address->left);
    return rsys_fd_steal(&fd);
}

static int unix_adopt(struct rsys_address *address, int family, int listener, struct rsys_error **err)
{
    struct sockaddr_un name = {0};
    socklen_t size = sizeof name;
    if (family != AF_UNIX)
        return 0;
    if (getsockname(listener, (struct sockaddr *)&name, &size) < 0)
        return rsys_error_make(err, errno, "the address of descriptor %d", listener);
    size_t length = size - offsetof(struct sockaddr_un, sun_path); /* getsockname has filled the family in at least */
    if (length > 0 && name.sun_path[0] == 0)
        name.sun_path[0] = '@'; /* abstract: shown so, and never used as a path */
    address->host = strndup(name.sun_path, length);
    address->left = calloc(1, sizeof *address->left); /* nothing of ours */
    if (address->host == NULL || address->left == NULL || asprintf(&address->text, "unix:%s", address->host) < 0) {
        address->text = NULL;
        return rsys_error_make(err, ENOMEM, "the address of descriptor %d", listener);
    }
    return 1;
}

/* Only the name that we made: another daemon may have put its own in that place meanwhile. */
static void unix_unlisten(const struct rsys_address *address)
{
    struct rsys_left now;
    identify(address->host, &now);
    if (now.inode != 0 && memcmp(&now, address->left, sizeof now) == 0)
        unlink(address->host);
    address->left->inode = 0;
}

static int unix_accept(const struct rsys_address *address, int listener, struct rsys_peer *peer)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    /* As they were at the peer's connect(2).  Who cannot be told is the one that is on no list. */
    struct ucred who;
    socklen_t size = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
        who = (struct ucred){.uid = RSYS_UID_NOBODYS};
    peer->kind = RSYS_PEER_UID;
    peer->id = who.uid;
    snprintf(peer->text, sizeof peer->text, "unix:pid=%d,uid=%u", who.pid, who.uid);
    return fd;
}

static int unix_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err)
{
    struct sockaddr_un name = unix_name(address);
    RSYS_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return rsys_connect_failed(address, errno, err);
    /* A blocking connect waits while the backlog is full; SO_SNDTIMEO bounds it (unix(7): as a send). */
    struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    if (timeout_ms == 0)
        limit.tv_usec = 1;
    if (timeout_ms >= 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int connected;
    do
        connected = connect(fd, (struct sockaddr *)&name, sizeof name);
    while (connected < 0 && errno == EINTR);
    if (connected < 0)
        return rsys_connect_failed(address, errno == EAGAIN ? ETIMEDOUT : errno, err);
    limit = (struct timeval){0, 0};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return rsys_fd_steal(&fd);
}

static int unix_listener_name(const struct rsys_address *address, int listener, char *text, size_t size)
{
    snprintf(text, size, "%s", address->text);
    return 0;
}

const struct rsys_transport_ops rsys_transport_unix = {
    .scheme = "unix",
    .form = "unix:PATH",
    .parse = unix_parse,
    .is_public = unix_is_public,
    .listen = unix_listen,
    .adopt = unix_adopt,
    .accept = unix_accept,
    .connect = unix_connect,
    .name = unix_listener_name,
    .unlisten = unix_unlisten,
};

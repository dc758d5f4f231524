/* SPDX-License-Identifier: GPL-2.0-only */
/* manager.c: the service manager that started us, if one did. */
#include "server/manager.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* More than any manager hands over: it bounds what is done with a number from the environment. */
#define LISTENERS_MAX 1024

/* An unsigned number that is all of the variable; -1: it is not set, or none. */
static int64_t number(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return -1;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno != 0 || *end != 0 ? -1 : value;
}

static int open_notify(struct manager *manager, const char *path, struct rsys_error **err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || length >= sizeof name.sun_path)
        return rsys_error_make(err, 0, "NOTIFY_SOCKET=%s: expected a path, or @ and an abstract name", path);
    memcpy(name.sun_path, path, length);
    if (path[0] == '@')
        name.sun_path[0] = 0;
    RSYS_AUTO_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
        return rsys_error_make(err, errno, "connect to the service manager: NOTIFY_SOCKET=%s", path);
    manager->fd = rsys_fd_steal(&fd);
    return 0;
}

static int take_listeners(struct manager *manager, struct rsys_error **err)
{
    int64_t count = number("LISTEN_FDS"), pid = number("LISTEN_PID");
    const char *names = getenv("LISTEN_FDNAMES");
    /* Another process's, which handed its environment on. */
    if (count <= 0 || pid != getpid())
        return 0;
    if (count > LISTENERS_MAX)
        return rsys_error_make(err, 0, "LISTEN_FDS=%lld: %d are the most", (long long)count, LISTENERS_MAX);
    for (int fd = MANAGER_FIRST_FD; fd < MANAGER_FIRST_FD + (int)count; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return rsys_error_make(err, errno, "LISTEN_FDS=%lld: descriptor %d", (long long)count, fd);
    manager->listeners = (unsigned)count;
    manager->names = names != NULL ? strdup(names) : NULL;
    return 0;
}

int manager_open(struct manager *manager, struct rsys_error **err)
{
    static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"};
    const char *notify = getenv("NOTIFY_SOCKET");
    *manager = (struct manager){.fd = -1};
    int64_t pid = number("WATCHDOG_PID"), watchdog = number("WATCHDOG_USEC");
    if (watchdog > 0 && (getenv("WATCHDOG_PID") == NULL || pid == getpid()))
        manager->watchdog_ms = RSYS_MAX(watchdog / 2000, INT64_C(1)); /* twice in the time that it waits */
    int result = take_listeners(manager, err);
    if (result == 0 && notify != NULL && notify[0] != 0)
        result = open_notify(manager, notify, err);
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(variables); i++)
        unsetenv(variables[i]);
    return result;
}

void manager_close(struct manager *manager)
{
    rsys_close(rsys_fd_steal(&manager->fd));
    free(rsys_steal(&manager->names));
}

void manager_listener_name(const struct manager *manager, unsigned index, char *text, size_t size)
{
    const char *name = manager->names != NULL ? manager->names : "";
    for (; index > 0 && *name != 0; index--)
        name += strcspn(name, ":") + (name[strcspn(name, ":")] == ':');
    snprintf(text, size, "%.*s", (int)RSYS_MIN(strcspn(name, ":"), (size_t)INT_MAX), name);
}

static void tell(const struct manager *manager, int flags, const char *format, va_list args)
{
    char text[512];
    int length = vsnprintf(text, sizeof text, format, args);
    if (manager->fd >= 0 && length > 0)
        (void)send(manager->fd, text, RSYS_MIN((size_t)length, sizeof text - 1), MSG_NOSIGNAL | flags);
}

void manager_tell(const struct manager *manager, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(manager, 0, format, args);
    va_end(args);
}

void manager_tell_now(const struct manager *manager, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(manager, MSG_DONTWAIT, format, args);
    va_end(args);
}

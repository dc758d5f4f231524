/* SPDX-License-Identifier: GPL-2.0-only */
/* private.c: a private rsys-sandboxd, started by the client that uses it and reached by nobody else. */
#include "transport/session.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#ifndef RSYS_SBINDIR
#define RSYS_SBINDIR "/usr/local/sbin"
#endif

static void server_path(bool beside, char path[PATH_MAX])
{
    const char *named = secure_getenv("RSYS_SANDBOXD");
    if (named != NULL && named[0] != 0) {
        snprintf(path, PATH_MAX, "%s", named);
        return;
    }
    char self[PATH_MAX - 32];
    ssize_t n = beside ? readlink("/proc/self/exe", self, sizeof self - 1) : 0;
    char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;
    if (slash != NULL) {
        static const char *const names[] = {"rsys-sandboxd", "../sbin/rsys-sandboxd"};
        for (size_t i = 0; i < RSYS_ARRAY_SIZE(names); i++) {
            snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - self), self, names[i]);
            if (access(path, X_OK) == 0)
                return;
        }
    }
    snprintf(path, PATH_MAX, "%s/rsys-sandboxd", RSYS_SBINDIR);
}

/* In the forked child, of a process that may have threads: nothing here takes a lock. */
static void execute(const char *path, const char *name, const char *option, int fd)
{
    char number[16], *end = number + sizeof number - 1;
    *end = 0;
    for (unsigned rest = (unsigned)fd; rest > 0 || *end == 0; rest /= 10)
        *--end = (char)('0' + rest % 10);
    int null_fd = open("/dev/null", O_RDWR);
    if (null_fd >= 0) {
        dup2(null_fd, 0);
        dup2(null_fd, 1); /* else `rsys-jail x | y` would wait for the server too */
        if (null_fd > 2)
            close(null_fd);
    }
    fcntl(fd, F_SETFD, 0);
    execl(path, name, option, end, (char *)NULL);
    const char *why = strerrordesc_np(errno);
    const char *const parts[] = {"rsys: execute ", path, ": ", why != NULL ? why : "it cannot be", "\n"};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(parts); i++)
        (void)!write(2, parts[i], strlen(parts[i]));
    _exit(125);
}

/* The grandchild: of all that the program has open, it gets this one descriptor, and what its errors go to. */
static void be_orphan(const char *path, const char *name, const char *option, int fd, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (fd != 3 && dup2(fd, 3) != 3)
        _exit(125);
    close_range(4, ~0u, 0);
    while (getppid() == parent) /* its end is not to be taken for that of whoever we are for */
        sched_yield();
    execute(path, name, option, 3);
}

int rsys_execute_orphan(const char *path, const char *name, const char *option, int fd)
{
    /* Without the program's handlers of fork(2): what is forked here executes something else at once. */
    pid_t between = _Fork();
    if (between == 0) {
        pid_t self = getpid(), orphan = _Fork();
        if (orphan == 0)
            be_orphan(path, name, option, fd, self);
        _exit(orphan < 0 ? errno & 0xff : 0);
    }
    int status = 0;
    while (between > 0 && waitpid(between, &status, 0) < 0)
        if (errno != EINTR)
            return 0; /* ECHILD: the program ignores SIGCHLD, and has no children to wait for */
    if (between < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        errno = between < 0 ? errno : WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
        return -1;
    }
    return 0;
}

static void server_child(const char *path, int fd, const struct rsys_private_server *how)
{
    /* A session of its own: the terminal's signals are for the guest.  It ends by itself when our end of the pair is closed. */
    setsid();
    if (how->mask != NULL)
        sigprocmask(SIG_SETMASK, how->mask, NULL);
    execute(path, "rsys-sandboxd", "--embedded", fd);
}

int rsys_private_server_start(const struct rsys_private_server *how, pid_t *ret_pid, struct rsys_error **err)
{
    char path[PATH_MAX];
    int pair[2];
    server_path(how->beside, path);
    if (access(path, X_OK) < 0)
        return rsys_error_make(err, errno, "%s, and the private server %s cannot be started", how->what, path);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return rsys_error_make(err, errno, "socketpair");
    RSYS_AUTO_FD own = pair[0];
    RSYS_AUTO_FD theirs = pair[1];
    pid_t pid = how->orphan ? rsys_execute_orphan(path, "rsys-sandboxd", "--embedded", theirs) : fork();
    if (pid == 0 && !how->orphan)
        server_child(path, theirs, how);
    if (pid < 0)
        return rsys_error_make(err, errno, "fork");
    if (ret_pid != NULL)
        *ret_pid = pid;
    return rsys_fd_steal(&own);
}

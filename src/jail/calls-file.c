/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-file.c: open, readlink, stat of descriptors, chdir: calls on names and files that are not the server's alone.
 *
 * Names are the sandbox's, but for a few that mean the guest itself, whose truth is on the client:
 *
 *   /dev/tty                                  the user's terminal, when the guest has it for its controlling terminal
 *   /dev/stdin, /dev/fd/N, /proc/self/fd/N    a descriptor that is local
 *   /proc/PID/exe                             what a guest executes (its executor executes something else)
 *   /proc/PID/maps and the like               a guest's memory
 *
 * Only these exact spellings are known; another way to the same name reaches the executor's.  A name is judged in the request's own copy, which
 * the guest cannot change behind us. */
#include "src/jail/calls-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "src/core/util.h"
#include "src/jail/internal.h"
#include "src/jail/session.h"

static struct rsys_session *session_of(const struct call *call) { return rsys_jail_session(call->guest->process->jail); }

/* ---- names that mean a guest ---- */

/* Digits up to `end`: the number, or -1. */
static int64_t number_of(const char *text, char end)
{
    int64_t n = 0;
    if (*text == end)
        return -1;
    for (; *text != end; text++) {
        if (*text < '0' || *text > '9' || n > INT_MAX / 10)
            return -1;
        n = n * 10 + (*text - '0');
    }
    return n <= INT_MAX ? n : -1;
}

/* /proc/self/REST, /proc/thread-self/REST, /proc/PID/REST: the guest's process that is meant and its REST, or NULL. */
static struct process *proc_name(const struct call *call, const char *path, const char **ret_rest)
{
    static const char *const selves[] = {"/proc/self/", "/proc/thread-self/"};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(selves); i++)
        if (strncmp(path, selves[i], strlen(selves[i])) == 0) {
            *ret_rest = path + strlen(selves[i]);
            return call->guest->process;
        }
    const char *slash = strncmp(path, "/proc/", 6) == 0 ? strchr(path + 6, '/') : NULL;
    int64_t pid = slash == NULL ? -1 : number_of(path + 6, '/');
    if (pid <= 0)
        return NULL;
    *ret_rest = slash + 1;
    const struct guest *leader = rsys_guest_find(call->guest->process->jail, (pid_t)pid);
    return leader == NULL ? NULL : leader->process;
}

/* The local descriptor of the caller that a name means, or -1. */
static int local_fd_name(const struct call *call, const char *path)
{
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    const char *rest;
    int64_t fd = -1;
    for (int i = 0; i < 3; i++)
        if (strcmp(path, names[i]) == 0)
            fd = i;
    if (fd < 0 && strncmp(path, "/dev/fd/", 8) == 0)
        fd = number_of(path + 8, 0);
    else if (fd < 0 && proc_name(call, path, &rest) == call->guest->process && strncmp(rest, "fd/", 3) == 0)
        fd = number_of(rest + 3, 0);
    return fd >= 0 && rsys_fd_is_local(call->guest->process->fds, fd) ? (int)fd : -1;
}

/* Whether the guest's own kernel has it in a session with a terminal: field 7 of /proc/PID/stat, behind the last parenthesis. */
static bool has_terminal(const struct call *call)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "%d/stat", (int)call->guest->process->pid);
    RSYS_AUTO_FD fd = openat(session_of(call)->proc_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0)
        return false;
    text[n] = 0;
    const char *end = strrchr(text, ')');
    int tty = 0;
    return end != NULL && sscanf(end + 1, " %*c %*d %*d %*d %d", &tty) == 1 && tty != 0;
}

/* ---- open ---- */

/* The in-data that args[arg] of the call's request points at, or NULL. */
static void *in_data(const struct call *call, uint32_t arg)
{
    const struct rsys_request *request = &call->request;
    for (uint32_t i = 0; i < request->head.relocs; i++)
        if (request->relocs[i].at == arg)
            return request->in + request->relocs[i].to;
    return NULL;
}

/* A local descriptor by its name: another one for the same open file, as far as it was opened for that. */
static enum verdict open_local(struct call *call, int fd, uint64_t flags)
{
    int own = rsys_guest_get_fd(call->guest, fd);
    if (own < 0)
        return rsys_call_done(call, own);
    int has = fcntl(own, F_GETFL) & O_ACCMODE, wants = (int)(flags & O_ACCMODE);
    if (has != O_RDWR && has != wants) {
        rsys_close(own);
        return rsys_call_done(call, -EACCES);
    }
    return rsys_call_bring_home(call, own, (rsys_fd_flags(call->guest->process->fds, fd) & RSYS_FD_SESSION) | (flags & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u));
}

static enum verdict open_tty(struct call *call, uint64_t flags)
{
    int tty = session_of(call)->tty_fd;
    if (tty < 0)
        return rsys_call_send(call); /* without one, the sandbox says what there is */
    if (!has_terminal(call))
        return rsys_call_done(call, -ENXIO);
    int own = fcntl(tty, F_DUPFD_CLOEXEC, 3);
    return own < 0 ? rsys_call_done(call, -errno) : rsys_call_bring_home(call, own, flags & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u);
}

/* A guest's memory is on the client, and so are the files that tell of it. */
static enum verdict open_memory(struct call *call, const struct process *process, const char *name, uint64_t flags)
{
    char path[64];
    if ((flags & O_ACCMODE) != O_RDONLY)
        return rsys_call_done(call, -EACCES);
    snprintf(path, sizeof path, "%d/%s", (int)process->pid, name);
    int own = openat(session_of(call)->proc_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return own < 0 ? rsys_call_done(call, -errno) : rsys_call_bring_home(call, own, flags & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u);
}

static bool tells_of_memory(const char *name)
{
    static const char *const names[] = {"maps", "smaps", "smaps_rollup", "statm", "auxv"};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The same call on another name. */
static enum verdict open_instead(struct call *call, uint32_t arg, const char *path)
{
    struct open_how how;
    const void *had = call->row->nr == SYS_openat2 ? in_data(call, 2) : NULL;
    size_t size = had == NULL ? 0 : RSYS_MIN((size_t)call->args[3], sizeof how);
    if (had != NULL)
        memcpy(&how, had, size);
    uint64_t args[6] = {0};
    memcpy(args, call->args, call->row->nargs * sizeof args[0]);
    rsys_request_start(&call->request, call->row->nr, args);
    rsys_call_fence(call);
    int64_t at = rsys_request_in(&call->request, (int)arg, path, strlen(path) + 1);
    if (at >= 0 && had != NULL) {
        call->request.head.args[3] = size;
        at = rsys_request_in(&call->request, 2, &how, size);
    }
    return at < 0 ? rsys_call_done(call, at) : rsys_call_send(call);
}

static uint64_t open_flags(const struct call *call)
{
    uint64_t flags = 0;
    switch (call->row->nr) {
    case SYS_open:
        return (uint32_t)call->args[1];
    case SYS_openat:
        return (uint32_t)call->args[2];
    case SYS_openat2:
        if (in_data(call, 2) != NULL && call->args[3] >= sizeof flags)
            memcpy(&flags, in_data(call, 2), sizeof flags); /* the first field of struct open_how */
        return flags;
    default:
        return O_CREAT | O_WRONLY | O_TRUNC; /* creat */
    }
}

enum verdict rsys_handle_OPEN(struct call *call)
{
    const uint32_t arg = call->row->nr == SYS_openat || call->row->nr == SYS_openat2 ? 1 : 0;
    int64_t result = rsys_encode_call(&call->request, call->row, call->args, rsys_guest_memory(call->guest));
    if (result < 0)
        return rsys_call_done(call, result);
    rsys_call_fence(call);
    const char *path = in_data(call, arg), *rest;
    uint64_t flags = open_flags(call);
    if (path == NULL || (flags & O_PATH) || (strncmp(path, "/dev/", 5) != 0 && strncmp(path, "/proc/", 6) != 0))
        return rsys_call_send(call);
    if (strcmp(path, "/dev/tty") == 0)
        return open_tty(call, flags);
    int fd = local_fd_name(call, path);
    if (fd >= 0)
        return open_local(call, fd, flags);
    const struct process *process = proc_name(call, path, &rest);
    if (process != NULL && strcmp(rest, "exe") == 0 && process->exe != NULL)
        return open_instead(call, arg, process->exe);
    if (process != NULL && tells_of_memory(rest) && session_of(call)->proc_fd >= 0)
        return open_memory(call, process, rest, flags);
    return rsys_call_send(call);
}

/* ---- readlink ---- */

/* What a local descriptor's link says: its kind or the terminal's name, but no name of the client's files. */
static int64_t local_link(const struct call *call, int fd, char *text, size_t size)
{
    char path[64];
    struct stat st;
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, fd);
    if (own >= 0 && fstat(own, &st) == 0 && S_ISCHR(st.st_mode)) {
        /* The link itself cannot be read: the supervisor's root is not where the device is.  Numbers: the kernel's devices.txt. */
        if (major(st.st_rdev) >= 136 && major(st.st_rdev) <= 143)
            return snprintf(text, size, "/dev/pts/%u", (major(st.st_rdev) - 136) * 256 + minor(st.st_rdev));
        if (st.st_rdev == makedev(1, 3))
            return snprintf(text, size, "/dev/null");
    }
    snprintf(path, sizeof path, "%d/fd/%d", (int)call->guest->process->pid, fd);
    ssize_t n = readlinkat(session_of(call)->proc_fd, path, text, size - 1);
    if (n > 0 && text[0] != '/')
        return n; /* "pipe:[1234]" and the like */
    return snprintf(text, size, "local:[%d]", fd);
}

enum verdict rsys_handle_READLINK(struct call *call)
{
    const uint32_t arg = call->row->nr == SYS_readlinkat ? 1 : 0;
    char text[PATH_MAX];
    int64_t n = -1, size = (int32_t)call->args[arg + 2];
    int64_t result = rsys_encode_call(&call->request, call->row, call->args, rsys_guest_memory(call->guest));
    if (result < 0)
        return rsys_call_done(call, result);
    rsys_call_fence(call);
    const char *path = in_data(call, arg), *rest;
    if (path == NULL || strncmp(path, "/proc/", 6) != 0)
        return rsys_call_send(call);
    const struct process *process = proc_name(call, path, &rest);
    int fd = local_fd_name(call, path);
    if (process != NULL && strcmp(rest, "exe") == 0 && process->exe != NULL)
        n = snprintf(text, sizeof text, "%s", process->exe);
    else if (fd >= 0)
        n = local_link(call, fd, text, sizeof text);
    if (n < 0)
        return rsys_call_send(call);
    if (size <= 0)
        return rsys_call_done(call, -EINVAL);
    n = RSYS_MIN(n, (int64_t)sizeof text - 1);
    n = RSYS_MIN(n, size);
    int failed = rsys_memory_write(rsys_guest_memory(call->guest), call->args[arg + 1], text, (size_t)n);
    return rsys_call_done(call, failed < 0 ? failed : n);
}

/* ---- stat ---- */

/* newfstatat and statx with AT_EMPTY_PATH on a local descriptor are done here, not let through: the guest could change the name
 * meanwhile, and then its own kernel would look it up from the user's directory. */
static enum verdict stat_local(struct call *call, int fd)
{
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, fd);
    if (own < 0)
        return rsys_call_done(call, own);
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    int result;
    if (call->row->nr == SYS_newfstatat) {
        struct stat st;
        result = fstat(own, &st) < 0 ? -errno : rsys_memory_write(memory, call->args[2], &st, sizeof st);
    } else {
        struct statx st;
        result = statx(own, "", (int)(uint32_t)call->args[2], (uint32_t)call->args[3], &st) < 0 ? -errno
                                                                                     : rsys_memory_write(memory, call->args[4], &st, sizeof st);
    }
    return rsys_call_done(call, result);
}

enum verdict rsys_handle_STATFD(struct call *call)
{
    const bool by_fd = call->row->nr == SYS_fstat;
    const int64_t fd = (int32_t)call->args[0];
    if (by_fd || fd < 0 || !rsys_fd_is_local(call->guest->process->fds, fd))
        return by_fd && rsys_fd_is_local(call->guest->process->fds, fd) ? VERDICT_CONTINUE : rsys_call_forward(call);
    char first = 0;
    int failed = call->args[1] == 0 ? 0 : rsys_memory_read(rsys_guest_memory(call->guest), call->args[1], &first, 1);
    uint64_t flags = call->row->nr == SYS_statx ? call->args[2] : call->args[3];
    if (failed < 0)
        return rsys_call_done(call, failed);
    if (first == 0 && (flags & AT_EMPTY_PATH))
        return stat_local(call, (int)fd);
    if (first == '/')
        return rsys_call_forward(call);
    return rsys_call_done(call, first == 0 ? -ENOENT : -ENOTDIR);
}

/* ---- directories ---- */

enum verdict rsys_handle_CWD(struct call *call)
{
    if (call->row->nr == SYS_fchdir && rsys_fd_is_local(call->guest->process->fds, (int32_t)call->args[0]))
        return rsys_call_done(call, -ENOTDIR); /* also when the user's is one: a guest does not go there */
    return rsys_call_forward(call);
}

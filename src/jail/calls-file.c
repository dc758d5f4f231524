/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-file.c: names of local descriptors and of the terminal, stat of local descriptors, chdir: files that are not the server's alone. */
#include "src/jail/calls-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "src/core/util.h"
#include "src/jail/calls-proc.h"
#include "src/jail/internal.h"
#include "src/jail/names.h"
#include "src/jail/session.h"
#include "src/jail/terminal.h"

static struct rsys_session *session_of(const struct call *call) { return rsys_jail_session(call->guest->process->jail); }

/* ---- local descriptors by name ---- */

/* A local descriptor by its name: another one for the same open file, as far as it was opened for that. */
static enum verdict open_descriptor(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    if (!name->follow)
        return rsys_call_send(call); /* the link: ELOOP */
    int own = rsys_guest_get_fd(call->guest, name->number);
    if (own < 0)
        return rsys_call_done(call, own);
    unsigned kind = rsys_fd_flags(call->guest->process->fds, name->number) & RSYS_FD_SESSION, cloexec = flags & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u;
    struct stat st;
    if (kind != 0 && fstat(own, &st) == 0 && S_ISFIFO(st.st_mode)) {
        /* The session's own pipe is opened anew, as the kernel does: with an end and a mode of its own.  That never waits for a pipe without a name. */
        char link[64];
        snprintf(link, sizeof link, "self/fd/%d", own); /* the guest's own are for its id alone */
        int again = openat(session_of(call)->proc_fd, link, (int)(flags & (O_ACCMODE | O_NONBLOCK | O_DIRECT)) | O_CLOEXEC);
        rsys_close(own);
        return again < 0 ? rsys_call_done(call, -errno) : rsys_call_bring_home(call, again, kind | cloexec);
    }
    int has = fcntl(own, F_GETFL) & O_ACCMODE, wants = (int)(flags & O_ACCMODE);
    if (has != O_RDWR && has != wants) {
        rsys_close(own);
        return rsys_call_done(call, -EACCES);
    }
    return rsys_call_bring_home(call, own, kind | cloexec);
}

static enum verdict stat_descriptor(struct call *call, const struct rsys_name *name)
{
    if (!name->follow)
        return rsys_call_send(call);
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, name->number);
    return own < 0 ? rsys_call_done(call, own) : rsys_call_tell_stat(call, own);
}

/* What it was opened for is what it may be opened for. */
static enum verdict access_descriptor(struct call *call, const struct rsys_name *name, int mode)
{
    if (!name->follow)
        return rsys_call_send(call);
    if ((mode & ~(R_OK | W_OK | X_OK)) != 0)
        return rsys_call_done(call, -EINVAL);
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, name->number);
    if (own < 0)
        return rsys_call_done(call, own);
    int has = fcntl(own, F_GETFL) & O_ACCMODE;
    bool refused = (mode & X_OK) != 0 || ((mode & R_OK) != 0 && has == O_WRONLY) || ((mode & W_OK) != 0 && has == O_RDONLY);
    return rsys_call_done(call, refused ? -EACCES : 0);
}

/* What a local descriptor's link says: its kind or the terminal's name, but no name of the client's files. */
static int64_t local_link(const struct call *call, int fd, char *text, size_t size)
{
    char path[PATH_MAX];
    struct stat st = {0}, proc;
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, fd);
    if (own >= 0 && fstat(own, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
        return snprintf(text, size, "/dev/null");
    int64_t n = own < 0 ? -1 : rsys_terminal_name(session_of(call), own, text, size);
    if (n >= 0)
        return n;
    /* The link itself cannot be read for what has a name: the supervisor's root is not where that is. */
    snprintf(path, sizeof path, "self/fd/%d", own); /* the guest's own are for its id alone */
    n = readlinkat(session_of(call)->proc_fd, path, text, size - 1);
    text[n > 0 ? n : 0] = 0;
    if (n > 0 && text[0] != '/')
        return n; /* "pipe:[1234]" and the like */
    if (n > 0 && own >= 0 && fstat(session_of(call)->proc_fd, &proc) == 0 && proc.st_dev == st.st_dev) { /* it is attached nowhere: "/12/stat" */
        int length = snprintf(path, sizeof path, "/proc%s", text);
        return snprintf(text, size, "%.*s", length, path);
    }
    static const char made[] = "/memfd:" RSYS_PROC_TEXT;
    const char *end = strstr(text, " (deleted)");
    if (n > 0 && strncmp(text, made, sizeof made - 1) == 0 && end != NULL) {
        int length = snprintf(path, sizeof path, "/proc/%.*s", (int)(end - text - (ptrdiff_t)sizeof made + 1), text + sizeof made - 1);
        return snprintf(text, size, "%.*s", length, path);
    }
    return snprintf(text, size, "local:[%d]", fd);
}

static enum verdict link_descriptor(struct call *call, const struct rsys_name *name)
{
    char text[PATH_MAX];
    int64_t n = local_link(call, name->number, text, sizeof text);
    return rsys_call_tell_link(call, text, RSYS_MIN((size_t)n, sizeof text - 1));
}

/* As by the descriptor itself (notify.c, refused_locally): the file is the user's.  A terminal that the session has made has a name. */
static enum verdict change_descriptor(struct call *call, const struct rsys_name *name)
{
    char text[32];
    if (!name->follow)
        return rsys_call_send(call);
    if (rsys_fd_is_users(call->guest->process->fds, name->number))
        return rsys_call_done(call, -EPERM);
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, name->number);
    if (own < 0 || !rsys_terminal_is_ours(session_of(call), own) || rsys_terminal_name(session_of(call), own, text, sizeof text) < 0)
        return rsys_call_done(call, own < 0 ? own : -EPERM);
    const struct rsys_name terminal = {.kind = NAME_TERMINAL, .follow = true, .path = text, .process = name->process};
    return rsys_name_terminal.change(call, &terminal);
}

const struct rsys_name_calls rsys_name_descriptor = {
    .open = open_descriptor,
    .stat = stat_descriptor,
    .access = access_descriptor,
    .readlink = link_descriptor,
    .change = change_descriptor,
};

/* ---- stat ---- */

/* newfstatat and statx with AT_EMPTY_PATH on a local descriptor are done here, not let through: the guest could change the name
 * meanwhile, and then its own kernel would look it up from the user's directory. */
static enum verdict stat_local(struct call *call, int fd)
{
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, fd);
    return own < 0 ? rsys_call_done(call, own) : rsys_call_tell_stat(call, own);
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
    if (first == '/' || (first != 0 && !rsys_fd_is_users(call->guest->process->fds, fd)))
        return rsys_call_forward(call); /* /dev/pts; any other's placeholder is no directory */
    return rsys_call_done(call, first == 0 ? -ENOENT : -ENOTDIR);
}

/* ---- directories ---- */

enum verdict rsys_handle_CWD(struct call *call)
{
    if (call->row->nr == SYS_fchdir && rsys_fd_is_local(call->guest->process->fds, (int32_t)call->args[0]))
        return rsys_call_done(call, -ENOTDIR); /* also when the user's is one: a guest does not go there */
    return rsys_call_forward(call);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* terminal.c: pseudo-terminals that guests make, and the names of terminals.
 *
 * Sessions, process groups, controlling terminals and the signals of terminals are the client kernel's, because guests are its processes.  So their
 * pseudo-terminals are too: job control, SIGHUP, SIGWINCH and line discipline are then the kernel's own, and nothing of it is emulated.  They live in a devpts of
 * the session's own that is mounted nowhere: no path of any process leads there, and no other terminal of this machine is in it.  The supervisor opens
 * what a guest names and brings it home as a local descriptor.
 *
 * Guests' ids are their executors'.  Here all guests have one id, so the file system cannot tell them apart: the supervisor owns it by its capabilities over
 * the guests' user namespace and decides by the executor's ids who may open and change what. */
#include "src/jail/terminal.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "src/core/util.h"
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"
#include "src/jail/names.h"
#include "src/jail/session.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* newer than Debian 12's headers */
#endif
#define NUMBER_MAX (1u << 20) /* devpts has no more (NR_UNIX98_PTY_MAX) */
/* What of open(2)'s flags means something for a terminal here.  Not O_NOCTTY's absence: the terminal must not become the supervisor's. */
#define OPEN_FLAGS (O_ACCMODE | O_NONBLOCK | O_PATH | O_DIRECTORY | O_NOFOLLOW)

#define PTY_MAJOR 136u /* to 143, the slaves: Documentation/admin-guide/devices.txt */
static unsigned pty_number(dev_t device) { return (major(device) - PTY_MAJOR) * 256 + minor(device); }

static struct rsys_session *session_of(const struct call *call) { return rsys_jail_session(call->guest->process->jail); }

/* ---- names ---- */

/* A slave's number as devpts writes it: no leading zeros. */
static bool read_number(const char *text, uint32_t *ret_number)
{
    uint32_t n = 0;
    if (text[0] == 0 || (text[0] == '0' && text[1] != 0))
        return false;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9' || n > NUMBER_MAX)
            return false;
        n = n * 10 + (uint32_t)(*text - '0');
    }
    *ret_number = n;
    return n < NUMBER_MAX;
}

struct rsys_terminal rsys_terminal_by_name(const char *path)
{
    static const struct {
        const char *name;
        enum rsys_terminal_kind kind;
    } names[] = {
        {"ptmx", RSYS_TERMINAL_MASTER},    {"pts/ptmx", RSYS_TERMINAL_MASTER}, {"pts", RSYS_TERMINAL_DIRECTORY},
        {"pts/", RSYS_TERMINAL_DIRECTORY}, {"pts/.", RSYS_TERMINAL_DIRECTORY}, {"tty", RSYS_TERMINAL_OWN},         {"console", RSYS_TERMINAL_CONSOLE},
    };
    struct rsys_terminal terminal = {RSYS_TERMINAL_NONE, 0};
    if (strncmp(path, "/dev/", 5) != 0)
        return terminal;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(names); i++)
        if (strcmp(path + 5, names[i].name) == 0)
            terminal.kind = names[i].kind;
    if (terminal.kind != RSYS_TERMINAL_NONE || strncmp(path + 5, "pts/", 4) != 0)
        return terminal;
    if (read_number(path + 9, &terminal.number))
        terminal.kind = RSYS_TERMINAL_SLAVE;
    else if (strcmp(path + 9, "..") != 0 && strchr(path + 9, '/') == NULL)
        terminal.kind = RSYS_TERMINAL_ABSENT;
    return terminal;
}

/* Within the devpts. */
static const char *own_name(struct rsys_terminal terminal, char text[16])
{
    if (terminal.kind == RSYS_TERMINAL_DIRECTORY)
        return ".";
    if (terminal.kind == RSYS_TERMINAL_MASTER)
        return "ptmx";
    if (terminal.kind == RSYS_TERMINAL_ABSENT)
        return "absent";
    snprintf(text, 16, "%u", terminal.number);
    return text;
}

bool rsys_terminal_is_ours(const struct rsys_session *session, int fd)
{
    struct stat own, root;
    return session->pts_fd >= 0 && fstat(fd, &own) == 0 && fstat(session->pts_fd, &root) == 0 && own.st_dev == root.st_dev;
}

int rsys_terminal_name(const struct rsys_session *session, int fd, char *text, size_t size)
{
    struct stat st, console;
    if (fstat(fd, &st) < 0)
        return -1;
    if (rsys_terminal_is_ours(session, fd)) {
        if (S_ISDIR(st.st_mode))
            return snprintf(text, size, "/dev/pts");
        if (st.st_rdev == makedev(5, 2))
            return snprintf(text, size, "/dev/pts/ptmx");
        return snprintf(text, size, "/dev/pts/%u", pty_number(st.st_rdev));
    }
    if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 0))
        return snprintf(text, size, "/dev/tty");
    /* Its own name would be one of this machine's, and perhaps that of another terminal here: as in other containers it is the console. */
    if (session->console_fd >= 0 && fstat(session->console_fd, &console) == 0 && st.st_dev == console.st_dev && st.st_ino == console.st_ino)
        return snprintf(text, size, "/dev/console");
    return -1;
}

/* ---- the file system ---- */

int rsys_terminal_mount(gid_t gid)
{
    char group[16];
    RSYS_AUTO_FD fs = fsopen("devpts", FSOPEN_CLOEXEC);
    snprintf(group, sizeof group, "%u", gid);
    /* Who may open the multiplexer: everybody, as everywhere. */
    if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0) < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0620", 0) < 0 ||
        (gid != (gid_t)-1 && fsconfig(fs, FSCONFIG_SET_STRING, "gid", group, 0) < 0) || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

/* /dev/ptmx is a symbolic link, and the sandbox's. */
static bool is_link(const struct rsys_name *name) { return !name->follow && strcmp(name->path, "/dev/ptmx") == 0; }

const char *rsys_terminal_below(const struct call *call, const char *path, char *text, size_t size)
{
    const struct fdtable *fds = call->guest->process->fds;
    struct stat st;
    if (path[0] == '/' || call->row->args[0].shape != RSYS_ARG_DIRFD || !rsys_fd_is_local(fds, (int32_t)call->args[0]) || rsys_fd_is_users(fds, (int32_t)call->args[0]))
        return path;
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, (int)call->args[0]);
    if (own < 0 || !rsys_terminal_is_ours(session_of(call), own) || fstat(own, &st) < 0 || !S_ISDIR(st.st_mode))
        return path;
    return snprintf(text, size, "/dev/pts/%s", path) < (int)size ? text : path;
}

/* ---- who asks ---- */

/* A guest that is about to do something, in call->own behind what rsys_call_bring_home uses. */
struct asks {
    uint64_t of_home[2];
    struct rsys_terminal terminal;
    uint32_t flags;
    uint32_t uid, gid; /* its effective ones */
    enum verdict (*next)(struct call *call);
    enum verdict (*home)(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data); /* rsys_call_bring_home's */
};
_Static_assert(sizeof(struct asks) <= sizeof(((struct call *)NULL)->own), "what a guest asks has to fit the call");

static struct asks *asks_of(struct call *call) { return (struct asks *)(void *)&call->own; }

static enum verdict ids_step(struct call *call);

static enum verdict on_id(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    int index = call->request.head.nr == SYS_geteuid ? 1 : 3;
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    call->guest->creds[index] = (uint32_t)reply->result;
    call->guest->creds_known |= (uint8_t)(1u << index);
    return ids_step(call);
}

/* The ids are the session's first ones until a guest changes its own. */
static enum verdict ids_step(struct call *call)
{
    struct asks *asks = asks_of(call);
    const struct guest *guest = call->guest;
    bool differ = session_of(call)->ids_differ;
    for (int index = 1; differ && index <= 3; index += 2) {
        if (guest->creds_known & (1u << index))
            continue;
        rsys_call_is_short(call);
        rsys_request_start(&call->request, index == 1 ? SYS_geteuid : SYS_getegid, (uint64_t[6]){0});
        call->on_reply = on_id;
        return rsys_call_send(call);
    }
    asks->uid = differ ? guest->creds[1] : session_of(call)->guest_uid;
    asks->gid = differ ? guest->creds[3] : session_of(call)->guest_gid;
    return asks->next(call);
}

static enum verdict with_ids(struct call *call, enum verdict (*next)(struct call *call))
{
    asks_of(call)->next = next;
    return ids_step(call);
}

/* As generic_permission() would say; wants: R_OK, W_OK. */
static bool may(const struct asks *asks, const struct stat *st, int wants)
{
    mode_t mode = st->st_mode;
    if (asks->uid == 0)
        return true; /* CAP_DAC_OVERRIDE */
    if (asks->uid == st->st_uid)
        mode >>= 6;
    else if (asks->gid == st->st_gid)
        mode >>= 3;
    return ((mode_t)wants & ~mode & 7) == 0;
}

/* ---- open ---- */

static enum verdict bring(struct call *call, int fd, uint64_t flags)
{
    if (fd < 0)
        return rsys_call_done(call, -errno);
    return rsys_call_bring_home(call, fd, (rsys_terminal_is_ours(session_of(call), fd) ? RSYS_FD_SESSION : 0u) | (flags & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u));
}

/* The device number of the guest's controlling terminal, 0: none.  Field 7 of /proc/PID/stat, behind the last parenthesis.  Where there is no procfs to look at, who is
 * in the user's session is taken to have the user's. */
static unsigned controlling_terminal(const struct call *call)
{
    char path[32], text[1024];
    int tty = 0;
    if (session_of(call)->proc_fd < 0)
        return 1;
    snprintf(path, sizeof path, "%d/stat", (int)call->guest->process->pid);
    RSYS_AUTO_FD fd = openat(session_of(call)->proc_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    const char *end = strrchr(text, ')');
    return end != NULL && sscanf(end + 1, " %*c %*d %*d %*d %d", &tty) == 1 ? (unsigned)tty : 0;
}

static enum verdict on_home(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    enum verdict verdict = asks_of(call)->home(call, reply, data);
    return verdict == VERDICT_DONE && call->result >= 0 ? rsys_injection_terminal(call, call->result) : verdict;
}

/* A slave.  Opened by a session's leader without a controlling terminal it becomes that: tty_open_proc_set_tty() of the kernel, which looks at whoever opens. */
static enum verdict bring_slave(struct call *call, int fd, uint64_t flags)
{
    const pid_t pid = call->guest->process->pid;
    enum verdict verdict = bring(call, fd, flags);
    if (verdict != VERDICT_SENT || (flags & (O_NOCTTY | O_PATH)) || (flags & O_ACCMODE) == O_WRONLY || getsid(pid) != pid || controlling_terminal(call) != 0)
        return verdict;
    asks_of(call)->home = call->on_reply;
    call->on_reply = on_home;
    return verdict;
}

static enum verdict open_asked(struct call *call)
{
    struct asks *asks = asks_of(call);
    char text[16];
    const char *name = own_name(asks->terminal, text);
    int root = session_of(call)->pts_fd, access = (int)asks->flags & O_ACCMODE;
    struct stat st;
    if (fstatat(root, name, &st, 0) < 0)
        return rsys_call_done(call, errno == ENOENT && (asks->flags & O_CREAT) ? -EACCES : -errno); /* nobody makes a name in a devpts */
    int wants = (access != O_WRONLY ? R_OK : 0) | (access != O_RDONLY ? W_OK : 0);
    if (!(asks->flags & O_PATH) && !may(asks, &st, wants))
        return rsys_call_done(call, -EACCES);
    int fd = openat(root, name, (int)(asks->flags & OPEN_FLAGS) | O_NOCTTY | O_CLOEXEC);
    if (asks->terminal.kind == RSYS_TERMINAL_SLAVE)
        return bring_slave(call, fd, asks->flags);
    if (fd < 0 || asks->terminal.kind != RSYS_TERMINAL_MASTER || (asks->flags & O_PATH))
        return bring(call, fd, asks->flags);
    /* The new slave is its maker's. */
    unsigned number = 0;
    if (ioctl(fd, TIOCGPTN, &number) == 0) {
        snprintf(text, sizeof text, "%u", number);
        if (fstatat(root, text, &st, 0) == 0 && st.st_uid != asks->uid)
            (void)!fchownat(root, text, asks->uid, (gid_t)-1, 0); /* where one id is all there is, it has it */
    }
    return bring(call, fd, asks->flags);
}

/* /dev/tty: the guest's controlling terminal.  In the session that rsys-jail was started in, which has no number among the guests, it is the user's.  In one
 * that a guest has made it is a terminal of the session's own; or the user's, when that was nobody's before. */
static enum verdict open_own(struct call *call, uint64_t flags)
{
    const struct rsys_session *session = session_of(call);
    unsigned device = controlling_terminal(call);
    bool of_user = getsid(call->guest->process->pid) == 0;
    int fd = -1;
    if (device == 0)
        return rsys_call_done(call, -ENXIO);
    if (!of_user && session->pts_fd >= 0 && major(device) >= PTY_MAJOR && major(device) < PTY_MAJOR + 8) {
        char text[16];
        own_name((struct rsys_terminal){RSYS_TERMINAL_SLAVE, pty_number(device)}, text);
        /* Whoever has it for a controlling terminal may open it, whatever its mode says. */
        fd = openat(session->pts_fd, text, (int)(flags & (O_ACCMODE | O_NONBLOCK)) | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT)
            return rsys_call_done(call, -errno);
    }
    if (fd < 0) {
        fd = fcntl(of_user ? session->tty_fd : session->console_fd, F_DUPFD_CLOEXEC, 3);
        errno = ENXIO;
    }
    return bring(call, fd, flags);
}

bool rsys_terminal_exists(const struct rsys_session *session, struct rsys_terminal terminal)
{
    switch (terminal.kind) {
    case RSYS_TERMINAL_NONE:
        return false;
    case RSYS_TERMINAL_OWN:
        return true;
    case RSYS_TERMINAL_CONSOLE:
        return session->console_fd >= 0;
    default:
        return session->pts_fd >= 0;
    }
}

static enum verdict open_terminal(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    const struct rsys_session *session = session_of(call);
    struct rsys_terminal terminal = rsys_terminal_by_name(name->path);
    if (is_link(name))
        return rsys_call_send(call);
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return rsys_call_done(call, -EEXIST);
    if (terminal.kind != RSYS_TERMINAL_DIRECTORY && (flags & O_DIRECTORY))
        return rsys_call_done(call, -ENOTDIR);
    if (terminal.kind == RSYS_TERMINAL_OWN)
        return flags & O_PATH ? rsys_call_send(call) : open_own(call, flags);
    if (terminal.kind == RSYS_TERMINAL_CONSOLE)
        return bring(call, fcntl(session->console_fd, F_DUPFD_CLOEXEC, 3), flags);
    *asks_of(call) = (struct asks){.terminal = terminal, .flags = (uint32_t)flags};
    return with_ids(call, open_asked);
}

enum verdict rsys_terminal_peer(struct call *call)
{
    RSYS_AUTO_FD master = rsys_guest_get_fd(call->guest, (int)call->args[0]);
    if (master < 0)
        return rsys_call_done(call, master);
    if (!rsys_terminal_is_ours(session_of(call), master)) /* the user's: it would be a terminal of this machine's */
        return rsys_call_done(call, -ENOTTY);
    uint64_t flags = call->args[2];
    return bring_slave(call, ioctl(master, TIOCGPTPEER, (int)(flags & (O_ACCMODE | O_NONBLOCK)) | O_NOCTTY | O_CLOEXEC), flags);
}

/* ---- stat, access, readlink ---- */

static enum verdict stat_terminal(struct call *call, const struct rsys_name *name)
{
    const struct rsys_session *session = session_of(call);
    struct rsys_terminal terminal = rsys_terminal_by_name(name->path);
    char text[16];
    if (is_link(name) || (terminal.kind == RSYS_TERMINAL_OWN && session->tty_path_fd < 0))
        return rsys_call_send(call);
    if (terminal.kind == RSYS_TERMINAL_OWN)
        return rsys_call_tell_stat(call, session->tty_path_fd);
    if (terminal.kind == RSYS_TERMINAL_CONSOLE)
        return rsys_call_tell_stat(call, session->console_fd);
    RSYS_AUTO_FD fd = openat(session->pts_fd, own_name(terminal, text), O_PATH | O_CLOEXEC);
    return fd < 0 ? rsys_call_done(call, -errno) : rsys_call_tell_stat(call, fd);
}

static enum verdict access_asked(struct call *call)
{
    const struct asks *asks = asks_of(call);
    char text[16];
    struct stat st;
    if (fstatat(session_of(call)->pts_fd, own_name(asks->terminal, text), &st, 0) < 0)
        return rsys_call_done(call, -errno);
    bool refused = !may(asks, &st, (int)asks->flags) || ((asks->flags & X_OK) && (st.st_mode & 0111) == 0);
    return rsys_call_done(call, refused ? -EACCES : 0);
}

static enum verdict access_terminal(struct call *call, const struct rsys_name *name, int mode)
{
    struct rsys_terminal terminal = rsys_terminal_by_name(name->path);
    if (is_link(name))
        return rsys_call_send(call);
    if ((mode & ~(R_OK | W_OK | X_OK)) != 0)
        return rsys_call_done(call, -EINVAL);
    if (terminal.kind == RSYS_TERMINAL_OWN || terminal.kind == RSYS_TERMINAL_CONSOLE)
        return rsys_call_done(call, mode & X_OK ? -EACCES : 0);
    *asks_of(call) = (struct asks){.terminal = terminal, .flags = (uint32_t)mode};
    return with_ids(call, access_asked);
}

static enum verdict link_terminal(struct call *call, const struct rsys_name *name)
{
    struct rsys_terminal terminal = rsys_terminal_by_name(name->path);
    char text[16];
    struct stat st;
    if (is_link(name))
        return rsys_call_send(call);
    bool there = terminal.kind == RSYS_TERMINAL_OWN || terminal.kind == RSYS_TERMINAL_CONSOLE ||
                 fstatat(session_of(call)->pts_fd, own_name(terminal, text), &st, 0) == 0;
    return rsys_call_done(call, there ? -EINVAL : -ENOENT);
}

/* ---- mode and owner ---- */

/* What a call wants to change, in call->scratch. */
struct change {
    enum { MODE, OWNER, TIMES } what;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    bool now;                 /* the times: all are the present */
    struct timespec times[2];
};

/* fd: of the file; else it is the terminal of that name.  The rules are chmod(2)'s, chown(2)'s and utimensat(2)'s. */
static int do_change(const struct asks *asks, const struct change *change, int root, int fd)
{
    char text[16];
    const char *name = fd < 0 ? own_name(asks->terminal, text) : NULL;
    struct stat st;
    if ((fd < 0 ? fstatat(root, name, &st, 0) : fstat(fd, &st)) < 0)
        return -errno;
    bool owner = asks->uid == 0 || asks->uid == st.st_uid;
    bool same = change->uid == (uid_t)-1 || change->uid == st.st_uid;
    bool known = change->gid == (gid_t)-1 || change->gid == st.st_gid || change->gid == asks->gid;
    int result = -1;
    switch (change->what) {
    case MODE:
        if (!owner)
            return -EPERM;
        result = fd < 0 ? fchmodat(root, name, change->mode, 0) : fchmod(fd, change->mode);
        break;
    case OWNER:
        if (asks->uid != 0 && !(owner && same && known)) /* CAP_CHOWN */
            return -EPERM;
        result = fd < 0 ? fchownat(root, name, change->uid, change->gid, 0) : fchown(fd, change->uid, change->gid);
        break;
    case TIMES:
        if (!owner && !(change->now && may(asks, &st, W_OK)))
            return change->now ? -EACCES : -EPERM;
        result = fd < 0 ? utimensat(root, name, change->times, 0) : futimens(fd, change->times);
        break;
    }
    return result < 0 ? -errno : 0;
}

/* The times that the call gives, in its own form, from the request's own copy; NULL: now.  (That they make sense, the kernel looks at.) */
static void take_times(const struct call *call, struct change *change)
{
    const uint64_t *given = rsys_call_in_data(call, call->row->nr == SYS_utime || call->row->nr == SYS_utimes ? 1 : 2);
    change->what = TIMES;
    change->now = given == NULL;
    for (int i = 0; i < 2; i++) {
        struct timespec *time = &change->times[i];
        *time = (struct timespec){.tv_nsec = UTIME_NOW};
        if (given == NULL)
            continue;
        if (call->row->nr == SYS_utime)
            *time = (struct timespec){(time_t)given[i], 0};
        else
            *time = (struct timespec){(time_t)given[2 * i], (long)given[2 * i + 1] * (call->row->nr == SYS_utimensat ? 1 : 1000)};
    }
}

/* True: it is known what to change. */
static bool take_change(const struct call *call, struct change *change)
{
    const uint64_t *args = call->args;
    *change = (struct change){.uid = (uid_t)-1, .gid = (gid_t)-1};
    switch (call->row->nr) {
    case SYS_chmod:
    case SYS_fchmod:
        change->mode = (mode_t)args[1] & 07777;
        return true;
    case SYS_fchmodat:
    case SYS_fchmodat2:
        change->mode = (mode_t)args[2] & 07777;
        return true;
    case SYS_chown:
    case SYS_lchown:
    case SYS_fchown:
    case SYS_fchownat:
        change->what = OWNER;
        change->uid = (uid_t)args[call->row->nr == SYS_fchownat ? 2 : 1];
        change->gid = (gid_t)args[call->row->nr == SYS_fchownat ? 3 : 2];
        return true;
    case SYS_utime:
    case SYS_utimes:
    case SYS_futimesat:
    case SYS_utimensat:
        take_times(call, change);
        return true;
    default:
        return false;
    }
}

static enum verdict change_named(struct call *call)
{
    return rsys_call_done(call, do_change(asks_of(call), call->scratch, session_of(call)->pts_fd, -1));
}

static enum verdict change_terminal(struct call *call, const struct rsys_name *name)
{
    struct rsys_terminal terminal = rsys_terminal_by_name(name->path);
    if (is_link(name))
        return rsys_call_send(call);
    if (terminal.kind == RSYS_TERMINAL_OWN || terminal.kind == RSYS_TERMINAL_CONSOLE)
        return rsys_call_done(call, -EPERM); /* the user's */
    struct change *change = rsys_call_scratch(call, sizeof *change);
    if (change == NULL)
        return rsys_call_done(call, -ENOMEM);
    if (!take_change(call, change))
        return rsys_call_done(call, call->row->nr == SYS_truncate ? -EINVAL : -EPERM); /* no length, no extended attributes */
    *asks_of(call) = (struct asks){.terminal = terminal};
    return with_ids(call, change_named);
}

/* devpts has none, and so the kernel answers (xattr_resolve_name(), vfs_listxattr()).  The other names are of the sandbox's /dev. */
static enum verdict xattr_terminal(struct call *call, const struct rsys_name *name)
{
    if (strncmp(name->path, "/dev/pts", 8) != 0)
        return rsys_call_send(call);
    return rsys_call_done(call, call->nr == SYS_listxattr || call->nr == SYS_llistxattr ? 0 : -EOPNOTSUPP);
}

const struct rsys_name_calls rsys_name_terminal = {
    .open = open_terminal,
    .stat = stat_terminal,
    .access = access_terminal,
    .readlink = link_terminal,
    .xattr = xattr_terminal,
    .change = change_terminal,
    .opens_paths = true,
};

static enum verdict change_asked(struct call *call)
{
    const struct fdtable *fds = call->guest->process->fds;
    if (!rsys_fd_is_local(fds, (int64_t)call->args[0]) || rsys_fd_is_users(fds, (int64_t)call->args[0]))
        return rsys_call_done(call, -EPERM); /* another thread has put it there meanwhile */
    RSYS_AUTO_FD fd = rsys_guest_get_fd(call->guest, (int)call->args[0]);
    return rsys_call_done(call, fd < 0 ? fd : do_change(asks_of(call), call->scratch, -1, fd));
}

/* Not let through: another thread could put one of the user's descriptors at the number before the guest's own kernel looks at it. */
enum verdict rsys_terminal_change(struct call *call)
{
    struct change *change = rsys_call_scratch(call, sizeof *change);
    if (change == NULL)
        return rsys_call_done(call, -ENOMEM);
    take_change(call, change);
    return with_ids(call, change_asked);
}

enum verdict rsys_terminal_exclusive(struct call *call)
{
    RSYS_AUTO_FD fd = rsys_guest_get_fd(call->guest, (int)call->args[0]);
    if (fd < 0)
        return rsys_call_done(call, fd);
    return rsys_call_done(call, ioctl(fd, TIOCEXCL) < 0 ? -errno : 0);
}

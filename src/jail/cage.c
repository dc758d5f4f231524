/* SPDX-License-Identifier: GPL-2.0-only */
/* cage.c: the guests' namespaces on this machine, in stages.
 *
 * The parent has cloned us into new user, mount, pid, ipc, uts and cgroup namespaces; we are pid 1 there.
 *   1. wait for the id maps; die with the parent from now on
 *   2. open /dev/fuse and a procfs          (while we still are the user, with the user's files in sight; without a /dev/fuse, files will be copied)
 *   3. take the supervisor's own ids        (privileged only: guests then have ids that cannot touch it)
 *   4. mount a devpts                       (guests' terminals; attached nowhere)
 *   5. mount the view and start its thread  (tid 2; it answers what stage 6 asks)
 *   6. pivot into the view                  (after this no path leads to this machine's files)
 *   7. drop capabilities                    (what forking and tracing guests needs is left)
 *   8. be the supervisor                    (rsys_cage_drop_launching, then it forks the first guest, rsys_cage_become_guest) */
#include "src/jail/launch.h"

#include "sandbox/internal.h"
#include "sandbox/sandbox.h"
#include "src/core/util.h"
#include "src/jail/terminal.h"
#include "src/jail/view.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)
/* CAP_SYS_PTRACE: trace guests and read their memory, whatever their ids; CAP_KILL: signal them; SETUID, SETGID, SETPCAP: for the first guest to
 * become what it is to be (it then drops them). */
/* CHOWN, FOWNER, DAC_OVERRIDE: the guests' terminals (terminal.c); no path leads to files that are anybody else's. */
#define SUPERVISOR_CAPS \
    (CAP(SYS_PTRACE) | CAP(KILL) | CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(CHOWN) | CAP(FOWNER) | CAP(DAC_OVERRIDE))
/* CAP_SYS_ADMIN: to leave the user's network namespace. */
#define LAUNCH_CAPS (SUPERVISOR_CAPS | CAP(SYS_ADMIN))

/* Outside ids for guests of a privileged user: a range that nobody has (systemd's UIDS-GIDS leaves it unused), so that a guest is
 * nobody's user outside.  Guests have 0 .. 65535 of it, and the supervisor the one above. */
#define OUTSIDE_BASE 2059141120u
#define GUEST_IDS 65536u
#define TTY_GROUP 5u /* whose terminals are, by convention: group(5) of every distribution, LSB */

void cage_choose_ids(struct cage *cage)
{
    struct rsys_session *session = &cage->session;
    session->guest_uid = session->welcome.uid;
    session->guest_gid = session->welcome.gid;
    cage->range = 1;
    cage->outside_uid = geteuid();
    cage->outside_gid = getegid();
    cage->supervisor_uid = session->guest_uid;
    cage->supervisor_gid = session->guest_gid;
    if (session->guest_uid < GUEST_IDS && session->guest_gid < GUEST_IDS && sandbox_can_map_range(OUTSIDE_BASE, OUTSIDE_BASE, GUEST_IDS + 1)) {
        cage->range = GUEST_IDS + 1;
        cage->outside_uid = cage->outside_gid = OUTSIDE_BASE;
        cage->supervisor_uid = cage->supervisor_gid = GUEST_IDS;
    } else if (session->guest_uid == 0 && session->guest_gid == 0 && sandbox_can_map_range(65533, 65533, 2)) {
        /* A container's root with the usual 65536 ids: the guests get one of them, and the supervisor another. */
        cage->range = 2;
        cage->outside_uid = cage->outside_gid = 65533;
        cage->supervisor_uid = cage->supervisor_gid = 1;
    }
}

/* ---- stages ---- */

int cage_wait(struct cage *cage, struct rsys_error **err)
{
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* End of file: the parent has failed or was killed before we asked to die with it. */
    if (read(cage->ready_fd, &byte, 1) != 1)
        return rsys_error_make(err, 0, "the launching process has gone");
    rsys_close(rsys_fd_steal(&cage->ready_fd));
    return 0;
}

static int explain_fuse(int code, struct rsys_error **err)
{
    struct stat st;
    if (code == ENOENT || code == ENODEV || code == ENXIO)
        return rsys_error_make(err, code, "open /dev/fuse (load the kernel's module: modprobe fuse; in a container, pass the device in)");
    if (code == EACCES && stat("/dev/fuse", &st) == 0)
        return rsys_error_make(err, code, "open /dev/fuse (its mode is %04o; distributions have 0666: chmod 0666 /dev/fuse)", st.st_mode & 07777);
    if (code == EPERM)
        return rsys_error_make(err, code, "open /dev/fuse (in a container, its device policy has to allow it)");
    return rsys_error_make(err, code, "open /dev/fuse");
}

/* A procfs of the guests' pid namespace, attached nowhere.  It tells what a guest executes.  Where the host's own is partly covered (containers), the
 * kernel refuses; then the paths given to execve have to do. */
static int open_proc(void)
{
    RSYS_AUTO_FD fs = fsopen("proc", FSOPEN_CLOEXEC);
    if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static int stage_open(struct cage *cage, int *ret_fuse_fd, struct rsys_error **err)
{
    enum rsys_view_wish wish = cage->session.options->view;
    RSYS_AUTO_ERROR why = NULL;
    *ret_fuse_fd = wish == RSYS_VIEW_COPY ? -1 : open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (*ret_fuse_fd < 0 && wish == RSYS_VIEW_FUSE)
        return explain_fuse(errno, err);
    if (*ret_fuse_fd < 0 && wish == RSYS_VIEW_AUTO) {
        explain_fuse(errno, &why);
        dprintf(2, "rsys-jail: %s: files are copied to be executed and mapped, and none can be mapped to be written to (--view=copy says so ahead)\n", rsys_error_text(why));
    }
    cage->session.proc_fd = open_proc();
    cage->session.zero_fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
    return 0;
}

static int stage_ids(struct cage *cage, struct rsys_error **err)
{
    if (cage->range > 1) {
        prctl(PR_SET_KEEPCAPS, 1); /* the capabilities of stages 4 to 7 outlive the change */
        if (setgroups(0, NULL) < 0 || setresgid(cage->supervisor_gid, cage->supervisor_gid, cage->supervisor_gid) < 0 ||
            setresuid(cage->supervisor_uid, cage->supervisor_uid, cage->supervisor_uid) < 0)
            return rsys_error_make(err, errno, "take the supervisor's ids");
        prctl(PR_SET_KEEPCAPS, 0);
        /* The effective set does not follow when the old id counted as root. */
        struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];
        if (syscall(SYS_capget, &head, data) < 0)
            return rsys_error_make(err, errno, "capget");
        data[0].effective = data[0].permitted;
        data[1].effective = data[1].permitted;
        if (syscall(SYS_capset, &head, data) < 0)
            return rsys_error_make(err, errno, "capset");
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* changing ids has cleared it */
    }
    /* Nobody, not even the same user, looks into the memory that holds the session's token. */
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return rsys_error_make(err, errno, "become non-dumpable");
    return 0;
}

/* What guests make terminals in.  Where it cannot be mounted they have none, as in a root without a devpts. */
static void stage_terminals(struct cage *cage)
{
    int pts_fd = rsys_terminal_mount(cage->range > TTY_GROUP ? TTY_GROUP : (gid_t)-1);
    cage->session.pts_fd = pts_fd;
    /* The multiplexer is the supervisor's, who mounts. */
    if (pts_fd >= 0)
        (void)!fchownat(pts_fd, "ptmx", cage->session.guest_uid, cage->session.guest_gid, 0);
}

/* Attach the mount to a directory (any: it is only the way to pivot_root), keep a writable clone of it for shared mappings, and make what guests see
 * read-only.  Returns the clone; *ret_target is the directory. */
static int attach(int mount_fd, const char **ret_target, struct rsys_error **err)
{
    static const char *const targets[] = {"/tmp", "/run", "/mnt", "/proc", "/usr", "/etc"};
    /* What we mount is not to be seen by the namespace that we came from. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return rsys_error_make(err, errno, "make mounts private");
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(targets); i++) {
        if (move_mount(mount_fd, "", AT_FDCWD, targets[i], MOVE_MOUNT_F_EMPTY_PATH) < 0)
            continue;
        *ret_target = targets[i];
        RSYS_AUTO_FD clone = open_tree(AT_FDCWD, targets[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
        if (clone < 0 || mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
            return rsys_error_make(err, errno, "make the view read-only");
        return rsys_fd_steal(&clone);
    }
    return rsys_error_make(err, errno, "find a directory to mount the view on");
}

static int stage_view(struct cage *cage, int fuse_fd, const char **ret_target, struct rsys_error **err)
{
    RSYS_AUTO_FD mount_fd = fuse_fd >= 0 ? rsys_view_mount(fuse_fd, err) : rsys_view_mount_copies(err);
    if (mount_fd < 0)
        return -1;
    int clone = attach(mount_fd, ret_target, err);
    if (clone < 0)
        return -1;
    struct view_start start = {
        .pager_fd = cage->pager_fd,
        .pager_seq = cage->pager_seq,
        .nofile = cage->session.welcome.nofile,
        .confined = cage->session.confined,
        .resume = cage->session.resume,
        .connector_fd = cage->session.view_spare_fd,
        .fuse_fd = fuse_fd,
        .proc_fd = cage->session.proc_fd,
        .program = cage->program.path,
        .mount_fd = clone,
        .local_fd = cage->program.local_fd,
        .local_name = cage->program.local_name,
    };
    cage->session.view = rsys_view_start(&start, err);
    return cage->session.view != NULL ? 0 : -1;
}

static int stage_pivot(const char *target, struct rsys_error **err)
{
    if (chdir(target) < 0)
        return rsys_error_make(err, errno, "enter the view");
    if (syscall(SYS_pivot_root, ".", ".") < 0)
        return rsys_error_make(err, errno, "pivot into the view");
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return rsys_error_make(err, errno, "leave this machine's files");
    return 0;
}

static int enter(struct cage *cage, struct rsys_error **err)
{
    int fuse_fd = -1;
    const char *target = NULL;
    if (cage_wait(cage, err) < 0 || stage_open(cage, &fuse_fd, err) < 0 || stage_ids(cage, err) < 0)
        return -1;
    stage_terminals(cage);
    const char *hostname = cage->session.welcome.hostname;
    if (hostname[0] != 0 && sethostname(hostname, strlen(hostname)) < 0)
        return rsys_error_make(err, errno, "set the host's name");
    if (stage_view(cage, fuse_fd, &target, err) < 0 || stage_pivot(target, err) < 0)
        return -1;
    return rsys_sandbox_drop_capabilities(LAUNCH_CAPS, err);
}

/* Guests are told of their executors' limit.  Here the supervisor needs a descriptor for each of them, and they their local ones at whatever number the
 * executor gives. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void cage_main(struct cage *cage)
{
    RSYS_AUTO_ERROR err = NULL;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* a thread that does not block SIGCHLD would swallow the supervisor's */
    struct rsys_session *session = &cage->session;
    if (session->chosen)
        beside_note(cage);
    raise_descriptors();
    session->program = cage->program.path;
    session->argv = session->options->argv;
    session->environment = session->options->environment;
    int status = RSYS_EXIT_OURS;
    if ((session->chosen ? beside_enter(cage, &err) : enter(cage, &err)) < 0)
        dprintf(2, "rsys-jail: %s\n", rsys_error_text(err));
    else
        status = rsys_supervise(session);
    _exit(status);
}

/* ---- called by the supervisor ---- */

int rsys_cage_drop_launching(struct rsys_error **err)
{
    return rsys_sandbox_drop_capabilities(SUPERVISOR_CAPS, err);
}

int rsys_cage_become_guest(const struct rsys_session *session, struct rsys_error **err)
{
    if (chdir(RSYS_VIEW_CWD) < 0)
        return rsys_error_make(err, errno, "enter the view's directory for guests");
    if (session->guest_uid != getuid() || session->guest_gid != getgid()) {
        if (setresgid(session->guest_gid, session->guest_gid, session->guest_gid) < 0 ||
            setresuid(session->guest_uid, session->guest_uid, session->guest_uid) < 0)
            return rsys_error_make(err, errno, "take the guest's ids");
    }
    if (rsys_sandbox_drop_capabilities(0, err) < 0)
        return -1;
    prctl(PR_SET_PDEATHSIG, 0);
    /* No cores: a handler that this machine pipes them to would run outside of the cage, as root, on memory that is the guest's.  It runs with a limit of 0
     * too; 1 is what the kernel takes for none at all (fs/coredump.c).  Guests do not change it (calls-misc.c). */
    struct rlimit core = {1, 1};
    if (setrlimit(RLIMIT_CORE, &core) < 0 && errno != EPERM) /* EPERM: the user's own hard limit is 0 */
        return rsys_error_make(err, errno, "set the limit of cores");
    /* Traced by the supervisor, also until its execve; what is in this memory is a copy that execve drops. */
    if (prctl(PR_SET_DUMPABLE, 1) < 0)
        return rsys_error_make(err, errno, "become dumpable");
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        return rsys_error_make(err, errno, "close descriptors");
    if (sigprocmask(SIG_SETMASK, &session->guest_mask, NULL) < 0)
        return rsys_error_make(err, errno, "set the signal mask");
    return 0;
}

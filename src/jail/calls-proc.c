/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-proc.c: /proc, as guests see it.
 *
 * Executors have the guests' pids, so the sandbox's /proc lists the guests, and tells right what is the server's: ids, descriptors, directories, mounts,
 * namespaces.  Memory, CPU, signals and the process tree are the client's, and so are the machine's CPU, memory and time: those files are the client's own.
 *
 * Who may open them depends on ids, which are the executors': so the executor opens its own file of that name first.  When it may, the number that it got
 * becomes the guest's local descriptor of the client's file.  What is opened here is always a file of a guest or of the machine by a name of the table below;
 * the supervisor is no guest. */
#include "src/jail/calls-proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/core/util.h"
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"
#include "src/jail/proc-text.h"
#include "src/jail/session.h"

/* How a file is told: the client's own file; or a text, made when it is opened. */
enum { LIVE, STATUS, LIMITS, MAPS, NUMA };

/* Files of a process. */
static const struct {
    const char *name;
    uint8_t how;
    bool written; /* may be opened for writing, as far as the client's kernel lets a guest */
} files[] = {
    {"arch_status", LIVE, false},
    {"auxv", LIVE, false},
    {"children", LIVE, false},
    {"clear_refs", LIVE, true},
    {"cmdline", LIVE, false},
    {"comm", LIVE, true},
    {"coredump_filter", LIVE, true},
    {"environ", LIVE, false},
    {"io", LIVE, false},
    {"limits", LIMITS, false},
    {"maps", MAPS, false},
    {"mem", LIVE, true},
    {"numa_maps", NUMA, false},
    {"oom_adj", LIVE, true},
    {"oom_score", LIVE, false},
    {"oom_score_adj", LIVE, true},
    {"pagemap", LIVE, false},
    {"personality", LIVE, false},
    {"sched", LIVE, false},
    {"schedstat", LIVE, false},
    {"smaps", MAPS, false},
    {"smaps_rollup", LIVE, false},
    {"stat", LIVE, false},
    {"statm", LIVE, false},
    {"status", STATUS, false},
    {"timers", LIVE, false},
    {"timerslack_ns", LIVE, true},
    {"wchan", LIVE, false},
};

/* Files of the machine that guests run on: CPU, memory and time; pids and memory's limits; System V IPC, which is among guests. */
static const char *const machine[] = {
    "cpuinfo",
    "loadavg",
    "meminfo",
    "stat",
    "uptime",
    "vmstat",
    "sysvipc/msg",
    "sysvipc/sem",
    "sysvipc/shm",
    "sys/kernel/msgmax",
    "sys/kernel/msgmnb",
    "sys/kernel/msgmni",
    "sys/kernel/pid_max",
    "sys/kernel/randomize_va_space",
    "sys/kernel/sem",
    "sys/kernel/shmall",
    "sys/kernel/shmmax",
    "sys/kernel/shmmni",
    "sys/kernel/threads-max",
    "sys/vm/max_map_count",
    "sys/vm/mmap_min_addr",
    "sys/vm/overcommit_memory",
    "sys/vm/overcommit_ratio",
};

static struct rsys_session *session_of(const struct call *call) { return rsys_jail_session(call->guest->process->jail); }

static int file_index(const char *name)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(files); i++)
        if (strcmp(name, files[i].name) == 0)
            return (int)i;
    return -1;
}

bool rsys_proc_is_ours(const struct call *call, const char *rest, bool of_process)
{
    if (session_of(call)->proc_fd < 0)
        return false; /* a container that lets no procfs be mounted: the executors' has to do */
    if (of_process)
        return file_index(rest) >= 0;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(machine); i++)
        if (strcmp(rest, machine[i]) == 0)
            return true;
    return false;
}

/* ---- the client's files ---- */

/* What an open waits with, at call->scratch. */
struct opening {
    char directory[64], path[96]; /* in the client's procfs: of the process or thread, and the file */
    int file;                     /* in files, or -1 */
    int64_t number;               /* what the executor has given */
    uint64_t flags;
    struct process *process;
    int tid;
    char text[16384];             /* the executor's */
};

/* Some are for their owner alone, and the supervisor may have another id than guests: it opens as one.  A descriptor or -errno. */
static int open_as_guest(const struct call *call, const char *path, uint64_t flags)
{
    const struct rsys_session *session = session_of(call);
    uid_t uid = (uid_t)setfsuid(session->guest_uid);
    gid_t gid = (gid_t)setfsgid(session->guest_gid);
    int fd = openat(session->proc_fd, path, (int)(flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    int result = fd < 0 ? -errno : fd;
    setfsuid(uid);
    setfsgid(gid);
    /* A change of these ids undoes both (commit_creds()): "dumpable" becomes what fs.suid_dumpable says. */
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return result;
}

#define TEXT_MAX (64u << 20) /* smaps of as many mappings as a process may have */

char *rsys_proc_read(const struct call *call, const char *directory, const char *name)
{
    char path[128], *text = NULL;
    size_t size = 0, room = 0;
    ssize_t n = 1;
    snprintf(path, sizeof path, "%s%s", directory, name);
    int fd = open_as_guest(call, path, O_RDONLY);
    RSYS_AUTO_FD own = fd;
    while (fd >= 0 && n > 0 && size < TEXT_MAX) {
        if (room - size < 65536) {
            char *grown = realloc(text, room = 2 * room + 65537);
            if (grown == NULL)
                break;
            text = grown;
        }
        n = read(fd, text + size, room - size - 1);
        size += n > 0 ? (size_t)n : 0;
    }
    if (text == NULL || n != 0) {
        free(text);
        return NULL;
    }
    text[size] = 0;
    return text;
}

/* ---- open ---- */

enum verdict rsys_proc_give_error(struct call *call, int64_t number, int error)
{
    rsys_call_post_close(call, number);
    return rsys_call_done(call, error);
}

enum verdict rsys_proc_give_text(struct call *call, const char *path, int64_t number, uint64_t flags, struct rsys_text text)
{
    char name[128], link[64];
    snprintf(name, sizeof name, RSYS_PROC_TEXT "%s", path);
    RSYS_AUTO_FD fd = text.data != NULL ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : -1;
    bool written = fd >= 0 && write(fd, text.data, text.size) == (ssize_t)text.size && lseek(fd, 0, SEEK_SET) == 0 &&
                   fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
    free(text.data);
    if (!written)
        return rsys_proc_give_error(call, number, -ENOMEM);
    snprintf(link, sizeof link, "self/fd/%d", fd);
    int only = openat(session_of(call)->proc_fd, link, O_RDONLY | O_CLOEXEC);
    return rsys_call_replace(call, number, only >= 0 ? only : rsys_fd_steal(&fd), flags & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u);
}

/* How many seccomp filters there are on a guest beside the session's own. */
static unsigned own_filters(const struct call *call, const char *status)
{
    char self[4096];
    int64_t all = rsys_text_number(status, "Seccomp_filters:");
    if (all < 0 || rsys_guest_status(call->guest->process->jail, getpid(), self, sizeof self) < 0)
        return 0;
    int64_t base = rsys_text_number(self, "Seccomp_filters:") + 1; /* what rsys-jail was started under, and the session's */
    return all > base ? (unsigned)(all - base) : 0;
}

unsigned rsys_proc_filters(const struct call *call)
{
    char status[4096];
    return rsys_guest_status(call->guest->process->jail, call->guest->tid, status, sizeof status) < 0 ? 0 : own_filters(call, status);
}

static enum verdict got_text(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct opening *opening = call->scratch;
    struct rsys_text text = {NULL, 0};
    if (reply->result < 0 || rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0 || reply->result >= (int64_t)sizeof opening->text)
        return rsys_proc_give_error(call, opening->number, reply->result < 0 ? (int)reply->result : -EIO);
    opening->text[reply->result] = 0;
    char *ours = rsys_proc_read(call, opening->directory, files[opening->file].name);
    bool self = opening->tid == call->guest->tid;
    if (ours != NULL && files[opening->file].how == STATUS)
        text = rsys_text_status(ours, opening->text, own_filters(call, ours), self);
    else if (ours != NULL)
        text = rsys_text_limits(ours, opening->text, rsys_nofile_max(opening->process));
    bool gone = ours == NULL;
    free(ours);
    return gone ? rsys_proc_give_error(call, opening->number, -ESRCH) : rsys_proc_give_text(call, opening->path, opening->number, opening->flags, text);
}

static enum verdict ask_text(struct call *call, struct opening *opening)
{
    rsys_request_start(&call->request, SYS_pread64, (uint64_t[6]){(uint64_t)opening->number, 0, sizeof opening->text - 1, 0});
    rsys_request_out(&call->request, 1, sizeof opening->text - 1, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = opening->text});
    call->on_reply = got_text;
    return rsys_call_send(call);
}

/* The client's file is given as it is. */
static enum verdict give_live(struct call *call, const struct opening *opening)
{
    int own = open_as_guest(call, opening->path, opening->flags);
    if (own == -ENOENT)
        return rsys_call_done(call, opening->number); /* the client's kernel is older than the server's */
    return own < 0 ? rsys_proc_give_error(call, opening->number, own)
                   : rsys_call_replace(call, opening->number, own, opening->flags & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u);
}

/* The executor may, and has given a number. */
static enum verdict take_over(struct call *call, struct opening *opening, int64_t number)
{
    opening->number = number;
    switch (opening->file < 0 ? LIVE : files[opening->file].how) {
    case STATUS:
    case LIMITS:
        return ask_text(call, opening);
    case MAPS:
    case NUMA:
        return rsys_proc_give_maps(call, opening->directory, opening->path + strlen(opening->directory), number, opening->flags);
    default:
        return give_live(call, opening);
    }
}

static enum verdict opened(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    (void)data;
    return reply->result < 0 ? rsys_call_done(call, reply->result) : take_over(call, call->scratch, reply->result);
}

static struct opening *prepare(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    struct opening *opening = rsys_call_scratch(call, sizeof *opening);
    if (opening == NULL)
        return NULL;
    opening->file = name->process == NULL ? -1 : file_index(name->rest);
    opening->flags = flags;
    opening->process = name->process;
    opening->tid = name->number;
    opening->directory[0] = 0;
    if (name->process != NULL && name->of_task)
        snprintf(opening->directory, sizeof opening->directory, "%d/task/%d/", (int)name->process->pid, name->number);
    else if (name->process != NULL)
        snprintf(opening->directory, sizeof opening->directory, "%d/", (int)name->process->pid);
    snprintf(opening->path, sizeof opening->path, "%s%s", opening->directory, name->rest);
    if (opening->file < 0 || !files[opening->file].written)
        opening->flags &= ~(uint64_t)O_ACCMODE; /* O_RDONLY: who has CAP_DAC_OVERRIDE may open it otherwise, to no effect */
    return opening;
}

static enum verdict open_proc(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    if (prepare(call, name, flags) == NULL)
        return rsys_call_done(call, -ENOMEM);
    rsys_call_is_short(call);
    call->on_reply = opened;
    return rsys_call_send(call);
}

const struct rsys_name_calls rsys_name_proc = {.open = open_proc};

/* ---- the view's executor ---- */

static enum verdict nobody(struct call *call, const struct rsys_name *name)
{
    (void)name;
    return rsys_call_done(call, -ENOENT);
}

static enum verdict nobody_open(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    (void)flags;
    return nobody(call, name);
}

static enum verdict nobody_access(struct call *call, const struct rsys_name *name, int mode)
{
    (void)mode;
    return nobody(call, name);
}

const struct rsys_name_calls rsys_name_nobody = {.open = nobody_open, .stat = nobody, .access = nobody_access, .readlink = nobody, .change = nobody};

/* ---- by other spellings ----
 *
 * "stat" from within /proc/PID, /proc/1/../2/maps, links: when the last part of a name is one of ours, the executor is asked after the open what it has opened. */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool is_suspect(const char *path)
{
    const char *base = base_of(path);
    if (file_index(base) >= 0)
        return true;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(machine); i++)
        if (strcmp(base, machine[i]) == 0)
            return true;
    return false;
}

static enum verdict got_link(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct opening *opening = call->scratch;
    int64_t number = opening->number;
    struct rsys_name name;
    if (reply->result <= 0 || reply->result >= 256 || rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return rsys_call_done(call, number);
    char path[256];
    memcpy(path, opening->text, (size_t)reply->result);
    path[reply->result] = 0;
    /* The server's word, but a name that is judged as one of the guest's own would be. */
    if (!rsys_name_judge(call, path, &name) || name.kind != NAME_PROC || (opening = prepare(call, &name, opening->flags)) == NULL)
        return rsys_call_done(call, number);
    return take_over(call, opening, number);
}

static enum verdict ask_link(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct opening *opening = call->scratch;
    char path[64];
    (void)data;
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    opening->number = reply->result;
    int length = snprintf(path, sizeof path, "/proc/self/fd/%d", (int)reply->result);
    rsys_request_start(&call->request, SYS_readlink, (uint64_t[6]){0, 0, 255});
    rsys_request_in(&call->request, 0, path, (size_t)length + 1);
    rsys_request_out(&call->request, 1, 255, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = opening->text});
    call->on_reply = got_link;
    return rsys_call_send(call);
}

bool rsys_proc_open_suspect(struct call *call, const char *path, uint64_t flags, enum verdict *ret_verdict)
{
    if (session_of(call)->proc_fd < 0 || (flags & O_PATH) || !is_suspect(path))
        return false;
    struct opening *opening = rsys_call_scratch(call, sizeof *opening);
    if (opening == NULL)
        return false;
    opening->flags = flags;
    rsys_call_is_short(call);
    call->on_reply = ask_link;
    *ret_verdict = rsys_call_send(call);
    return true;
}

/* ---- what a guest executes ---- */

static enum verdict instead(struct call *call, const struct rsys_name *name)
{
    return name->follow ? rsys_call_instead(call, name->process->exe) : rsys_call_send(call);
}

/* The client's own is no file of the server. */
static bool is_ours(struct call *call, const struct rsys_name *name) { return name->follow && rsys_program_is(call, name->process->exe); }

static enum verdict open_exe(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    return is_ours(call, name) ? rsys_name_program.open(call, name, flags) : instead(call, name);
}

static enum verdict stat_exe(struct call *call, const struct rsys_name *name)
{
    return is_ours(call, name) ? rsys_name_program.stat(call, name) : instead(call, name);
}

static enum verdict access_exe(struct call *call, const struct rsys_name *name, int mode)
{
    return is_ours(call, name) ? rsys_name_program.access(call, name, mode) : instead(call, name);
}

static enum verdict link_exe(struct call *call, const struct rsys_name *name)
{
    return rsys_call_tell_link(call, name->process->exe, strlen(name->process->exe));
}

const struct rsys_name_calls rsys_name_exe = {.open = open_exe, .stat = stat_exe, .access = access_exe, .readlink = link_exe, .change = instead};

/* "exe" in a directory of /proc by a descriptor, as ps and htop ask: where the directory is has to be known first. */
struct relative {
    char directory[PATH_MAX];
    char path[2 * PATH_MAX];
};

static enum verdict got_directory(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct relative *relative = call->scratch;
    enum verdict verdict;
    call->on_reply = NULL;
    if (reply->result <= 0 || reply->result >= (int64_t)sizeof relative->directory ||
        rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        relative->directory[0] = 0;
    else
        relative->directory[reply->result] = 0;
    /* Encoded once more: what is judged is the directory with the copy that is sent. */
    int result = rsys_encode_call(&call->request, call->row, call->args, rsys_guest_memory(call->guest));
    if (result < 0)
        return rsys_call_done(call, result);
    rsys_call_fence(call);
    const char *path = rsys_call_in_data(call, (uint32_t)rsys_name_argument(call->row));
    if (path == NULL || strncmp(relative->directory, "/proc", 5) != 0)
        return rsys_call_send(call);
    snprintf(relative->path, sizeof relative->path, "%s/%s", relative->directory, path);
    return rsys_name_take_as(call, relative->path, &verdict) ? verdict : rsys_call_send(call);
}

bool rsys_proc_relative_exe(struct call *call, const char *path, enum verdict *ret_verdict)
{
    char link[64] = "/proc/self/cwd";
    int arg = rsys_name_argument(call->row);
    if (path[0] == '/' || strcmp(base_of(path), "exe") != 0)
        return false;
    struct relative *relative = rsys_call_scratch(call, sizeof *relative);
    if (relative == NULL)
        return false;
    if (arg == 1 && (int)call->args[0] != AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/fd/%d", (int)call->args[0]);
    rsys_request_start(&call->request, SYS_readlink, (uint64_t[6]){0, 0, sizeof relative->directory - 1});
    rsys_request_in(&call->request, 0, link, strlen(link) + 1);
    rsys_request_out(&call->request, 1, sizeof relative->directory - 1, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = relative->directory});
    rsys_call_is_short(call);
    call->on_reply = got_directory;
    *ret_verdict = rsys_call_send(call);
    return true;
}

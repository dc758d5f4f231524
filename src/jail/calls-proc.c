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
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

#include "src/core/util.h"
#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"
#include "src/jail/session.h"

/* Files of a process. */
static const struct {
    const char *name;
    bool written; /* may be opened for writing, as far as the client's kernel lets a guest */
} files[] = {
    {"arch_status", false}, {"auxv", false},         {"children", false},  {"clear_refs", true},     {"cmdline", false},
    {"comm", true},         {"coredump_filter", true}, {"environ", false}, {"io", false},            {"maps", false},
    {"mem", true},          {"numa_maps", false},    {"oom_adj", true},    {"oom_score", false},     {"oom_score_adj", true},
    {"pagemap", false},     {"personality", false},  {"sched", false},     {"schedstat", false},     {"smaps", false},
    {"smaps_rollup", false}, {"stat", false},        {"statm", false},     {"timers", false},        {"timerslack_ns", true},
    {"wchan", false},
};

/* Files of the machine that guests run on. */
static const char *const machine[] = {
    "cpuinfo", "loadavg", "meminfo", "stat", "uptime", "vmstat", "sysvipc/msg", "sysvipc/sem", "sysvipc/shm",
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

/* ---- open ---- */

/* What an open waits with, at call->scratch. */
struct opening {
    char path[96]; /* in the client's procfs */
    int file;      /* in files, or -1 */
    uint64_t flags;
};

/* The client's file.  Some are for their owner alone, and the supervisor may have another id than guests: it opens as one. */
static int open_ours(const struct call *call, const struct opening *opening)
{
    const struct rsys_session *session = session_of(call);
    uid_t uid = (uid_t)setfsuid(session->guest_uid);
    gid_t gid = (gid_t)setfsgid(session->guest_gid);
    int fd = openat(session->proc_fd, opening->path, (int)(opening->flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    int result = fd < 0 ? -errno : fd;
    setfsuid(uid);
    setfsgid(gid);
    return result;
}

/* The executor may, and has given a number. */
static enum verdict opened(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    const struct opening *opening = call->scratch;
    int64_t number = reply->result;
    (void)data;
    if (number < 0)
        return rsys_call_done(call, number);
    int own = open_ours(call, opening);
    if (own == -ENOENT)
        return rsys_call_done(call, number); /* the client's kernel is older than the server's */
    if (own < 0) {
        rsys_call_post_close(call, number);
        return rsys_call_done(call, own);
    }
    return rsys_call_replace(call, number, own, opening->flags & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u);
}

static enum verdict open_proc(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    struct opening *opening = rsys_call_scratch(call, sizeof *opening);
    if (opening == NULL)
        return rsys_call_done(call, -ENOMEM);
    opening->file = name->process == NULL ? -1 : file_index(name->rest);
    opening->flags = flags;
    if (name->process == NULL)
        snprintf(opening->path, sizeof opening->path, "%s", name->rest);
    else if (name->of_task)
        snprintf(opening->path, sizeof opening->path, "%d/task/%d/%s", (int)name->process->pid, name->number, name->rest);
    else
        snprintf(opening->path, sizeof opening->path, "%d/%s", (int)name->process->pid, name->rest);
    if (opening->file < 0 || !files[opening->file].written)
        opening->flags &= ~(uint64_t)O_ACCMODE; /* O_RDONLY: who has CAP_DAC_OVERRIDE may open it otherwise, to no effect */
    rsys_call_is_short(call);
    call->on_reply = opened;
    return rsys_call_send(call);
}

const struct rsys_name_calls rsys_name_proc = {.open = open_proc};

/* ---- what a guest executes ---- */

static enum verdict instead(struct call *call, const struct rsys_name *name)
{
    return name->follow ? rsys_call_instead(call, name->process->exe) : rsys_call_send(call);
}

static enum verdict open_exe(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    (void)flags;
    return instead(call, name);
}

static enum verdict access_exe(struct call *call, const struct rsys_name *name, int mode)
{
    (void)mode;
    return instead(call, name);
}

static enum verdict link_exe(struct call *call, const struct rsys_name *name)
{
    return rsys_call_tell_link(call, name->process->exe, strlen(name->process->exe));
}

const struct rsys_name_calls rsys_name_exe = {.open = open_exe, .stat = instead, .access = access_exe, .readlink = link_exe, .change = instead};

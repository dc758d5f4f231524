/* SPDX-License-Identifier: GPL-2.0-only */
/* names.c: which names mean something on the client.
 *
 * Names are the sandbox's, but for a few that mean the guest itself or its terminal, whose truth is on the client.  Each call that takes a name is judged
 * when it has been encoded: in the request's own copy, which the guest cannot change behind us, so its memory is not read again.  Only exact spellings are
 * known here; what another way to the same file leads to, calls-proc.c finds out where it matters.
 *
 * To add names: a kind (names.h), the spelling here, and what the kind does for the calls. */
#include "src/jail/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "src/core/util.h"
#include "src/jail/calls-proc.h"
#include "src/jail/internal.h"
#include "src/jail/terminal.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* newer than Debian 12's headers */
#endif

static const struct rsys_name_calls *const kinds[NAME_KINDS] = {
    [NAME_TERMINAL] = &rsys_name_terminal,
    [NAME_DESCRIPTOR] = &rsys_name_descriptor,
    [NAME_EXE] = &rsys_name_exe,
    [NAME_PROC] = &rsys_name_proc,
    [NAME_NOBODY] = &rsys_name_nobody,
    [NAME_PROGRAM] = &rsys_name_program,
};

/* ---- spellings ---- */

/* Digits up to `end`: the number, or -1. */
static int64_t number_of(const char *text, const char *end)
{
    int64_t n = 0;
    if (text == end)
        return -1;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9' || n > INT_MAX / 10)
            return -1;
        n = n * 10 + (*text - '0');
    }
    return n <= INT_MAX ? n : -1;
}

static bool is_part(const char *text, const char *end, const char *word)
{
    return strlen(word) == (size_t)(end - text) && memcmp(text, word, (size_t)(end - text)) == 0;
}

/* A descriptor of the caller that is local. */
static bool judge_descriptor(const struct call *call, const char *digits, struct rsys_name *name)
{
    int64_t fd = number_of(digits, digits + strlen(digits));
    if (fd < 0 || !rsys_fd_is_local(call->guest->process->fds, fd))
        return false;
    name->kind = NAME_DESCRIPTOR;
    name->process = call->guest->process;
    name->number = (int)fd;
    return true;
}

static bool judge_dev(const struct call *call, const char *rest, struct rsys_name *name)
{
    static const char *const standard[] = {"stdin", "stdout", "stderr"}, digits[] = "012";
    if (rsys_terminal_exists(rsys_jail_session(call->guest->process->jail), rsys_terminal_by_name(name->path))) {
        name->kind = NAME_TERMINAL;
        name->process = call->guest->process;
        return true;
    }
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(standard); i++)
        if (strcmp(rest, standard[i]) == 0)
            return judge_descriptor(call, (const char[]){digits[i], 0}, name);
    return strncmp(rest, "fd/", 3) == 0 && judge_descriptor(call, rest + 3, name);
}

/* self/..., thread-self/..., PID/..., each also with task/TID/ behind it: the guest that is meant, and what of it. */
static const struct guest *proc_guest(const struct call *call, const char *rest, struct rsys_name *name)
{
    struct jail *jail = call->guest->process->jail;
    const char *slash = strchr(rest, '/');
    if (slash == NULL)
        return NULL;
    const struct guest *guest = call->guest;
    name->of_task = is_part(rest, slash, "thread-self");
    name->number = name->of_task ? guest->tid : guest->process->pid;
    if (!name->of_task && !is_part(rest, slash, "self")) {
        int64_t pid = number_of(rest, slash);
        guest = pid > 0 ? rsys_guest_find(jail, (pid_t)pid) : NULL;
        name->number = (int)pid;
    }
    rest = slash + 1;
    if (guest != NULL && !name->of_task && strncmp(rest, "task/", 5) == 0 && (slash = strchr(rest + 5, '/')) != NULL) {
        const struct guest *thread = rsys_guest_find(jail, (pid_t)number_of(rest + 5, slash));
        name->of_task = true;
        name->number = thread != NULL ? thread->tid : 0;
        guest = thread != NULL && thread->process == guest->process ? thread : NULL;
        rest = slash + 1;
    }
    name->rest = rest;
    return guest;
}

/* /proc/PID of what is no guest: the process has ended, and been waited for, although its executor may still be about to. */
static bool is_gone(const struct call *call, const char *rest)
{
    int64_t pid = number_of(rest, rest + strcspn(rest, "/"));
    return pid > 1 && rsys_guest_find(call->guest->process->jail, (pid_t)pid) == NULL;
}

static bool judge_proc(const struct call *call, const char *rest, struct rsys_name *name)
{
    if (is_gone(call, rest)) {
        name->kind = NAME_NOBODY;
        return true;
    }
    if (strncmp(rest, RSYS_PAGER_NAME, sizeof RSYS_PAGER_NAME - 1) == 0 && (rest[sizeof RSYS_PAGER_NAME - 1] == 0 || rest[sizeof RSYS_PAGER_NAME - 1] == '/')) {
        name->kind = NAME_NOBODY;
        return true;
    }
    const struct guest *guest = proc_guest(call, rest, name);
    if (guest == NULL || guest->process == NULL) {
        name->kind = NAME_PROC;
        name->rest = rest;
        return rsys_proc_is_ours(call, rest, false);
    }
    name->process = guest->process;
    if (strncmp(name->rest, "fd/", 3) == 0)
        return guest->process->fds == call->guest->process->fds && judge_descriptor(call, name->rest + 3, name);
    if (strcmp(name->rest, "exe") == 0) {
        name->kind = NAME_EXE;
        return guest->process->exe != NULL;
    }
    name->kind = NAME_PROC;
    return rsys_proc_is_ours(call, name->rest, true);
}

bool rsys_name_judge(const struct call *call, const char *path, struct rsys_name *ret_name)
{
    *ret_name = (struct rsys_name){.path = path};
    if (call->guest->process->root != 0) /* below another root it may be another file; what the executor opens first is safe to judge */
        return strncmp(path, "/proc/", 6) == 0 && judge_proc(call, path + 6, ret_name) && ret_name->kind == NAME_PROC;
    if (strncmp(path, "/dev/", 5) == 0)
        return judge_dev(call, path + 5, ret_name);
    if (strncmp(path, "/proc/", 6) == 0)
        return judge_proc(call, path + 6, ret_name);
    ret_name->kind = NAME_PROGRAM;
    return path[1] == '.' && rsys_program_is(call, path); /* RSYS_VIEW_LOCAL */
}

/* ---- calls ---- */

int rsys_name_argument(const struct rsys_call *row)
{
    for (int i = 0; i < row->nargs; i++)
        if (row->args[i].shape == RSYS_ARG_PATH)
            return i;
    return -1;
}

void *rsys_call_in_data(const struct call *call, uint32_t arg)
{
    const struct rsys_request *request = &call->request;
    for (uint32_t i = 0; i < request->head.relocs; i++)
        if (request->relocs[i].at == arg)
            return request->in + request->relocs[i].to;
    return NULL;
}

uint64_t rsys_call_open_flags(const struct call *call)
{
    uint64_t flags = 0;
    switch (call->row->nr) {
    case SYS_open:
        return (uint32_t)call->args[1];
    case SYS_openat:
        return (uint32_t)call->args[2];
    case SYS_openat2:
        if (rsys_call_in_data(call, 2) != NULL && call->args[3] >= sizeof flags)
            memcpy(&flags, rsys_call_in_data(call, 2), sizeof flags); /* the first field of struct open_how */
        return flags;
    default:
        return O_CREAT | O_WRONLY | O_TRUNC; /* creat */
    }
}

enum verdict rsys_call_instead(struct call *call, const char *path)
{
    int result = rsys_encode_call_on(&call->request, call->row, call->args, rsys_guest_memory(call->guest), path);
    if (result == 0)
        rsys_call_fence(call);
    return result < 0 ? rsys_call_done(call, result) : rsys_call_send(call);
}

enum action { OPEN, STAT, ACCESS, READLINK, XATTR, CHANGE };
#define ALWAYS (-1)
#define NEVER (-2)

/* The calls that a kind may have its own way with.  follow: whether a link at the end is followed, or which argument has the AT_ flags that tell. */
static const struct {
    uint16_t nr;
    uint8_t action;
    int8_t follow;
    uint8_t mode; /* of ACCESS: the argument */
} takes[] = {
    {SYS_open, OPEN, ALWAYS, 0},
    {SYS_openat, OPEN, ALWAYS, 0},
    {SYS_openat2, OPEN, ALWAYS, 0},
    {SYS_creat, OPEN, ALWAYS, 0},
    {SYS_stat, STAT, ALWAYS, 0},
    {SYS_lstat, STAT, NEVER, 0},
    {SYS_newfstatat, STAT, 3, 0},
    {SYS_statx, STAT, 2, 0},
    {SYS_access, ACCESS, ALWAYS, 1},
    {SYS_faccessat, ACCESS, ALWAYS, 2},
    {SYS_faccessat2, ACCESS, 3, 2},
    {SYS_readlink, READLINK, NEVER, 0},
    {SYS_readlinkat, READLINK, NEVER, 0},
    {SYS_truncate, CHANGE, ALWAYS, 0},
    {SYS_chmod, CHANGE, ALWAYS, 0},
    {SYS_fchmodat, CHANGE, ALWAYS, 0},
    {SYS_fchmodat2, CHANGE, 3, 0},
    {SYS_chown, CHANGE, ALWAYS, 0},
    {SYS_lchown, CHANGE, NEVER, 0},
    {SYS_fchownat, CHANGE, 4, 0},
    {SYS_utime, CHANGE, ALWAYS, 0},
    {SYS_utimes, CHANGE, ALWAYS, 0},
    {SYS_futimesat, CHANGE, ALWAYS, 0},
    {SYS_utimensat, CHANGE, 3, 0},
    {SYS_setxattr, CHANGE, ALWAYS, 0},
    {SYS_lsetxattr, CHANGE, NEVER, 0},
    {SYS_getxattr, XATTR, ALWAYS, 0},
    {SYS_lgetxattr, XATTR, NEVER, 0},
    {SYS_listxattr, XATTR, ALWAYS, 0},
    {SYS_llistxattr, XATTR, NEVER, 0},
    {SYS_removexattr, CHANGE, ALWAYS, 0},
    {SYS_lremovexattr, CHANGE, NEVER, 0},
};

static enum verdict take(struct call *call, const struct rsys_name_calls *calls, const struct rsys_name *name, enum action action, unsigned mode)
{
    uint64_t flags;
    switch (action) {
    case OPEN:
        flags = rsys_call_open_flags(call);
        if (calls->open == NULL || ((flags & O_PATH) && !calls->opens_paths))
            return rsys_call_send(call);
        return calls->open(call, name, flags);
    case STAT:
        return calls->stat == NULL ? rsys_call_send(call) : calls->stat(call, name);
    case ACCESS:
        return calls->access == NULL ? rsys_call_send(call) : calls->access(call, name, (int)call->args[mode]);
    case READLINK:
        return calls->readlink == NULL ? rsys_call_send(call) : calls->readlink(call, name);
    case XATTR:
        return calls->xattr == NULL ? rsys_call_send(call) : calls->xattr(call, name);
    default:
        return calls->change == NULL ? rsys_call_send(call) : calls->change(call, name);
    }
}

static bool is_open(const struct call *call)
{
    return call->row->nr == SYS_open || call->row->nr == SYS_openat || call->row->nr == SYS_openat2 || call->row->nr == SYS_creat;
}

bool rsys_name_take(struct call *call, enum verdict *ret_verdict)
{
    if (rsys_jail_session(call->guest->process->jail)->chosen)
        return false; /* the names of a call that was chosen are the server's, one and all */
    int arg = rsys_name_argument(call->row);
    const char *path = arg < 0 ? NULL : rsys_call_in_data(call, (uint32_t)arg);
    char joined[32];
    if (path == NULL)
        return false;
    path = rsys_terminal_below(call, path, joined, sizeof joined);
    return rsys_name_take_as(call, path, ret_verdict) || rsys_proc_relative_exe(call, path, ret_verdict) ||
           (is_open(call) && rsys_proc_open_suspect(call, path, rsys_call_open_flags(call), ret_verdict));
}

bool rsys_name_take_as(struct call *call, const char *path, enum verdict *ret_verdict)
{
    struct rsys_name name;
    if (path[0] != '/' || !rsys_name_judge(call, path, &name))
        return false;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(takes); i++) {
        if (takes[i].nr != call->row->nr)
            continue;
        if (takes[i].action == OPEN)
            name.follow = (rsys_call_open_flags(call) & O_NOFOLLOW) == 0;
        else
            name.follow = takes[i].follow >= 0 ? (call->args[takes[i].follow] & AT_SYMLINK_NOFOLLOW) == 0 : takes[i].follow == ALWAYS;
        *ret_verdict = take(call, kinds[name.kind], &name, takes[i].action, takes[i].mode);
        return true;
    }
    return false;
}

/* ---- answers ---- */

enum verdict rsys_call_tell_stat(struct call *call, int fd)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    if (call->row->nr == SYS_statx) {
        struct statx st;
        int flags = AT_EMPTY_PATH | (int)(uint32_t)call->args[2];
        int result = statx(fd, "", flags, (uint32_t)call->args[3], &st) < 0 ? -errno : rsys_memory_write(memory, call->args[4], &st, sizeof st);
        return rsys_call_done(call, result);
    }
    struct stat st;
    uint64_t address = call->args[call->row->nr == SYS_newfstatat ? 2 : 1];
    return rsys_call_done(call, fstat(fd, &st) < 0 ? -errno : rsys_memory_write(memory, address, &st, sizeof st));
}

enum verdict rsys_call_tell_link(struct call *call, const char *text, size_t size)
{
    unsigned arg = call->row->nr == SYS_readlinkat ? 2 : 1;
    int64_t room = (int32_t)call->args[arg + 1];
    if (room <= 0)
        return rsys_call_done(call, -EINVAL);
    size = RSYS_MIN(size, (size_t)room);
    int failed = rsys_memory_write(rsys_guest_memory(call->guest), call->args[arg], text, size);
    return rsys_call_done(call, failed < 0 ? failed : (int64_t)size);
}

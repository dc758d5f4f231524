/* SPDX-License-Identifier: GPL-2.0-only */
/* learn-paths.c: which files a call was about, for --learn.
 *
 * Only the server's kernel knows where a name leads.  So behind a call that has succeeded its executor is asked: for the link of the descriptor that was opened, or, for what
 * makes, moves or removes names, for that of their directory, which is opened for a moment.  The guest waits meanwhile; it can see nothing of it but a number that is
 * taken for that moment, where threads share a table. */
#include "src/jail/internal.h"
#include "src/jail/learn.h"

#include "src/core/path-access.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

struct question {
    int dirfd;
    char path[PATH_MAX]; /* of the directory */
    char name[PATH_MAX]; /* what was made in it, or "" */
    uint64_t access;     /* to the directory */
};

struct learning {
    int64_t result;      /* the call's own */
    int64_t fd;          /* the descriptor that is asked for */
    bool opened;         /* the call has opened it, and it stays */
    uint64_t access;     /* to what is open */
    unsigned count, at;
    struct question question[2];
    struct stat st;
    char link[PATH_MAX];
};

static enum verdict next(struct call *call);

/* What is sent here is none of the program's needs. */
static enum verdict send_unlearned(struct call *call)
{
    call->unlearned = true;
    enum verdict verdict = rsys_call_send(call);
    call->unlearned = false;
    return verdict;
}

/* ---- a descriptor's name ---- */

static void note(struct call *call, struct learning *learning)
{
    if (learning->opened) {
        rsys_learn_path(learning->link, learning->access);
        return;
    }
    const struct question *question = &learning->question[learning->at];
    rsys_learn_path(learning->link, question->access);
    if (question->name[0] != 0)
        rsys_learn_made(learning->link, question->name);
    (void)call;
}

static enum verdict linked(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct learning *learning = call->scratch;
    if (reply->result > 0 && reply->result < (int64_t)sizeof learning->link &&
        rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) == 0) {
        learning->link[reply->result] = 0;
        note(call, learning);
    }
    if (!learning->opened) {
        rsys_request_start(&call->request, SYS_close, (uint64_t[6]){(uint64_t)learning->fd});
        call->unlearned = true;
        (void)rsys_guest_post(call->guest, &call->request);
        call->unlearned = false;
        learning->at++;
    }
    learning->opened = false;
    return next(call);
}

static enum verdict ask_link(struct call *call, int64_t fd);

/* ---- whether it is a directory ---- */

static enum verdict looked_at(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct learning *learning = call->scratch;
    if (reply->result == 0 && rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) == 0 && S_ISDIR(learning->st.st_mode) &&
        (learning->access & RSYS_PATH_READ_FILE) != 0)
        learning->access = (learning->access & ~(uint64_t)RSYS_PATH_READ_FILE) | RSYS_PATH_READ_DIR;
    return ask_link(call, learning->result);
}

static enum verdict ask_kind(struct call *call)
{
    struct learning *learning = call->scratch;
    rsys_request_start(&call->request, SYS_fstat, (uint64_t[6]){(uint64_t)learning->result});
    if (rsys_request_out(&call->request, 1, sizeof learning->st, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = &learning->st}) < 0)
        return rsys_call_done(call, learning->result);
    call->on_reply = looked_at;
    return send_unlearned(call);
}

static enum verdict ask_link(struct call *call, int64_t fd)
{
    struct learning *learning = call->scratch;
    char name[64];
    learning->fd = fd;
    snprintf(name, sizeof name, "/proc/thread-self/fd/%lld", (long long)fd);
    rsys_request_start(&call->request, SYS_readlinkat, (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD, 0, 0, sizeof learning->link - 1});
    if (rsys_request_in(&call->request, 1, name, strlen(name) + 1) < 0 ||
        rsys_request_out(&call->request, 2, sizeof learning->link - 1, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = learning->link}) < 0)
        return rsys_call_done(call, learning->result);
    call->on_reply = linked;
    return send_unlearned(call);
}

/* ---- a directory ---- */

static enum verdict directory_opened(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct learning *learning = call->scratch;
    (void)data;
    if (reply->result >= 0)
        return ask_link(call, reply->result);
    learning->at++;
    return next(call);
}

static enum verdict next(struct call *call)
{
    struct learning *learning = call->scratch;
    if (learning->opened)
        return ask_kind(call);
    if (learning->at == learning->count)
        return rsys_call_done(call, learning->result);
    const struct question *question = &learning->question[learning->at];
    rsys_request_start(&call->request, SYS_openat, (uint64_t[6]){(uint64_t)(int64_t)question->dirfd, 0, O_PATH | O_CLOEXEC});
    if (rsys_request_in(&call->request, 1, question->path, strlen(question->path) + 1) < 0)
        return rsys_call_done(call, learning->result);
    call->on_reply = directory_opened;
    return send_unlearned(call);
}

/* ---- which questions a call raises ---- */

static void add(struct learning *learning, int64_t dirfd, const char *path, uint64_t access, bool made)
{
    struct question *question = &learning->question[learning->count++];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    size_t directory = length;
    while (directory > 0 && path[directory - 1] != '/')
        directory--;
    made = made && learning->result >= 0;
    question->dirfd = (int)dirfd;
    question->access = access;
    snprintf(question->path, sizeof question->path, "%.*s", directory > 0 ? (int)directory : 1, directory > 0 ? path : ".");
    snprintf(question->name, sizeof question->name, "%.*s", made ? (int)(length - directory) : 0, path + directory);
}

/* The calls that make, move or remove names: where their directory and path are (dirfd -1: the working directory), and what it takes. */
static const struct {
    uint16_t nr;
    int8_t dirfd, path;
    uint64_t access;
    bool made;
} names[] = {
    {SYS_mkdir, -1, 0, RSYS_PATH_MAKE_DIR, true},
    {SYS_mkdirat, 0, 1, RSYS_PATH_MAKE_DIR, true},
    {SYS_rmdir, -1, 0, RSYS_PATH_REMOVE_DIR, false},
    {SYS_unlink, -1, 0, RSYS_PATH_REMOVE_FILE, false},
    {SYS_symlink, -1, 1, RSYS_PATH_MAKE_SYM, true},
    {SYS_symlinkat, 1, 2, RSYS_PATH_MAKE_SYM, true},
    {SYS_link, -1, 0, RSYS_PATH_REFER, false},
    {SYS_link, -1, 1, RSYS_PATH_MAKE_REG | RSYS_PATH_REFER, true},
    {SYS_linkat, 0, 1, RSYS_PATH_REFER, false},
    {SYS_linkat, 2, 3, RSYS_PATH_MAKE_REG | RSYS_PATH_REFER, true},
    {SYS_truncate, -1, 0, RSYS_PATH_TRUNCATE, false},
};

#define MOVES (RSYS_PATH_REMOVE | RSYS_PATH_CREATE | RSYS_PATH_REFER)

static const char *guest_path(struct call *call, unsigned argument)
{
    static char path[PATH_MAX];
    return rsys_memory_read_string(rsys_guest_memory(call->guest), call->args[argument], path, sizeof path) > 0 ? path : NULL;
}

static void ask_name(struct call *call, struct learning *learning, int dirfd, unsigned argument, uint64_t access, bool made)
{
    const char *path = guest_path(call, argument);
    if (path != NULL)
        add(learning, dirfd < 0 ? AT_FDCWD : (int64_t)(int32_t)call->args[dirfd], path, access, made);
}

static void ask_bind(struct call *call, struct learning *learning)
{
    struct sockaddr_un address = {.sun_family = AF_UNSPEC};
    uint64_t size = RSYS_MIN(call->args[2], (uint64_t)sizeof address);
    if (rsys_memory_read(rsys_guest_memory(call->guest), call->args[1], &address, size) < 0 || address.sun_family != AF_UNIX || address.sun_path[0] == 0)
        return;
    char path[sizeof address.sun_path + 1] = "";
    memcpy(path, address.sun_path, sizeof address.sun_path);
    add(learning, AT_FDCWD, path, RSYS_PATH_MAKE_SOCK, true);
}

static uint64_t rights_of_node(uint64_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFIFO:
        return RSYS_PATH_MAKE_FIFO;
    case S_IFSOCK:
        return RSYS_PATH_MAKE_SOCK;
    case S_IFCHR:
        return RSYS_PATH_MAKE_CHAR;
    case S_IFBLK:
        return RSYS_PATH_MAKE_BLOCK;
    default:
        return RSYS_PATH_MAKE_REG;
    }
}

static void ask_names(struct call *call, struct learning *learning)
{
    bool two = call->nr == SYS_renameat || call->nr == SYS_renameat2;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(names); i++)
        if (names[i].nr == call->nr)
            ask_name(call, learning, names[i].dirfd, (unsigned)names[i].path, names[i].access, names[i].made);
    if (call->nr == SYS_rename || two) {
        ask_name(call, learning, two ? 0 : -1, two ? 1 : 0, MOVES, false);
        ask_name(call, learning, two ? 2 : -1, two ? 3 : 1, MOVES, true);
    } else if (call->nr == SYS_unlinkat) {
        ask_name(call, learning, 0, 1, (call->args[2] & AT_REMOVEDIR) != 0 ? RSYS_PATH_REMOVE_DIR : RSYS_PATH_REMOVE_FILE, false);
    } else if (call->nr == SYS_mknod || call->nr == SYS_mknodat) {
        bool at = call->nr == SYS_mknodat;
        ask_name(call, learning, at ? 0 : -1, at, rights_of_node(call->args[at + 1]), true);
    } else if (call->nr == SYS_bind) {
        ask_bind(call, learning);
    }
}

/* False: it opens nothing. */
static bool open_flags(struct call *call, uint64_t *ret_flags)
{
    switch (call->nr) {
    case SYS_open:
        *ret_flags = call->args[1];
        return true;
    case SYS_creat:
        *ret_flags = O_CREAT | O_WRONLY | O_TRUNC;
        return true;
    case SYS_openat:
        *ret_flags = call->args[2];
        return true;
    case SYS_openat2:
        return rsys_memory_read(rsys_guest_memory(call->guest), call->args[2], ret_flags, sizeof *ret_flags) == 0;
    default:
        return false;
    }
}

static void ask_open(struct call *call, struct learning *learning, uint64_t flags)
{
    bool at = call->nr == SYS_openat || call->nr == SYS_openat2;
    uint64_t mode = flags & O_ACCMODE;
    const char *path = guest_path(call, at);
    if ((flags & O_PATH) != 0 || path == NULL)
        return;
    learning->access = mode == O_WRONLY ? 0 : RSYS_PATH_READ_FILE;
    if (mode != O_RDONLY || (flags & O_TRUNC) != 0)
        learning->access |= RSYS_PATH_WRITE;
    if (rsys_fd_is_local(call->guest->process->fds, learning->result)) { /* a file of the client's in its stead, but the executor has opened its own */
        rsys_learn_path(path, learning->access);
        return;
    }
    learning->opened = true;
    if ((flags & O_TMPFILE) == O_TMPFILE) { /* the path is the directory itself */
        char inner[PATH_MAX];
        snprintf(inner, sizeof inner, "%.*s/x", PATH_MAX - 3, path);
        learning->opened = false;
        add(learning, at ? (int64_t)(int32_t)call->args[0] : AT_FDCWD, inner, learning->access | RSYS_PATH_MAKE_REG, false);
    } else if ((flags & O_CREAT) != 0) {
        add(learning, at ? (int64_t)(int32_t)call->args[0] : AT_FDCWD, path, RSYS_PATH_MAKE_REG, true);
    }
}

/* Failures that the kernel comes to only after the security modules have been asked (fs/namei.c): without the right, the program would see another one. */
static bool fails_late(const struct call *call)
{
    switch (-call->result) {
    case EISDIR:
    case ENOTEMPTY:
    case EPERM:
    case EEXIST:
    case ENOTDIR:
    case EBUSY:
    case EINVAL:
        return true;
    default:
        return false;
    }
}

bool rsys_learn_asks(struct call *call)
{
    uint64_t flags;
    if (!rsys_learns() || call->learnt || (call->result < 0 && !fails_late(call)) || call->row == NULL || call->guest->held || call->guest->cancelling || call->guest->state == GUEST_EXITING)
        return false;
    call->learnt = true;
    bool opens = open_flags(call, &flags);
    struct learning none = {.count = 0};
    none.result = call->result;
    if (opens && call->result >= 0)
        ask_open(call, &none, flags);
    else if (!opens)
        ask_names(call, &none);
    if (!none.opened && none.count == 0)
        return false;
    struct learning *learning = rsys_call_scratch(call, sizeof *learning);
    if (learning == NULL)
        return false;
    *learning = none;
    call->on_cancel = NULL;
    call->on_drop = NULL;
    call->phase = CALL_SENT;
    return next(call) == VERDICT_SENT;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* mmap.c: mappings of files.
 *
 * A remote descriptor is mapped by mapping the view's file of it: the file is installed in the guest at the same number, where
 * nothing else can be (numbers are the server's to give), and the guest's own kernel does the rest, with its checks, its page cache
 * and its SIGBUS.  The installed descriptor stays until the next file is mapped by that number, or until exec: nothing can use it, because
 * calls on that number go to the server.
 *
 * Files of the view are kept open here, by identity, so that the libraries that every program maps are opened once.  But for reading only: a file
 * that is open for writing cannot be executed, and what a linker has written through a mapping is, at once.  So the descriptor for a mapping that
 * writes is opened for that mapping alone, and taken out of the guest's table again by its next call: then the mapping alone holds the file, as it would
 * natively.  How mappings and other ways to read and write their files agree is in coherence.c. */
#include "src/jail/view-inner.h"

#include "src/core/util.h"
#include "src/jail/internal.h"
#include "src/jail/look.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>

#define SEAL_FUTURE_WRITE 0x10 /* of linux/fcntl.h */
#define COPY_PIECE (256 << 10)
#define COPY_MAX (1 << 28)
#define MAPPINGS_MAX 128

struct mapping {
    struct mapping *next; /* the most recently used first */
    struct view_identity identity;
    int fd; /* ours, for reading */
};

static struct view *view_of_call(struct call *call) { return rsys_jail_session(call->guest->process->jail)->view; }

static struct mapping *find(struct view *view, const struct view_identity *identity)
{
    for (struct mapping **at = (struct mapping **)&view->mappings, *found; (found = *at) != NULL; at = &found->next) {
        if (found->identity.dev != identity->dev || found->identity.ino != identity->ino)
            continue;
        *at = found->next;
        found->next = view->mappings;
        view->mappings = found;
        return found;
    }
    return NULL;
}

static void drop(struct mapping **at)
{
    struct mapping *mapping = *at;
    *at = mapping->next;
    rsys_close(mapping->fd);
    free(mapping);
}

void view_mappings_drop(struct view *view, uint64_t dev, uint64_t ino)
{
    for (struct mapping **at = (struct mapping **)&view->mappings; *at != NULL;)
        if ((*at)->identity.dev == dev && (*at)->identity.ino == ino)
            drop(at);
        else
            at = &(*at)->next;
}

/* Forget the ones used longest ago. */
static void trim(struct view *view)
{
    struct mapping **at = (struct mapping **)&view->mappings;
    for (unsigned count = 0; *at != NULL && count < MAPPINGS_MAX; count++)
        at = &(*at)->next;
    while (*at != NULL)
        drop(at);
}

/* ---- mmap ---- */

/* own.word: 1: the flags of the descriptor; 5: the seals of the file, if it is to be mapped shared. */
struct scratch {
    struct stat st; /* of the descriptor; first */
    char link[PATH_MAX];
};

static enum verdict ask_link(struct call *call);
static enum verdict copy_file(struct call *call);

/* What a descriptor was when it was mapped last.  Loaders map one file several times in a row: while nothing else was called in between with that
 * table of descriptors, the number is the same file, and while nobody has written, it holds the same. */
struct mapped_file {
    struct stat st;
    uint64_t flags, changes, seals;
    bool seals_known;
};

/* The mapping has been made by now: the descriptor that it was made by goes, unless it may have become another meanwhile, by other threads' calls. */
static void take_back(struct call *call)
{
    struct fdtable *fds = call->guest->process->fds;
    int fd = fds->written - 1;
    fds->written = 0;
    if (fds->written_by == call->guest->tid && !rsys_fd_is_local(fds, fd))
        rsys_call_drop_fd(call, fd);
}

void rsys_mmap_call_begins(struct call *call)
{
    if (call->guest->process->fds->written != 0)
        take_back(call);
    if (call->row == NULL || call->row->handler == RSYS_HANDLER_MMAP)
        return;
    call->guest->process->fds->mapped = 0;
    if (view_of_call(call) == NULL)
        return;
    rsys_coherence_call_begins(call);
    unsigned handler = call->row->handler;
    if (handler == RSYS_HANDLER_WRITE || handler == RSYS_HANDLER_WRITEV || handler == RSYS_HANDLER_RESIZE || handler == RSYS_HANDLER_SENDFILE ||
        handler == RSYS_HANDLER_REGULAR || handler == RSYS_HANDLER_IOCTL || handler == RSYS_HANDLER_MSG)
        view_of_call(call)->changes++;
}

static bool is_shared(const struct call *call) { return (call->args[3] & MAP_TYPE) != MAP_PRIVATE; }

static void remember(struct call *call)
{
    struct fdtable *fds = call->guest->process->fds;
    if (fds->mapped_file == NULL && (fds->mapped_file = malloc(sizeof *fds->mapped_file)) == NULL)
        return;
    *fds->mapped_file = (struct mapped_file){.st = *(struct stat *)call->scratch, .flags = call->own.word[1], .changes = view_of_call(call)->changes,
                                             .seals = call->own.word[5], .seals_known = is_shared(call)};
    fds->mapped = 1 + (int)call->args[4];
}

static bool recall(struct call *call)
{
    const struct fdtable *fds = call->guest->process->fds;
    if (fds->mapped != 1 + (int)call->args[4] || fds->mapped_file->changes != view_of_call(call)->changes ||
        (is_shared(call) && !fds->mapped_file->seals_known))
        return false;
    call->own.word[5] = fds->mapped_file->seals;
    *(struct stat *)call->scratch = fds->mapped_file->st;
    call->own.word[1] = fds->mapped_file->flags;
    return true;
}

/* A memory file that is sealed against writing. */
static bool is_sealed(const struct call *call) { return (call->own.word[5] & (F_SEAL_WRITE | SEAL_FUTURE_WRITE)) != 0; }

static bool writes_back(struct call *call) { return is_shared(call) && (call->own.word[1] & O_ACCMODE) == O_RDWR && !is_sealed(call); }

/* Without a view it is a copy, which stays there in the place of the placeholder; close-on-exec is the guest's own table's to know then. */
static enum verdict install_copy(struct call *call, int fd)
{
    struct fdtable *fds = call->guest->process->fds;
    int result = rsys_call_add_fd(call, fd, (int)call->args[4], rsys_fd_remote_cloexec(fds, (int32_t)call->args[4]));
    fds->mapped = result >= 0 ? 1 + (int)call->args[4] : 0;
    return result < 0 ? rsys_call_done(call, result) : VERDICT_CONTINUE;
}

static enum verdict install(struct call *call, int fd)
{
    struct fdtable *fds = call->guest->process->fds;
    if (view_of_call(call) == NULL)
        return install_copy(call, fd);
    int result = rsys_call_add_fd(call, fd, (int)call->args[4], true);
    fds->written = result >= 0 && writes_back(call) ? 1 + (int)call->args[4] : 0;
    fds->written_by = call->guest->tid;
    return result < 0 ? rsys_call_done(call, result) : VERDICT_CONTINUE;
}

static void waited(struct view_job *job)
{
    struct call *call = job->call;
    if (call == NULL) {
        view_job_free(job);
        return;
    }
    if (!rsys_call_valid(call)) { /* stopped by a signal that leaves the call as it is: it comes again */
        job->kind = JOB_WAIT;
        view_job_await(view_of_call(call), job);
        return;
    }
    enum verdict verdict = install(call, job->view_fd);
    view_job_free(job);
    rsys_call_resume(call, verdict);
}

/* The call's file is open: know it from now on.  Not what can write: by mprotect(2) a mapping becomes all that its open file can do, so the next one
 * may not have it.  0 or -ENOMEM. */
static int remember_file(struct call *call, const struct view_job *job)
{
    struct view *view = view_of_call(call);
    if (job->writable || view->copies != NULL) /* of a copy it takes more to know that it is still right (view-copy.c) */
        return 0;
    struct mapping *mapping = calloc(1, sizeof *mapping);
    int own = mapping != NULL ? fcntl(job->view_fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (own < 0) {
        free(mapping);
        return -ENOMEM;
    }
    rsys_view_identity(call->scratch, &mapping->identity);
    view_mappings_drop(view, mapping->identity.dev, mapping->identity.ino);
    mapping->fd = own;
    mapping->next = view->mappings;
    view->mappings = mapping;
    trim(view);
    return 0;
}

static void opened(struct view_job *job)
{
    struct call *call = job->call;
    if (job->result < 0 || call == NULL) {
        int result = job->result;
        bool by_name = job->name != NULL;
        view_job_free(job);
        if (call != NULL && result == -EACCES && !by_name)
            rsys_call_resume(call, ask_link(call));
        else if (call != NULL && (result == -ENOSYS || by_name))
            rsys_call_resume(call, copy_file(call));
        else if (call != NULL)
            rsys_call_answer(call, result == -ENOENT ? -EBADF : result);
        return;
    }
    int code = remember_file(call, job);
    if (code < 0) {
        view_job_free(job);
        rsys_call_answer(call, code);
        return;
    }
    waited(job);
}

static enum verdict open_file(struct call *call, char *name)
{
    struct view_job *job = view_job_new(JOB_OPEN, call, opened);
    if (job == NULL) {
        free(name);
        return rsys_call_done(call, -ENOMEM);
    }
    job->tid = call->guest->tid;
    job->fd = (int)call->args[4];
    job->name = name;
    rsys_view_identity(call->scratch, &job->expected);
    job->writable = writes_back(call);
    return view_job_await(view_of_call(call), job);
}

/* The view's executor may not look at the descriptors of this one, which has other ids.  Files have names, mostly. */
static enum verdict got_link(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct scratch *scratch = call->scratch;
    if (reply->result <= 0 || reply->result >= (int64_t)sizeof scratch->link ||
        rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return copy_file(call);
    char *name = strndup(scratch->link, (size_t)reply->result);
    return name != NULL ? open_file(call, name) : rsys_call_done(call, -ENOMEM);
}

static enum verdict ask_link(struct call *call)
{
    struct scratch *scratch = call->scratch;
    char name[64];
    int length = snprintf(name, sizeof name, "/proc/self/fd/%d", (int)call->args[4]);
    rsys_request_start(&call->request, SYS_readlink, (uint64_t[6]){0, 0, sizeof scratch->link - 1});
    if (rsys_request_in(&call->request, 0, name, (size_t)length + 1) < 0)
        return rsys_call_done(call, -ENOMEM);
    rsys_request_out(&call->request, 1, sizeof scratch->link - 1, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = scratch->link});
    call->on_reply = got_link;
    return rsys_call_send(call);
}

/* The view cannot have the file (the sandbox has no /proc, or the file no name that the pager may open): the guest's own executor reads all of it, and the
 * copy is mapped.  A mapping that writes to the file cannot be had so.  own.word: 2: the copy's descriptor and 1, 3: how much of it there is. */
static void drop_copy(struct call *call)
{
    rsys_close((int)call->own.word[2] - 1);
    call->own.word[2] = 0;
}

static enum verdict copy_piece(struct call *call);

static enum verdict got_piece(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    int64_t result = reply->result;
    int copy = (int)call->own.word[2] - 1;
    if (result >= 0 && (rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0 || result > COPY_PIECE ||
                        pwrite(copy, call->scratch, (size_t)result, (off_t)call->own.word[3]) != result))
        result = -ENOMEM;
    if (result > 0) {
        call->own.word[3] += (uint64_t)result;
        return copy_piece(call);
    }
    enum verdict verdict = result < 0 ? rsys_call_done(call, result) : install(call, copy);
    drop_copy(call);
    return verdict;
}

static enum verdict copy_piece(struct call *call)
{
    rsys_request_start(&call->request, SYS_pread64, (uint64_t[6]){call->args[4], 0, COPY_PIECE, call->own.word[3]});
    rsys_request_out(&call->request, 1, COPY_PIECE, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = call->scratch});
    call->on_reply = got_piece;
    enum verdict verdict = rsys_call_send(call);
    if (verdict == VERDICT_DONE)
        drop_copy(call);
    return verdict;
}

static enum verdict copy_file(struct call *call)
{
    const struct stat *st = call->scratch;
    if (writes_back(call) || st->st_size > COPY_MAX)
        return rsys_call_done(call, -ENODEV);
    int copy = memfd_create("rsys-copy", MFD_CLOEXEC);
    if (copy < 0 || rsys_call_scratch(call, COPY_PIECE) == NULL) {
        rsys_close(copy);
        return rsys_call_done(call, -ENOMEM);
    }
    call->own.word[2] = (uint64_t)copy + 1;
    call->own.word[3] = 0;
    call->on_cancel = NULL;
    call->on_drop = drop_copy;
    return copy_piece(call);
}

static enum verdict map_file(struct call *call)
{
    struct view *view = view_of_call(call);
    struct view_identity identity;
    rsys_view_identity(call->scratch, &identity);
    struct mapping *mapping = writes_back(call) ? NULL : find(view, &identity);
    if (mapping != NULL && mapping->identity.size == identity.size && mapping->identity.mtime == identity.mtime && mapping->identity.ctime == identity.ctime)
        return install(call, mapping->fd);
    return open_file(call, NULL);
}

/* The flags come ahead of the stat, on the same channel, in the same round trip. */
static void got_flags(struct channel *channel, struct errand *errand, int64_t result)
{
    if (channel->guest != NULL && channel->guest->call != NULL)
        channel->guest->call->own.word[1] = (uint64_t)result;
}

static void got_seals(struct channel *channel, struct errand *errand, int64_t result)
{
    if (channel->guest != NULL && channel->guest->call != NULL)
        channel->guest->call->own.word[5] = result > 0 ? (uint64_t)result : 0; /* EINVAL: not a memory file */
}

static enum verdict map_known(struct call *call)
{
    const struct stat *st = call->scratch;
    int64_t flags = (int64_t)call->own.word[1];
    bool writes = is_shared(call) && (call->args[2] & PROT_WRITE);
    if (flags < 0 || (flags & O_PATH) != 0)
        return rsys_call_done(call, -EBADF);
    if ((flags & O_ACCMODE) == O_WRONLY || (writes && (flags & O_ACCMODE) != O_RDWR))
        return rsys_call_done(call, -EACCES);
    if (writes && is_sealed(call))
        return rsys_call_done(call, -EPERM);
    if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 5)) /* /dev/zero: memory, by another name */
        return install(call, rsys_jail_session(call->guest->process->jail)->zero_fd);
    if (!S_ISREG(st->st_mode))
        return rsys_call_done(call, -ENODEV);
    return view_of_call(call) != NULL ? map_file(call) : copy_file(call);
}

static enum verdict got_stat(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    if (rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return rsys_call_done(call, -EIO);
    if (view_of_call(call) != NULL)
        remember(call);
    return map_known(call);
}

enum verdict rsys_handle_MMAP(struct call *call)
{
    int fd = (int)call->args[4];
    if ((call->args[3] & MAP_ANONYMOUS) != 0 || rsys_fd_is_local(call->guest->process->fds, fd))
        return VERDICT_CONTINUE;
    if (fd < 0)
        return rsys_call_done(call, -EBADF);
    if (view_of_call(call) == NULL && call->guest->process->fds->mapped == 1 + fd && !is_shared(call)) /* the copy is there, and nothing was called since */
        return VERDICT_CONTINUE;
    struct stat *st = rsys_call_scratch(call, sizeof(struct scratch));
    if (st == NULL)
        return rsys_call_done(call, -ENOMEM);
    if (view_of_call(call) != NULL && recall(call))
        return map_known(call);
    if (rsys_look_status(call, fd, st)) {
        call->own.word[1] = O_RDONLY;
        remember(call);
        return map_known(call);
    }
    rsys_request_start(&call->request, SYS_fcntl, (uint64_t[6]){call->args[4], F_GETFL});
    int64_t asked = rsys_channel_errand(call->guest->channel, &call->request, call->guest->tid, got_flags);
    if (asked >= 0 && is_shared(call)) {
        rsys_request_start(&call->request, SYS_fcntl, (uint64_t[6]){call->args[4], F_GET_SEALS});
        asked = rsys_channel_errand(call->guest->channel, &call->request, call->guest->tid, got_seals);
    }
    if (asked < 0)
        return rsys_call_done(call, asked);
    rsys_request_start(&call->request, SYS_fstat, (uint64_t[6]){(uint64_t)fd});
    rsys_request_out(&call->request, 1, sizeof *st, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = st});
    call->on_reply = got_stat;
    return rsys_call_send(call);
}

/* Dirty pages go back by the guest's own kernel, and MS_SYNC's fsync with them. */
enum verdict rsys_handle_MSYNC(struct call *call) { return VERDICT_CONTINUE; }

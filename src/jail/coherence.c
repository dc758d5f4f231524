/* SPDX-License-Identifier: GPL-2.0-only */
/* coherence.c: mappings of files, which live in the client's page cache, agree with all other ways to read and write the files, which happen on the server.
 *
 * Among mappings there is nothing to do: one file of the server is one file of the view, and its pages are the same pages for all guests.
 *
 *   before a remote read    what guests have written through shared mappings is written back
 *   before a remote write   the same; what of a page was written by a mapping and not yet by now would undo the write later
 *   after a remote write    the mappings look again, and only then is the call answered
 *
 * A file that nobody has mapped (view-mapped.c) costs nothing of that.  To know which file a descriptor refers to takes a fstat, and nearly every
 * program maps some file shared (libraries' caches, read-only), so each write of the session would pay for it.  Hence:
 *
 *   - reads ask only when some file is mapped by a descriptor that can write;
 *   - a write asks in a request sent ahead of it: the same round trip;
 *   - the answer is kept with the table of descriptors until the descriptor is closed or replaced.  Only for a table that one thread uses: otherwise the
 *     descriptor might become another file while the answer is under way. */
#include "src/jail/view-inner.h"

#include "src/core/util.h"
#include "src/jail/internal.h"
#include "src/jail/names.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#define STAT_SIZE sizeof(struct stat)

static struct view *view_of_call(struct call *call) { return rsys_jail_session(call->guest->process->jail)->view; }

/* NULL: there is none, and nothing of the server is mapped but copies. */
bool rsys_view_watching(const struct view *view) { return view != NULL && atomic_load(&view->mapped_files[1]) > 0; }
static bool any_mapped(const struct view *view) { return view != NULL && (rsys_view_watching(view) || atomic_load(&view->mapped_files[0]) > 0); }

/* ---- what descriptors refer to ---- */

static struct fdtable_file *place_of(struct fdtable *table, int fd) { return &table->files[(unsigned)fd % FDTABLE_FILES]; }

static void forget(struct fdtable *table, int fd)
{
    if (place_of(table, fd)->fd == fd)
        place_of(table, fd)->file.known = false;
}

void rsys_coherence_call_begins(struct call *call)
{
    struct fdtable *table = call->guest->process->fds;
    switch (call->row->handler) {
    case RSYS_HANDLER_CLOSE:
        forget(table, (int)call->args[0]);
        break;
    case RSYS_HANDLER_DUP:
        if (call->nr != SYS_dup)
            forget(table, (int)call->args[1]);
        break;
    case RSYS_HANDLER_CLOSE_RANGE:
        memset(table->files, 0, sizeof table->files);
        break;
    default: /* what makes a new descriptor gives it a number that was not open, which is not known here */
        break;
    }
}

static struct file_id id_of(const struct stat *st) { return (struct file_id){.known = true, .regular = S_ISREG(st->st_mode), .dev = st->st_dev, .ino = st->st_ino}; }

static void learn(struct call *call, int fd)
{
    struct fdtable *table = call->guest->process->fds;
    call->file = id_of(&call->file_stat);
    if (fd >= 0 && table->users == 1 && call->guest->process->threads == 1)
        *place_of(table, fd) = (struct fdtable_file){.fd = fd, .file = call->file};
}

static bool recall(struct call *call, int fd)
{
    const struct fdtable_file *place = place_of(call->guest->process->fds, fd);
    if (!place->file.known || place->fd != fd)
        return false;
    call->file = place->file;
    return true;
}

static int start_stat(struct call *call, struct rsys_request *request, int fd)
{
    rsys_request_start(request, SYS_fstat, (uint64_t[6]){(uint64_t)fd});
    return rsys_request_out(request, 1, STAT_SIZE, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = &call->file_stat}) < 0 ? -ENOMEM : 0;
}

/* The number of the descriptor that is asked about, for learn(): -1 for a name. */
static int asked_fd(const struct call *call) { return (int)call->file.dev; }

static enum verdict ask(struct call *call, int fd, enum verdict (*then)(struct call *, const struct rsys_wire_reply *, const uint8_t *))
{
    call->file = (struct file_id){.dev = (uint64_t)fd};
    if (start_stat(call, &call->request, fd) < 0)
        return rsys_call_done(call, -ENOMEM);
    call->on_reply = then;
    return rsys_call_send(call);
}

/* The answer to what was sent ahead.  From the server: one range of the size that was asked for, or nothing. */
static void told_ahead(struct channel *channel, struct errand *errand, int64_t result)
{
    struct call *call = channel->guest != NULL ? channel->guest->call : NULL;
    uint32_t length;
    if (call == NULL || call->file_seq != errand->seq) /* another call by now */
        return;
    call->file_seq = 0;
    if (result < 0 || errand->reply->size != sizeof length + STAT_SIZE)
        return;
    memcpy(&length, errand->data, sizeof length);
    if (length != STAT_SIZE)
        return;
    memcpy(&call->file_stat, errand->data + sizeof length, STAT_SIZE);
    learn(call, asked_fd(call));
}

/* Send a stat ahead; when it fails, nothing is known. */
static void ask_ahead(struct call *call, struct rsys_request *request, int fd)
{
    call->file = (struct file_id){.dev = (uint64_t)fd};
    int64_t seq = rsys_channel_errand(call->guest->channel, request, call->guest->tid, told_ahead);
    call->file_seq = seq > 0 ? (uint32_t)seq : 0;
}

static void ask_by_name(struct call *call, int dirfd, const char *path, bool follow)
{
    struct rsys_request request = {0};
    rsys_request_start(&request, SYS_newfstatat, (uint64_t[6]){(uint64_t)(int64_t)dirfd, 0, 0, follow ? 0 : AT_SYMLINK_NOFOLLOW});
    if (rsys_request_in(&request, 1, path, strlen(path) + 1) >= 0 &&
        rsys_request_out(&request, 2, STAT_SIZE, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = &call->file_stat}) >= 0)
        ask_ahead(call, &request, -1);
    rsys_request_free(&request);
}

/* ---- before ---- */

static void flushed(struct view_job *job)
{
    struct call *call = job->call;
    call->changed = job->result;
    view_job_free(job);
    rsys_call_resume(call, call->settled(call));
}

static void flushed_for_nobody(struct view_job *job)
{
    if (job->call != NULL)
        flushed(job);
    else
        view_job_free(job);
}

/* call->file is known.  call->changed: 0, or what writing back has failed with. */
static enum verdict settle_file(struct call *call)
{
    struct view *view = view_of_call(call);
    bool writable = false;
    call->changed = 0;
    if (!call->file.regular || !view_is_mapped(view, call->file.dev, call->file.ino, &writable) || !writable)
        return call->settled(call);
    struct view_job *job = view_job_new(JOB_FLUSH, call, flushed_for_nobody);
    if (job == NULL)
        return rsys_call_done(call, -ENOMEM);
    job->expected.dev = call->file.dev;
    job->expected.ino = call->file.ino;
    return view_job_await(view, job);
}

static enum verdict settle_told(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    call->on_reply = NULL;
    if (reply->result == -512) /* ERESTARTSYS: cancelled */
        return rsys_call_done(call, reply->result);
    if (reply->result < 0 || rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return call->settled(call); /* it will say the same */
    learn(call, asked_fd(call));
    return settle_file(call);
}

enum verdict rsys_view_settle(struct call *call, int fd, bool writes, enum verdict (*next)(struct call *call))
{
    struct view *view = view_of_call(call);
    call->file.known = false;
    call->settled = next;
    call->changed = 0;
    if ((!rsys_view_watching(view) && !(writes && any_mapped(view))) || rsys_fd_is_beyond(call, (uint32_t)fd))
        return next(call);
    if (recall(call, fd))
        return settle_file(call);
    if (rsys_view_watching(view))
        return ask(call, fd, settle_told);
    struct rsys_request request = {0};
    if (start_stat(call, &request, fd) == 0)
        ask_ahead(call, &request, fd);
    rsys_request_free(&request);
    return next(call);
}

/* ---- after ---- */

static void refreshed(struct view_job *job)
{
    struct call *call = job->call;
    view_job_free(job);
    if (call != NULL)
        rsys_call_answer(call, call->changed);
}

/* A signal: the change has been made, so the call must not be made again. */
static void cancel_changed(struct call *call)
{
    view_job_leave(call);
    call->result = call->changed;
}

static enum verdict refresh(struct call *call)
{
    struct view *view = view_of_call(call);
    bool writable;
    if (!call->file.regular)
        return rsys_call_done(call, call->changed);
    view_mappings_drop(view, call->file.dev, call->file.ino);
    if (!view_is_mapped(view, call->file.dev, call->file.ino, &writable))
        return rsys_call_done(call, call->changed);
    struct view_job *job = view_job_new(JOB_REFRESH, call, refreshed);
    if (job == NULL)
        return rsys_call_done(call, call->changed);
    job->expected.dev = call->file.dev;
    job->expected.ino = call->file.ino;
    enum verdict verdict = view_job_await(view, job);
    call->on_cancel = cancel_changed;
    return verdict;
}

static enum verdict changed_told(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    if (reply->result < 0 || rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) < 0)
        return rsys_call_done(call, call->changed);
    learn(call, asked_fd(call));
    return refresh(call);
}

enum verdict rsys_view_changed(struct call *call, int fd, int64_t result)
{
    call->changed = result;
    if (!any_mapped(view_of_call(call)))
        return rsys_call_done(call, result);
    if (call->file.known)
        return refresh(call);
    return fd >= 0 ? ask(call, fd, changed_told) : rsys_call_done(call, result);
}

/* ---- truncate, ftruncate, fallocate: where a mapping ends changes with the file ---- */

static enum verdict resized(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    return rsys_view_changed(call, (int)call->args[0], reply->result);
}

static enum verdict resize(struct call *call)
{
    call->on_reply = resized;
    return rsys_call_forward(call);
}

enum verdict rsys_handle_RESIZE(struct call *call)
{
    if (call->nr == SYS_truncate)
        return rsys_call_forward(call);
    if (rsys_fd_is_local(call->guest->process->fds, (int)call->args[0]))
        return VERDICT_CONTINUE;
    return rsys_view_settle(call, (int)call->args[0], true, resize);
}

/* ---- truncate, and open with O_TRUNC: by name ----
 *
 * Which file it is, is asked ahead: when another process puts another file under the name between the two calls, its mappings are not told.  Opening is
 * too common to cost one round trip more. */

static enum verdict cut(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    return reply->result < 0 ? rsys_call_done(call, reply->result) : rsys_view_changed(call, -1, reply->result);
}

void rsys_coherence_forwards(struct call *call)
{
    if (!any_mapped(view_of_call(call)))
        return;
    bool opens = call->nr == SYS_open || call->nr == SYS_openat || call->nr == SYS_openat2 || call->nr == SYS_creat;
    uint64_t flags = opens ? rsys_call_open_flags(call) : 0;
    if (call->nr != SYS_truncate && (flags & (O_TRUNC | O_PATH)) != O_TRUNC)
        return;
    int arg = rsys_name_argument(call->row);
    const char *path = arg < 0 ? NULL : rsys_call_in_data(call, (uint32_t)arg);
    if (path == NULL)
        return;
    ask_by_name(call, arg == 1 ? (int)call->request.head.args[0] : AT_FDCWD, path, (flags & O_NOFOLLOW) == 0);
    call->on_reply = cut;
}

/* ---- fsync and the like ---- */

static enum verdict sync_file(struct call *call) { return call->changed < 0 ? rsys_call_done(call, call->changed) : rsys_call_forward(call); }

/* The opener works in order: when the last one has been done, all have. */
static enum verdict sync_all(struct call *call)
{
    struct view *view = view_of_call(call);
    if (!rsys_view_watching(view))
        return rsys_call_forward(call);
    view_flush_all(view);
    struct view_job *last = view_job_new(JOB_NOTHING, call, flushed_for_nobody);
    if (last == NULL)
        return rsys_call_done(call, -ENOMEM);
    call->settled = rsys_call_forward;
    return view_job_await(view, last);
}

enum verdict rsys_handle_SYNC(struct call *call)
{
    if (call->nr == SYS_sync)
        return sync_all(call);
    if (rsys_fd_is_local(call->guest->process->fds, (int)call->args[0]))
        return VERDICT_CONTINUE;
    return call->nr == SYS_syncfs ? sync_all(call) : rsys_view_settle(call, (int)call->args[0], false, sync_file);
}

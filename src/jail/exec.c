/* SPDX-License-Identifier: GPL-2.0-only */
/* exec.c: execve and execveat.
 *
 * The guest's own kernel executes: in the view, which is the guest's root, it finds the same files as the server's kernel would.  Before that, the guest's
 * executor is asked whether the guest may (with its ids, its groups and its directory), which also makes the common failure, a shell's search
 * along PATH, one round trip.  Letting the call go on after that is safe whatever the guest does to its memory meanwhile: all it can reach is the view. */
#include "src/jail/view-inner.h"

#include "src/core/util.h"
#include "src/jail/session.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

struct exec {
    char path[PATH_MAX];
    char directory[PATH_MAX];
    int dirfd, flags;
    bool by_descriptor; /* the descriptor itself takes part: it has to be in the guest's table */
};

static struct view *view_of_call(struct call *call) { return rsys_jail_session(call->guest->process->jail)->view; }

/* ---- by descriptor ---- */

static void installed(struct view_job *job)
{
    struct call *call = job->call;
    if (call != NULL && job->result >= 0) {
        if (!rsys_call_valid(call)) {
            job->kind = JOB_WAIT;
            view_job_await(view_of_call(call), job);
            return;
        }
        int result = rsys_call_add_fd(call, job->view_fd, job->fd, false);
        view_job_free(job);
        if (result < 0)
            rsys_call_answer(call, result);
        else
            rsys_call_resume(call, VERDICT_CONTINUE);
        return;
    }
    int result = job->result;
    view_job_free(job);
    if (call != NULL)
        rsys_call_answer(call, result);
}

static enum verdict put_descriptor(struct call *call, struct exec *exec)
{
    bool copies = view_of_call(call)->copies != NULL;
    struct view_job *job = view_job_new(copies ? JOB_EXEC : JOB_OPEN, call, installed);
    if (job == NULL || (copies && (job->name = strdup(exec->path)) == NULL)) {
        view_job_free(job);
        return rsys_call_done(call, -ENOMEM);
    }
    job->tid = call->guest->tid;
    job->fd = exec->dirfd;
    return view_job_await(view_of_call(call), job);
}

/* ---- by path ---- */

static void provided(struct view_job *job)
{
    struct call *call = job->call;
    int result = job->result;
    if (call != NULL && result >= 0 && !rsys_call_valid(call)) { /* stopped by a signal that leaves the call as it is: it comes again */
        job->kind = JOB_WAIT;
        view_job_await(view_of_call(call), job);
        return;
    }
    view_job_free(job);
    if (call != NULL && result < 0)
        rsys_call_answer(call, result);
    else if (call != NULL)
        rsys_call_resume(call, VERDICT_CONTINUE);
}

/* The guest's kernel may look the path up, where it finds the file, or its copy. */
static enum verdict look_up(struct call *call, struct exec *exec)
{
    if (view_of_call(call)->copies == NULL)
        return VERDICT_CONTINUE;
    struct view_job *job = view_job_new(JOB_EXEC, call, provided);
    if (job == NULL || (job->name = strdup(exec->path)) == NULL) {
        view_job_free(job);
        return rsys_call_done(call, -ENOMEM);
    }
    job->tid = call->guest->tid;
    job->fd = -1;
    return view_job_await(view_of_call(call), job);
}

static enum verdict got_directory(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct exec *exec = call->scratch;
    if (reply->result > 0 && reply->result <= (int64_t)sizeof exec->directory &&
        rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) == 0) {
        exec->directory[reply->result - 1] = 0; /* as the kernel has it */
        rsys_view_note_directory(view_of_call(call), call->guest->tid, exec->directory);
        rsys_view_note_directory(view_of_call(call), call->guest->process->pid, exec->directory);
    }
    return look_up(call, exec);
}

/* Where a relative path starts: for /proc/self/exe of what is executed, and for the view where the sandbox has no /proc. */
static enum verdict ask_directory(struct call *call, struct exec *exec)
{
    rsys_request_start(&call->request, SYS_getcwd, (uint64_t[6]){0, sizeof exec->directory});
    rsys_request_out(&call->request, 0, sizeof exec->directory, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = exec->directory});
    call->on_reply = got_directory;
    return rsys_call_send(call);
}

static enum verdict got_access(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct exec *exec = call->scratch;
    if (reply->result < 0)
        return rsys_call_done(call, reply->result);
    rsys_view_exec(view_of_call(call), call->guest->tid, exec->path, call->guest->process->root);
    if (exec->by_descriptor)
        return put_descriptor(call, exec);
    return exec->path[0] != '/' && exec->path[0] != 0 ? ask_directory(call, exec) : look_up(call, exec);
}

static enum verdict ask_access(struct call *call, struct exec *exec);

static enum verdict got_check(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct rsys_wire_reply passed = *reply;
    /* EINVAL: the server's kernel does not know the question.  ETXTBSY: it may be executed, but somebody there has it open for writing, perhaps the view for a mapping
     * that is just going: whether a guest has is the client's kernel to say. */
    if (reply->result == -EINVAL)
        return ask_access(call, call->scratch);
    passed.result = reply->result == -ETXTBSY ? 0 : reply->result;
    return got_access(call, &passed, data);
}

/* The executor has a Landlock domain, which access(2) does not look at. */
static enum verdict ask_check(struct call *call, struct exec *exec)
{
    static const uint64_t argv[2]; /* the first becomes the address of an empty string: the path's end */
    uint32_t end = (uint32_t)strlen(exec->path);
    int flags = RSYS_AT_EXECVE_CHECK | (exec->flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
    rsys_request_start(&call->request, SYS_execveat, (uint64_t[6]){(uint64_t)(int64_t)exec->dirfd, 0, 0, 0, (uint64_t)flags});
    int64_t path = rsys_request_in(&call->request, 1, exec->path, end + 1);
    int64_t array = path < 0 ? path : rsys_request_in(&call->request, 2, argv, sizeof argv);
    if (array < 0 || (array = rsys_request_pointer(&call->request, (uint32_t)array, (uint32_t)path + end)) < 0)
        return rsys_call_done(call, array);
    call->on_reply = got_check;
    return rsys_call_send(call);
}

static enum verdict ask_access(struct call *call, struct exec *exec)
{
    int flags = AT_EACCESS | (exec->flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
    rsys_request_start(&call->request, SYS_faccessat2, (uint64_t[6]){(uint64_t)(int64_t)exec->dirfd, 0, X_OK, (uint64_t)flags});
    int64_t result = rsys_request_in(&call->request, 1, exec->path, strlen(exec->path) + 1);
    if (result < 0)
        return rsys_call_done(call, result);
    call->on_reply = got_access;
    return rsys_call_send(call);
}

static bool is_local_directory(struct call *call, int fd)
{
    struct stat st;
    if (!rsys_fd_is_local(call->guest->process->fds, fd))
        return false;
    RSYS_AUTO_FD own = rsys_guest_get_fd(call->guest, fd);
    return own < 0 || fstat(own, &st) < 0 || S_ISDIR(st.st_mode);
}

enum verdict rsys_handle_EXEC(struct call *call)
{
    bool at = call->nr == SYS_execveat;
    struct exec *exec = rsys_call_scratch(call, sizeof *exec);
    if (exec == NULL)
        return rsys_call_done(call, -ENOMEM);
    exec->dirfd = at ? (int)call->args[0] : AT_FDCWD;
    exec->flags = at ? (int)call->args[4] : 0;
    int64_t length = rsys_memory_read_string(rsys_guest_memory(call->guest), call->args[at], exec->path, sizeof exec->path);
    if (length < 0)
        return rsys_call_done(call, length);
    if (length == 0 && (exec->flags & AT_EMPTY_PATH) == 0)
        return rsys_call_done(call, -ENOENT);
    exec->by_descriptor = exec->path[0] != '/' && exec->dirfd != AT_FDCWD;
    /* From a directory that the user left open, a path leads into the client's files; and the guest can change the path behind us, so
     * this holds for every path. */
    if (at && is_local_directory(call, exec->dirfd))
        return rsys_call_done(call, -EACCES);
    /* The client's own program is no file of the server; a local descriptor is the user's. */
    if (strncmp(exec->path, RSYS_VIEW_LOCAL "/", sizeof RSYS_VIEW_LOCAL) == 0)
        return look_up(call, exec);
    if (exec->by_descriptor && rsys_fd_is_local(call->guest->process->fds, exec->dirfd))
        return VERDICT_CONTINUE;
    return call->guest->process->confined ? ask_check(call, exec) : ask_access(call, exec);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-program.c: the client's own program, by its name in the view: programs read themselves (archives, debuggers' tables, what is appended to them).
 *
 * The server has no such file.  It is opened in the view, read only, by the opener, and the descriptor becomes the guest's; so no descriptor of the client's file
 * is ever a guest's, and what can be read of it is what executing it has shown anyway. */
#include "src/jail/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/core/util.h"
#include "src/jail/calls-fd.h"
#include "src/jail/session.h"
#include "src/jail/view-inner.h"

bool rsys_program_is(const struct call *call, const char *path)
{
    const struct view *view = rsys_jail_session(call->guest->process->jail)->view;

    return strncmp(path, RSYS_VIEW_LOCAL "/", sizeof RSYS_VIEW_LOCAL) == 0 && view->start.local_name && !strcmp(path + sizeof RSYS_VIEW_LOCAL, view->start.local_name);
}

static void opened(struct view_job *job)
{
    struct call *call = job->call;
    enum verdict verdict;

    if (call && job->result >= 0 && !rsys_call_valid(call)) { /* stopped by a signal that leaves the call as it is: it comes again */
        job->kind = JOB_WAIT;
        view_job_await(rsys_jail_session(call->guest->process->jail)->view, job);
        return;
    }
    int fd = rsys_fd_steal(&job->view_fd), result = job->result;
    bool stat_only = call && call->own.word[6] == 0;

    view_job_free(job);
    if (!call || result < 0 || fd < 0) {
        rsys_close(fd);
        if (call)
            rsys_call_answer(call, result < 0 ? result : -EIO);
        return;
    }
    if (stat_only) {
        verdict = rsys_call_tell_stat(call, fd);
        rsys_close(fd);
    } else {
        verdict = rsys_call_bring_home(call, fd, call->own.word[7] & O_CLOEXEC ? RSYS_FD_CLOEXEC : 0u);
    }
    rsys_call_resume(call, verdict);
}

/* own.word[6]: whether the guest is to have the descriptor; 7: the flags of its open. */
static enum verdict ask(struct call *call, bool keep)
{
    struct rsys_session *session = rsys_jail_session(call->guest->process->jail);
    struct view_job *job = view_job_new(JOB_PROGRAM, call, opened);

    if (!job)
        return rsys_call_done(call, -ENOMEM);
    call->own.word[6] = keep;
    rsys_call_is_short(call);
    return view_job_await(session->view, job);
}

static enum verdict open_program(struct call *call, const struct rsys_name *name, uint64_t flags)
{
    (void)name;
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        return rsys_call_done(call, -EROFS);
    if ((flags & O_CREAT) && (flags & O_EXCL))
        return rsys_call_done(call, -EEXIST);
    if (flags & O_DIRECTORY)
        return rsys_call_done(call, -ENOTDIR);
    call->own.word[7] = flags;
    return ask(call, true);
}

static enum verdict stat_program(struct call *call, const struct rsys_name *name)
{
    (void)name;
    return ask(call, false);
}

static enum verdict access_program(struct call *call, const struct rsys_name *name, int mode)
{
    (void)name;
    return rsys_call_done(call, mode & ~(R_OK | W_OK | X_OK) ? -EINVAL : mode & W_OK ? -EROFS : 0);
}

static enum verdict link_program(struct call *call, const struct rsys_name *name)
{
    (void)name;
    return rsys_call_done(call, -EINVAL);
}

static enum verdict change_program(struct call *call, const struct rsys_name *name)
{
    (void)name;
    return rsys_call_done(call, -EROFS);
}

const struct rsys_name_calls rsys_name_program = {
    .open = open_program, .stat = stat_program, .access = access_program, .readlink = link_program, .change = change_program};

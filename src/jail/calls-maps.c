/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-maps.c: /proc/PID/maps, smaps and numa_maps: the client's, with the sandbox's names in them.
 *
 * What guests have mapped are files of the view, by numbers that only the view knows.  So the text is read, the view is asked where its files are, and the guest gets
 * a text of the moment. */
#include "src/jail/calls-proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "src/jail/calls-fd.h"
#include "src/jail/internal.h"
#include "src/jail/proc-text.h"
#include "src/jail/view-inner.h"

#define ERESTARTSYS 512 /* of the kernel's own headers: it never reaches a program */

struct maps {
    struct view_telling telling; /* first: the job's data */
    char *maps, *numa;           /* the client's texts; numa: NULL when the file is maps or smaps */
    uint64_t dev;
    int64_t number;
    uint64_t flags;
    char path[96];
};

static void maps_free(struct maps *maps)
{
    rsys_text_files_free(maps->telling.files, maps->telling.count);
    free(maps->maps);
    free(maps->numa);
    free(maps);
}

/* The view's st_dev, without touching it: it is mounted at our root.  0: not known. */
static uint64_t view_device(const struct call *call)
{
    static uint64_t device;
    char *text = device == 0 ? rsys_proc_read(call, "1/", "mountinfo") : NULL, root[8], point[8];
    unsigned major, minor;
    for (const char *line = text; line != NULL && *line != 0; line = strchr(line, '\n'), line += line != NULL) {
        if (sscanf(line, "%*d %*d %u:%u %7s %7s ", &major, &minor, root, point) == 4 && strcmp(point, "/") == 0)
            device = makedev(major, minor);
        if (strchr(line, '\n') == NULL)
            break;
    }
    free(text);
    return device;
}

static void cancel(struct call *call)
{
    struct view_job *job = call->job;
    /* Not when the guest has gone: its executor may be somebody else's by now, and closes all that it had. */
    if (job != NULL && call->guest->channel != NULL && rsys_guest_find(call->guest->process->jail, call->guest->tid) == call->guest)
        rsys_call_post_close(call, ((struct maps *)job->data)->number);
    view_job_leave(call);
    call->result = -ERESTARTSYS;
}

static enum verdict finish(struct call *call, struct maps *maps)
{
    const struct rsys_text_file *files = maps->telling.files;
    struct rsys_text text = maps->numa != NULL ? rsys_text_numa(maps->numa, maps->maps, maps->dev, files, maps->telling.count)
                                               : rsys_text_maps(maps->maps, maps->dev, files, maps->telling.count);
    enum verdict verdict = rsys_proc_give_text(call, maps->path, maps->number, maps->flags, text);
    maps_free(maps);
    return verdict;
}

static void told(struct view_job *job)
{
    struct call *call = job->call;
    struct maps *maps = job->data;
    if (call != NULL && !rsys_call_valid(call)) { /* stopped by a signal that leaves the call as it is: it comes again */
        job->kind = JOB_WAIT;
        view_job_await(call->guest->process->jail->session->view, job);
        call->on_cancel = call->on_drop = cancel;
        return;
    }
    view_job_free(job);
    if (call == NULL)
        maps_free(maps);
    else
        rsys_call_resume(call, finish(call, maps));
}

enum verdict rsys_proc_give_maps(struct call *call, const char *directory, const char *name, int64_t number, uint64_t flags)
{
    struct maps *maps = calloc(1, sizeof *maps);
    bool numa = strcmp(name, "numa_maps") == 0;
    if (maps == NULL)
        return rsys_proc_give_error(call, number, -ENOMEM);
    maps->number = number;
    maps->flags = flags;
    snprintf(maps->path, sizeof maps->path, "%s%s", directory, name);
    maps->numa = numa ? rsys_proc_read(call, directory, name) : NULL;
    maps->maps = rsys_proc_read(call, directory, numa ? "maps" : name);
    if (maps->maps == NULL || (numa && maps->numa == NULL)) {
        maps_free(maps);
        return rsys_proc_give_error(call, number, -ESRCH);
    }
    maps->dev = view_device(call);
    maps->telling.count = rsys_text_files(maps->maps, maps->dev, &maps->telling.files);
    if (maps->telling.count == 0)
        return finish(call, maps);
    enum verdict verdict = rsys_view_tell(call, &maps->telling, told);
    if (verdict == VERDICT_LATER)
        call->on_cancel = call->on_drop = cancel;
    return verdict;
}

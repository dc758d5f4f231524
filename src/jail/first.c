/* SPDX-License-Identifier: GPL-2.0-only */
/* first.c: the first guest: from a fork of the supervisor to the program.
 *
 * The child waits until it is traced, becomes a guest in all but code, installs the filter and stops with a breakpoint, so that no
 * system call is needed to say that the listener is there; the supervisor takes it out of the child with pidfd_getfd.  What the child still calls
 * before its exec is passed through: it is our code, in a process that may do no more than any guest. */
#include "policy/policy.h"
#include "src/jail/chosen.h"
#include "src/jail/intercept.h"
#include "src/jail/internal.h"
#include "src/jail/view.h"
#include "src/jail/learn.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define TRACE_OPTIONS \
    (PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

/* What the child tells the supervisor before its breakpoint, in shared memory. */
struct first_shared {
    int listener; /* the child's descriptor, or -1: there is none, and it is to be traced */
    int error;    /* why there is none, 0: none was asked for */
};

/* What the child is to install: the one, or where that cannot be had the other.  A count of 0: not that one. */
struct first_filters {
    struct sock_filter *notify; /* owned */
    unsigned count;
    struct rsys_ptrace_filter trace;
};

/* Whether calls can be intercepted from now on. */
static bool install(struct first_shared *shared, const struct first_filters *filters)
{
    struct sock_fprog notify = {.len = (unsigned short)filters->count, .filter = filters->notify};
    struct sock_fprog trace = {.len = (unsigned short)filters->trace.count, .filter = filters->trace.filter};

    shared->listener = -1;
    if (notify.len) {
        shared->listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &notify); /* close-on-exec */
        shared->error = errno;
        if (shared->listener >= 0)
            return true;
    }
    if (!trace.len) {
        dprintf(STDERR_FILENO, "rsys-jail: install the guests' filter: %s (--intercept=ptrace does without a listener)\n", strerror(shared->error));
        return false;
    }
    errno = -rsys_ptrace_take_hand(&filters->trace);
    if (errno)
        dprintf(STDERR_FILENO, "rsys-jail: give guests the descriptor %d: %s (to trace them, the hard limit of descriptors has to be above it: ulimit -Hn)\n",
                filters->trace.number, strerror(errno));
    else if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &trace) < 0)
        dprintf(STDERR_FILENO, "rsys-jail: install the guests' filter for tracing: %s\n", strerror(errno));
    else
        return true;
    return false;
}

/* The child.  Nothing of libc that could hold a lock of another thread of the supervisor: a thread may have had it at the fork.  The limits of descriptors are put back behind
 * what takes a high number. */
static __attribute__((noreturn)) void first_child(const struct rsys_session *session, struct first_shared *shared, int go, const struct first_filters *filters)
{
    struct rsys_error *err = NULL;
    char byte;
    int code;

    if ((session->chosen ? rsys_beside_become_guest(session, &err) : rsys_cage_become_guest(session, &err)) < 0) {
        dprintf(STDERR_FILENO, "rsys-jail: %s\n", rsys_error_text(err));
        _exit(RSYS_EXIT_OURS);
    }
    /* The supervisor is not dumpable and so neither are we, until our exec, whose memory belongs to the guests' user namespace: to be traced and to have the
     * listener taken, we have to be.  Nobody else can see us. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (send(go, "", 1, MSG_NOSIGNAL) != 1 || recv(go, &byte, 1, 0) != 1 || !install(shared, filters))
        _exit(RSYS_EXIT_OURS);
    if (session->chosen)
        rsys_beside_limits(session);
    __asm__ volatile("int3");
    execve(session->program, session->argv, session->environment);
    code = errno;
    dprintf(STDERR_FILENO, "rsys-jail: %s: %s\n", session->program, strerror(code));
    _exit(code == ENOENT || code == ENOTDIR ? RSYS_EXIT_NOT_FOUND : RSYS_EXIT_NOT_EXECUTABLE);
}

/* --chdir: ahead of the program's own first request.  That the directory is there has been looked at. */
static int first_chdir(struct guest *guest, const char *directory)
{
    struct rsys_request request = {0};
    int result = 0;

    if (directory == NULL)
        return 0;
    rsys_request_start(&request, SYS_chdir, (uint64_t[6]){0});
    if (rsys_request_in(&request, 0, directory, strlen(directory) + 1) < 0 || rsys_guest_post(guest, &request) < 0)
        result = -1;
    rsys_request_free(&request);
    return result;
}

static int first_join(struct jail *jail, pid_t pid)
{
    struct fdtable *fds = jail->session->chosen ? rsys_fdtable_new_of_remote() : rsys_fdtable_new();
    struct process *process = fds ? rsys_process_new(jail, pid, fds) : NULL;
    struct guest *guest = process ? rsys_guest_new(jail, pid) : NULL;

    if (!guest || rsys_guest_join(guest, process) < 0)
        return -1;
    guest->state = GUEST_STARTING;
    guest->announced = true;
    jail->first = pid;
    if (jail->session->view)
        rsys_view_first(jail->session->view, pid);
    if (jail->session->chosen && rsys_chosen_start(guest) < 0)
        return -1;
    return first_chdir(guest, jail->session->options->chdir);
}

static void directory_done(struct channel *channel, struct errand *errand, int64_t result)
{
    struct jail *jail = channel->jail;

    (void)errand;
    if (result < 0)
        rsys_jail_lost(jail, "--chdir %s (in the sandbox): %s", jail->session->options->chdir, strerror((int)-result));
}

/* Its executor starts in --chdir: asked for ahead of all calls. */
static int first_directory(struct jail *jail)
{
    const char *directory = jail->session->options->chdir;
    struct guest *guest = rsys_guest_find(jail, jail->first);
    struct rsys_request request = {0};
    uint64_t args[6] = {0};
    int64_t result;

    if (!directory)
        return 0;
    rsys_request_start(&request, SYS_chdir, args);
    result = rsys_request_in(&request, 0, directory, strlen(directory) + 1);
    if (result >= 0)
        result = rsys_channel_errand(guest->channel, &request, jail->first, directory_done);
    rsys_request_free(&request);
    return result < 0 ? -1 : 0;
}

/* What --intercept asks for. */
static int make_filters(struct jail *jail, struct first_filters *ret, struct rsys_error **err)
{
    enum rsys_intercept_wish wish = jail->session->options->intercept;
    bool shows = jail->session->trace_fd >= 0 || jail->session->options->stats;
    enum rsys_filter_telling telling = rsys_learns() ? RSYS_FILTER_TELL_ALL : shows ? RSYS_FILTER_TELL_REFUSALS : RSYS_FILTER_TELL_DENIALS;
    RSYS_AUTO_ERROR why = NULL;

    if (rsys_filter_guest(&jail->session->rules, jail->session->chosen ? &jail->session->choice : NULL, telling, &ret->notify, &ret->count, err) < 0)
        return -1;
    if (wish != RSYS_INTERCEPT_NOTIFY && rsys_ptrace_prepare(jail, ret->notify, ret->count, &ret->trace, err) < 0)
        return -1;
    if (wish == RSYS_INTERCEPT_PTRACE || rsys_notify_prepare(jail, wish == RSYS_INTERCEPT_NOTIFY ? err : &why) < 0)
        ret->count = 0;
    return ret->count || ret->trace.count ? 0 : -1;
}

int rsys_first_guest(struct jail *jail, struct rsys_error **err)
{
    struct first_filters filters = {0};
    int go[2];
    char byte;
    pid_t pid;

    if (make_filters(jail, &filters, err) < 0)
        return -1;
    jail->shared = mmap(NULL, sizeof(*jail->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (jail->shared == MAP_FAILED)
        return rsys_error_make(err, errno, "map a page to share with the first guest");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) < 0)
        return rsys_error_make(err, errno, "make a socket pair");
    pid = fork();
    if (pid < 0)
        return rsys_error_make(err, errno, "fork the first guest");
    if (pid == 0) {
        close(go[1]);
        first_child(jail->session, jail->shared, go[0], &filters);
    }
    free(filters.notify);
    free(filters.trace.filter);
    close(go[0]);
    if (first_join(jail, pid) < 0 || first_directory(jail) < 0 || rsys_control_spawn(jail, pid) < 0)
        return rsys_error_make(err, ENOMEM, "start the first guest");
    /* When the child has ended instead, it has said why, and its status is ours. */
    if (recv(go[1], &byte, 1, 0) == 1 && ptrace(PTRACE_SEIZE, pid, NULL, (void *)(uintptr_t)TRACE_OPTIONS) < 0)
        return rsys_error_make(err, errno, "trace the first guest (is ptrace allowed here?)");
    (void)!send(go[1], "", 1, MSG_NOSIGNAL);
    close(go[1]);
    return 0;
}

void rsys_first_trap(struct guest *guest)
{
    struct jail *jail = guest->process->jail;
    const struct rsys_options *options = jail->session->options;
    bool listens = jail->shared->listener >= 0;
    int error = jail->shared->error;
    int result = listens ? rsys_notify_start(guest, jail->shared->listener) : rsys_ptrace_start(guest, TRACE_OPTIONS);

    munmap(jail->shared, sizeof(*jail->shared));
    jail->shared = NULL;
    if (result < 0) {
        rsys_jail_lost(jail, "the guests' calls cannot be %s: %s", listens ? "listened to" : "traced", strerror(-result));
        return;
    }
    if (!listens && options->intercept == RSYS_INTERCEPT_AUTO)
        dprintf(STDERR_FILENO, "rsys-jail: the kernel gives no listener for system calls here (%s), so they are traced, which is slower (--intercept=ptrace says so ahead)\n",
                error == EBUSY ? "a filter with one is in force already" : strerror(error));
    rsys_guest_resume(guest, 0);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* first.c: the first guest: from a fork of the supervisor to the program.
 *
 * The child waits until it is traced, becomes a guest in all but code, installs the filter and stops with a breakpoint, so that no
 * system call is needed to say that the listener is there; the supervisor takes it out of the child with pidfd_getfd.  What the child still calls
 * before its exec is passed through: it is our code, in a process that may do no more than any guest. */
#include "policy/policy.h"
#include "src/jail/internal.h"
#include "src/jail/learn.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define TRACE_OPTIONS \
    (PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

/* What the child tells the supervisor before its breakpoint, in shared memory. */
struct first_shared {
    int listener; /* the child's descriptor */
};

/* The child.  Nothing of libc that could hold a lock of another thread of the supervisor: a thread may have had it at the fork. */
static __attribute__((noreturn)) void first_child(const struct rsys_session *session, struct first_shared *shared, int go, struct sock_filter *filter,
                                                  unsigned count)
{
    struct sock_fprog program = {.len = (unsigned short)count, .filter = filter};
    struct rsys_error *err = NULL;
    char byte;
    int listener, code;

    if (rsys_cage_become_guest(session, &err) < 0) {
        dprintf(STDERR_FILENO, "rsys-jail: %s\n", rsys_error_text(err));
        _exit(RSYS_EXIT_OURS);
    }
    /* The supervisor is not dumpable and so neither are we, until our exec, whose memory belongs to the guests' user namespace: to be traced and to have the
     * listener taken, we have to be.  Nobody else can see us. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (send(go, "", 1, MSG_NOSIGNAL) != 1 || recv(go, &byte, 1, 0) != 1)
        _exit(RSYS_EXIT_OURS);
    listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0) {
        dprintf(STDERR_FILENO, "rsys-jail: install the guests' filter: %s\n", strerror(errno));
        _exit(RSYS_EXIT_OURS);
    }
    shared->listener = listener; /* close-on-exec */
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
    struct fdtable *fds = rsys_fdtable_new();
    struct process *process = fds ? rsys_process_new(jail, pid, fds) : NULL;
    struct guest *guest = process ? rsys_guest_new(jail, pid) : NULL;

    if (!guest || rsys_guest_join(guest, process) < 0)
        return -1;
    guest->state = GUEST_STARTING;
    guest->announced = true;
    jail->first = pid;
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

int rsys_first_guest(struct jail *jail, struct rsys_error **err)
{
    RSYS_AUTO_FREE struct sock_filter *filter = NULL;
    unsigned count = 0;
    int go[2];
    char byte;
    pid_t pid;

    if (rsys_filter_guest(&jail->session->rules, rsys_learns() ? RSYS_FILTER_TELL_ALL
                          : jail->session->trace_fd >= 0 || jail->session->options->stats ? RSYS_FILTER_TELL_REFUSALS : RSYS_FILTER_TELL_DENIALS, &filter, &count, err) < 0)
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
        first_child(jail->session, jail->shared, go[0], filter, count);
    }
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

    jail->notify.kind = SOURCE_NOTIFY;
    jail->notify.fd = rsys_guest_get_fd(guest, jail->shared->listener);
    munmap(jail->shared, sizeof(*jail->shared));
    jail->shared = NULL;
    if (jail->notify.fd < 0 || rsys_source_watch(jail, &jail->notify, false) < 0) {
        rsys_jail_lost(jail, "the guests' calls cannot be listened to: %s", strerror(jail->notify.fd < 0 ? -jail->notify.fd : errno));
        return;
    }
    /* Wakes the guest on our CPU, at once; kernels before 6.6 do not know it. */
    ioctl(jail->notify.fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    rsys_guest_resume(guest, 0);
}

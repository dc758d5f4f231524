/* SPDX-License-Identifier: GPL-2.0-only */
/* beside.c: guests of which only chosen calls go to the server: they are not in a cage, but beside the user's other processes.
 *
 * No namespaces: a program that has the user's files, terminal and network is to find itself where it would be without us; in a user namespace the owners of files would
 * be nobody's, in a pid namespace of its own there would be no other processes.  The supervisor is its tracer.  That is what ends the guests when it ends
 * (PTRACE_O_EXITKILL), wherever they have gone meanwhile, and their pids are what its own kernel says; executors have the same, which are free in their namespace. */
#include "src/jail/launch.h"

#include "src/core/util.h"
#include "src/jail/chosen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INHERITED_MAX 65536 /* what a user has left open at a higher number stays open here as well */

/* ---- the supervisor ---- */

/* Whether we may install a filter without no_new_privs, and look into what is not dumpable. */
static bool is_privileged(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    const uint32_t wanted = UINT32_C(1) << CAP_SYS_ADMIN | UINT32_C(1) << CAP_SYS_PTRACE;
    return syscall(SYS_capget, &head, data) == 0 && (data[0].effective & wanted) == wanted;
}

void beside_note(struct cage *cage)
{
    struct rlimit limit = {0, 0};
    getrlimit(RLIMIT_NOFILE, &limit);
    cage->session.user_nofile = limit.rlim_cur;
    cage->session.privileged = is_privileged();
}

int beside_enter(struct cage *cage, struct rsys_error **err)
{
    if (cage_wait(cage, err) < 0)
        return -1;
    cage->session.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cage->session.zero_fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
    /* Nobody else looks into the memory that holds the session's token. */
    return prctl(PR_SET_DUMPABLE, 0) < 0 ? rsys_error_make(err, errno, "become non-dumpable") : 0;
}

void rsys_beside_let_go(void)
{
    for (int fd = 3; fd < INHERITED_MAX; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) == 0) /* ours are all to be closed by an exec */
            rsys_close(fd);
    }
}

/* ---- the first guest ---- */

int rsys_beside_become_guest(const struct rsys_session *session, struct rsys_error **err)
{
    prctl(PR_SET_PDEATHSIG, 0);
    if (!session->privileged && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return rsys_error_make(err, errno, "set no_new_privs");
    if (prctl(PR_SET_DUMPABLE, 1) < 0)
        return rsys_error_make(err, errno, "become dumpable");
    if (sigprocmask(SIG_SETMASK, &session->guest_mask, NULL) < 0)
        return rsys_error_make(err, errno, "set the signal mask");
    return 0;
}

void rsys_beside_limits(const struct rsys_session *session)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = session->user_nofile;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- PROGRAM ---- */

/* 0, or why the file cannot be executed. */
static int look(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? EISDIR : EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* Along PATH, as execvp(3): 0 or an error, with *ret_path. */
static int search(const char *name, const char *directories, char **ret_path)
{
    int worst = ENOENT;
    for (;;) {
        size_t length = strcspn(directories, ":");
        if (asprintf(ret_path, "%.*s%s%s", (int)length, directories, length > 0 ? "/" : "./", name) < 0) {
            *ret_path = NULL;
            return ENOMEM;
        }
        int code = look(*ret_path);
        if (code == 0)
            return 0;
        free(rsys_steal(ret_path));
        if (code == EACCES)
            worst = code;
        if (directories[length] == 0)
            return worst;
        directories += length + 1;
    }
}

int beside_find(struct program *program, const struct rsys_options *options, struct rsys_error **err)
{
    const char *name = options->local != NULL ? options->local : options->argv[0], *directories = "/usr/bin:/bin";
    int code = ENOENT;
    for (int i = 0; i < options->environment_count; i++)
        if (strncmp(options->environment[i], "PATH=", 5) == 0)
            directories = options->environment[i] + 5;
    if (strchr(name, '/') != NULL || options->local != NULL) {
        program->path = strdup(name);
        code = program->path == NULL ? ENOMEM : look(name);
    } else if (name[0] != 0) {
        code = search(name, directories, &program->path);
    }
    if (code == 0)
        return 0;
    rsys_error_make(err, code, "%s (a file of this machine)", name);
    return code == ENOMEM ? RSYS_EXIT_OURS : code == ENOENT || code == ENOTDIR ? RSYS_EXIT_NOT_FOUND : RSYS_EXIT_NOT_EXECUTABLE;
}

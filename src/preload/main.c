/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: rsys-preload(1): open a session, leave it to the agent, and execute the program with the library in it. */
#include "src/preload/launcher.h"

#include "src/core/util.h"
#include "src/preload/program.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define EXIT_FAILED 125
#define EXIT_CANNOT 126
#define EXIT_NOT_FOUND 127

static int fail(int status, const struct rsys_error *err)
{
    fprintf(stderr, "rsys-preload: %s\n", rsys_error_text(err));
    return status;
}

/* ---- the program ---- */

/* The file that execvp(3) would execute.  0, or the exit status. */
static int find_program(const char *name, char *path, size_t size)
{
    const char *list = getenv("PATH");
    int status = EXIT_NOT_FOUND;
    if (strchr(name, '/') != NULL) {
        snprintf(path, size, "%s", name);
        if (access(path, X_OK) == 0)
            return 0;
        status = errno == ENOENT || errno == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT;
    }
    for (list = list != NULL ? list : "/usr/local/bin:/usr/bin:/bin"; strchr(name, '/') == NULL && *list != 0; list += strspn(list, ":")) {
        size_t n = strcspn(list, ":");
        struct stat st;
        if ((size_t)snprintf(path, size, "%.*s/%s", (int)n, n > 0 ? list : ".", name) < size && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            if (access(path, X_OK) == 0)
                return 0;
            status = EXIT_CANNOT;
        }
        list += n;
    }
    fprintf(stderr, "rsys-preload: %s: %s on this machine, whose programs it runs (rsys-jail runs the server's)\n", name,
            status == EXIT_NOT_FOUND ? "no such program" : "cannot be executed");
    return status;
}

/* The library: beside us in a tree that is not installed, else where it was installed. */
static void find_library(char *path, size_t size)
{
    char own[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    own[RSYS_MAX(n, 0)] = 0;
    char *name = strrchr(own, '/');
    if (name == NULL || snprintf(path, size, "%.*s/librsys-preload.so", (int)(name - own), own) >= (int)size || access(path, R_OK) < 0)
        snprintf(path, size, "%s", RSYS_HELPERDIR "/librsys-preload.so");
}

static int check_library(const char *path, struct rsys_error **err)
{
    if (access(path, R_OK) < 0)
        return rsys_error_make(err, errno, "the library %s", path);
    if (strpbrk(path, " :") != NULL)
        return rsys_error_make(err, 0, "the library %s: the loader takes blanks and colons in LD_PRELOAD for separators", path);
    /* Off: it always can be, where the kernel has it. */
    if (prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 0, 0, 0, 0) < 0)
        return rsys_error_make(err, errno, "no Syscall User Dispatch is to be had here (it takes Linux 5.11, and rsys-preload cannot be run by itself); "
                                           "rsys-jail is another way");
    return 0;
}

/* ---- what the library finds ---- */

/* Out of the way of the program's descriptors. */
static int put_away(int fd, struct rsys_error **err)
{
    struct rlimit limit = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    int most = (int)RSYS_MIN(limit.rlim_cur, (rlim_t)4096);
    int away = fcntl(fd, F_DUPFD, most > 2 * (int)PRELOAD_FDS ? most - (int)PRELOAD_FDS : most / 2);
    rsys_close(fd);
    if (away < 0)
        rsys_error_make(err, errno, "a descriptor below the limit of %d", most);
    return away;
}

static int make_config(const struct rsys_session *session, const struct preload_config *config, struct rsys_error **err)
{
    RSYS_AUTO_FD fd = memfd_create("rsys-preload", MFD_CLOEXEC);
    size_t size = session->rules.count * sizeof session->rules.rules[0];
    if (fd < 0 || write(fd, config, sizeof *config) != (ssize_t)sizeof *config || write(fd, session->rules.rules, size) != (ssize_t)size)
        return rsys_error_make(err, errno, "memory for the configuration");
    return put_away(rsys_fd_steal(&fd), err);
}

static int make_state(const struct preload_state *state, struct rsys_error **err)
{
    RSYS_AUTO_FD fd = memfd_create("rsys-preload-state", MFD_CLOEXEC);
    if (fd < 0 || write(fd, state, sizeof *state) != (ssize_t)sizeof *state)
        return rsys_error_make(err, errno, "memory for the state");
    return put_away(rsys_fd_steal(&fd), err);
}

/* ---- the session ---- */

/* A call on the leader, before anybody else has it. */
static int64_t leader_call(struct rsys_session *session, uint64_t nr, const char *path)
{
    const uint64_t args[6] = {(uintptr_t)path};
    return call_by_shapes(session, session->leader, rsys_call_by_number(nr), args);
}

/* Where the program begins.  Whether that is on the server; or -1. */
static int choose_directory(struct rsys_session *session, const struct preload_config *config, const struct preload_options *options, struct rsys_error **err)
{
    char here[PATH_MAX];
    if (options->chdir != NULL) {
        int64_t failed = leader_call(session, SYS_chdir, options->chdir);
        return failed < 0 ? rsys_error_make(err, (int)-failed, "change to the server's directory %s", options->chdir) : 1;
    }
    return getcwd(here, sizeof here) != NULL && path_chosen(config, here) && leader_call(session, SYS_chdir, here) == 0;
}

static int start(const struct preload_options *options, struct preload_config *config, struct rsys_error **err)
{
    int pair[2];
    const struct session_wish wish = {.address = options->server, .key = options->key, .no_fork = true, .beside = true,
                                      .timeout_ms = options->connect_timeout_ms};
    struct rsys_session *session = session_open(&wish, err);
    if (session == NULL)
        return -1;
    config->welcome = session->welcome;
    config->rules = (struct rsys_wire_rule_head){.default_action = session->rules.default_action, .default_error = session->rules.default_error,
                                                 .count = (uint32_t)session->rules.count};
    int remote = choose_directory(session, config, options, err), config_fd = remote < 0 ? -1 : make_config(session, config, err);
    if (config_fd < 0)
        return -1;
    mode_t mask = umask(0);
    umask(mask);
    (void)call_by_shapes(session, session->leader, rsys_call_by_number(SYS_umask), (uint64_t[6]){mask});
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return rsys_error_make(err, errno, "a socket pair for the session's agent");
    if (agent_start(session, pair[0], pair[1], err) < 0)
        return -1;
    close(pair[0]);
    sigset_t own;
    struct preload_state state = {.channel = -1, .cwd_remote = (uint32_t)remote, .cwd_same = remote == 1 && options->chdir == NULL};
    state.placeholder = put_away(open("/", O_PATH | O_CLOEXEC), err);
    state.agent = state.placeholder < 0 ? -1 : put_away(pair[1], err);
    sigprocmask(SIG_SETMASK, NULL, &own);
    memcpy(&state.mask, &own, sizeof state.mask);
    int state_fd = state.agent < 0 ? -1 : make_state(&state, err);
    if (state_fd < 0)
        return -1;
    char value[64];
    snprintf(value, sizeof value, "%d:%d", config_fd, state_fd);
    return setenv(PRELOAD_VARIABLE, value, 1) < 0 ? rsys_error_make(err, errno, "environment") : 0;
}

static int preload(const char *library, struct rsys_error **err)
{
    const char *theirs = getenv("LD_PRELOAD");
    RSYS_AUTO_FREE char *both = NULL;
    if (theirs != NULL && theirs[0] != 0 && asprintf(&both, "%s:%s", library, theirs) < 0)
        return rsys_error_make(err, ENOMEM, "environment");
    return setenv("LD_PRELOAD", both != NULL ? both : library, 1) < 0 ? rsys_error_make(err, errno, "environment") : 0;
}

int main(int argc, char **argv)
{
    static struct preload_config config;
    RSYS_AUTO_ERROR err = NULL;
    struct preload_options options;
    char path[PATH_MAX], file[PATH_MAX];
    int status = preload_options_parse(&options, argc, argv);
    if (status >= 0)
        return status;
    status = find_program(options.argv[0], path, sizeof path);
    if (status != 0)
        return status;
    const char *obstacle = program_obstacle(path, file, sizeof file);
    if (obstacle != NULL) {
        fprintf(stderr, "rsys-preload: %s %s, so the loader brings no library into it: rsys-jail is the way for such a program\n", file, obstacle);
        return EXIT_CANNOT;
    }
    find_library(config.library, sizeof config.library);
    if (check_library(config.library, &err) < 0 || config_fill(&config, &options, &err) < 0 ||
        start(&options, &config, &err) < 0 || preload(config.library, &err) < 0)
        return fail(EXIT_FAILED, err);
    execv(path, options.argv);
    fprintf(stderr, "rsys-preload: execute %s: %s\n", path, strerror(errno));
    return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* start.c: the library's beginning in a program, behind its loader: find the session, and have the kernel tell of every call from here on. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

__attribute__((noreturn)) static void give_up(const char *what)
{
    static const char line[] = "rsys-preload: cannot begin: ";
    (void)RAW(SYS_write, 2, line, sizeof line - 1);
    (void)RAW(SYS_write, 2, what, strlen(what));
    (void)RAW(SYS_write, 2, "\n", 1);
    (void)RAW(SYS_exit_group, 125);
    __builtin_unreachable();
}

/* ---- the environment: our variables are not the program's to see ---- */

static int number(const char **text)
{
    int value = -1;
    for (; **text >= '0' && **text <= '9' && value < 1 << 24; (*text)++)
        value = (value < 0 ? 0 : 10 * value) + (**text - '0');
    return value;
}

/* Take our part off LD_PRELOAD=..., which the loader has read.  Whether something is left of it. */
static bool trim_preload(char *entry)
{
    char *value = entry + sizeof "LD_PRELOAD=" - 1;
    size_t n = strlen(config->library);
    if (strncmp(value, config->library, n) != 0 || (value[n] != 0 && value[n] != ':'))
        return true;
    if (value[n] == 0)
        return false;
    memmove(value, value + n + 1, strlen(value + n + 1) + 1);
    return true;
}

static void clean_environment(char **environment)
{
    char **to = environment;
    for (char **from = environment; *from != NULL; from++) {
        if (strncmp(*from, PRELOAD_VARIABLE "=", sizeof PRELOAD_VARIABLE) == 0 ||
            (strncmp(*from, "LD_PRELOAD=", sizeof "LD_PRELOAD=" - 1) == 0 && !trim_preload(*from)))
            continue;
        *to++ = *from;
    }
    *to = NULL;
}

static const char *find_variable(char **environment)
{
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, PRELOAD_VARIABLE "=", sizeof PRELOAD_VARIABLE) == 0)
            return *environment + sizeof PRELOAD_VARIABLE;
    return NULL;
}

/* ---- the session ---- */

static void map_config(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof *config)
        give_up("its configuration is not there (start programs with rsys-preload)");
    config = map_file((size_t)st.st_size, fd);
    if (config == NULL)
        give_up("no memory for its configuration");
    session.welcome = config->welcome;
    session.rules = (struct rsys_rules){.default_action = config->rules.default_action, .default_error = config->rules.default_error,
                                        .count = config->rules.count,
                                        .rules = (struct rsys_wire_rule *)(void *)(config + 1)};
}

static void take_homes(int fd, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct preload_home home;
        if (pread(fd, &home, sizeof home, (off_t)(sizeof(struct preload_state) + i * sizeof home)) != (ssize_t)sizeof home)
            give_up("its state is cut short");
        int64_t flags = RAW(SYS_fcntl, home.fd, F_GETFL);
        bool shadow = (home.home & HOME_SHADOW) != 0;
        if (flags >= 0 && (shadow || (flags & O_PATH) != 0)) /* the placeholder */
            fd_set_home(home.fd, home.home + 1);
        else
            remote_close(home.home & ~HOME_SHADOW); /* close-on-exec */
    }
}

static void make_process(int config_fd)
{
    struct process *process = process_new();
    if (process == NULL || (self = thread_new(process)) == NULL)
        give_up("no memory");
    process->config = config_fd;
    fd_set_home(config_fd, HOME_OURS);
}

static void take_state(int fd, uint64_t *ret_mask)
{
    struct preload_state state;
    struct process *process = self->process;
    if (pread(fd, &state, sizeof state, 0) != (ssize_t)sizeof state)
        give_up("its state is not there (start programs with rsys-preload)");
    process->agent = state.agent;
    process->placeholder = state.placeholder;
    atomic_store(&process->cwd_remote, state.cwd_remote != 0);
    atomic_store(&process->cwd_same, state.cwd_same != 0);
    const int ours[] = {state.agent, state.placeholder, state.channel};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(ours); i++)
        if (ours[i] >= 0) {
            (void)RAW(SYS_fcntl, ours[i], F_SETFD, FD_CLOEXEC);
            fd_set_home(ours[i], i < 2 ? HOME_OURS : HOME_CHANNEL);
        }
    if (state.agent < 0 || state.lost != 0)
        atomic_store(&session.lost, EIO);
    if (state.channel >= 0) {
        self->channel = channel_new(state.channel, state.tid);
        if (self->channel == NULL)
            give_up("no memory");
        self->channel->seq = state.seq;
        atomic_store(&process->channels, 1);
    }
    signals_start(process);
    take_homes(fd, state.homes);
    (void)RAW(SYS_close, fd);
    *ret_mask = state.mask & ~SIGSYS_BIT;
}

static void start(int argc, char **argv, char **environment) __attribute__((constructor));
static void start(int argc, char **argv, char **environment)
{
    const char *where = find_variable(environment);
    int config_fd = where == NULL ? -1 : number(&where), state_fd = -1;
    (void)argc;
    (void)argv;
    if (where != NULL && *where == ':') {
        where++;
        state_fd = number(&where);
    }
    if (state_fd < 0)
        give_up("$" PRELOAD_VARIABLE " is not set (start programs with rsys-preload)");
    uint64_t all = ~UINT64_C(0), mask;
    (void)RAW(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
    make_process(config_fd);
    map_config(config_fd);
    take_state(state_fd, &mask);
    clean_environment(environment);
    struct {
        uint64_t handler, flags, restorer, mask;
    } action = {(uintptr_t)entry_signal, SA_SIGINFO | 0x04000000 /* SA_RESTORER */, (uintptr_t)stub_sigreturn, all};
    if (RAW(SYS_rt_sigaction, SIGSYS, &action, NULL, sizeof all) < 0 || arm() < 0)
        give_up("this kernel has no Syscall User Dispatch (Linux 5.11, CONFIG_GENERIC_ENTRY): rsys-jail(1) is another way");
    (void)RAW(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* exec.c: execve of another program, which goes on with the session.
 *
 * The program is a file of this machine.  Its loader brings the library in again by LD_PRELOAD, which is put into its environment here, whatever the
 * caller made of it; what it has to know lies in a memory file that it inherits.  It goes on with the same executor process, unless other threads may be
 * in calls on theirs: then with a copy, as execve ends them. */
#include "src/preload/inner.h"

#include "src/core/util.h"
#include "src/preload/program.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

/* ---- the environment ---- */

#define PRELOAD "LD_PRELOAD="

static int64_t count_pointers(uint64_t vector)
{
    uint64_t pointer = 1;
    int64_t count = 0;
    for (; vector != 0; count++, vector += sizeof pointer) {
        if (peek(vector, &pointer, sizeof pointer) < 0)
            return -EFAULT;
        if (pointer == 0)
            break;
        if (count > 1 << 20)
            return -E2BIG;
    }
    return count;
}

static bool begins(uint64_t text, const char *with)
{
    char start[32];
    size_t n = strlen(with);
    return rsys_memory_read_string(&rsys_memory_own, text, start, n) == -ENAMETOOLONG && memcmp(start, with, n) == 0;
}

/* The caller's environment with our two variables, in memory that is noted as self's loan.  *ret: the vector.  0 or -errno. */
static int64_t make_environment(uint64_t environment, int config_fd, int state_fd, uint64_t *ret)
{
    enum { VALUE = 8192 };
    int64_t count = count_pointers(environment);
    if (count < 0)
        return count;
    size_t size = ((size_t)count + 3) * sizeof(uint64_t) + 64 + sizeof config->library + VALUE;
    uint64_t *vector = map_pages(size), *to = vector;
    if (vector == NULL)
        return -ENOMEM;
    self->loan = vector;
    self->loan_size = size;
    char *numbers = (char *)(vector + count + 3), *preload = numbers + 64, *end = append(append(preload, PRELOAD), config->library);
    append_number(append(append_number(append(numbers, PRELOAD_VARIABLE "="), (unsigned)config_fd), ":"), (unsigned)state_fd);
    for (int64_t i = 0; i < count; i++) {
        uint64_t text;
        if (peek(environment + (uint64_t)i * sizeof text, &text, sizeof text) < 0)
            return -EFAULT;
        if (begins(text, PRELOAD)) {
            *end = ':';
            if (rsys_memory_read_string(&rsys_memory_own, text + sizeof PRELOAD - 1, end + 1, VALUE) < 0)
                *end = 0;
        } else if (!begins(text, PRELOAD_VARIABLE "=")) {
            *to++ = text;
        }
    }
    *to++ = (uintptr_t)preload;
    *to++ = (uintptr_t)numbers;
    *to = 0;
    *ret = (uintptr_t)vector;
    return 0;
}

static void drop_environment(void)
{
    if (self->loan != NULL)
        (void)RAW(SYS_munmap, self->loan, self->loan_size);
    self->loan = NULL;
}

/* ---- the state ---- */

/* What of the table is as it was before, behind state. */
static int64_t write_state(int fd, struct preload_state *state, const uint64_t *before, int count)
{
    struct process *process = self->process;
    struct preload_home *homes = malloc(((size_t)count + 1) * sizeof *homes);
    int64_t result = homes == NULL ? -ENOMEM : 0;
    for (int i = 0; i < count && result == 0; i++)
        if (process_home(process, i) > 0 && atomic_load(&process->homes[i]) == before[i])
            homes[state->homes++] = (struct preload_home){.fd = i, .home = process_home(process, i) - 1};
    if (result == 0)
        result = RAW(SYS_write, fd, state, sizeof *state);
    if (result > 0 && state->homes > 0)
        result = RAW(SYS_write, fd, homes, state->homes * sizeof *homes);
    free(homes);
    return RSYS_MIN(result, INT64_C(0));
}

static void inherit(const struct preload_state *state, bool yes)
{
    const int fds[] = {state->agent, state->placeholder, state->channel};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0)
            (void)RAW(SYS_fcntl, fds[i], F_SETFD, yes ? 0 : FD_CLOEXEC);
}

/* With the program's signal mask in the state: execve is made with all signals blocked, and the library's beginning sets it. */
static int64_t execute(const char *path, uint64_t arguments, uint64_t environment, const struct context *context)
{
    struct process *process = self->process;
    struct preload_state state = {.agent = process->agent, .placeholder = process->placeholder, .channel = -1, .mask = context->mask};
    state.cwd_remote = atomic_load(&process->cwd_remote);
    state.cwd_same = atomic_load(&process->cwd_same);
    state.lost = atomic_load(&session.lost) != 0;
    int agent = -1, count;
    uint64_t vector, *before = process_homes(process, &count);
    int64_t result = before == NULL ? -ENOMEM : 0;
    if (atomic_load(&process->channels) > (self->channel != NULL)) {
        result = result == 0 && atomic_load(&session.lost) == 0 ? agent_ask(PRELOAD_PROCESS, 0, 0, &agent) : result;
        state.agent = agent;
    } else if (self->channel != NULL) {
        state.channel = self->channel->fd;
        state.tid = self->channel->tid;
        state.seq = self->channel->seq;
    }
    int64_t fd = result < 0 ? result : RAW(SYS_memfd_create, "rsys-preload-state", 0);
    if (fd >= 0)
        result = write_state((int)fd, &state, before, count);
    free(before);
    if (fd >= 0 && result >= 0)
        result = make_environment(environment, process->config, (int)fd, &vector);
    if (fd >= 0 && result >= 0) {
        inherit(&state, true);
        result = RAW(SYS_execve, path, arguments, vector);
        inherit(&state, false);
    }
    drop_environment();
    if (fd >= 0)
        (void)RAW(SYS_close, fd);
    if (agent >= 0)
        (void)RAW(SYS_close, agent);
    return fd < 0 ? fd : result;
}

/* ---- which file ---- */

/* The name of the file for this machine's kernel.  Relative names are of the working directory's name, wherever that is at home.  0 or -errno. */
static int64_t local_name(uint64_t nr, const uint64_t args[6], char *path)
{
    int dirfd = nr == SYS_execveat ? (int)args[0] : AT_FDCWD;
    uint64_t text = args[nr == SYS_execveat];
    char *to = path;
    *to = 0;
    if (dirfd != AT_FDCWD && (fd_is_ours(dirfd) || fd_remote(dirfd) >= 0)) {
        say((const char *const[]){"rsys-preload: a file of the server cannot be executed here: rsys-jail(1) runs programs there", NULL});
        return -EACCES;
    }
    int64_t length = rsys_memory_read_string(&rsys_memory_own, text, path, PATH_MAX);
    if (length < 0)
        return length;
    if (length == 0 && (nr != SYS_execveat || (args[4] & AT_EMPTY_PATH) == 0))
        return -ENOENT;
    if (path[0] == '/')
        return 0;
    if (dirfd != AT_FDCWD) {
        to = append(append_number(append(to, "/proc/self/fd/"), (unsigned)dirfd), length > 0 ? "/" : "");
    } else if (atomic_load(&self->process->cwd_remote) && !atomic_load(&self->process->cwd_same)) {
        const uint64_t ask[6] = {(uintptr_t)path, PATH_MAX};
        int64_t got = call_make(&session, SYS_getcwd, ask);
        if (got < 0)
            return got;
        to = append(path + strlen(path), "/");
    }
    length = to == path ? length : rsys_memory_read_string(&rsys_memory_own, text, to, PATH_MAX);
    return RSYS_MIN(length, INT64_C(0));
}

enum way call_exec(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    char path[2 * PATH_MAX + 64], file[PATH_MAX];
    unsigned at = nr == SYS_execveat;
    *ret = local_name(nr, args, path);
    if (*ret < 0)
        return WAY_DONE;
    const char *obstacle = program_obstacle(path, file, sizeof file);
    if (obstacle != NULL) {
        say((const char *const[]){"rsys-preload: ", file, " ", obstacle, ", so its calls could not be captured: rsys-jail(1) can run it", NULL});
        *ret = -EACCES;
        return WAY_DONE;
    }
    *ret = execute(path, args[1 + at], args[2 + at], context);
    return WAY_DONE;
}

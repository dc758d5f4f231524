/* SPDX-License-Identifier: GPL-2.0-only */
/* learn.c: what is gathered for --learn (learn.h, policy/learned.h). */
#include "src/jail/learn.h"

#include "policy/learned.h"
#include "src/core/util.h"
#include "src/jail/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#define FILE_MAX (4u << 20)

static struct {
    bool on;
    int fd;
    pthread_mutex_t lock; /* the view's thread gathers too */
    struct learned learned;
} learn = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

bool rsys_learns(void) { return learn.on; }

int rsys_learn_start(int fd, const char *name, struct rsys_error **err)
{
    /* What no program is without, and what the guests' filter lets by untold.  faccessat2: the view's question, under a policy with paths, whether an interpreter may be
     * executed; fstatfs, lseek: what an executor looks at by itself (look.c; while learning there are no looks, because what they spare would be missing). */
    static const uint16_t always[] = {SYS_execve, SYS_mmap, SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall, SYS_faccessat2, SYS_fstatfs, SYS_lseek};
    static const uint64_t none[6];
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        return rsys_error_make(err, 0, "--learn=%s: a file is wanted that is empty or was written by --learn", name);
    RSYS_AUTO_FREE char *text = malloc((size_t)st.st_size + 1);
    if (text == NULL || pread(fd, text, (size_t)st.st_size, 0) != (ssize_t)st.st_size)
        return rsys_error_make(err, text == NULL ? ENOMEM : errno, "--learn=%s: read it", name);
    if (st.st_size > 0 && rsys_learned_read(&learn.learned, text, (size_t)st.st_size, name, err) < 0)
        return rsys_error_prefix(err, "--learn");
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(always); i++)
        rsys_learned_call(&learn.learned, always[i], none, false);
    learn.fd = fd;
    learn.on = true;
    return 0;
}

int rsys_learn_finish(struct rsys_error **err)
{
    if (!learn.on)
        return 0;
    pthread_mutex_lock(&learn.lock);
    RSYS_AUTO_FREE char *text = rsys_learned_text(&learn.learned);
    pthread_mutex_unlock(&learn.lock);
    if (text == NULL)
        return rsys_error_make(err, ENOMEM, "--learn");
    size_t size = strlen(text), at = 0;
    while (at < size) {
        ssize_t n = pwrite(learn.fd, text + at, size - at, (off_t)at);
        if (n <= 0 && errno != EINTR)
            return rsys_error_make(err, errno, "--learn: write what was learned");
        at += n > 0 ? (size_t)n : 0;
    }
    return ftruncate(learn.fd, (off_t)size) == 0 ? 0 : rsys_error_make(err, errno, "--learn: end the file");
}

static void gather(uint64_t nr, const uint64_t args[6], bool local)
{
    pthread_mutex_lock(&learn.lock);
    rsys_learned_call(&learn.learned, nr, args, local);
    pthread_mutex_unlock(&learn.lock);
}

/* Addresses of other machines: whatever is not 127.0.0.0/8, ::1, nor any. */
static bool is_elsewhere(const struct call *call)
{
    uint8_t address[28] = {0};
    static const uint8_t loopback[16] = {[15] = 1}, any[16];
    if ((call->nr != SYS_connect && call->nr != SYS_bind) || call->args[2] < 8 ||
        rsys_memory_read(rsys_guest_memory(call->guest), call->args[1], address, RSYS_MIN(call->args[2], (uint64_t)sizeof address)) < 0)
        return false;
    unsigned family = address[0] | (unsigned)address[1] << 8;
    if (family == AF_INET)
        return address[4] != 127 && memcmp(address + 4, any, 4) != 0;
    return family == AF_INET6 && call->args[2] >= 24 && memcmp(address + 8, loopback, 16) != 0 && memcmp(address + 8, any, 16) != 0;
}

void rsys_learn_call(const struct call *call)
{
    if (!learn.on || call->row == NULL)
        return;
    gather(call->nr, call->args, call->placed == RSYS_ACTION_LOCAL && (call->row->flags & RSYS_CALL_MAY_BE_LOCAL) != 0);
    if (is_elsewhere(call))
        learn.learned.network = true;
}

void rsys_learn_birth(uint64_t nr)
{
    static const uint64_t none[6];
    if (learn.on)
        gather(nr, none, false);
}

void rsys_learn_request(const struct rsys_wire_request *head)
{
    if (learn.on && head->nr < RSYS_CALLS_MAX)
        gather(head->nr, head->args, false);
}

void rsys_learn_path(const char *path, uint64_t access)
{
    if (!learn.on)
        return;
    pthread_mutex_lock(&learn.lock);
    rsys_learned_path(&learn.learned, path, access);
    pthread_mutex_unlock(&learn.lock);
}

void rsys_learn_made(const char *directory, const char *name)
{
    RSYS_AUTO_FREE char *path = NULL;
    if (!learn.on || asprintf(&path, "%s%s%s", directory, directory[0] == '/' && directory[1] == 0 ? "" : "/", name) < 0)
        return;
    pthread_mutex_lock(&learn.lock);
    rsys_learned_made(&learn.learned, path);
    pthread_mutex_unlock(&learn.lock);
}

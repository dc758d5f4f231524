/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-misc.c: the working directory, the umask, and files mapped into memory. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* The working directory is at home on one side.  Where it is remote, the one here follows if there is a directory of that name: relative names of
 * programs to execute are looked up there. */
static void follow(uint64_t nr, const uint64_t args[6])
{
    char path[PATH_MAX];
    bool same = atomic_load(&self->process->cwd_same), absolute = false;
    if (nr == SYS_chdir && rsys_memory_read_string(&rsys_memory_own, args[0], path, sizeof path) >= 0)
        absolute = path[0] == '/';
    if (absolute || (same && nr == SYS_chdir)) {
        same = RAW(SYS_chdir, path) == 0;
    } else {
        const uint64_t ask[6] = {(uintptr_t)path, sizeof path};
        same = call_make(&session, SYS_getcwd, ask) > 0 && RAW(SYS_chdir, path) == 0;
    }
    atomic_store(&self->process->cwd_same, same);
}

enum way call_cwd(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    uint64_t theirs[6] = {args[0]};
    char link[PATH_LINK_SIZE];
    (void)context;
    if (nr == SYS_umask) { /* both sides make files */
        if (atomic_load(&session.lost) == 0)
            (void)remote_call(nr, args);
        return WAY_LOCAL;
    }
    if (nr == SYS_getcwd) {
        if (!atomic_load(&self->process->cwd_remote))
            return WAY_LOCAL;
        *ret = remote_call(nr, args);
        return WAY_DONE;
    }
    int home = nr == SYS_chdir ? path_home(nr, AT_FDCWD, args[0], link) : fd_remote((int)args[0]) >= 0;
    if (home < 0)
        *ret = home;
    else if (nr == SYS_fchdir && fd_is_ours((int)args[0]))
        *ret = -EBADF;
    else if (home == 0)
        *ret = RAW(nr, args[0]);
    else {
        if (nr == SYS_fchdir)
            theirs[0] = (uint64_t)fd_remote((int)args[0]);
        else if (link[0] != 0)
            theirs[0] = (uintptr_t)link;
        *ret = remote_call(nr, theirs);
        if (*ret == 0)
            follow(nr, theirs);
    }
    if (*ret == 0)
        atomic_store(&self->process->cwd_remote, home > 0);
    return WAY_DONE;
}

/* A file's bytes from offset on, at an address that is ours to write to; the rest stays zero.  0 or -errno. */
static int64_t fill(int remote, uint64_t address, uint64_t size, uint64_t offset)
{
    for (uint64_t done = 0; done < size;) {
        const uint64_t args[6] = {(uint64_t)remote, address + done, RSYS_MIN(size - done, (uint64_t)RSYS_ARENA_SIZE), offset + done};
        int64_t got = call_make(&session, SYS_pread64, args);
        if (got <= 0)
            return got;
        done += (uint64_t)got;
    }
    return 0;
}

/* A copy: memory that is shared with the server's file does not exist. */
enum way call_mmap(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    int fd = (int)args[4], remote = fd_remote(fd), kind = (int)args[3] & MAP_TYPE, protection = (int)args[2];
    (void)context;
    (void)nr;
    if ((args[3] & MAP_ANONYMOUS) != 0 || remote < 0)
        return WAY_LOCAL;
    self->patient = true;
    const uint64_t ask[6] = {(uint64_t)remote, F_GETFL};
    int64_t flags = call_make(&session, SYS_fcntl, ask);
    if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH) != 0 || (args[5] & 4095) != 0) {
        *ret = flags < 0 ? flags : (flags & O_PATH) != 0 ? -EBADF : (args[5] & 4095) != 0 ? -EINVAL : -EACCES;
        return WAY_DONE;
    }
    if (kind != MAP_PRIVATE && (protection & PROT_WRITE) != 0) {
        *ret = (flags & O_ACCMODE) == O_RDWR ? -ENODEV : -EACCES; /* as of a file system that cannot do it */
        return WAY_DONE;
    }
    *ret = RAW(SYS_mmap, args[0], args[1], PROT_READ | PROT_WRITE, (args[3] & ~(uint64_t)(MAP_TYPE | MAP_SYNC)) | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*ret < 0 && *ret >= -4095)
        return WAY_DONE;
    int64_t failed = fill(remote, (uint64_t)*ret, args[1], args[5]);
    if (failed == 0 && protection != (PROT_READ | PROT_WRITE))
        failed = RAW(SYS_mprotect, *ret, args[1], protection);
    if (failed < 0) {
        (void)RAW(SYS_munmap, *ret, args[1]);
        *ret = failed == -EISDIR ? -ENODEV : failed;
    }
    return WAY_DONE;
}

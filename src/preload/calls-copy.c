/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-copy.c: sendfile between a file of one home and a descriptor of the other: the bytes go through the program, as they would if it read and wrote. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define CHUNK 65536u
#define PIPE_CHUNK 4096u  /* PIPE_BUF: as much as a pipe that is ready takes without waiting */
#define MOST 0x7ffff000u  /* MAX_RW_COUNT */

/* A call on a descriptor of either home. */
static int64_t on_either(uint64_t nr, int fd, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t args[6] = {(uint64_t)fd_remote(fd), b, c, d};
    return fd_remote(fd) >= 0 ? remote_call(nr, args) : RAW(nr, fd, b, c, d);
}

/* How much can be written at once here, without a wait that no signal would end. */
static size_t chunk_for(int out)
{
    struct stat st;
    if (fd_remote(out) >= 0 || RAW(SYS_fstat, out, &st) < 0 || S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
        return CHUNK;
    return PIPE_CHUNK;
}

static int64_t write_out(int out, const uint8_t *bytes, size_t n)
{
    if (fd_remote(out) < 0 && (RAW(SYS_fcntl, out, F_GETFL) & O_NONBLOCK) == 0 && wait_writable(out) < 0)
        return -EINTR;
    return on_either(SYS_write, out, (uintptr_t)bytes, n, 0);
}

/* From `at` in the file on.  The bytes sent, or -errno when there were none. */
static int64_t copy(int out, int in, uint64_t at, uint64_t count)
{
    size_t chunk = chunk_for(out);
    uint8_t *bytes = malloc(chunk);
    uint64_t done = 0;
    int64_t result = bytes == NULL ? -ENOMEM : 0;
    while (result >= 0 && done < count) {
        int64_t got = on_either(SYS_pread64, in, (uintptr_t)bytes, RSYS_MIN(count - done, (uint64_t)chunk), at + done);
        result = got <= 0 ? got : write_out(out, bytes, (size_t)got);
        if (result <= 0)
            break;
        done += (uint64_t)result;
        if (result < got)
            break;
    }
    free(bytes);
    return done > 0 ? (int64_t)done : result == -ESPIPE ? -EINVAL : result;
}

enum way call_sendfile(struct context *context, uint64_t nr, uint64_t args[6], int64_t *ret)
{
    int out = (int)args[0], in = (int)args[1];
    uint64_t at;
    if ((fd_remote(out) >= 0) == (fd_remote(in) >= 0) || fd_is_ours(out) || fd_is_ours(in))
        return call_generic(context, nr, args, ret);
    if (RAW(SYS_fcntl, out, F_GETFD) < 0 || RAW(SYS_fcntl, in, F_GETFD) < 0) {
        *ret = -EBADF;
        return WAY_DONE;
    }
    if (args[2] != 0) {
        *ret = peek(args[2], &at, sizeof at);
    } else {
        *ret = on_either(SYS_lseek, in, 0, SEEK_CUR, 0);
        at = (uint64_t)*ret;
    }
    if (*ret >= 0)
        *ret = copy(out, in, at, RSYS_MIN(args[3], (uint64_t)MOST));
    if (*ret > 0 && args[2] == 0)
        (void)on_either(SYS_lseek, in, at + (uint64_t)*ret, SEEK_SET, 0);
    at += (uint64_t)*ret;
    if (*ret > 0 && args[2] != 0 && poke(args[2], &at, sizeof at) < 0)
        *ret = -EFAULT;
    return WAY_DONE;
}

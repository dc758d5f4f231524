/* SPDX-License-Identifier: GPL-2.0-only */
/* look.c: what a program asks next of a file that it has just opened to read, in the open's own reply: its status and its first bytes.
 *
 * Only where nobody can see that it was looked at: regular files of file systems that are the kernel's own, and the bytes only where a read changes no
 * access time (so that the client may leave the program's own read away).  All calls here are the guest's to make, and policy's to refuse. */
#include "server/executor/internal.h"

#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/unistd.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#define XFS_MAGIC 0x58465342
#define READ_ONLY 0x0001 /* f_flags: ST_RDONLY, ST_NOATIME, ST_RELATIME, which only libc's headers have */
#define NO_ATIME 0x0400
#define RELATIME 0x1000
#define DAY (24 * 60 * 60)

static int is_plain(const struct statfs *fs)
{
    switch ((uint32_t)fs->f_type) {
    case TMPFS_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case EXT4_SUPER_MAGIC:
    case XFS_MAGIC:
    case (uint32_t)BTRFS_SUPER_MAGIC:
    case SQUASHFS_MAGIC:
    case EROFS_SUPER_MAGIC_V1:
        return 1;
    default:
        return 0;
    }
}

/* Whether a read leaves the access time as it is: fs/inode.c, atime_needs_update(). */
static int keeps_atime(const struct statfs *fs, const struct stat *st)
{
    struct __kernel_timespec now;
    if ((fs->f_flags & (READ_ONLY | NO_ATIME)) != 0)
        return 1;
    if ((fs->f_flags & RELATIME) == 0 || sys2(__NR_clock_gettime, 0, &now) < 0)
        return 0;
    return st->st_atime > st->st_mtime && st->st_atime > st->st_ctime && now.tv_sec < (int64_t)st->st_atime + DAY - 60;
}

/* A call on the descriptor; it ends with the cancel of the request, as the open itself does. */
static int64_t ask(struct thread *thread, const struct rsys_wire_request *head, uint64_t nr, int64_t fd, void *to, size_t n)
{
    const uint64_t args[6] = {(uint64_t)fd, SYS_ARG(to), n, 0};
    return rsys_stub(nr, args, &thread->cancel, head->seq);
}

void look_at(struct thread *thread, const struct rsys_wire_request *head, const struct rsys_wire_out *outs, int64_t fd)
{
    const struct rsys_wire_out *out = head->outs > 0 ? &outs[head->outs - 1] : 0;
    struct rsys_wire_look look = {0};
    struct statfs fs;
    struct stat st;
    /* The arena holds it: rsys_decode_relocate() has checked the range. */
    if (out == 0 || out->how != RSYS_OUT_VALUE || out->at != out->offset || out->length < sizeof look + RSYS_LOOK_DATA)
        return;
    uint8_t *to = thread->arena + out->offset;
    if (fd >= 0 && ask(thread, head, __NR_fstatfs, fd, &fs, 0) == 0 && is_plain(&fs) && ask(thread, head, __NR_fstat, fd, &st, 0) == 0 && S_ISREG(st.st_mode)) {
        int64_t got = keeps_atime(&fs, &st) ? ask(thread, head, __NR_pread64, fd, to + sizeof look, RSYS_LOOK_DATA) : -1;
        look.has_data = got >= 0;
        look.size = (uint32_t)(sizeof look + (size_t)(got > 0 ? got : 0));
        memcpy(look.stat, &st, sizeof look.stat);
    }
    memcpy(to, &look, sizeof look);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* dir.c: a directory, entry by entry.  What getdents64 has brought comes from the server, and is checked before the program sees it. */
#include "src/client/rsys.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 65536u /* a round trip for a thousand entries or so */

struct rsys_dir {
    struct rsys_session *session;
    int fd;
    size_t at, have;
    uint64_t bytes[ROOM / 8];
};

/* errno is the program's. */
static int make(struct rsys_session *session, int fd, struct rsys_dir **ret)
{
    int error = errno;
    struct rsys_dir *dir = malloc(sizeof *dir);
    errno = error;
    if (dir == NULL)
        return -ENOMEM;
    dir->session = session;
    dir->fd = fd;
    dir->at = dir->have = 0;
    *ret = dir;
    return 0;
}

int rsys_fdopendir(struct rsys_session *session, int fd, struct rsys_dir **ret)
{
    struct stat st;
    int failed = rsys_fstat(session, fd, &st);
    if (failed == 0 && !S_ISDIR(st.st_mode))
        failed = -ENOTDIR;
    return failed < 0 ? failed : make(session, fd, ret);
}

int rsys_opendir(struct rsys_session *session, const char *path, struct rsys_dir **ret)
{
    int fd = rsys_open(session, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 ? fd : make(session, fd, ret);
    if (fd >= 0 && failed < 0)
        rsys_close(session, fd);
    return failed;
}

int rsys_readdir(struct rsys_dir *dir, struct dirent64 **ret)
{
    if (dir->at == dir->have) {
        ssize_t got = rsys_getdents64(dir->session, dir->fd, dir->bytes, sizeof dir->bytes);
        if (got <= 0)
            return (int)got;
        dir->at = 0;
        dir->have = (size_t)got;
    }
    struct dirent64 *entry = (struct dirent64 *)(void *)((char *)dir->bytes + dir->at);
    size_t rest = dir->have - dir->at, front = offsetof(struct dirent64, d_name);
    if (rest <= front || entry->d_reclen <= front || entry->d_reclen > rest || entry->d_reclen % 8 != 0 ||
        memchr(entry->d_name, 0, entry->d_reclen - front) == NULL)
        return -EPROTO;
    dir->at += entry->d_reclen;
    *ret = entry;
    return 1;
}

int rsys_rewinddir(struct rsys_dir *dir)
{
    off_t at = rsys_lseek(dir->session, dir->fd, 0, SEEK_SET);
    dir->at = dir->have = 0;
    return at < 0 ? (int)at : 0;
}

int rsys_dirfd(const struct rsys_dir *dir) { return dir->fd; }

int rsys_closedir(struct rsys_dir *dir)
{
    int error = errno, closed = rsys_close(dir->session, dir->fd);
    free(dir);
    errno = error;
    return closed;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* paths.c: which paths are the server's.
 *
 * An absolute path is by the patterns of --paths, as it is written, after "." and ".." have been taken out; symbolic links are followed by whoever gets
 * the call.  A relative one is at home where its directory is. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

/* Without "//", "." and "..": in place.  path is absolute. */
static void normalise(char *path)
{
    char *to = path;
    for (const char *from = path; *from != 0;) {
        while (*from == '/')
            from++;
        size_t n = 0;
        while (from[n] != 0 && from[n] != '/')
            n++;
        if (n == 2 && from[0] == '.' && from[1] == '.') {
            while (to > path && *--to != '/')
                ;
        } else if (n > 0 && !(n == 1 && from[0] == '.')) {
            *to++ = '/';
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    if (to == path)
        *to++ = '/';
    *to = 0;
}

bool call_chosen(uint64_t nr) { return nr < RSYS_CALLS_MAX && (config->chosen[nr / 64] >> nr % 64 & 1) != 0; }

static int home_of_directory(int dirfd)
{
    if (dirfd == AT_FDCWD)
        return atomic_load(&self->process->cwd_remote);
    return fd_remote(dirfd) >= 0;
}

/* A whole number and nothing else, or -1. */
static int number_of(const char *text)
{
    int value = -1;
    for (; *text >= '0' && *text <= '9' && value < (int)HOMES; text++)
        value = (value < 0 ? 0 : 10 * value) + (*text - '0');
    return *text == 0 ? value : -1;
}

/* The descriptor that an absolute path names, or -1. */
static int descriptor_of(const char *path)
{
    static const struct {
        const char *text;
        int fd; /* -1: a number follows */
    } names[] = {{"/dev/stdin", 0}, {"/dev/stdout", 1}, {"/dev/stderr", 2}, {"/proc/self/fd/", -1}, {"/proc/thread-self/fd/", -1}, {"/dev/fd/", -1}};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(names); i++) {
        size_t n = strlen(names[i].text);
        if (strncmp(path, names[i].text, n) != 0)
            continue;
        if (names[i].fd >= 0)
            return path[n] == 0 ? names[i].fd : -1;
        return number_of(path + n);
    }
    char own[24];
    size_t n = (size_t)(append_number(append(own, "/proc/"), (unsigned)RAW(SYS_getpid)) - own);
    return strncmp(path, own, n) == 0 && strncmp(path + n, "/fd/", 4) == 0 ? number_of(path + n + 4) : -1;
}

int path_home(uint64_t nr, int dirfd, uint64_t path, char link[PATH_LINK_SIZE])
{
    char text[PATH_MAX];
    link[0] = 0;
    if (path == 0)
        return home_of_directory(dirfd);
    int64_t length = rsys_memory_read_string(&rsys_memory_own, path, text, sizeof text);
    if (length < 0)
        return (int)length;
    if (text[0] != '/')
        return home_of_directory(dirfd);
    int fd = descriptor_of(text);
    if (fd >= 0 && fd_remote(fd) >= 0) {
        append_number(append(link, "/proc/self/fd/"), (unsigned)fd_remote(fd));
        return 1;
    }
    if (!call_chosen(nr))
        return 0;
    normalise(text);
    return path_chosen(config, text);
}

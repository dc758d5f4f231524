/* SPDX-License-Identifier: GPL-2.0-only */
/* calls.h: the C library's names for the calls of librsys: a program that includes this makes them on a server. */
#ifndef RSYS_TESTS_LIBRARY_CALLS_H
#define RSYS_TESTS_LIBRARY_CALLS_H

#include <errno.h>
#include <rsys.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct rsys_session *calls_session;

static long calls_told(long result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

static void calls_begin(const char *address, const char *key)
{
    const struct rsys_connect_options options = {.size = sizeof options, .key = key};
    struct rsys_error *error = NULL;
    calls_session = rsys_connect(address, &options, &error);
    if (calls_session != NULL)
        return;
    fprintf(stderr, "%s\n", rsys_error_text(error));
    exit(1);
}

static void calls_end(void) { rsys_disconnect(calls_session); }

#define CALL(name, ...) calls_told(rsys_##name(calls_session, __VA_ARGS__))
#define open(...) CALL(open, __VA_ARGS__)
#define openat(...) CALL(openat, __VA_ARGS__)
#define close(...) CALL(close, __VA_ARGS__)
#define read(...) CALL(read, __VA_ARGS__)
#define write(...) CALL(write, __VA_ARGS__)
#define pread(...) CALL(pread, __VA_ARGS__)
#define pwrite(...) CALL(pwrite, __VA_ARGS__)
#define readv(...) CALL(readv, __VA_ARGS__)
#define writev(...) CALL(writev, __VA_ARGS__)
#define lseek(...) CALL(lseek, __VA_ARGS__)
#define stat(...) CALL(stat, __VA_ARGS__)
#define lstat(...) CALL(lstat, __VA_ARGS__)
#define fstat(...) CALL(fstat, __VA_ARGS__)
#define access(...) CALL(access, __VA_ARGS__)
#define truncate(...) CALL(truncate, __VA_ARGS__)
#define ftruncate(...) CALL(ftruncate, __VA_ARGS__)
#define fchmod(...) CALL(fchmod, __VA_ARGS__)
#define mkdir(...) CALL(mkdir, __VA_ARGS__)
#define rmdir(...) CALL(rmdir, __VA_ARGS__)
#define unlink(...) CALL(unlink, __VA_ARGS__)
#define rename(...) CALL(rename, __VA_ARGS__)
#define link(...) CALL(link, __VA_ARGS__)
#define symlink(...) CALL(symlink, __VA_ARGS__)
#define readlink(...) CALL(readlink, __VA_ARGS__)
#define chdir(...) CALL(chdir, __VA_ARGS__)
#define getdents64(...) CALL(getdents64, __VA_ARGS__)
#define dup(...) CALL(dup, __VA_ARGS__)
#define dup2(...) CALL(dup2, __VA_ARGS__)
#define fcntl(...) CALL(fcntl, __VA_ARGS__)
#define ioctl(...) CALL(ioctl, __VA_ARGS__)
#define pipe2(...) CALL(pipe2, __VA_ARGS__)
#define eventfd(...) CALL(eventfd, __VA_ARGS__)
#define poll(...) CALL(poll, __VA_ARGS__)
#define epoll_create1(...) CALL(epoll_create1, __VA_ARGS__)
#define epoll_ctl(...) CALL(epoll_ctl, __VA_ARGS__)
#define epoll_wait(...) CALL(epoll_wait, __VA_ARGS__)
#define socketpair(...) CALL(socketpair, __VA_ARGS__)
#define send(...) CALL(send, __VA_ARGS__)
#define recv(...) CALL(recv, __VA_ARGS__)
#define shutdown(...) CALL(shutdown, __VA_ARGS__)
#define getsockopt(...) CALL(getsockopt, __VA_ARGS__)
#define setsockopt(...) CALL(setsockopt, __VA_ARGS__)
#define sendmsg(...) CALL(sendmsg, __VA_ARGS__)
#define recvmsg(...) CALL(recvmsg, __VA_ARGS__)

#endif

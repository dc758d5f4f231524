/* SPDX-License-Identifier: GPL-2.0-only */
/* rsys.h: system calls in a sandbox on a server.  rsys(3) is the manual.
 *
 * A session is a sandbox of its own on an rsys-sandboxd.  In it this process has a counterpart, whose descriptors, working directory and umask these
 * functions work on; they are not this process's.  Every function takes the session first and is named after the call of the C library whose arguments and
 * meaning it has; but what fails returns a negative errno value, and errno is never changed.  All threads may use a session at once. */
#ifndef RSYS_H
#define RSYS_H

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rsys_session;
struct rsys_error; /* a message for a person */
struct statx;

/* ---- sessions ---- */

enum rsys_connect_flag {
    RSYS_CONNECT_PRIVATE = 1, /* address NULL: start a private server on this machine, for this session alone */
    RSYS_CONNECT_NO_FORK = 2, /* a child of fork(2) has no counterpart and cannot use the session: fork(2) waits for no server */
};

/* Zero is the default of every field. */
struct rsys_connect_options {
    size_t size;      /* of this struct, as the program was compiled */
    unsigned flags;   /* enum rsys_connect_flag */
    int timeout_ms;   /* for each connection; 0: 10 seconds */
    const char *key;  /* the key file of a tls: address, as rsys-keygen(1) makes it; NULL: rsys-jail's default */
};

/* Connect to the server at "tcp:HOST:PORT", "tls:HOST:PORT", "vsock:CID:PORT" or "unix:PATH" and have a sandbox made.  options: NULL, or what is not the default.  Returns the session, which is
 * the caller's to end with rsys_disconnect; or NULL, and *ret_error (unless ret_error is NULL) says what failed, to be freed with rsys_error_free. */
struct rsys_session *rsys_connect(const char *address, const struct rsys_connect_options *options, struct rsys_error **ret_error);
/* Close all that this process has open there, and forget the session; the sandbox ends with the last process that uses it.  No thread may use it any more.  NULL is allowed. */
void rsys_disconnect(struct rsys_session *session);

const char *rsys_error_text(const struct rsys_error *error); /* one line, never NULL */
void rsys_error_free(struct rsys_error *error);              /* NULL is allowed */

/* Any system call of x86-64 that makes sense for a program elsewhere, by its number (SYS_openat, ...).  -ENOSYS: one of the client's own (memory, processes, signals), or one
 * that the library does not make; rsys(3) has the list. */
int64_t rsys_syscall(struct rsys_session *session, long nr, ...);

/* ---- files ---- */

int rsys_open(struct rsys_session *session, const char *path, int flags, ... /* mode_t mode */);
int rsys_openat(struct rsys_session *session, int dirfd, const char *path, int flags, ... /* mode_t mode */);
int rsys_creat(struct rsys_session *session, const char *path, mode_t mode);
int rsys_close(struct rsys_session *session, int fd);
ssize_t rsys_read(struct rsys_session *session, int fd, void *buffer, size_t count);
ssize_t rsys_pread(struct rsys_session *session, int fd, void *buffer, size_t count, off_t offset);
ssize_t rsys_readv(struct rsys_session *session, int fd, const struct iovec *vector, int count);
ssize_t rsys_preadv(struct rsys_session *session, int fd, const struct iovec *vector, int count, off_t offset);
ssize_t rsys_write(struct rsys_session *session, int fd, const void *buffer, size_t count);
ssize_t rsys_pwrite(struct rsys_session *session, int fd, const void *buffer, size_t count, off_t offset);
ssize_t rsys_writev(struct rsys_session *session, int fd, const struct iovec *vector, int count);
ssize_t rsys_pwritev(struct rsys_session *session, int fd, const struct iovec *vector, int count, off_t offset);
off_t rsys_lseek(struct rsys_session *session, int fd, off_t offset, int whence);
int rsys_stat(struct rsys_session *session, const char *path, struct stat *ret);
int rsys_lstat(struct rsys_session *session, const char *path, struct stat *ret);
int rsys_fstat(struct rsys_session *session, int fd, struct stat *ret);
int rsys_fstatat(struct rsys_session *session, int dirfd, const char *path, struct stat *ret, int flags);
int rsys_statx(struct rsys_session *session, int dirfd, const char *path, int flags, unsigned mask, struct statx *ret);
int rsys_statfs(struct rsys_session *session, const char *path, struct statfs *ret);
int rsys_fstatfs(struct rsys_session *session, int fd, struct statfs *ret);
int rsys_access(struct rsys_session *session, const char *path, int mode);
int rsys_faccessat(struct rsys_session *session, int dirfd, const char *path, int mode, int flags);
int rsys_truncate(struct rsys_session *session, const char *path, off_t length);
int rsys_ftruncate(struct rsys_session *session, int fd, off_t length);
int rsys_fallocate(struct rsys_session *session, int fd, int mode, off_t offset, off_t length);
int rsys_fsync(struct rsys_session *session, int fd);
int rsys_fdatasync(struct rsys_session *session, int fd);
int rsys_flock(struct rsys_session *session, int fd, int operation);
int rsys_chmod(struct rsys_session *session, const char *path, mode_t mode);
int rsys_fchmod(struct rsys_session *session, int fd, mode_t mode);
int rsys_chown(struct rsys_session *session, const char *path, uid_t owner, gid_t group);
int rsys_lchown(struct rsys_session *session, const char *path, uid_t owner, gid_t group);
int rsys_fchown(struct rsys_session *session, int fd, uid_t owner, gid_t group);
int rsys_utimensat(struct rsys_session *session, int dirfd, const char *path, const struct timespec times[2], int flags);
ssize_t rsys_copy_file_range(struct rsys_session *session, int in, int64_t *in_offset, int out, int64_t *out_offset, size_t length, unsigned flags);
ssize_t rsys_sendfile(struct rsys_session *session, int out, int in, off_t *offset, size_t count);

/* ---- names ---- */

int rsys_mkdir(struct rsys_session *session, const char *path, mode_t mode);
int rsys_mkdirat(struct rsys_session *session, int dirfd, const char *path, mode_t mode);
int rsys_rmdir(struct rsys_session *session, const char *path);
int rsys_unlink(struct rsys_session *session, const char *path);
int rsys_unlinkat(struct rsys_session *session, int dirfd, const char *path, int flags);
int rsys_rename(struct rsys_session *session, const char *old_path, const char *new_path);
int rsys_renameat(struct rsys_session *session, int old_dirfd, const char *old_path, int new_dirfd, const char *new_path);
int rsys_link(struct rsys_session *session, const char *old_path, const char *new_path);
int rsys_symlink(struct rsys_session *session, const char *target, const char *path);
ssize_t rsys_readlink(struct rsys_session *session, const char *path, char *buffer, size_t size);
ssize_t rsys_readlinkat(struct rsys_session *session, int dirfd, const char *path, char *buffer, size_t size);
int rsys_chdir(struct rsys_session *session, const char *path);
int rsys_fchdir(struct rsys_session *session, int fd);
/* The length with the terminating zero, as the system call; not the buffer. */
ssize_t rsys_getcwd(struct rsys_session *session, char *buffer, size_t size);
mode_t rsys_umask(struct rsys_session *session, mode_t mask);
int rsys_uname(struct rsys_session *session, struct utsname *ret);

/* ---- directories ---- */

ssize_t rsys_getdents64(struct rsys_session *session, int fd, void *buffer, size_t size);

struct rsys_dir; /* a directory that is read: by one thread at a time */
/* 0 and *ret, to be closed with rsys_closedir. */
int rsys_opendir(struct rsys_session *session, const char *path, struct rsys_dir **ret);
int rsys_fdopendir(struct rsys_session *session, int fd, struct rsys_dir **ret); /* takes fd, when it succeeds */
/* 1 and the next entry, good until the next call with dir; 0: there are no more. */
int rsys_readdir(struct rsys_dir *dir, struct dirent64 **ret);
int rsys_rewinddir(struct rsys_dir *dir);
int rsys_dirfd(const struct rsys_dir *dir);
int rsys_closedir(struct rsys_dir *dir);

/* ---- descriptors ---- */

int rsys_dup(struct rsys_session *session, int fd);
int rsys_dup2(struct rsys_session *session, int fd, int number);
int rsys_dup3(struct rsys_session *session, int fd, int number, int flags);
int rsys_fcntl(struct rsys_session *session, int fd, int command, ... /* argument */);
int rsys_ioctl(struct rsys_session *session, int fd, unsigned long request, ... /* argument */);
int rsys_pipe2(struct rsys_session *session, int ret_fds[2], int flags);
int rsys_eventfd(struct rsys_session *session, unsigned count, int flags);
int rsys_memfd_create(struct rsys_session *session, const char *name, unsigned flags);
int rsys_poll(struct rsys_session *session, struct pollfd *fds, nfds_t count, int timeout_ms);
int rsys_epoll_create1(struct rsys_session *session, int flags);
int rsys_epoll_ctl(struct rsys_session *session, int set, int operation, int fd, struct epoll_event *event);
int rsys_epoll_wait(struct rsys_session *session, int set, struct epoll_event *events, int count, int timeout_ms);

/* ---- sockets, of the sandbox's network ---- */

int rsys_socket(struct rsys_session *session, int domain, int type, int protocol);
int rsys_socketpair(struct rsys_session *session, int domain, int type, int protocol, int ret_fds[2]);
/* connect(2); rsys_connect is taken by what connects to the server. */
int rsys_connect_socket(struct rsys_session *session, int fd, const struct sockaddr *address, socklen_t size);
int rsys_bind(struct rsys_session *session, int fd, const struct sockaddr *address, socklen_t size);
int rsys_listen(struct rsys_session *session, int fd, int backlog);
int rsys_accept(struct rsys_session *session, int fd, struct sockaddr *address, socklen_t *size);
int rsys_accept4(struct rsys_session *session, int fd, struct sockaddr *address, socklen_t *size, int flags);
int rsys_getsockname(struct rsys_session *session, int fd, struct sockaddr *address, socklen_t *size);
int rsys_getpeername(struct rsys_session *session, int fd, struct sockaddr *address, socklen_t *size);
int rsys_getsockopt(struct rsys_session *session, int fd, int level, int option, void *value, socklen_t *size);
int rsys_setsockopt(struct rsys_session *session, int fd, int level, int option, const void *value, socklen_t size);
int rsys_shutdown(struct rsys_session *session, int fd, int how);
ssize_t rsys_send(struct rsys_session *session, int fd, const void *buffer, size_t size, int flags);
ssize_t rsys_recv(struct rsys_session *session, int fd, void *buffer, size_t size, int flags);
ssize_t rsys_sendto(struct rsys_session *session, int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address, socklen_t address_size);
ssize_t rsys_recvfrom(struct rsys_session *session, int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *address_size);
ssize_t rsys_sendmsg(struct rsys_session *session, int fd, const struct msghdr *message, int flags);
ssize_t rsys_recvmsg(struct rsys_session *session, int fd, struct msghdr *message, int flags);

/* ---- batches: several calls in one round trip ---- */

struct rsys_batch; /* used by one thread at a time */

enum rsys_batch_flag {
    RSYS_BATCH_STOP = 1, /* after a call that fails, those behind it are not made: -ECANCELED */
};

/* NULL: no memory. */
struct rsys_batch *rsys_batch_new(struct rsys_session *session);
void rsys_batch_free(struct rsys_batch *batch); /* NULL is allowed */
/* Add a call: what it reads (paths, data) is copied now, where it writes has to be there when the batch is run.  Its index in the batch, from 0; or why it cannot be added. */
int rsys_batch_add(struct rsys_batch *batch, long nr, ...);
/* Argument `argument` (from 0) of call `index` is the result of call `of`, which is before it and at most 255 calls away.  When that one fails, this one is not made: -ECANCELED.
 * 0; -EINVAL: there is no such argument, or the size of another one depends on it. */
int rsys_batch_use(struct rsys_batch *batch, int index, int argument, int of);
/* Make the calls, in their order.  0, or why none of the results can be had.  May be run again. */
int rsys_batch_run(struct rsys_batch *batch, unsigned flags);
int64_t rsys_batch_result(const struct rsys_batch *batch, int index);
/* Forget the calls. */
void rsys_batch_clear(struct rsys_batch *batch);

#ifdef __cplusplus
}
#endif

#endif

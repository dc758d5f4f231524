/* SPDX-License-Identifier: GPL-2.0-only */
/* calls.c: the functions of rsys.h that are one call each. */
#include "src/client/rsys.h"

#include "src/client/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static int64_t call(struct rsys_session *session, uint64_t nr, const uint64_t args[6])
{
    struct guard guard;
    guard_enter(&guard);
    int64_t result = call_make(session, nr, args);
    guard_leave(&guard);
    return result;
}

#define POINTER(p) ((uint64_t)(uintptr_t)(const void *)(p))
/* Numbers go over as the kernel takes them from a register: an int with its sign. */
#define NUMBER(n) ((uint64_t)(int64_t)(n))
#define CALL(nr, ...) call(session, SYS_##nr, (const uint64_t[6]){__VA_ARGS__})

/* The server's word for a number that is an int here. */
static int as_int(int64_t result) { return result > INT_MAX ? -EPROTO : (int)result; }

#define INT_CALL(nr, ...) as_int(CALL(nr, __VA_ARGS__))

int64_t rsys_syscall(struct rsys_session *session, long nr, ...)
{
    uint64_t args[6];
    va_list list;
    va_start(list, nr);
    for (int i = 0; i < 6; i++)
        args[i] = va_arg(list, uint64_t); /* what the call does not take is not looked at */
    va_end(list);
    return call(session, (uint64_t)nr, args);
}

/* ---- files ---- */

static mode_t mode_of(int flags, va_list list)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

int rsys_open(struct rsys_session *session, const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return INT_CALL(openat, NUMBER(AT_FDCWD), POINTER(path), NUMBER(flags), mode);
}

int rsys_openat(struct rsys_session *session, int dirfd, const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return INT_CALL(openat, NUMBER(dirfd), POINTER(path), NUMBER(flags), mode);
}

int rsys_creat(struct rsys_session *session, const char *path, mode_t mode) { return INT_CALL(creat, POINTER(path), mode); }
int rsys_close(struct rsys_session *session, int fd) { return INT_CALL(close, NUMBER(fd)); }

ssize_t rsys_read(struct rsys_session *session, int fd, void *buffer, size_t count) { return CALL(read, NUMBER(fd), POINTER(buffer), count); }

ssize_t rsys_pread(struct rsys_session *session, int fd, void *buffer, size_t count, off_t offset)
{
    return CALL(pread64, NUMBER(fd), POINTER(buffer), count, NUMBER(offset));
}

ssize_t rsys_readv(struct rsys_session *session, int fd, const struct iovec *vector, int count)
{
    return CALL(readv, NUMBER(fd), POINTER(vector), NUMBER(count));
}

ssize_t rsys_preadv(struct rsys_session *session, int fd, const struct iovec *vector, int count, off_t offset)
{
    return CALL(preadv, NUMBER(fd), POINTER(vector), NUMBER(count), NUMBER(offset));
}

ssize_t rsys_write(struct rsys_session *session, int fd, const void *buffer, size_t count)
{
    return CALL(write, NUMBER(fd), POINTER(buffer), count);
}

ssize_t rsys_pwrite(struct rsys_session *session, int fd, const void *buffer, size_t count, off_t offset)
{
    return CALL(pwrite64, NUMBER(fd), POINTER(buffer), count, NUMBER(offset));
}

ssize_t rsys_writev(struct rsys_session *session, int fd, const struct iovec *vector, int count)
{
    return CALL(writev, NUMBER(fd), POINTER(vector), NUMBER(count));
}

ssize_t rsys_pwritev(struct rsys_session *session, int fd, const struct iovec *vector, int count, off_t offset)
{
    return CALL(pwritev, NUMBER(fd), POINTER(vector), NUMBER(count), NUMBER(offset));
}

off_t rsys_lseek(struct rsys_session *session, int fd, off_t offset, int whence) { return CALL(lseek, NUMBER(fd), NUMBER(offset), NUMBER(whence)); }

int rsys_stat(struct rsys_session *session, const char *path, struct stat *ret) { return INT_CALL(stat, POINTER(path), POINTER(ret)); }
int rsys_lstat(struct rsys_session *session, const char *path, struct stat *ret) { return INT_CALL(lstat, POINTER(path), POINTER(ret)); }
int rsys_fstat(struct rsys_session *session, int fd, struct stat *ret) { return INT_CALL(fstat, NUMBER(fd), POINTER(ret)); }

int rsys_fstatat(struct rsys_session *session, int dirfd, const char *path, struct stat *ret, int flags)
{
    return INT_CALL(newfstatat, NUMBER(dirfd), POINTER(path), POINTER(ret), NUMBER(flags));
}

int rsys_statx(struct rsys_session *session, int dirfd, const char *path, int flags, unsigned mask, struct statx *ret)
{
    return INT_CALL(statx, NUMBER(dirfd), POINTER(path), NUMBER(flags), mask, POINTER(ret));
}

int rsys_statfs(struct rsys_session *session, const char *path, struct statfs *ret) { return INT_CALL(statfs, POINTER(path), POINTER(ret)); }
int rsys_fstatfs(struct rsys_session *session, int fd, struct statfs *ret) { return INT_CALL(fstatfs, NUMBER(fd), POINTER(ret)); }
int rsys_access(struct rsys_session *session, const char *path, int mode) { return INT_CALL(access, POINTER(path), NUMBER(mode)); }

int rsys_faccessat(struct rsys_session *session, int dirfd, const char *path, int mode, int flags)
{
    return INT_CALL(faccessat2, NUMBER(dirfd), POINTER(path), NUMBER(mode), NUMBER(flags));
}

int rsys_truncate(struct rsys_session *session, const char *path, off_t length) { return INT_CALL(truncate, POINTER(path), NUMBER(length)); }
int rsys_ftruncate(struct rsys_session *session, int fd, off_t length) { return INT_CALL(ftruncate, NUMBER(fd), NUMBER(length)); }

int rsys_fallocate(struct rsys_session *session, int fd, int mode, off_t offset, off_t length)
{
    return INT_CALL(fallocate, NUMBER(fd), NUMBER(mode), NUMBER(offset), NUMBER(length));
}

int rsys_fsync(struct rsys_session *session, int fd) { return INT_CALL(fsync, NUMBER(fd)); }
int rsys_fdatasync(struct rsys_session *session, int fd) { return INT_CALL(fdatasync, NUMBER(fd)); }
int rsys_flock(struct rsys_session *session, int fd, int operation) { return INT_CALL(flock, NUMBER(fd), NUMBER(operation)); }
int rsys_chmod(struct rsys_session *session, const char *path, mode_t mode) { return INT_CALL(chmod, POINTER(path), mode); }
int rsys_fchmod(struct rsys_session *session, int fd, mode_t mode) { return INT_CALL(fchmod, NUMBER(fd), mode); }
int rsys_chown(struct rsys_session *session, const char *path, uid_t owner, gid_t group) { return INT_CALL(chown, POINTER(path), owner, group); }
int rsys_lchown(struct rsys_session *session, const char *path, uid_t owner, gid_t group) { return INT_CALL(lchown, POINTER(path), owner, group); }
int rsys_fchown(struct rsys_session *session, int fd, uid_t owner, gid_t group) { return INT_CALL(fchown, NUMBER(fd), owner, group); }

int rsys_utimensat(struct rsys_session *session, int dirfd, const char *path, const struct timespec times[2], int flags)
{
    return INT_CALL(utimensat, NUMBER(dirfd), POINTER(path), POINTER(times), NUMBER(flags));
}

ssize_t rsys_copy_file_range(struct rsys_session *session, int in, int64_t *in_offset, int out, int64_t *out_offset, size_t length, unsigned flags)
{
    return CALL(copy_file_range, NUMBER(in), POINTER(in_offset), NUMBER(out), POINTER(out_offset), length, flags);
}

ssize_t rsys_sendfile(struct rsys_session *session, int out, int in, off_t *offset, size_t count)
{
    return CALL(sendfile, NUMBER(out), NUMBER(in), POINTER(offset), count);
}

/* ---- names ---- */

int rsys_mkdir(struct rsys_session *session, const char *path, mode_t mode) { return INT_CALL(mkdir, POINTER(path), mode); }
int rsys_mkdirat(struct rsys_session *session, int dirfd, const char *path, mode_t mode) { return INT_CALL(mkdirat, NUMBER(dirfd), POINTER(path), mode); }
int rsys_rmdir(struct rsys_session *session, const char *path) { return INT_CALL(rmdir, POINTER(path)); }
int rsys_unlink(struct rsys_session *session, const char *path) { return INT_CALL(unlink, POINTER(path)); }
int rsys_unlinkat(struct rsys_session *session, int dirfd, const char *path, int flags) { return INT_CALL(unlinkat, NUMBER(dirfd), POINTER(path), NUMBER(flags)); }
int rsys_rename(struct rsys_session *session, const char *old_path, const char *new_path) { return INT_CALL(rename, POINTER(old_path), POINTER(new_path)); }

int rsys_renameat(struct rsys_session *session, int old_dirfd, const char *old_path, int new_dirfd, const char *new_path)
{
    return INT_CALL(renameat, NUMBER(old_dirfd), POINTER(old_path), NUMBER(new_dirfd), POINTER(new_path));
}

int rsys_link(struct rsys_session *session, const char *old_path, const char *new_path) { return INT_CALL(link, POINTER(old_path), POINTER(new_path)); }
int rsys_symlink(struct rsys_session *session, const char *target, const char *path) { return INT_CALL(symlink, POINTER(target), POINTER(path)); }
ssize_t rsys_readlink(struct rsys_session *session, const char *path, char *buffer, size_t size) { return CALL(readlink, POINTER(path), POINTER(buffer), size); }

ssize_t rsys_readlinkat(struct rsys_session *session, int dirfd, const char *path, char *buffer, size_t size)
{
    return CALL(readlinkat, NUMBER(dirfd), POINTER(path), POINTER(buffer), size);
}

int rsys_chdir(struct rsys_session *session, const char *path) { return INT_CALL(chdir, POINTER(path)); }
int rsys_fchdir(struct rsys_session *session, int fd) { return INT_CALL(fchdir, NUMBER(fd)); }
ssize_t rsys_getcwd(struct rsys_session *session, char *buffer, size_t size) { return CALL(getcwd, POINTER(buffer), size); }
mode_t rsys_umask(struct rsys_session *session, mode_t mask) { return (mode_t)CALL(umask, mask); }
int rsys_uname(struct rsys_session *session, struct utsname *ret) { return INT_CALL(uname, POINTER(ret)); }
ssize_t rsys_getdents64(struct rsys_session *session, int fd, void *buffer, size_t size) { return CALL(getdents64, NUMBER(fd), POINTER(buffer), size); }

/* ---- descriptors ---- */

int rsys_dup(struct rsys_session *session, int fd) { return INT_CALL(dup, NUMBER(fd)); }
int rsys_dup2(struct rsys_session *session, int fd, int number) { return INT_CALL(dup2, NUMBER(fd), NUMBER(number)); }
int rsys_dup3(struct rsys_session *session, int fd, int number, int flags) { return INT_CALL(dup3, NUMBER(fd), NUMBER(number), NUMBER(flags)); }

int rsys_fcntl(struct rsys_session *session, int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    uint64_t argument = va_arg(list, uint64_t); /* a number of int's size has its low half right, which is all that is looked at */
    va_end(list);
    return INT_CALL(fcntl, NUMBER(fd), NUMBER(command), argument);
}

int rsys_ioctl(struct rsys_session *session, int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    uint64_t argument = va_arg(list, uint64_t);
    va_end(list);
    return INT_CALL(ioctl, NUMBER(fd), request, argument);
}

int rsys_pipe2(struct rsys_session *session, int ret_fds[2], int flags) { return INT_CALL(pipe2, POINTER(ret_fds), NUMBER(flags)); }
int rsys_eventfd(struct rsys_session *session, unsigned count, int flags) { return INT_CALL(eventfd2, count, NUMBER(flags)); }
int rsys_memfd_create(struct rsys_session *session, const char *name, unsigned flags) { return INT_CALL(memfd_create, POINTER(name), flags); }

int rsys_poll(struct rsys_session *session, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    return INT_CALL(poll, POINTER(fds), count, NUMBER(timeout_ms));
}

int rsys_epoll_create1(struct rsys_session *session, int flags) { return INT_CALL(epoll_create1, NUMBER(flags)); }

int rsys_epoll_ctl(struct rsys_session *session, int set, int operation, int fd, struct epoll_event *event)
{
    return INT_CALL(epoll_ctl, NUMBER(set), NUMBER(operation), NUMBER(fd), POINTER(event));
}

int rsys_epoll_wait(struct rsys_session *session, int set, struct epoll_event *events, int count, int timeout_ms)
{
    return INT_CALL(epoll_wait, NUMBER(set), POINTER(events), NUMBER(count), NUMBER(timeout_ms));
}

/* ---- sockets ---- */

int rsys_socket(struct rsys_session *session, int domain, int type, int protocol) { return INT_CALL(socket, NUMBER(domain), NUMBER(type), NUMBER(protocol)); }

int rsys_socketpair(struct rsys_session *session, int domain, int type, int protocol, int ret_fds[2])
{
    return INT_CALL(socketpair, NUMBER(domain), NUMBER(type), NUMBER(protocol), POINTER(ret_fds));
}

int rsys_connect_socket(struct rsys_session *session, int fd, const struct sockaddr *address, socklen_t size)
{
    return INT_CALL(connect, NUMBER(fd), POINTER(address), size);
}

int rsys_bind(struct rsys_session *session, int fd, const struct sockaddr *address, socklen_t size) { return INT_CALL(bind, NUMBER(fd), POINTER(address), size); }
int rsys_listen(struct rsys_session *session, int fd, int backlog) { return INT_CALL(listen, NUMBER(fd), NUMBER(backlog)); }

int rsys_accept(struct rsys_session *session, int fd, struct sockaddr *address, socklen_t *size)
{
    return INT_CALL(accept, NUMBER(fd), POINTER(address), POINTER(size));
}

int rsys_accept4(struct rsys_session *session, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return INT_CALL(accept4, NUMBER(fd), POINTER(address), POINTER(size), NUMBER(flags));
}

int rsys_getsockname(struct rsys_session *session, int fd, struct sockaddr *address, socklen_t *size)
{
    return INT_CALL(getsockname, NUMBER(fd), POINTER(address), POINTER(size));
}

int rsys_getpeername(struct rsys_session *session, int fd, struct sockaddr *address, socklen_t *size)
{
    return INT_CALL(getpeername, NUMBER(fd), POINTER(address), POINTER(size));
}

int rsys_getsockopt(struct rsys_session *session, int fd, int level, int option, void *value, socklen_t *size)
{
    return INT_CALL(getsockopt, NUMBER(fd), NUMBER(level), NUMBER(option), POINTER(value), POINTER(size));
}

int rsys_setsockopt(struct rsys_session *session, int fd, int level, int option, const void *value, socklen_t size)
{
    return INT_CALL(setsockopt, NUMBER(fd), NUMBER(level), NUMBER(option), POINTER(value), size);
}

int rsys_shutdown(struct rsys_session *session, int fd, int how) { return INT_CALL(shutdown, NUMBER(fd), NUMBER(how)); }

ssize_t rsys_sendto(struct rsys_session *session, int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address, socklen_t address_size)
{
    return CALL(sendto, NUMBER(fd), POINTER(buffer), size, NUMBER(flags), POINTER(address), address_size);
}

ssize_t rsys_recvfrom(struct rsys_session *session, int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *address_size)
{
    return CALL(recvfrom, NUMBER(fd), POINTER(buffer), size, NUMBER(flags), POINTER(address), POINTER(address_size));
}

ssize_t rsys_send(struct rsys_session *session, int fd, const void *buffer, size_t size, int flags)
{
    return rsys_sendto(session, fd, buffer, size, flags, NULL, 0);
}

ssize_t rsys_recv(struct rsys_session *session, int fd, void *buffer, size_t size, int flags)
{
    return rsys_recvfrom(session, fd, buffer, size, flags, NULL, NULL);
}

ssize_t rsys_sendmsg(struct rsys_session *session, int fd, const struct msghdr *message, int flags)
{
    return CALL(sendmsg, NUMBER(fd), POINTER(message), NUMBER(flags));
}

ssize_t rsys_recvmsg(struct rsys_session *session, int fd, struct msghdr *message, int flags)
{
    return CALL(recvmsg, NUMBER(fd), POINTER(message), NUMBER(flags));
}

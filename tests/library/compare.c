/* SPDX-License-Identifier: GPL-2.0-only */
/* compare.c: a program that is built twice, with the C library's calls and with librsys's (-DLIBRARY, calls.h), and prints what it sees: the two outputs have to be the same.
 *
 *     compare ADDRESS DIRECTORY [KEY FILE]         DIRECTORY is made, used and taken away; ADDRESS is not looked at natively */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef LIBRARY
#include "calls.h"
#else
#include <dirent.h>
static void calls_begin(const char *address, const char *key) {}
static void calls_end(void) {}
#endif

/* The value of an expression, and errno when it is -1. */
#define SAY(expression) \
    do { \
        errno = 0; \
        long said = (long)(expression); \
        if (said == -1) \
            printf("%s = -1 (%s)\n", #expression, strerrorname_np(errno)); \
        else \
            printf("%s = %ld\n", #expression, said); \
    } while (0)

static void files(void)
{
    char text[64] = "";
    struct stat st;
    struct iovec vector[3] = {{"one ", 4}, {"", 0}, {"two", 3}};
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0640);
    SAY(fd >= 0);
    SAY(open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
    SAY(writev(fd, vector, 3));
    SAY(lseek(fd, 0, SEEK_CUR));
    SAY(lseek(fd, -100, SEEK_CUR));
    SAY(pread(fd, text, 3, 4));
    printf("%s\n", text);
    SAY(pwrite(fd, "TWO", 3, 4));
    SAY(lseek(fd, 2, SEEK_SET));
    vector[0] = (struct iovec){text, 2};
    vector[2] = (struct iovec){text + 2, 60};
    SAY(readv(fd, vector, 3));
    printf("%s\n", text);
    SAY(read(fd, text, sizeof text));
    SAY(read(fd, NULL, 10));
    SAY(pread(fd, (void *)1, 3, 0));
    SAY(fstat(fd, &st));
    printf("%o %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
    SAY(fchmod(fd, 0600));
    SAY(ftruncate(fd, 1000));
    SAY(ftruncate(fd, -1));
    SAY(truncate("missing", 1));
    SAY(stat("file", &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    SAY(access("file", R_OK));
    SAY(access("missing", R_OK));
    SAY(close(fd));
    SAY(close(fd));
    SAY(read(fd, text, 1));
    SAY(write(-1, text, 1));
    SAY(stat((const char *)1, &st));
}

static void names(void)
{
    static char long_name[5000];
    char text[64] = "", entries[4096];
    struct stat st;
    memset(long_name, 'x', sizeof long_name - 1);
    SAY(mkdir("dir", 0755));
    SAY(mkdir("dir", 0755));
    SAY(mkdir(long_name, 0755));
    SAY(link("file", "dir/other"));
    SAY(symlink("../file", "dir/link"));
    SAY(lstat("dir/link", &st));
    printf("%d %ld\n", S_ISLNK(st.st_mode), (long)st.st_size);
    SAY(readlink("dir/link", text, sizeof text));
    printf("%s\n", text);
    SAY(readlink("file", text, sizeof text));
    SAY(readlink("dir/link", text, 3));
    SAY(rename("dir/other", "dir/moved"));
    SAY(rename("dir/other", "dir/moved"));
    SAY(rmdir("dir"));
    int fd = open("dir", O_RDONLY | O_DIRECTORY);
    SAY(openat(fd, "moved", O_RDONLY) >= 0);
    SAY(openat(fd, "missing", O_RDONLY));
    SAY(getdents64(fd, entries, sizeof entries) > 0);
    SAY(getdents64(fd, entries, sizeof entries));
    SAY(close(fd));
    SAY(open("file/x", O_RDONLY));
    SAY(unlink("dir/moved"));
    SAY(unlink("dir/link"));
    SAY(unlink("dir/link"));
    SAY(rmdir("dir"));
    SAY(unlink("file"));
}

static void descriptors(void)
{
    int ends[2], other[2], left = 0;
    char text[16] = "";
    SAY(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
    SAY(pipe2(other, 0x40000000));
    SAY(read(ends[0], text, 1));
    SAY(write(ends[1], "hello", 5));
    SAY(ioctl(ends[0], FIONREAD, &left));
    printf("%d\n", left);
    SAY(fcntl(ends[0], F_GETFD));
    SAY(fcntl(ends[0], F_GETFL));
    SAY(fcntl(ends[0], F_SETFL, 0));
    SAY(fcntl(ends[0], F_GETFL));
    SAY(fcntl(ends[0], F_DUPFD_CLOEXEC, 100));
    SAY(fcntl(ends[0], 9999));
    SAY(dup2(ends[0], 101));
    SAY(dup2(-1, 101));
    SAY(read(101, text, 16));
    printf("%s\n", text);
    SAY(dup(-1));
    struct pollfd polled[3] = {{.fd = 101, .events = POLLIN}, {.fd = ends[1], .events = POLLOUT}, {.fd = 555, .events = POLLIN}};
    SAY(poll(polled, 3, 0));
    printf("%x %x %x\n", polled[0].revents, polled[1].revents, polled[2].revents);
    SAY(close(ends[1]));
    SAY(poll(polled, 1, 1000));
    printf("%x\n", polled[0].revents);
    SAY(read(101, text, 16));
    SAY(close(100));
    SAY(close(101));
    SAY(close(ends[0]));
    int event = (int)eventfd(3, EFD_SEMAPHORE), set = (int)epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = 7}, got = {0};
    SAY(epoll_ctl(set, EPOLL_CTL_ADD, event, &wanted));
    SAY(epoll_ctl(set, EPOLL_CTL_ADD, event, &wanted));
    SAY(epoll_wait(set, &got, 1, 1000));
    printf("%x %lu\n", got.events, (unsigned long)got.data.u64);
    SAY(close(event));
    SAY(epoll_wait(set, &got, 1, 0));
    SAY(close(set));
}

static int pair[2];

static void *write_later(void *argument)
{
    return (void *)(long)send(pair[1], "later", 5, 0);
}

static void sockets(void)
{
    char text[16] = "", more[16] = "";
    int value = 0;
    socklen_t size = sizeof value;
    struct iovec vector[2] = {{"ab", 2}, {"cd", 2}};
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = 2};
    pthread_t thread;
    SAY(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
    SAY(sendmsg(pair[0], &message, 0));
    vector[0] = (struct iovec){text, 3};
    vector[1] = (struct iovec){more, 0};
    SAY(recvmsg(pair[1], &message, 0));
    printf("%s %x\n", text, message.msg_flags);
    SAY(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &size));
    printf("%d %u\n", value, size);
    SAY(getsockopt(pair[0], SOL_SOCKET, 9999, &value, &size));
    SAY(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &value, 2));
    SAY(recv(pair[0], text, 5, MSG_DONTWAIT));
    pthread_create(&thread, NULL, write_later, NULL);
    memset(text, 0, sizeof text);
    SAY(recv(pair[0], text, sizeof text, 0));
    printf("%s\n", text);
    pthread_join(thread, NULL);
    SAY(shutdown(pair[1], SHUT_RDWR));
    SAY(recv(pair[0], text, sizeof text, 0));
    SAY(send(pair[0], "x", 1, MSG_NOSIGNAL));
}

static void processes(void)
{
    int ends[2], status;
    char text[16] = "";
    SAY(pipe2(ends, 0));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        SAY(write(ends[1], "child", 5));
        fflush(stdout);
        _exit(0);
    }
    SAY(close(ends[1]));
    SAY(waitpid(pid, &status, 0) == pid && status == 0);
    SAY(read(ends[0], text, sizeof text));
    printf("%s\n", text);
    SAY(read(ends[0], text, sizeof text));
    SAY(close(ends[0]));
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    calls_begin(argv[1], argv[3]);
    if (mkdir(argv[2], 0700) < 0 || chdir(argv[2]) < 0) {
        perror(argv[2]);
        return 1;
    }
    files();
    names();
    descriptors();
    sockets();
    processes();
    SAY(chdir("/"));
    if (rmdir(argv[2]) < 0)
        perror(argv[2]);
    SAY(wait(&(int){0})); /* no child but the program's own */
    calls_end();
    return 0;
}

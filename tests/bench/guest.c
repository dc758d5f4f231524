// SPDX-License-Identifier: GPL-2.0-only
/* guest.c: what is measured, as a program that runs the same natively and jailed.
 *
 *   guest WHAT N [SIZE] [PATH]
 *
 * Prints nanoseconds for one operation (read and write: bytes a second), measured inside, around N of them, the best of a few rounds: the start of the
 * program is not in it.  Everything is made in the current directory or at PATH. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 3
#define WRITE_FILE (64l << 20) /* a written file is this large, and written over and over: memory is bounded */

static long size;
static const char *path = "bench-file";
static int fd = -1;
static char *buffer;

static void die(const char *what)
{
    fprintf(stderr, "guest: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void open_file(int flags)
{
    fd = open(path, flags, 0600);
    if (fd < 0)
        die(path);
}

static void do_local(long n)
{
    while (n-- > 0)
        syscall(SYS_getppid);
}
static void do_null(long n)
{
    while (n-- > 0)
        if (lseek(fd, 0, SEEK_CUR) < 0)
            die("lseek");
}
static void do_stat(long n)
{
    struct stat st;
    while (n-- > 0)
        if (stat(path, &st) < 0)
            die("stat");
}
static void do_openread(long n)
{
    while (n-- > 0) {
        int f = open(path, O_RDONLY);
        if (f < 0 || read(f, buffer, 4096) < 0 || close(f) < 0)
            die("open, read, close");
    }
}
static void do_read(long n)
{
    while (n-- > 0) {
        ssize_t got = read(fd, buffer, (size_t)size);
        if (got < 0)
            die("read");
        if (got < size && lseek(fd, 0, SEEK_SET) < 0)
            die("lseek");
    }
}
static void do_write(long n)
{
    for (long at = 0; n-- > 0; at += size) {
        if (at >= WRITE_FILE) {
            at = 0;
            if (lseek(fd, 0, SEEK_SET) < 0)
                die("lseek");
        }
        if (write(fd, buffer, (size_t)size) != size)
            die("write");
    }
}
static void end_child(pid_t pid)
{
    int status;
    if (pid < 0)
        die("fork");
    if (waitpid(pid, &status, 0) != pid || status != 0)
        die("wait");
}
static void do_fork(long n)
{
    while (n-- > 0) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        end_child(pid);
    }
}
static void do_exec(long n)
{
    while (n-- > 0) {
        pid_t pid = fork();
        if (pid == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        end_child(pid);
    }
}
/* One process writes, the other one reads. */
static void do_pipe(long n)
{
    int ends[2];
    if (pipe(ends) < 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        while (n-- > 0)
            for (long at = 0; at < size;) {
                ssize_t put = write(ends[1], buffer, (size_t)(size - at));
                if (put < 0)
                    _exit(1);
                at += put;
            }
        _exit(0);
    }
    close(ends[1]);
    while (read(ends[0], buffer, (size_t)size) > 0)
        ;
    close(ends[0]);
    end_child(pid);
}
static void do_pingpong(long n)
{
    int there[2], back[2];
    if (pipe(there) < 0 || pipe(back) < 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(there[1]);
        while (read(there[0], buffer, 1) == 1)
            if (write(back[1], buffer, 1) != 1)
                _exit(1);
        _exit(0);
    }
    while (n-- > 0)
        if (write(there[1], buffer, 1) != 1 || read(back[0], buffer, 1) != 1)
            die("ping-pong");
    close(there[0]);
    close(there[1]);
    close(back[0]);
    close(back[1]);
    end_child(pid);
}
/* So many bytes to a peer on this port, and back. */
static void do_echo(long n)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)atoi(path))};
    int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || connect(s, (struct sockaddr *)&address, sizeof address) < 0 || setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
        die("connect");
    while (n-- > 0)
        if (send(s, buffer, (size_t)size, 0) != size || recv(s, buffer, (size_t)size, MSG_WAITALL) != size)
            die("echo");
    close(s);
}
static void *nothing(void *arg) { return arg; }
static void do_thread(long n)
{
    while (n-- > 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
            die("thread");
    }
}

static const struct {
    const char *name;
    void (*run)(long n);
    int open_flags; /* -1: no file */
    int bytes;      /* the result is bytes a second */
} rows[] = {
    {"local", do_local, -1, 0},
    {"null", do_null, O_RDWR | O_CREAT, 0},
    {"stat", do_stat, O_RDWR | O_CREAT, 0},
    {"openread", do_openread, O_RDWR | O_CREAT, 0},
    {"read", do_read, O_RDWR | O_CREAT, 1},
    {"write", do_write, O_RDWR | O_CREAT, 1},
    {"fork", do_fork, -1, 0},
    {"exec", do_exec, -1, 0},
    {"thread", do_thread, -1, 0},
    {"pipe", do_pipe, -1, 1},
    {"pingpong", do_pingpong, -1, 0},
    {"echo", do_echo, -1, 0},
};

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    long n = atol(argv[2]);
    size = argc > 3 ? atol(argv[3]) : 4096;
    if (argc > 4)
        path = argv[4];
    buffer = malloc((size_t)size < 4096 ? 4096 : (size_t)size);
    memset(buffer, 'x', (size_t)size);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, argv[1]) != 0)
            continue;
        if (rows[i].open_flags >= 0)
            open_file(rows[i].open_flags);
        /* A file to read is sparse: it costs the disk and its memory nothing, and the transfer everything. */
        if (fd >= 0 && ftruncate(fd, rows[i].run == do_read ? size * (n / ROUNDS + 1) : 65536) < 0)
            die("ftruncate");
        double best = 0;
        long each = n / ROUNDS > 0 ? n / ROUNDS : 1;
        for (int round = 0; round < ROUNDS && (round == 0 || n > 1); round++) {
            if (fd >= 0)
                lseek(fd, 0, SEEK_SET);
            double started = now();
            rows[i].run(each);
            double took = (now() - started) / (double)each;
            if (best == 0 || took < best)
                best = took;
        }
        printf("%.1f\n", rows[i].bytes ? (double)size * 1e9 / best : best);
        if (rows[i].open_flags >= 0 && argc <= 4)
            unlink(path);
        return 0;
    }
    return 2;
}

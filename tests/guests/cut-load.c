// SPDX-License-Identifier: GPL-2.0-only
// args: 3 unmapped
/* cut-load.c: a little of everything, in rounds, where a call that is made twice or not at all shows: for connections that are cut meanwhile (session/cuts).
 *
 *   cut-load [ROUNDS [unmapped]]
 *
 * unmapped: without the mapping that it stores through. */
#include "guest.h"

#include <sys/stat.h>

static volatile sig_atomic_t handled, told;
static int rounds = 3;

static void need(bool good, const char *what, int round)
{
    if (!good) {
        say("round %d: %s: %s", round, what, strerror(errno));
        _exit(1);
    }
}

static void on_signal(int signal) { handled++; }
static void on_told(int signal) { told++; }

/* Each line once, and in order. */
static void append(int round)
{
    char line[64];
    int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    int n = snprintf(line, sizeof line, "round %d\n", round);
    need(fd >= 0 && write(fd, line, (size_t)n) == n, "append", round);
    need(close(fd) == 0 && close(fd) < 0 && errno == EBADF, "close", round);
}

/* What can be done once only. */
static void names(int round)
{
    char name[32], other[32];
    struct stat st;
    snprintf(name, sizeof name, "name%d", round);
    snprintf(other, sizeof other, "other%d", round);
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    need(fd >= 0, "O_EXCL", round);
    need(mkdir(other, 0700) == 0, "mkdir", round);
    need(rmdir(other) == 0, "rmdir", round);
    need(link(name, other) == 0, "link", round);
    need(fstat(fd, &st) == 0 && st.st_nlink == 2, "nlink", round);
    need(unlink(name) == 0, "unlink", round);
    need(rename(other, name) == 0, "rename", round);
    need(fstat(fd, &st) == 0 && st.st_nlink == 1, "nlink after", round);
    need(unlink(name) == 0, "unlink the last", round);
    close(fd);
}

/* The position of a file that two processes share moves once for each read. */
static void positions(int round)
{
    char byte[3];
    int fd = open("numbers", O_RDWR | O_CREAT | O_TRUNC, 0600);
    need(write(fd, "0123456789abcdefghijklmnopqrstuvwxyz", 36) == 36, "write", round);
    need(lseek(fd, 0, SEEK_SET) == 0, "lseek", round);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 4; i++)
            need(read(fd, byte, 3) == 3, "read in the child", round);
        _exit(7);
    }
    int status = 0;
    need(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7, "the child", round);
    need(read(fd, byte, 3) == 3 && memcmp(byte, "cde", 3) == 0, "the position", round);
    close(fd);
}

/* Bytes through a pipe, in pieces, more than it holds. */
static void pipes(int round)
{
    static unsigned char block[7777];
    int fds[2];
    unsigned sum = 0, want = 0, total = 0;
    need(pipe(fds) == 0, "pipe", round);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        for (unsigned i = 0; i < 30; i++) {
            memset(block, (int)(i + (unsigned)round), sizeof block);
            need(write(fds[1], block, sizeof block) == (ssize_t)sizeof block, "write to the pipe", round);
        }
        _exit(0);
    }
    close(fds[1]);
    for (unsigned i = 0; i < 30; i++)
        want += (unsigned)sizeof block * ((i + (unsigned)round) & 0xff);
    for (ssize_t n; (n = read(fds[0], block, 5000)) != 0;) {
        need(n > 0, "read from the pipe", round);
        for (ssize_t i = 0; i < n; i++)
            sum += block[i];
        total += (unsigned)n;
    }
    int status = 0;
    need(waitpid(child, &status, 0) == child && status == 0, "the writer", round);
    need(sum == want && total == 30 * sizeof block, "what came through the pipe", round);
    close(fds[0]);
}

static void large(int round)
{
    static char out[600000], in[600000];
    int fd = open("large", O_RDWR | O_CREAT, 0600);
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 31 + (size_t)round);
    need(write(fd, out, sizeof out) == (ssize_t)sizeof out, "a large write", round);
    need(pread(fd, in, sizeof in, 0) == (ssize_t)sizeof in && memcmp(in, out, sizeof in) == 0, "a large read", round);
    close(fd);
}

static void mapping(int round)
{
    int fd = open("mapped", O_RDWR | O_CREAT, 0600);
    int value = 0;
    need(ftruncate(fd, 65536) == 0, "ftruncate", round);
    int *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(map != MAP_FAILED, "mmap", round);
    need(map[100] == round, "what the last round has stored", round);
    map[100] = round + 1;
    need(pread(fd, &value, sizeof value, 400) == sizeof value && value == round + 1, "the store, read", round);
    value = 1000 + round;
    need(pwrite(fd, &value, sizeof value, 8000) == sizeof value && map[2000] == value, "the write, loaded", round);
    munmap(map, 65536);
    close(fd);
}

static void signals(int round)
{
    int fds[2], before = handled;
    char byte;
    need(pipe(fds) == 0, "pipe", round);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        usleep(2000);
        kill(parent, SIGUSR1);
        usleep(2000);
        need(write(fds[1], "x", 1) == 1, "write to who was interrupted", round);
        _exit(0);
    }
    need(read(fds[0], &byte, 1) == 1 && byte == 'x', "a read that a signal interrupts", round);
    int status = 0;
    need(waitpid(child, &status, 0) == child && status == 0, "the signaller", round);
    need(handled == before + 1, "one signal", round);
    close(fds[0]);
    close(fds[1]);
}

/* Signals of the world: one for each byte, as each is waited for. */
static void descriptors_tell(int round)
{
    int pair[2], before = told;
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair", round);
    need(fcntl(pair[0], F_SETOWN, getpid()) == 0 && fcntl(pair[0], F_SETSIG, SIGRTMIN + 3) == 0 && fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0, "F_SETOWN", round);
    for (int i = 0; i < 3; i++) {
        char byte;
        need(write(pair[1], "x", 1) == 1, "write", round);
        for (int tries = 0; told == before + i && tries < 10000; tries++)
            usleep(1000);
        need(told == before + i + 1, "told once", round);
        need(read(pair[0], &byte, 1) == 1, "read", round);
    }
    close(pair[0]);
    close(pair[1]);
}

static void *in_thread(void *argument)
{
    int fd = *(int *)argument;
    for (int i = 0; i < 10; i++)
        if (write(fd, "t", 1) != 1)
            return argument;
    return NULL;
}

static void threads(int round)
{
    pthread_t thread[3];
    void *failed = NULL;
    struct stat st;
    int fd = open("threads", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    for (int i = 0; i < 3; i++)
        need(pthread_create(&thread[i], NULL, in_thread, &fd) == 0, "pthread_create", round);
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], &failed);
        need(failed == NULL, "a write of a thread", round);
    }
    need(fstat(fd, &st) == 0 && st.st_size == 30, "the writes of threads", round);
    close(fd);
}

static void execute(int round, char **argv)
{
    char number[16], path[64];
    int status = 0;
    snprintf(number, sizeof number, "%d", round);
    pid_t child = fork();
    if (child == 0) {
        execv("/proc/self/exe", (char *[]){argv[0], "executed", number, NULL});
        _exit(99);
    }
    need(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5, "execv", round);
    snprintf(path, sizeof path, "executed%d", round);
    need(unlink(path) == 0, "what the executed program has made", round);
}

int main(int argc, char **argv)
{
    char path[64];
    if (argc == 3 && strcmp(argv[1], "executed") == 0) {
        snprintf(path, sizeof path, "executed%s", argv[2]);
        return open(path, O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0 ? 5 : 6;
    }
    if (argc > 1)
        rounds = atoi(argv[1]);
    signal(SIGUSR1, on_signal);
    struct sigaction action = {.sa_handler = on_told, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN + 3, &action, NULL);
    for (int round = 0; round < rounds; round++) {
        append(round);
        names(round);
        positions(round);
        pipes(round);
        large(round);
        if (argc < 3)
            mapping(round);
        signals(round);
        descriptors_tell(round);
        threads(round);
        execute(round, argv);
        if (round == 0)
            say("started");
    }
    struct stat st;
    need(stat("log", &st) == 0, "stat", rounds);
    say("%d rounds, a log of %lld bytes, %d signals, %d told", rounds, (long long)st.st_size, (int)handled, (int)told);
    return 0;
}

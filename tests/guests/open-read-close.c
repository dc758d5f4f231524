// SPDX-License-Identifier: GPL-2.0-only
/* open-read-close.c: files that are opened, looked at, read and closed, as loaders do it, while they change under the reader's hands */
// also: preload
#include "guest.h"

static char text[8192];

static void show_read(int fd, size_t n)
{
    memset(text, 0, 32);
    long got = tried("read", read(fd, text, n));
    say("  \"%.*s\", now at %ld", got > 20 ? 20 : (int)got, text, (long)lseek(fd, 0, SEEK_CUR));
}

/* Read at a time that is still to come: reads change nothing of the file then (relatime). */
static void make_read_file(const char *path, const char *content)
{
    make_file(path, content);
    struct timespec times[2] = {{time(NULL) + 3600, 0}, {0, UTIME_OMIT}};
    MUST(utimensat(AT_FDCWD, path, times, 0));
}

static void show_size(int fd)
{
    struct stat st;
    MUST(fstat(fd, &st));
    say("size %ld, links %ld, mode %o", (long)st.st_size, (long)st.st_nlink, st.st_mode);
}

/* In one process: each call between the open and the read may change what the read has to tell. */
static void alone(void)
{
    int fd = (int)MUST(open("f", O_RDONLY)), other;
    show_size(fd);
    show_read(fd, 4);
    show_read(fd, 3);
    TRY(pread(fd, text, 4, 2));
    TRY(lseek(fd, 1, SEEK_SET));
    show_read(fd, 2);
    show_read(fd, 100);
    show_read(fd, 100);
    TRY(isatty(fd));
    TRY(close(fd));
    TRY(close(fd));
    fd = (int)MUST(open("f", O_RDONLY));
    other = (int)MUST(open("f", O_WRONLY | O_TRUNC));
    show_size(fd);
    MUST(write(other, "changed", 7));
    show_read(fd, 3);
    MUST(pwrite(other, "CHANGED", 7, 0));
    show_read(fd, 100);
    MUST(chmod("f", 0600));
    show_size(fd);
    close(other);
    close(fd);
    fd = (int)MUST(open("f", O_RDONLY));
    MUST(unlink("f"));
    show_size(fd);
    other = dup(fd);
    show_read(fd, 2);
    show_read(other, 2);
    close(fd);
    show_read(other, 2);
    TRY(read(other, NULL, 1));
    TRY(fcntl(other, F_GETFL) & O_ACCMODE);
    close(other);
    TRY(open("f", O_RDONLY));
}

/* Two processes that speak with each other by memory alone. */
struct shared {
    volatile int step;
};

static void wait_for(struct shared *shared, int step)
{
    while (shared->step < step)
        sched_yield();
}

static void two(void)
{
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    make_read_file("g", "old old old");
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        int fd = (int)MUST(open("g", O_WRONLY));
        for (int round = 0; round < 200; round++) {
            char mark[16];
            wait_for(shared, 2 * round + 1);
            snprintf(mark, sizeof mark, "%011d", round);
            if (pwrite(fd, mark, 11, 0) != 11)
                _exit(1);
            shared->step = 2 * round + 2;
        }
        _exit(0);
    }
    int wrong = 0;
    for (int round = 0; round < 200; round++) {
        int fd;
        if (round % 2) { /* opened before or while the other one writes, and read after that */
            fd = (int)MUST(open("g", O_RDONLY));
            shared->step = 2 * round + 1;
        } else {
            shared->step = 2 * round + 1;
            fd = (int)MUST(open("g", O_RDONLY));
        }
        wait_for(shared, 2 * round + 2);
        memset(text, 0, 12);
        wrong += read(fd, text, 11) != 11 || atoi(text) != round;
        close(fd);
    }
    say_end("writer", child);
    say("wrong: %d", wrong);
}

/* The position is shared with a child, and goes on with it. */
static void inherited(void)
{
    make_read_file("h", "0123456789");
    int fd = (int)MUST(open("h", O_RDONLY));
    show_read(fd, 2);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        show_read(fd, 3);
        _exit(0);
    }
    say_end("child", child);
    show_read(fd, 2);
    char *map = mmap(NULL, 10, PROT_READ, MAP_PRIVATE, fd, 0);
    say("mapped: %.10s", map);
    close(fd);
}

int main(void)
{
    make_file("f", "0123456789");
    alone();
    make_read_file("f", "0123456789");
    alone();
    two();
    inherited();
    return 0;
}

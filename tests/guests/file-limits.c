// SPDX-License-Identifier: GPL-2.0-only
/* file-limits.c: RLIMIT_FSIZE: what comes up to it, what goes over it, SIGXFSZ handled, ignored and by default, by every way of making a file longer; a full device */
#include "guest.h"

#include <sys/sendfile.h>

#define LIMIT 10000

static volatile int signals;
static void handler(int number)
{
    signals++;
}

static long size_of(int fd)
{
    struct stat st;
    fstat(fd, &st);
    return (long)st.st_size;
}

static void state(int fd)
{
    say("  size %ld, at %ld, %d signals", size_of(fd), (long)lseek(fd, 0, SEEK_CUR), signals);
    signals = 0;
}

static char data[2 * LIMIT];

static void by_writing(int fd)
{
    struct iovec two[2] = {{data, 3000}, {data, 3000}};
    TRY(write(fd, data, LIMIT - 10));
    state(fd);
    TRY(write(fd, data, 100)); /* what fits */
    state(fd);
    TRY(write(fd, data, 100));
    state(fd);
    TRY(pwrite(fd, data, 100, LIMIT - 50));
    TRY(pwrite(fd, data, 100, LIMIT + 50));
    state(fd);
    TRY(lseek(fd, LIMIT - 4000, SEEK_SET));
    TRY(writev(fd, two, 2));
    state(fd);
    int appending = (int)MUST(open("f", O_WRONLY | O_APPEND));
    TRY(write(appending, data, 1));
    TRY(write(appending, data, 0));
    state(appending);
    close(appending);
}

static void by_size(int fd)
{
    TRY(ftruncate(fd, 100));
    TRY(ftruncate(fd, LIMIT));
    TRY(ftruncate(fd, LIMIT + 1));
    state(fd);
    TRY(truncate("f", LIMIT + 1));
    state(fd);
    TRY(fallocate(fd, 0, 0, LIMIT));
    TRY(fallocate(fd, 0, 0, LIMIT + 1));
    TRY(posix_fallocate(fd, LIMIT - 1, 100));
    state(fd);
}

static void by_copying(int fd)
{
    int from = (int)MUST(open("source", O_CREAT | O_RDWR | O_TRUNC, 0644)), p[2];
    off_t at = 0;
    loff_t place = LIMIT - 100;
    TRY(write(from, data, LIMIT));
    TRY(lseek(fd, LIMIT - 100, SEEK_SET));
    TRY(sendfile(fd, from, &at, 200));
    state(fd);
    TRY(lseek(fd, LIMIT, SEEK_SET));
    TRY(sendfile(fd, from, &at, 200));
    state(fd);
    at = 0;
    TRY(copy_file_range(from, &at, fd, &place, 200, 0));
    state(fd);
    place = LIMIT;
    TRY(copy_file_range(from, &at, fd, &place, 200, 0));
    state(fd);
    MUST(pipe(p));
    MUST(write(p[1], data, 400));
    place = LIMIT - 100;
    TRY(splice(p[0], NULL, fd, &place, 200, 0));
    state(fd);
    place = LIMIT;
    TRY(splice(p[0], NULL, fd, &place, 100, 0));
    state(fd);
    TRY(write(p[1], data, 2 * LIMIT)); /* of no concern to pipes */
    close(p[0]);
    close(p[1]);
    close(from);
}

static void all_ways(void)
{
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR | O_TRUNC, 0644));
    by_writing(fd);
    by_size(fd);
    by_copying(fd);
    close(fd);
}

static void by_default(void)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_DFL);
        int fd = open("f", O_WRONLY | O_APPEND);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        write(fd, "x", 1);
        _exit(1);
    }
    say_end("child", child);
}

static void full(void)
{
    int fd = (int)MUST(open("/dev/full", O_RDWR)), p[2];
    char text[4];
    struct iovec one = {"x", 1};
    TRY(write(fd, "x", 1));
    TRY(writev(fd, &one, 1));
    TRY(pwrite(fd, "x", 1, 0));
    TRY(read(fd, text, 4));
    MUST(pipe(p));
    MUST(write(p[1], "text", 4));
    TRY(splice(p[0], NULL, fd, NULL, 4, 0));
    FILE *file = fdopen(fd, "w");
    CHECK(fputs("text", file) >= 0);
    TRY(fflush(file));
    TRY(fclose(file));
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler};
    struct rlimit limit = {LIMIT, RLIM_INFINITY};
    sigaction(SIGXFSZ, &action, NULL);
    TRY(setrlimit(RLIMIT_FSIZE, &limit));
    all_ways();
    signal(SIGXFSZ, SIG_IGN);
    all_ways();
    by_default();
    full();
    return 0;
}

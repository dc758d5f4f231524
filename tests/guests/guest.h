/* SPDX-License-Identifier: GPL-2.0-only */
/* guest.h: what the small guests share.
 *
 * A guest does one thing and says what it saw, in words that are the same natively and jailed: no pids, times, inode numbers or addresses.  What it
 * leaves in its directory (fresh for each run) is listed at the end by list_tree(). */
#ifndef RSYS_TESTS_GUEST_H
#define RSYS_TESTS_GUEST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Print a line at once, by one write: nothing is buffered over a fork. */
__attribute__((format(printf, 1, 2), unused)) static void say(const char *format, ...)
{
    char line[4096];
    int saved = errno;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n > (int)sizeof line - 2)
        n = sizeof line - 2;
    line[n++] = '\n';
    if (write(1, line, (size_t)n) != n)
        _exit(99);
    errno = saved;
}

__attribute__((unused)) static const char *error_name(int code)
{
    const char *name = strerrorname_np(code);
    return name != NULL ? name : "?";
}

__attribute__((unused)) static long tried(const char *what, long result)
{
    if (result == -1)
        say("%s = -1 %s", what, error_name(errno));
    else
        say("%s = %ld", what, result);
    return result;
}
/* Do it and print it with its result, or the name of its errno. */
#define TRY(expression) tried(#expression, (long)(expression))
/* The same for what must not be printed as a number: only whether it worked. */
#define WORKS(expression) tried(#expression, (long)(expression) == -1 ? -1 : 0)
/* Print whether it is true. */
#define CHECK(expression) say("%s: %s", #expression, (expression) ? "yes" : "no")
/* What the rest needs: end here when it fails. */
#define MUST(expression) must(#expression, (long)(expression))
__attribute__((unused)) static long must(const char *what, long result)
{
    if (result == -1) {
        say("MUST %s: %s", what, error_name(errno));
        exit(98);
    }
    return result;
}

__attribute__((unused)) static void make_file(const char *path, const char *text)
{
    int fd = (int)MUST(open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644));
    MUST(write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1);
    close(fd);
}

/* Print a file's content, up to 200 bytes, with what is not printable as hexadecimal. */
__attribute__((unused)) static void show_file(const char *path)
{
    unsigned char data[200];
    char text[1000];
    size_t at = 0;
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof data);
    if (n < 0) {
        say("content of %s: %s", path, error_name(errno));
        return;
    }
    close(fd);
    for (ssize_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at, data[i] >= 32 && data[i] < 127 ? "%c" : "\\%02x", data[i]);
    text[at] = 0;
    say("content of %s: \"%s\"", path, text);
}

__attribute__((unused)) static int reap(pid_t pid)
{
    int status = 0;
    pid_t got;
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got != pid)
        say("waitpid: %s", got < 0 ? error_name(errno) : "another child");
    return status;
}

/* Wait for a child and print how it ended. */
__attribute__((unused)) static void say_end(const char *who, pid_t pid)
{
    int status = reap(pid);
    if (WIFEXITED(status))
        say("%s exited with %d", who, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        say("%s was killed by %s", who, sigabbrev_np(WTERMSIG(status)));
    else
        say("%s: status %x", who, status);
}

/* Wait, up to 10 s, until another process blocks in a call that runs where the files are.  In a jail, /proc shows its mirror there: that also sleeps between
 * two calls, in recvfrom(2) on a descriptor that no guest can have, or after a while in ppoll(2) with a mask, which no guest's poll has there.  What sleeps on the client (nanosleep, pause) has a mirror that goes on doing just that, so a good while of
 * it counts too; kick_until_closed() is the better way there. */
__attribute__((unused)) static bool wait_asleep(pid_t pid)
{
    char path[64], text[512];
    for (int i = 0, idle = 0; i < 2000; i++) {
        snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
        int fd = open(path, O_RDONLY);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        if (n <= 0)
            return false;
        text[n] = 0;
        long nr, arg[4];
        int words = sscanf(text, "%ld %li %li %li %li", &nr, &arg[0], &arg[1], &arg[2], &arg[3]);
        idle = words == 5 ? idle + 1 : 0;
        bool between = words == 5 && ((nr == SYS_recvfrom && arg[0] >= 1024) || (nr == SYS_ppoll && arg[3] != 0));
        if (words == 5 && (!between || idle == 60))
            return true;
        usleep(5000);
    }
    return false;
}

/* Fork a child that sends us a signal every 10 ms until *ret_fd is closed. */
__attribute__((unused)) static pid_t kick_until_closed(int number, int *ret_fd)
{
    int p[2];
    MUST(pipe(p));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        struct pollfd end = {.fd = p[0]};
        close(p[1]);
        while (poll(&end, 1, 10) == 0)
            kill(getppid(), number);
        _exit(0);
    }
    close(p[0]);
    *ret_fd = p[1];
    return child;
}

__attribute__((unused)) static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Every name below a directory, sorted: type, mode, links, size, content. */
__attribute__((unused)) static void list_tree(const char *directory)
{
    struct dirent **names;
    int count = scandir(directory, &names, NULL, alphasort);
    if (count < 0) {
        say("list %s: %s", directory, error_name(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX], more[PATH_MAX] = "";
        struct stat st;
        const char *name = names[i]->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            free(names[i]);
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", directory, name);
        if (lstat(path, &st) < 0) {
            say("lstat %s: %s", path, error_name(errno));
            free(names[i]);
            continue;
        }
        if (S_ISREG(st.st_mode)) {
            uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
            static unsigned char data[65536];
            int fd = open(path, O_RDONLY);
            ssize_t n = fd < 0 ? -1 : 0;
            while (fd >= 0 && (n = read(fd, data, sizeof data)) > 0)
                for (ssize_t k = 0; k < n; k++)
                    hash = (hash ^ data[k]) * 0x100000001b3u;
            if (n < 0)
                snprintf(more, sizeof more, " %s", error_name(errno));
            else
                snprintf(more, sizeof more, " %ld links %ld bytes %016llx", (long)st.st_nlink, (long)st.st_size, (unsigned long long)hash);
            if (fd >= 0)
                close(fd);
        } else if (S_ISLNK(st.st_mode)) {
            char target[PATH_MAX - 8];
            ssize_t n = readlink(path, target, sizeof target - 1);
            target[n < 0 ? 0 : n] = 0;
            snprintf(more, sizeof more, " -> %s", target);
        }
        say("left: %s %06o %u:%u%s", path, st.st_mode, st.st_uid, st.st_gid, more);
        if (S_ISDIR(st.st_mode))
            list_tree(path);
        free(names[i]);
    }
    free(names);
}

#endif

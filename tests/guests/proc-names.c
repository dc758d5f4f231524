// SPDX-License-Identifier: GPL-2.0-only
/* proc-names.c: names that mean a guest itself: its memory, its program, its descriptors */
// also: preload
#include "guest.h"

#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/xattr.h>

static char text[65536], secret[16];

static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0, got;
    if (fd < 0)
        return -1;
    while ((got = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
        n += got;
    text[n] = 0;
    close(fd);
    return got < 0 ? -1 : n;
}

static void memory(void)
{
    unsigned long pages = 0, address = (unsigned long)&text[0];
    unsigned long before, after;
    MUST(slurp("/proc/self/statm"));
    sscanf(text, "%lu", &before);
    char *map = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(slurp("/proc/self/statm"));
    sscanf(text, "%lu", &after);
    say("mapped %lu pages", after - before);
    munmap(map, 16 << 20);
    int fd = (int)MUST(open("/proc/self/mem", O_RDWR));
    strcpy(secret, "before");
    CHECK(pread(fd, text, 7, (off_t)(unsigned long)secret) == 7 && strcmp(text, "before") == 0);
    CHECK(pwrite(fd, "after", 6, (off_t)(unsigned long)secret) == 6 && strcmp(secret, "after") == 0);
    close(fd);
    fd = (int)MUST(open("/proc/self/pagemap", O_RDONLY));
    CHECK(pread(fd, &pages, 8, (off_t)(address / 4096 * 8)) == 8 && pages >> 63 == 1);
    close(fd);
    MUST(slurp("/proc/self/auxv"));
    CHECK(text[0] != 0);
    TRY(open("/proc/self/maps", O_WRONLY));
    TRY(open("/proc/self/nothing", O_RDONLY));
    TRY(open("/proc/self/statm", O_RDONLY | O_DIRECTORY));
}

static void names(void)
{
    char name[32];
    int fd = (int)MUST(open("/proc/self/comm", O_WRONLY | O_TRUNC));
    TRY(write(fd, "renamed", 7));
    close(fd);
    prctl(PR_GET_NAME, name);
    say("%s", name);
    snprintf(text, sizeof text, "/proc/self/task/%d/comm", getpid());
    CHECK(slurp(text) == 8 && strcmp(text, "renamed\n") == 0);
    show_file("/proc/thread-self/comm");
    show_file("/proc/self/comm");
    MUST(slurp("/proc/self/environ"));
    say("%s", strstr(text, "PATH=") != NULL ? "has a PATH" : "has no PATH");
    show_file("/proc/self/oom_score_adj");
    fd = (int)MUST(open("/proc/self/oom_score_adj", O_WRONLY));
    TRY(write(fd, "300", 3));
    show_file("/proc/self/oom_score_adj");
    close(fd);
}

static void program(void)
{
    char path[4096] = "";
    struct stat st, by_name;
    MUST(readlink("/proc/self/exe", path, sizeof path - 1));
    MUST(stat("/proc/self/exe", &st));
    MUST(stat(path, &by_name));
    CHECK(st.st_ino == by_name.st_ino && st.st_size == by_name.st_size);
    MUST(lstat("/proc/self/exe", &st));
    CHECK(S_ISLNK(st.st_mode));
    TRY(access("/proc/self/exe", X_OK));
    TRY(open("/proc/self/exe", O_RDONLY | O_NOFOLLOW));
    int fd = (int)MUST(open("/proc/self/exe", O_RDONLY));
    CHECK(fstat(fd, &st) == 0 && st.st_ino == by_name.st_ino);
    close(fd);
    struct statx stx;
    MUST(statx(AT_FDCWD, "/proc/self/exe", 0, STATX_SIZE, &stx));
    CHECK((off_t)stx.stx_size == by_name.st_size);
}

static void descriptors(void)
{
    struct stat st, by_name;
    int fd = (int)MUST(open("/dev/null", O_RDONLY));
    MUST(dup2(fd, 0));
    MUST(fstat(0, &st));
    MUST(stat("/dev/stdin", &by_name));
    CHECK(st.st_ino == by_name.st_ino && st.st_rdev == by_name.st_rdev);
    MUST(fstat(1, &st));
    MUST(stat("/dev/stdout", &by_name));
    CHECK(st.st_ino == by_name.st_ino && st.st_dev == by_name.st_dev);
    MUST(stat("/proc/self/fd/1", &by_name));
    CHECK(st.st_ino == by_name.st_ino);
    MUST(lstat("/proc/self/fd/1", &by_name));
    CHECK(S_ISLNK(by_name.st_mode));
    TRY(access("/dev/stdout", W_OK));
    TRY(access("/dev/fd/77", F_OK));
    fd = (int)MUST(open("/dev/stdout", O_WRONLY));
    TRY(write(fd, "", 0));
    close(fd);
}

static void of_another(void)
{
    char path[64];
    int p[2];
    MUST(pipe(p));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        strcpy(secret, "the child's");
        prctl(PR_SET_NAME, "child");
        write(p[1], "x", 1);
        pause();
    }
    MUST(read(p[0], text, 1));
    snprintf(path, sizeof path, "/proc/%d/comm", child);
    CHECK(slurp(path) == 6 && strcmp(text, "child\n") == 0);
    snprintf(path, sizeof path, "/proc/%d/mem", child);
    int fd = (int)MUST(open(path, O_RDWR));
    CHECK(pread(fd, path, 12, (off_t)(unsigned long)secret) == 12 && strcmp(path, "the child's") == 0);
    close(fd);
    kill(child, SIGKILL);
    reap(child);
    snprintf(path, sizeof path, "/proc/%d/statm", child);
    TRY(open(path, O_RDONLY));
}

int main(void)
{
    struct sysinfo info;
    memory();
    names();
    program();
    descriptors();
    of_another();
    unsigned long kib = 0;
    double up = 0;
    MUST(slurp("/proc/meminfo"));
    sscanf(text, "MemTotal: %lu", &kib);
    MUST(sysinfo(&info));
    CHECK(kib == info.totalram / 1024 * info.mem_unit);
    MUST(slurp("/proc/uptime"));
    sscanf(text, "%lf", &up);
    CHECK((long)up - info.uptime <= 1);
    return 0;
}

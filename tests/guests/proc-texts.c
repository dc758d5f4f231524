// SPDX-License-Identifier: GPL-2.0-only
/* proc-texts.c: /proc/PID/status, limits and maps, by every way to them */
#include "guest.h"

#include <dlfcn.h>
#include <sys/prctl.h>

static char text[1 << 20];

static long slurp_at(int dirfd, const char *path)
{
    int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0, got;
    if (fd < 0)
        return -1;
    while ((got = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
        n += got;
    text[n] = 0;
    close(fd);
    return got < 0 ? -1 : n;
}

static void show_lines(const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        const char *line = strstr(text, *keys);
        if (line == NULL)
            say("no %s", *keys);
        else
            say("%.*s", (int)strcspn(line, "\n"), line);
    }
}

static const char *const keys[] = {"Name:",  "Umask:", "State:", "TracerPid:", "Uid:",   "Gid:",      "Groups:",  "Threads:",         "SigBlk:",
                                   "SigIgn:", "SigCgt:", "CoreDumping:", NULL};

static void *thread(void *argument)
{
    char path[64];
    prctl(PR_SET_NAME, "a-thread");
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)syscall(SYS_gettid));
    MUST(slurp_at(AT_FDCWD, path));
    show_lines((const char *const[]){"Name:", "State:", "Threads:", NULL});
    MUST(slurp_at(AT_FDCWD, "/proc/thread-self/status"));
    show_lines((const char *const[]){"Name:", NULL});
    return argument;
}

/* Whether a mapping with this permission and name tells the same file as stat does. */
static void show_mapping(const char *permissions, const char *path)
{
    struct stat st;
    MUST(stat(path, &st));
    for (const char *line = text; line != NULL && *line != 0; line = strchr(line, '\n'), line += line != NULL) {
        unsigned long ino = 0;
        unsigned major, minor;
        char flags[8], name[256] = "";
        if (sscanf(line, "%*x-%*x %7s %*x %x:%x %lu %255[^\n]", flags, &major, &minor, &ino, name) == 5 && ino == st.st_ino &&
            strcmp(flags, permissions) == 0) {
            say("%s %s: %s", path, permissions, realpath(name, NULL) != NULL && strcmp(realpath(name, NULL), realpath(path, NULL)) == 0 ? "same file" : name);
            return;
        }
    }
    say("%s %s: not there", path, permissions);
}

static void mappings(void)
{
    char exe[4096] = "";
    make_file("a file", "some text");
    int fd = (int)MUST(open("a file", O_RDONLY));
    char *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), *private = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(shared != MAP_FAILED && private != MAP_FAILED && private[0] == 's');
    close(fd);
    MUST(readlink("/proc/self/exe", exe, sizeof exe - 1));
    MUST(slurp_at(AT_FDCWD, "/proc/self/maps"));
    show_mapping("r--s", "a file");
    show_mapping("r--p", "a file");
    show_mapping("r-xp", exe);
    CHECK(strstr(text, "[stack]") != NULL && strstr(text, "[vdso]") != NULL);
    MUST(slurp_at(AT_FDCWD, "/proc/self/smaps"));
    show_mapping("r--s", "a file");
    CHECK(strstr(text, "\nRss: ") != NULL && strstr(text, "\nVmFlags: ") != NULL);
    if (slurp_at(AT_FDCWD, "/proc/self/numa_maps") >= 0) /* a kernel may be without it */
        CHECK(strstr(text, "/a\\040file") != NULL);
    MUST(unlink("a file"));
}

static void spellings(void)
{
    char path[64], self[64];
    snprintf(self, sizeof self, "Pid:\t%d\n", getpid());
    int proc = (int)MUST(open("/proc", O_RDONLY | O_DIRECTORY));
    snprintf(path, sizeof path, "%d", getpid());
    int own = (int)MUST(openat(proc, path, O_RDONLY | O_DIRECTORY));
    CHECK(slurp_at(own, "status") > 0 && strstr(text, self) != NULL && strstr(text, "State:\tR") != NULL);
    snprintf(path, sizeof path, "%d/status", getpid());
    CHECK(slurp_at(proc, path) > 0 && strstr(text, "State:\tR") != NULL);
    CHECK(slurp_at(own, "maps") > 0 && strstr(text, "[stack]") != NULL);
    CHECK(slurp_at(own, "../self/./maps") > 0 && strstr(text, "[stack]") != NULL);
    MUST(symlink("/proc/self", "link"));
    CHECK(slurp_at(AT_FDCWD, "link/maps") > 0 && strstr(text, "[stack]") != NULL);
    MUST(unlink("link"));
    char exe[256] = "", by_dir[256] = "";
    MUST(readlink("/proc/self/exe", exe, sizeof exe - 1));
    MUST(readlinkat(own, "exe", by_dir, sizeof by_dir - 1));
    CHECK(strcmp(exe, by_dir) == 0);
    struct stat st, by_name;
    CHECK(fstatat(own, "exe", &st, 0) == 0 && stat(exe, &by_name) == 0 && st.st_ino == by_name.st_ino);
    make_file("stat", "an ordinary file\n");
    show_file("stat");
    TRY(slurp_at(AT_FDCWD, "status"));
    int fd = (int)MUST(openat(own, "status", O_RDONLY));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memset(by_dir, 0, sizeof by_dir);
    MUST(readlink(path, by_dir, sizeof by_dir - 1));
    snprintf(path, sizeof path, "/proc/%d/status", getpid());
    CHECK(strcmp(by_dir, path) == 0);
    fd = (int)MUST(openat(own, "stat", O_RDONLY));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memset(by_dir, 0, sizeof by_dir);
    MUST(readlink(path, by_dir, sizeof by_dir - 1));
    snprintf(path, sizeof path, "/proc/%d/stat", getpid());
    CHECK(strcmp(by_dir, path) == 0);
    TRY(write(fd, "x", 1));
    TRY(fchmod(fd, 0777));
}

int main(void)
{
    pthread_t id;
    signal(SIGUSR1, SIG_IGN);
    umask(027);
    prctl(PR_SET_NAME, "of many words");
    MUST(slurp_at(AT_FDCWD, "/proc/self/status"));
    show_lines(keys);
    pthread_create(&id, NULL, thread, NULL);
    pthread_join(id, NULL);
    struct rlimit limit = {20, 30};
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){1 << 20, 1 << 21};
    MUST(setrlimit(RLIMIT_FSIZE, &limit));
    MUST(setrlimit(RLIMIT_DATA, &(struct rlimit){1 << 28, 1 << 29}));
    MUST(slurp_at(AT_FDCWD, "/proc/self/limits"));
    show_lines((const char *const[]){"Max open files", "Max file size", "Max data size", NULL});
    mappings();
    spellings();
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* paths-escape.c: every way that is known to get at files a Landlock domain denies.  With the argument "confine" it enters the domain of
 * tests/cases/session/paths.py's policy first, natively (and executes what further arguments name); in a jail of that policy it is in it already; without either,
 * everything is allowed, on both sides. */
// limit: 60
#include "guest.h"

#include <linux/landlock.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

#define RO (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RX (RO | LANDLOCK_ACCESS_FS_EXECUTE)
#define TRUNCATE (1ULL << 14)
#define IOCTL_DEV (1ULL << 15)
#define RW (RO | TRUNCATE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
            LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_REFER)
#define FILES (RX | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE | IOCTL_DEV)

/* The same as in the policy. */
static const struct {
    const char *path;
    uint64_t access;
} rules[] = {
    {"/usr", RX}, {"/guests", RX}, {"/proc", RO}, {"/dev", RO | LANDLOCK_ACCESS_FS_WRITE_FILE | IOCTL_DEV}, {"/work", RW}, {"/var", RO}, {"/bound", RO}, {"/dev/shm", RW | LANDLOCK_ACCESS_FS_EXECUTE},
    {"/run", RO | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK},
};

static void confine(void)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = (1ULL << 16) - 1};
    int ruleset = (int)MUST(syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0));
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct landlock_path_beneath_attr rule = {.allowed_access = rules[i].access, .parent_fd = open(rules[i].path, O_PATH | O_CLOEXEC)};
        MUST(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
        close(rule.parent_fd);
    }
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(syscall(SYS_landlock_restrict_self, ruleset, 0));
    close(ruleset);
}

/* Opened, said and closed: the numbers do not depend on what was allowed before. */
static void try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);
    say("open %s %x: %s", path, flags, fd < 0 ? error_name(errno) : "yes");
    if (fd >= 0)
        close(fd);
}

static void names(void)
{
    try_open("/etc/passwd", O_RDONLY);
    try_open("/etc", O_RDONLY | O_DIRECTORY);
    try_open("/", O_RDONLY | O_DIRECTORY);
    try_open("/etc/passwd", O_WRONLY);
    try_open("/usr/bin/env", O_RDONLY);
    try_open("/usr/bin/../../etc/passwd", O_RDONLY);
    try_open("../etc/passwd", O_RDONLY);
    try_open("/work/../etc/passwd", O_RDONLY);
    try_open("//etc//passwd", O_RDONLY);
    try_open("/bound/passwd", O_RDONLY);
    try_open("/bound/../etc/passwd", O_RDONLY);
    try_open("/var/new", O_CREAT | O_WRONLY);
    try_open("/tmp/new", O_CREAT | O_WRONLY);
    try_open("/tmp", O_TMPFILE | O_RDWR);
    try_open("/work", O_TMPFILE | O_RDWR);
    try_open("/run/new", O_CREAT | O_RDONLY);
    try_open("/run/new", O_CREAT | O_WRONLY);
    try_open("/run/new", O_RDONLY | O_TRUNC);
    try_open("/dev/null", O_RDWR);
    TRY(symlink("/etc/passwd", "link"));
    TRY(symlink("../etc", "dir"));
    TRY(symlink("link", "link2"));
    try_open("link", O_RDONLY);
    try_open("link2", O_RDONLY);
    try_open("dir/passwd", O_RDONLY);
    try_open("link", O_RDWR | O_CREAT);
    TRY(truncate("link", 0));
    TRY(truncate("/etc/passwd", 0));
}

static void by_proc(void)
{
    char path[64];
    try_open("/proc/self/root/etc/passwd", O_RDONLY);
    try_open("/proc/self/cwd/../etc/passwd", O_RDONLY);
    try_open("/proc/thread-self/root/etc/passwd", O_RDONLY);
    int fd = (int)MUST(open("/etc/passwd", O_PATH | O_CLOEXEC));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    TRY(open(path, O_RDONLY) >= 0 ? 0 : -1);
    TRY(open(path, O_RDWR) >= 0 ? 0 : -1);
    TRY(openat(fd, "", O_RDONLY) >= 0 ? 0 : -1);
    close(fd);
    fd = (int)MUST(open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    TRY(openat(fd, "passwd", O_RDONLY) >= 0 ? 0 : -1);
    TRY(openat(fd, ".", O_RDONLY | O_DIRECTORY) >= 0 ? 0 : -1);
    struct {
        uint64_t flags, mode, resolve;
    } how = {O_RDONLY, 0, 0x10 /* RESOLVE_IN_ROOT */};
    TRY(syscall(SYS_openat2, fd, "/passwd", &how, sizeof how) >= 0 ? 0 : -1);
    TRY(fchdir(fd));
    try_open("passwd", O_RDONLY);
    try_open("/proc/self/cwd/passwd", O_RDONLY);
    MUST(chdir("/work"));
    close(fd);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        MUST(chdir("/etc"));
        pause();
        _exit(0);
    }
    snprintf(path, sizeof path, "/proc/%d/root/etc/passwd", (int)child);
    TRY(open(path, O_RDONLY) >= 0 ? 0 : -1);
    snprintf(path, sizeof path, "/proc/%d/cwd/../etc/passwd", (int)child);
    TRY(open(path, O_RDONLY) >= 0 ? 0 : -1);
    MUST(kill(child, SIGKILL));
    reap(child);
}

static void changes(void)
{
    make_file("mine", "mine");
    MUST(mkdir("sub", 0755));
    TRY(link("/etc/passwd", "hard"));
    TRY(linkat(AT_FDCWD, "link", AT_FDCWD, "hard", AT_SYMLINK_FOLLOW));
    TRY(rename("/etc/passwd", "passwd"));
    TRY(rename("mine", "/tmp/mine"));
    TRY(rename("mine", "/etc/passwd"));
    TRY(rename("mine", "/run/mine"));
    TRY(link("mine", "/tmp/mine"));
    TRY(link("mine", "/run/mine"));
    TRY(rename("mine", "sub/mine"));
    TRY(rename("sub/mine", "mine"));
    TRY(link("mine", "sub/hard"));
    TRY(syscall(SYS_renameat2, AT_FDCWD, "mine", AT_FDCWD, "/etc/passwd", 2 /* RENAME_EXCHANGE */));
    TRY(syscall(SYS_renameat2, AT_FDCWD, "mine", AT_FDCWD, "sub/hard", 2));
    TRY(syscall(SYS_renameat2, AT_FDCWD, "mine", AT_FDCWD, "/run/x", 4 /* RENAME_WHITEOUT */) < 0 ? -1 : 0);
    TRY(unlink("/etc/passwd"));
    TRY(unlink("/var/none"));
    TRY(rmdir("/var"));
    TRY(mkdir("/tmp/d", 0755));
    TRY(mkdir("/run/d", 0755));
    TRY(mkdir("/work/d", 0755));
    TRY(symlink("x", "/tmp/s"));
    TRY(symlink("x", "/run/s"));
    TRY(mkfifo("/tmp/p", 0600));
    TRY(mkfifo("/work/p", 0600));
    TRY(mknod("/tmp/r", S_IFREG | 0600, 0));
    TRY(mknod("/run/r", S_IFREG | 0600, 0));
    TRY(mknod("/work/c", S_IFCHR | 0600, makedev(1, 3)));
}

static void sockets(void)
{
    const char *const names[] = {"/tmp/sock", "/run/sock", "/work/sock"};
    for (int i = 0; i < 3; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strcpy(address.sun_path, names[i]);
        int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        say("bind %s: %s", names[i], bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? error_name(errno) : "yes");
        close(fd);
    }
}

/* What Landlock does not govern, so that a change of that shows. */
static void ungoverned(void)
{
    struct stat st;
    char text[64];
    TRY(stat("/etc/passwd", &st));
    TRY(access("/etc/passwd", R_OK));
    TRY(chdir("/etc"));
    MUST(chdir("/work"));
    TRY(readlink("link", text, sizeof text));
    TRY(getxattr("/etc/passwd", "user.none", text, sizeof text));
    int fd = (int)MUST(inotify_init1(IN_CLOEXEC));
    WORKS(inotify_add_watch(fd, "/etc", IN_CREATE));
    close(fd);
}

static void handles(void)
{
    struct {
        struct file_handle head;
        char room[128];
    } handle = {.head.handle_bytes = sizeof handle.room};
    int mount;
    if (name_to_handle_at(AT_FDCWD, "/bound/passwd", &handle.head, &mount, 0) < 0)
        handle.head.handle_bytes = 8; /* a file system without handles: one that is nobody's */
    TRY(open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY) >= 0 ? 0 : -1);
}

static void execute(void)
{
    const char *const names[] = {"/work/script", "/work/program", "/dev/shm/interpreted", "/dev/shm/program", "/etc/passwd", "/usr/bin/none"};
    char data[4096];
    ssize_t n;
    make_file("script", "#!/usr/bin/env -S echo a script\n");
    MUST(chmod("script", 0755));
    make_file("/dev/shm/interpreted", "#!/work/program -c\n"); /* it may be executed, its interpreter not */
    MUST(chmod("/dev/shm/interpreted", 0755));
    int from = (int)MUST(open("/usr/bin/true", O_RDONLY | O_CLOEXEC)), to = (int)MUST(open("program", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
    while ((n = read(from, data, sizeof data)) > 0)
        MUST(write(to, data, (size_t)n));
    close(from);
    close(to);
    from = (int)MUST(open("program", O_RDONLY | O_CLOEXEC));
    to = (int)MUST(open("/dev/shm/program", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
    while ((n = read(from, data, sizeof data)) > 0)
        MUST(write(to, data, (size_t)n));
    close(from);
    close(to);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        pid_t child = (pid_t)MUST(fork());
        if (child == 0) {
            execl(names[i], "x", NULL);
            say("execute %s: %s", names[i], error_name(errno));
            _exit(9);
        }
        say_end(names[i], child);
    }
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        int fd = (int)MUST(open("/work/program", O_PATH));
        syscall(SYS_execveat, fd, "", (char *[]){(char *)"x", NULL}, NULL, AT_EMPTY_PATH);
        say("execveat: %s", error_name(errno));
        _exit(9);
    }
    say_end("execveat", child);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/usr/bin/env", "env", "-i", "/usr/bin/echo", "from usr", NULL);
        _exit(9);
    }
    say_end("env", child);
    /* Mappings are not governed: what can be read can be mapped to be executed. */
    int fd = (int)MUST(open("/work/program", O_RDONLY | O_CLOEXEC));
    void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    say("map to execute: %s", map == MAP_FAILED ? error_name(errno) : "yes");
    close(fd);
}

/* A name that goes back and forth between what may be read and what may not; whoever opens it gets the one or a refusal. */
static void race(void)
{
    pid_t parent = getpid(), child = (pid_t)MUST(fork());
    if (child == 0) {
        MUST(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
        for (int i = 0; getppid() == parent; i++) {
            unlink("swap-new");
            if (i % 3 == 0) {
                (void)!symlink("/etc/passwd", "swap-new");
            } else if (i % 3 == 1) {
                (void)!symlink("/usr/bin/env", "swap-new");
            } else {
                close(open("swap-new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
            }
            rename("swap-new", "swap");
            (void)syscall(SYS_renameat2, AT_FDCWD, "swap-dir", AT_FDCWD, "swap-other", 2);
        }
        _exit(0);
    }
    int secrets = 0;
    double end = now() + 2;
    for (int i = 0; i < 4000 && now() < end; i++) {
        char data[5] = "";
        int fd = open(i % 2 ? "swap" : "swap-dir/passwd", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        secrets += read(fd, data, 5) == 5 && memcmp(data, "root:", 5) == 0;
        close(fd);
    }
    MUST(kill(child, SIGKILL));
    reap(child);
    say("secrets seen: %s", secrets > 0 ? "yes" : "no");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "confine") == 0)
        confine();
    if (argc > 2) {
        execv(argv[2], argv + 2);
        return 9;
    }
    MUST(chdir("/work"));
    names();
    by_proc();
    changes();
    sockets();
    ungoverned();
    handles();
    execute();
    MUST(mkdir("swap-dir", 0755));
    MUST(symlink("/etc", "swap-other"));
    if (argc > 1)
        race();
    list_tree("/work/sub");
    return 0;
}

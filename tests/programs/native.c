// SPDX-License-Identifier: GPL-2.0-only
/* native.c: the oracle's other half: run a program natively in the root that the sandbox has, as the sandbox would be if nothing were remote.
 *
 *   native [--userns] [--nofile N] [--capabilities HEX] [--hostname NAME] [--directory DIR] [--bind SOURCE TARGET]... ROOT PROGRAM [ARG]...
 *
 * New mount, pid, net, ipc and uts namespaces (and a user namespace with our id as 0 with --userns); an overlay over ROOT whose upper layer is a tmpfs;
 * /proc, a minimal /dev, a /tmp and a /work of its own; loopback up; the capabilities named and no others; no_new_privs.  It shares no code with sandbox/, so that a
 * mistake there shows.  The environment is handed on.  Exit status: the program's, 128+n for signal n, 125 when a stage here failed. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *format, ...)
{
    int code = errno;
    va_list args;
    va_start(args, format);
    fputs("native: ", stderr);
    vfprintf(stderr, format, args);
    fprintf(stderr, ": %s\n", strerror(code));
    va_end(args);
    _exit(125);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        die("write %s to %s", text, path);
    close(fd);
}

static void make_userns(void)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    char map[64];
    if (unshare(CLONE_NEWUSER) < 0)
        die("make a user namespace");
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1\n", uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1\n", gid);
    write_file("/proc/self/gid_map", map);
}

static void loopback_up(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        die("bring lo up");
    close(fd);
}

static void mount_or_die(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
    if (mount(source, target, type, flags, data) < 0)
        die("mount %s on %s", source, target);
}

/* A file to mount a device on, and the device's mount: works in a user namespace too, where mknod does not. */
static void device(const char *directory, const char *name)
{
    char from[64], to[256];
    snprintf(from, sizeof from, "/dev/%s", name);
    snprintf(to, sizeof to, "%s/%s", directory, name);
    int fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0)
        die("make %s", to);
    close(fd);
    mount_or_die(from, to, NULL, MS_BIND, NULL);
}

/* Terminals of its own, as the jail's are (src/jail/terminal.c): of group 5 where there is one. */
static void make_terminals(const char *directory, bool userns)
{
    char path[256];
    snprintf(path, sizeof path, "%s/pts", directory);
    if (mkdir(path, 0755) < 0)
        die("make %s", path);
    mount_or_die("devpts", path, "devpts", MS_NOSUID | MS_NOEXEC, userns ? "newinstance,ptmxmode=0666,mode=0620" : "newinstance,ptmxmode=0666,mode=0620,gid=5");
    snprintf(path, sizeof path, "%s/ptmx", directory);
    if (symlink("pts/ptmx", path) < 0)
        die("make %s", path);
    device(directory, "tty");
}

static void make_dev(const char *directory, bool userns)
{
    char path[256];
    mount_or_die("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755");
    const char *const devices[] = {"null", "zero", "full", "random", "urandom"};
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        device(directory, devices[i]);
    const char *const links[][2] = {
        {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
    };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, links[i][0]);
        if (symlink(links[i][1], path) < 0)
            die("make %s", path);
    }
    make_terminals(directory, userns);
    snprintf(path, sizeof path, "%s/shm", directory);
    if (mkdir(path, 0755) < 0)
        die("make %s", path);
    mount_or_die("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
}

/* The program with its arguments, in the new root, as pid 2; we are pid 1. */
static int run(char **argv)
{
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        execvp(argv[0], argv);
        int code = errno;
        fprintf(stderr, "native: %s: %s\n", argv[0], strerror(code));
        _exit(code == ENOENT ? 127 : 126);
    }
    for (;;) {
        int status;
        pid_t pid = wait(&status);
        if (pid == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (pid < 0 && errno != EINTR)
            die("wait");
    }
}

static void drop_capabilities(unsigned long long keep)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    for (int cap = 0; cap < 64; cap++)
        if ((keep & 1ull << cap) == 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
            die("drop capability %d", cap);
    data[0].effective = data[0].permitted = data[0].inheritable = (uint32_t)keep;
    data[1].effective = data[1].permitted = data[1].inheritable = (uint32_t)(keep >> 32);
    if (syscall(SYS_capset, &head, data) < 0)
        die("set the capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        die("no_new_privs");
}

struct options {
    bool userns;
    rlim_t nofile;
    unsigned long long capabilities;
    const char *hostname, *directory, *root;
    const char *bind[16][2];
    int binds;
    char **argv;
};

static void parse(struct options *options, char **argv)
{
    argv++;
    for (; argv[0] != NULL && strncmp(argv[0], "--", 2) == 0; argv++) {
        if (strcmp(argv[0], "--userns") == 0) {
            options->userns = true;
            continue;
        }
        if (argv[1] == NULL)
            break;
        if (strcmp(argv[0], "--nofile") == 0)
            options->nofile = strtoul(*++argv, NULL, 10);
        else if (strcmp(argv[0], "--capabilities") == 0)
            options->capabilities = strtoull(*++argv, NULL, 16);
        else if (strcmp(argv[0], "--hostname") == 0)
            options->hostname = *++argv;
        else if (strcmp(argv[0], "--directory") == 0)
            options->directory = *++argv;
        else if (strcmp(argv[0], "--bind") == 0 && argv[2] != NULL && options->binds < 16) {
            options->bind[options->binds][0] = *++argv;
            options->bind[options->binds++][1] = *++argv;
        } else
            break;
    }
    if (argv[0] == NULL || argv[1] == NULL || strncmp(argv[0], "--", 2) == 0) {
        errno = EINVAL;
        die("usage: see the top of native.c");
    }
    options->root = argv[0];
    options->argv = argv + 1;
}

/* After it "/" is the new root.  Everything is built on a tmpfs that only this mount namespace has. */
static void enter_root(const struct options *options)
{
    const char *base = "/tmp"; /* any directory: it is covered in our own namespace only */
    char data[4096], path[4096];
    int root = open(options->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int bind[16];
    if (root < 0)
        die("open %s", options->root);
    for (int i = 0; i < options->binds; i++)
        if ((bind[i] = open(options->bind[i][0], O_PATH | O_CLOEXEC)) < 0)
            die("open %s", options->bind[i][0]);
    mount_or_die("tmpfs", base, "tmpfs", 0, "mode=0755");
    if (chdir(base) < 0 || mkdir("lower", 0755) < 0 || mkdir("upper", 0755) < 0 || mkdir("work", 0755) < 0 || mkdir("root", 0755) < 0)
        die("make directories");
    snprintf(path, sizeof path, "/proc/self/fd/%d", root);
    mount_or_die(path, "lower", NULL, MS_BIND | MS_REC, NULL);
    snprintf(data, sizeof data, "lowerdir=lower,upperdir=upper,workdir=work,userxattr");
    mount_or_die("overlay", "root", "overlay", MS_NOSUID | MS_NODEV, data);
    mkdir("root/dev", 0755);
    mkdir("root/proc", 0755);
    make_dev("root/dev", options->userns);
    mount_or_die("proc", "root/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    /* Writable for every id: an overlay cannot copy a directory up whose owner is not mapped (EOVERFLOW). */
    mkdir("root/tmp", 01777);
    mkdir("root/work", 0755);
    mount_or_die("tmpfs", "root/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    mount_or_die("tmpfs", "root/work", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
    for (int i = 0; i < options->binds; i++) {
        char from[64];
        snprintf(from, sizeof from, "/proc/self/fd/%d", bind[i]);
        snprintf(path, sizeof path, "root%s", options->bind[i][1]);
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            die("make %s", path);
        mount_or_die(from, path, NULL, MS_BIND | MS_REC, NULL);
        /* Read-only in a second step (mount(2)); flags that a user namespace may not clear are named again. */
        if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
            die("make %s read-only", path);
        close(bind[i]);
    }
    close(root);
    if (chdir("root") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        die("enter %s", options->root);
}

int main(int argc, char **argv)
{
    (void)argc;
    close_range(3, ~0u, 0); /* what the harness has open is not the program's */
    struct options options = {.nofile = 4096, .hostname = "sandbox", .directory = "/"};
    parse(&options, argv);
    umask(022);
    if (options.userns)
        make_userns();
    if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        die("make namespaces");
    /* The pid namespace is the next child's. */
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child > 0) {
        int status;
        while (waitpid(child, &status, 0) < 0)
            if (errno != EINTR)
                die("wait");
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    mount_or_die("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (sethostname(options.hostname, strlen(options.hostname)) < 0)
        die("set the host name");
    loopback_up();
    enter_root(&options);
    if (chdir(options.directory) < 0)
        die("chdir %s", options.directory);
    struct rlimit limit = {options.nofile, options.nofile};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("limit descriptors to %lu", (unsigned long)options.nofile);
    if (!options.userns)
        setgroups(0, NULL); /* refused in a nested user namespace, where there are none to give up */
    drop_capabilities(options.capabilities);
    return run(options.argv);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* sandbox-probe.c: stands in for init in unit-sandbox: says on the control connection what it finds, one "key=value" a line. */
#include "src/core/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static FILE *out;

/* key=0, or the errno's name. */
static void outcome(const char *key, long result)
{
    fprintf(out, "%s=%s\n", key, result >= 0 ? "ok" : strerrorname_np(errno));
}

static void say_status(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    if (status == NULL)
        return;
    while (fgets(line, sizeof line, status) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL || (strncmp(line, "Cap", 3) != 0 && strncmp(line, "NoNewPrivs", 10) != 0 && strncmp(line, "Seccomp:", 8) != 0))
            continue;
        *colon = 0;
        fprintf(out, "%s=%s", line, colon + 1 + strspn(colon + 1, " \t"));
    }
    fclose(status);
}

static void say_owner(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        fprintf(out, "owner %s=%s\n", path, strerrorname_np(errno));
    else
        fprintf(out, "owner %s=%u:%u\n", path, st.st_uid, st.st_gid);
}

static void say_write(const char *path)
{
    char key[256];
    snprintf(key, sizeof key, "write %s", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    outcome(key, fd < 0 ? -1 : write(fd, "x", 1));
    if (fd >= 0)
        close(fd);
}

/* What is mounted, and that nothing lies above the root. */
static void say_mounts(void)
{
    struct statx root, above;
    if (statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &root) == 0 && statx(AT_FDCWD, "/..", 0, STATX_INO | STATX_MNT_ID, &above) == 0)
        fprintf(out, "above=%s\n", root.stx_ino == above.stx_ino && root.stx_mnt_id == above.stx_mnt_id ? "root" : "something");
    FILE *mounts = fopen("/proc/self/mountinfo", "r");
    unsigned count = 0;
    for (int c; mounts != NULL && (c = getc(mounts)) != EOF;)
        count += c == '\n';
    fprintf(out, "mounts=%u\n", count);
    if (mounts != NULL)
        fclose(mounts);
}

int main(int argc, char **argv)
{
    unsigned limit = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    struct rlimit nofile;
    getrlimit(RLIMIT_NOFILE, &nofile);
    /* Which descriptors are open, before any is made. */
    unsigned low = 0, high = 0;
    for (unsigned fd = 0; fd < limit + 64; fd++)
        if (fcntl((int)fd, F_GETFD) >= 0)
            *(fd < limit ? &low : &high) += 1;
    out = fdopen((int)limit + RSYS_FD_CHANNEL, "w");
    if (out == NULL)
        return 1;
    fprintf(out, "argv=%s %s %s\nlow=%u\nhigh=%u\nsoft=%u\n", argv[0], argv[1], argc > 2 ? argv[2] : "", low, high, nofile.rlim_cur == limit);
    fprintf(out, "pid=%d\nuid=%u\ngid=%u\ngroups=%d\n", getpid(), getuid(), getgid(), getgroups(0, NULL));
    struct utsname name;
    uname(&name);
    fprintf(out, "hostname=%s\n", name.nodename);
    char cwd[256];
    fprintf(out, "cwd=%s\n", getcwd(cwd, sizeof cwd));
    int deathsig = 0;
    prctl(PR_GET_PDEATHSIG, &deathsig);
    fprintf(out, "deathsig=%d\n", deathsig);
    say_status();
    static const char *const paths[] = {"/", "/marker", "/etc", "/dev/null", "/proc/1", "/tmp"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        say_owner(paths[i]);
    static const char *const writes[] = {"/new", "/marker", "/tmp/new", "/dev/null", "/dev/shm/new", "/dev/new", "/bound/new", "/proc/sys/kernel/hostname"};
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        say_write(writes[i]);
    say_mounts();
    struct ifreq request = {.ifr_name = "lo"};
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sock >= 0 && ioctl(sock, SIOCGIFFLAGS, &request) == 0)
        fprintf(out, "lo=%s\n", request.ifr_flags & IFF_UP ? "up" : "down");
    struct if_nameindex *names = if_nameindex();
    unsigned interfaces = 0;
    for (; names != NULL && names[interfaces].if_index != 0; interfaces++)
        ;
    fprintf(out, "interfaces=%u\n", interfaces);
    outcome("unshare user", unshare(CLONE_NEWUSER));
    outcome("unshare net", unshare(CLONE_NEWNET));
    outcome("setgroups", setgroups(0, NULL));
    outcome("broker", write((int)limit + RSYS_FD_BROKER_GIVE, "b", 1));
    DIR *processes = opendir("/proc");
    unsigned count = 0;
    for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;)
        count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
    fprintf(out, "processes=%u\nend=1\n", count);
    fflush(out);
    /* Stay until the test closes the other end, as init does. */
    char byte;
    while (read((int)limit + RSYS_FD_CHANNEL, &byte, 1) > 0)
        ;
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* proc-self.c: what /proc/self says agrees with the calls */
// also: preload
#include "guest.h"

#include <sys/prctl.h>

int main(void)
{
    char path[64], text[4096], expect[64];
    ssize_t n;
    snprintf(expect, sizeof expect, "%d", getpid());
    memset(text, 0, sizeof text);
    TRY(readlink("/proc/self", text, sizeof text) > 0);
    CHECK(strcmp(text, expect) == 0);
    memset(text, 0, sizeof text);
    MUST(readlink("/proc/self/cwd", text, sizeof text));
    say("cwd %s", text);
    memset(text, 0, sizeof text);
    MUST(readlink("/proc/self/root", text, sizeof text));
    say("root %s", text);
    memset(text, 0, sizeof text);
    n = MUST(readlink("/proc/self/exe", text, sizeof text - 1));
    say("exe %s", text);
    make_file("f", "x");
    int fd = (int)MUST(open("f", O_RDONLY));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memset(text, 0, sizeof text);
    MUST(readlink(path, text, sizeof text));
    say("fd %s", text);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), fd);
    CHECK(access(path, F_OK) == 0);
    int cmdline = (int)MUST(open("/proc/self/cmdline", O_RDONLY));
    memset(text, 0, sizeof text);
    n = MUST(read(cmdline, text, sizeof text));
    say("cmdline %s (%ld)", text, (long)n);
    DIR *dir = opendir("/proc/self/task");
    int tasks = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        tasks += entry->d_name[0] != '.';
    say("tasks %d", tasks);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        pause();
        _exit(0);
    }
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    int stat_fd = (int)MUST(open(path, O_RDONLY));
    memset(text, 0, sizeof text);
    MUST(read(stat_fd, text, sizeof text - 1));
    int ppid = 0;
    sscanf(strrchr(text, ')') + 4, "%d", &ppid);
    CHECK(ppid == getpid());
    kill(child, SIGKILL);
    reap(child);
    for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
        usleep(1000);
    CHECK(access(path, F_OK) < 0);
    CHECK(access("/proc/1/stat", F_OK) == 0);
    return 0;
}

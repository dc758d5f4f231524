/* SPDX-License-Identifier: GPL-2.0-only */
/* proc-status.c: what our own kernel says of a guest in /proc/TID/status and /proc/TID/syscall. */
#include "src/jail/proc-status.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << ((n)-1))
/* signal(7): those whose default is not the end. */
#define HARMLESS (BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))

static ssize_t read_file(int proc_fd, pid_t tid, const char *name, char *text, size_t size)
{
    char path[32];
    snprintf(path, sizeof path, "%d/%s", (int)tid, name);
    RSYS_AUTO_FD fd = proc_fd < 0 ? -1 : openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    text[n > 0 ? n : 0] = 0;
    return n;
}

int rsys_proc_status(int proc_fd, pid_t tid, char *text, size_t size)
{
    return read_file(proc_fd, tid, "status", text, size) > 0 ? 0 : -1;
}

uint64_t rsys_proc_status_mask(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at != NULL ? strtoull(at + strlen(name), NULL, 16) : 0;
}

bool rsys_proc_status_dies(const char *status)
{
    uint64_t pending = rsys_proc_status_mask(status, "\nSigPnd:") | rsys_proc_status_mask(status, "\nShdPnd:");
    uint64_t not_by_that = rsys_proc_status_mask(status, "\nSigBlk:") | rsys_proc_status_mask(status, "\nSigIgn:") | rsys_proc_status_mask(status, "\nSigCgt:");
    return (pending & ~not_by_that & ~HARMLESS) != 0;
}

long rsys_proc_syscall(int proc_fd, pid_t tid)
{
    char text[256];
    if (read_file(proc_fd, tid, "syscall", text, sizeof text) <= 0)
        return -1;
    return strncmp(text, "running", 7) == 0 ? RSYS_PROC_RUNNING : strtol(text, NULL, 10);
}

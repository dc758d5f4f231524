/* SPDX-License-Identifier: GPL-2.0-only */
/* proc-status.h: what our own kernel says of a guest in /proc/TID/status and /proc/TID/syscall. */
#ifndef RSYS_JAIL_PROC_STATUS_H
#define RSYS_JAIL_PROC_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RSYS_PROC_STATUS_SIZE 4096

/* The text, zero-terminated.  proc_fd: the guests' procfs, or -1.  0, or -1: there is no such thread, or no procfs. */
int rsys_proc_status(int proc_fd, pid_t tid, char *text, size_t size);
/* A mask of signals in it; name: as in "\nSigCgt:". */
uint64_t rsys_proc_status_mask(const char *status, const char *name);
/* Whether a signal is on its way that will end it: nobody blocks, ignores or handles it, and ending is what it does. */
bool rsys_proc_status_dies(const char *status);

/* The number of the system call that it is in (proc(5)); RSYS_PROC_RUNNING: it runs, within the kernel or not; -1: it is in none, or may not be asked. */
#define RSYS_PROC_RUNNING (-2)
long rsys_proc_syscall(int proc_fd, pid_t tid);

#endif

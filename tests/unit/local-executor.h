/* SPDX-License-Identifier: GPL-2.0-only */
/* local-executor.h: a process that executes requests as an executor does, on this machine's own files. */
#ifndef RSYS_TESTS_LOCAL_EXECUTOR_H
#define RSYS_TESTS_LOCAL_EXECUTOR_H

#include <sys/types.h>

/* Fork it: its pid, and in *ret_channel the other end of its channel. */
pid_t local_executor_start(int *ret_channel);
void local_executor_end(pid_t pid);

#endif

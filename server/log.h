/* SPDX-License-Identifier: GPL-2.0-only */
/* log.h: what the daemon says on stderr: a line a message, each written with one system call. */
#ifndef RSYS_SERVER_LOG_H
#define RSYS_SERVER_LOG_H

enum log_level { LOG_LEVEL_NOTHING = -2, LOG_LEVEL_ERROR = -1, LOG_LEVEL_INFO = 0, LOG_LEVEL_DEBUG = 1 };

void server_log_level(int verbosity); /* messages above it are not written */
void server_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

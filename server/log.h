/* SPDX-License-Identifier: GPL-2.0-only */
/* log.h: what the daemon says on stderr: a line a message, each written with one system call; as text, or as JSON for programs that collect logs. */
#ifndef RSYS_SERVER_LOG_H
#define RSYS_SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_NOTHING = -2, LOG_LEVEL_ERROR = -1, LOG_LEVEL_INFO = 0, LOG_LEVEL_DEBUG = 1 };

/* What a message is about. */
struct log_about {
    unsigned session; /* 0: none */
    const char *peer; /* NULL: none */
};

void server_log_level(int verbosity); /* messages above it are not written */
/* Also looks whether stderr is the journal: then each line says its priority (sd-daemon(3)). */
void server_log_format(bool json);
/* What all later messages of this process are about: a session process's own session.  peer has to stay. */
void server_log_own(unsigned session, const char *peer);

/* Text and peer may hold anything: control characters and what is not UTF-8 is written as "?". */
void server_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void server_log_about(const struct log_about *about, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Make a terminated text fit for a terminal and for JSON, in place: see above. */
void server_clean_text(char *text);
/* Append text, which is clean, to line as a JSON string; what does not fit is left out.  Returns the new length. */
size_t server_json_string(char *line, size_t at, size_t size, const char *text);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* error.h: our own failures, as messages for a person.
 *
 * A guest's result is plain data (int64_t, negative errno) and never comes this way.  What fails on our side is an int < 0 and a
 * struct rsys_error that says what was tried, on what, and why it failed. */
#ifndef RSYS_CORE_ERROR_H
#define RSYS_CORE_ERROR_H

#include <stdarg.h>

struct rsys_error {
    int code;      /* an errno, or 0 when there is none to tell */
    char *message; /* one line, no newline at its end; owned */
};

/* Fill *err (when err is not NULL) with the formatted message, followed by ": strerror(code)" when code is not 0.  Returns -1, so
 * that a failure is one line: return rsys_error_make(err, errno, "open %s", path).  Never fails: without memory the message is
 * NULL, which rsys_error_text shows as "out of memory".  *err has to be NULL before; what it holds already is kept as it is. */
int rsys_error_make(struct rsys_error **err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Put "context: " before the message of *err, if there is one.  Returns -1. */
int rsys_error_prefix(struct rsys_error **err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message to print; never NULL. */
const char *rsys_error_text(const struct rsys_error *err);
void rsys_error_free(struct rsys_error *err);
static inline void rsys_error_freep(struct rsys_error **err) { rsys_error_free(*err); }
#define RSYS_AUTO_ERROR __attribute__((cleanup(rsys_error_freep))) struct rsys_error *

#endif

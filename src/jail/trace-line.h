/* SPDX-License-Identifier: GPL-2.0-only */
/* trace-line.h: a line of --trace, and what is written into it: shared by trace.c and the decoder of arguments (trace-args.c). */
#ifndef RSYS_JAIL_TRACE_LINE_H
#define RSYS_JAIL_TRACE_LINE_H

#include "src/jail/jail.h"

struct trace_line {
    char text[2048];
    size_t length; /* what does not fit is cut */
};

void rsys_line_add(struct trace_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The guest's bytes go to the user's terminal: what is not printable is escaped.  more: there are more than these. */
void rsys_line_add_quoted(struct trace_line *line, const char *bytes, size_t n, bool more);

/* The call's argument i, decoded.  Everything it points at is read from the guest's memory, each read of a bounded size.  known: the call is over
 * and has its result, so that what it has written is there too. */
void rsys_trace_argument(struct trace_line *line, const struct call *call, unsigned i, bool known);

#endif

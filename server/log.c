/* SPDX-License-Identifier: GPL-2.0-only */
/* log.c: what the daemon says on stderr. */
#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int most;

void server_log_level(int verbosity)
{
    most = verbosity;
}

void server_log(enum log_level level, const char *format, ...)
{
    if ((int)level > most)
        return;
    char line[1200];
    int start = snprintf(line, sizeof line, "rsys-sandboxd: ");
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line + start, sizeof line - (size_t)start - 1, format, args);
    va_end(args);
    size_t size = length < 0 ? (size_t)start : strlen(line);
    /* What a client sent may be part of it: no control characters reach a terminal. */
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 127)
            line[i] = '?';
    line[size] = '\n';
    (void)!write(STDERR_FILENO, line, size + 1);
}

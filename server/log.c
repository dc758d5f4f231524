/* SPDX-License-Identifier: GPL-2.0-only */
/* log.c: what the daemon says on stderr. */
#include "server/log.h"

#include "src/core/util.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 1200
#define LINE_ROOM (3 * TEXT_MAX)

static int most;
static bool as_json, to_journal;
static struct log_about own;

static const struct {
    const char *name;
    int priority; /* syslog's */
} levels[] = {
    [LOG_LEVEL_ERROR + 1] = {"error", LOG_ERR},
    [LOG_LEVEL_INFO + 1] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG + 1] = {"debug", LOG_DEBUG},
};

void server_log_level(int verbosity)
{
    most = verbosity;
}

void server_log_format(bool json)
{
    /* "DEVICE:INODE" of the stream that the service manager made stderr of; stderr may be another file by now. */
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;
    as_json = json;
    to_journal = stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
                 status.st_ino == inode;
}

void server_log_own(unsigned session, const char *peer)
{
    own = (struct log_about){session, peer};
}

/* How many bytes the UTF-8 character at text has; 0: it is none, or one that a terminal acts on. */
static size_t character_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80 ? 1 : (text[0] & 0xe0) == 0xc0 ? 2 : (text[0] & 0xf0) == 0xe0 ? 3 : (text[0] & 0xf8) == 0xf0 ? 4 : 0;
    uint32_t code = length == 1 ? text[0] : text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) /* the end too */
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    static const uint32_t least[] = {0, ' ', 0xa0, 0x800, 0x10000}; /* 0x80 to 0x9f are control characters */
    return code < least[length] || code == 127 || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff ? 0 : length;
}

void server_clean_text(char *text)
{
    while (*text != 0) {
        size_t length = character_length((unsigned char *)text);
        if (length == 0)
            *text = '?';
        text += length == 0 ? 1 : length;
    }
}

static size_t append(char *line, size_t at, size_t size, const char *text, size_t length)
{
    if (length > size - at)
        return at;
    memcpy(line + at, text, length);
    return at + length;
}

size_t server_json_string(char *line, size_t at, size_t size, const char *text)
{
    at = append(line, at, size, "\"", 1);
    for (; *text != 0; text++) {
        if (*text == '"' || *text == '\\')
            at = append(line, at, size, "\\", 1);
        at = append(line, at, size, text, 1);
    }
    return append(line, at, size, "\"", 1);
}

static size_t json_line(char *line, size_t at, const struct log_about *about, enum log_level level, const char *text)
{
    struct timespec now;
    struct tm parts;
    char head[120];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t length = strftime(head, sizeof head, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &parts);
    length += (size_t)snprintf(head + length, sizeof head - length, ".%06ldZ\",\"level\":\"%s\"", now.tv_nsec / 1000, levels[level + 1].name);
    if (about->session != 0)
        length += (size_t)snprintf(head + length, sizeof head - length, ",\"session\":%u", about->session);
    at = append(line, at, LINE_ROOM, head, length);
    if (about->peer != NULL) {
        at = append(line, at, LINE_ROOM, ",\"peer\":", 8);
        at = server_json_string(line, at, LINE_ROOM, about->peer);
    }
    at = append(line, at, LINE_ROOM, ",\"message\":", 11);
    at = server_json_string(line, at, LINE_ROOM, text);
    return append(line, at, LINE_ROOM, "}", 1);
}

static size_t text_line(char *line, size_t at, const struct log_about *about, const char *text)
{
    char head[160];
    int length = about->session != 0      ? snprintf(head, sizeof head, "rsys-sandboxd: session %u: ", about->session)
                 : about->peer != NULL ? snprintf(head, sizeof head, "rsys-sandboxd: %s: ", about->peer)
                                       : snprintf(head, sizeof head, "rsys-sandboxd: ");
    at = append(line, at, LINE_ROOM, head, RSYS_MIN((size_t)length, sizeof head - 1));
    return append(line, at, LINE_ROOM, text, strlen(text));
}

static void write_message(const struct log_about *about, enum log_level level, const char *format, va_list args)
{
    char text[TEXT_MAX], peer[180], line[LINE_ROOM + 1];
    struct log_about clean = *about;
    if (vsnprintf(text, sizeof text, format, args) < 0)
        text[0] = 0;
    server_clean_text(text);
    if (about->peer != NULL) {
        snprintf(peer, sizeof peer, "%s", about->peer);
        server_clean_text(peer);
        clean.peer = peer;
    }
    size_t at = to_journal ? (size_t)snprintf(line, sizeof line, "<%d>", levels[level + 1].priority) : 0;
    at = as_json ? json_line(line, at, &clean, level, text) : text_line(line, at, &clean, text);
    line[at] = '\n';
    (void)!write(STDERR_FILENO, line, at + 1);
}

void server_log(enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if ((int)level <= most)
        write_message(&own, level, format, args);
    va_end(args);
}

void server_log_about(const struct log_about *about, enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if ((int)level <= most)
        write_message(about, level, format, args);
    va_end(args);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* trace.c: --trace, a line for each call that came to the supervisor, and --stats, a summary of them.
 *
 *   [pid] name(arguments) = result <where, microseconds>
 *
 * where is `remote` (made on the server), `local` (let through to the guest's own kernel; its result is not seen: ?), `client` (answered by the
 * supervisor alone) or `denied`.  Calls that the guests' filter places locally never stop and are in neither.  The arguments are decoded by trace-args.c,
 * read from the guest's memory when the call ends, while the guest still waits. */
#include "src/jail/internal.h"
#include "src/jail/trace-line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ERESTARTSYS 512
#define ARGUMENTS_MAX 1800 /* bytes of a line that the arguments may take: there is always room for the result */

struct count {
    uint64_t calls, errors, remote, trips, ns;
};

static struct {
    bool lines, stats;
    int fd;
    struct count counts[RSYS_CALLS_MAX + 1]; /* the last: numbers that are no calls */
} trace = {.fd = -1};

void rsys_trace_start(struct rsys_session *session)
{
    trace.fd = session->trace_fd;
    trace.lines = trace.fd >= 0;
    trace.stats = session->options != NULL && session->options->stats;
}

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- a line ---- */

void rsys_line_add(struct trace_line *line, const char *format, ...)
{
    va_list args;
    size_t room = sizeof line->text - 2 - line->length; /* one for the newline */
    va_start(args, format);
    int n = vsnprintf(line->text + line->length, room + 1, format, args);
    va_end(args);
    if (n > 0)
        line->length += RSYS_MIN((size_t)n, room);
}

void rsys_line_add_quoted(struct trace_line *line, const char *bytes, size_t n, bool more)
{
    rsys_line_add(line, "\"");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\n')
            rsys_line_add(line, "\\n");
        else if (c == '\t')
            rsys_line_add(line, "\\t");
        else if (c == '"' || c == '\\')
            rsys_line_add(line, "\\%c", c);
        else if (c < ' ' || c >= 0x7f)
            rsys_line_add(line, "\\x%02x", c);
        else
            rsys_line_add(line, "%c", c);
    }
    rsys_line_add(line, more ? "\"..." : "\"");
}

static const char *where(const struct call *call, enum verdict verdict)
{
    if (verdict == VERDICT_CONTINUE)
        return "local";
    if (call->trips > 0)
        return "remote";
    if (call->row == NULL || call->placed >= RSYS_ACTION_DENY || call->row->where == RSYS_NEVER)
        return "denied";
    return "client";
}

static void add_result(struct trace_line *line, const struct call *call, bool known)
{
    const char *name;
    if (!known)
        rsys_line_add(line, " = ?");
    else if (call->result == -ERESTARTSYS)
        rsys_line_add(line, " = ? (interrupted by a signal)");
    else if (call->result < 0 && call->result >= -4095 && (name = strerrorname_np((int)-call->result)) != NULL)
        rsys_line_add(line, " = -1 %s (%s)", name, strerrordesc_np((int)-call->result));
    else
        rsys_line_add(line, " = %lld", (long long)call->result);
}

static void write_line(struct trace_line *of)
{
    of->text[of->length++] = '\n';
    (void)!write(trace.fd, of->text, of->length); /* a trace that cannot be written stops nobody */
}

/* The line up to its times. */
static struct trace_line current;
static const struct call *line_of; /* whose it is: not printed yet */

static void render(const struct call *call, enum verdict verdict)
{
    bool known = verdict != VERDICT_CONTINUE;
    current.length = 0;
    line_of = call;
    rsys_line_add(&current, "[%d] ", (int)call->guest->tid);
    if (call->row == NULL) {
        rsys_line_add(&current, "syscall_%llu(", (unsigned long long)call->nr);
    } else {
        rsys_line_add(&current, "%s(", call->row->name);
        for (int i = 0; i < call->row->nargs; i++) {
            size_t before = current.length;
            rsys_line_add(&current, i == 0 ? "" : ", ");
            size_t begin = current.length;
            rsys_trace_argument(&current, call, (unsigned)i, known);
            if (current.length == begin) /* nothing to show: a mode that the call does not look at */
                current.length = before;
            if (current.length > ARGUMENTS_MAX) {
                current.length = ARGUMENTS_MAX;
                rsys_line_add(&current, "...");
                break;
            }
        }
    }
    rsys_line_add(&current, ")");
    add_result(&current, call, known);
}

static void print_call(const struct call *call, enum verdict verdict, uint64_t ns)
{
    if (line_of != call) /* told in a stop, in which the guest still is */
        render(call, verdict);
    line_of = NULL;
    rsys_line_add(&current, " <%s, %llu µs>", where(call, verdict), (unsigned long long)(ns / 1000));
    write_line(&current);
}

/* ---- calls ---- */

void rsys_trace_call_begin(struct call *call)
{
    if (trace.lines || trace.stats)
        call->started = now_ns();
}

void rsys_trace_call_ready(struct call *call, enum verdict verdict)
{
    if (trace.lines)
        render(call, verdict);
}

void rsys_trace_call_end(struct call *call, enum verdict verdict)
{
    if (!trace.lines && !trace.stats)
        return;
    uint64_t ns = now_ns() - call->started;
    struct count *count = &trace.counts[RSYS_MIN(call->nr, (uint64_t)RSYS_CALLS_MAX)];
    count->calls++;
    count->errors += verdict != VERDICT_CONTINUE && call->result < 0 && call->result >= -4095;
    count->remote += call->trips > 0;
    count->trips += call->trips;
    count->ns += ns;
    if (trace.lines)
        print_call(call, verdict, ns);
}

/* ---- the summary ---- */

static int by_time(const void *a, const void *b)
{
    uint64_t one = trace.counts[*(const uint16_t *)a].ns, two = trace.counts[*(const uint16_t *)b].ns;
    return one < two ? 1 : one > two ? -1 : 0;
}

static void print_count(const char *name, const struct count *count)
{
    dprintf(trace.fd, "%10llu %8llu %10llu %10llu %12llu %10llu  %s\n", (unsigned long long)count->calls, (unsigned long long)count->errors,
            (unsigned long long)count->remote, (unsigned long long)count->trips, (unsigned long long)(count->ns / 1000),
            (unsigned long long)(count->calls > 0 ? count->ns / 1000 / count->calls : 0), name);
}

void rsys_trace_finish(void)
{
    uint16_t order[RSYS_CALLS_MAX + 1];
    size_t n = 0;
    struct count sum = {0};
    if (!trace.stats)
        return;
    if (trace.fd < 0)
        trace.fd = STDERR_FILENO;
    for (uint16_t nr = 0; nr <= RSYS_CALLS_MAX; nr++)
        if (trace.counts[nr].calls > 0)
            order[n++] = nr;
    qsort(order, n, sizeof order[0], by_time);
    dprintf(trace.fd, "%10s %8s %10s %10s %12s %10s  call (those that never stopped are not counted)\n", "calls", "errors", "remote", "trips", "total µs", "mean µs");
    for (size_t i = 0; i < n; i++) {
        const struct rsys_call *row = rsys_call_by_number(order[i]);
        const struct count *count = &trace.counts[order[i]];
        print_count(row != NULL ? row->name : "(no such call)", count);
        sum.calls += count->calls;
        sum.errors += count->errors;
        sum.remote += count->remote;
        sum.trips += count->trips;
        sum.ns += count->ns;
    }
    print_count("all", &sum);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* status.c: what a running daemon does, for people and for programs. */
#include "server/control.h"

#include "server/guests.h"
#include "server/log.h"
#include "src/core/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SAMPLE_MS 200 /* how long calls are counted for their rate */

struct row {
    const struct session *session;
    struct counters_sum sum;
    double rate; /* calls a second */
    int64_t guests; /* -1: not known */
};

struct table {
    struct row *rows; /* owned; as the daemon has them: the youngest first */
    size_t count;
    struct counters_sum total;
};

static void sample(struct table *table)
{
    int64_t began = server_now();
    for (size_t i = 0; i < table->count; i++)
        counters_read(table->rows[i].session->counters_fd, table->rows[i].session->counters, &table->rows[i].sum);
    nanosleep(&(struct timespec){.tv_nsec = SAMPLE_MS * 1000000L}, NULL);
    double seconds = (double)RSYS_MAX(server_now() - began, INT64_C(1)) / 1000;
    for (size_t i = 0; i < table->count; i++) {
        struct row *row = &table->rows[i];
        uint64_t before = row->sum.calls;
        counters_read(row->session->counters_fd, row->session->counters, &row->sum);
        row->rate = row->sum.calls < before ? 0 : (double)(row->sum.calls - before) / seconds; /* a session may write what it likes */
        counters_sum_add(&table->total, &row->sum);
    }
}

static void count_guests(struct table *table)
{
    struct guests *guests = calloc(table->count + 1, sizeof *guests);
    for (size_t i = 0; guests != NULL && i < table->count; i++)
        guests[i].session = table->rows[i].session->pid;
    bool known = guests != NULL && guests_count(guests, table->count) == 0;
    for (size_t i = 0; i < table->count; i++)
        table->rows[i].guests = known ? (int64_t)guests[i].count : -1;
    free(guests);
}

static const char *state(const struct session *session)
{
    return session->pid == 0 ? "waiting" : session->watch.fd < 0 ? "ending" : session->broker_fd < 0 ? "starting" : "running";
}

/* ---- for programs ---- */

static void json_text(FILE *out, const char *name, const char *text)
{
    char clean[1024], line[2 * sizeof clean + 3];
    snprintf(clean, sizeof clean, "%s", text);
    server_clean_text(clean);
    size_t length = server_json_string(line, 0, sizeof line, clean);
    fprintf(out, "\"%s\": %.*s", name, (int)length, line);
}

static void json_time(FILE *out, const char *name, int64_t seconds)
{
    char text[40];
    struct tm parts;
    time_t when = (time_t)seconds;
    gmtime_r(&when, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    json_text(out, name, text);
}

static void json_sum(FILE *out, const struct counters_sum *sum)
{
    fprintf(out, "\"calls\": %" PRIu64 ", \"bytes_in\": %" PRIu64 ", \"bytes_out\": %" PRIu64 ", \"denied\": %" PRIu64, sum->calls, sum->in, sum->out,
            sum->denied);
}

static void json_session(FILE *out, const struct row *row)
{
    const struct session *session = row->session;
    fprintf(out, "{\"id\": %u, ", session->number);
    json_text(out, "peer", session->peer.text);
    fprintf(out, ", \"state\": \"%s\", ", state(session));
    if (session->pid != 0)
        fprintf(out, "\"pid\": %d, ", (int)session->pid);
    json_time(out, "since", session->since);
    fprintf(out, ", \"seconds\": %.3f, ", (double)(server_now() - session->started) / 1000);
    if (row->guests >= 0)
        fprintf(out, "\"guests\": %" PRId64 ", ", row->guests);
    json_sum(out, &row->sum);
    fprintf(out, ", \"calls_per_second\": %.1f}", row->rate);
}

static void write_json(const struct daemon *daemon, const struct table *table, FILE *out)
{
    const struct options *options = daemon->options;
    fprintf(out, "{");
    json_text(out, "version", PACKAGE_VERSION);
    fprintf(out, ", \"pid\": %d, ", (int)getppid());
    json_time(out, "since", daemon->since);
    fprintf(out, ", \"state\": \"%s\", ", daemon->ending ? "ending" : daemon->draining ? "draining" : "running");
    if (options->policy != NULL)
        json_text(out, "policy", options->policy);
    else
        fprintf(out, "\"policy\": null");
    fprintf(out, ",\n \"listening\": [");
    for (size_t i = 0; i < daemon->listener_count; i++) {
        fprintf(out, "%s{", i > 0 ? ", " : "");
        json_text(out, "address", daemon->listeners[i].name);
        fprintf(out, "}");
    }
    fprintf(out, "],\n \"limits\": {\"max_sessions\": %u, \"max_sessions_per_peer\": %u, \"hello_timeout\": %u, \"start_timeout\": %u, \"drain_timeout\": %u},\n", options->max_sessions,
            options->max_per_peer, options->hello_timeout, options->start_timeout, options->drain_timeout);
    fprintf(out, " \"totals\": {\"sessions\": %u, \"refused\": %" PRIu64 ", \"half_open\": %u, ", daemon->last_number, daemon->totals.refused,
            daemon->half_open_count);
    json_sum(out, &table->total);
    fprintf(out, "},\n \"sessions\": [");
    for (size_t i = table->count; i-- > 0;) {
        fprintf(out, "\n  ");
        json_session(out, &table->rows[i]);
        fprintf(out, "%s", i > 0 ? "," : "");
    }
    fprintf(out, "]}\n");
}

/* ---- for people ---- */

static const char *bytes_text(char *text, size_t size, uint64_t bytes)
{
    static const char units[] = " KMGTPE";
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000 && unit + 2 < sizeof units; unit++)
        value /= 1024;
    if (unit == 0)
        snprintf(text, size, "%.0f", value);
    else
        snprintf(text, size, "%.1f%c", value, units[unit]);
    return text;
}

static const char *duration_text(char *text, size_t size, int64_t seconds)
{
    if (seconds >= 86400)
        snprintf(text, size, "%" PRId64 "d%02" PRId64 "h", seconds / 86400, seconds / 3600 % 24);
    else if (seconds >= 3600)
        snprintf(text, size, "%" PRId64 "h%02" PRId64 "m", seconds / 3600, seconds / 60 % 60);
    else
        snprintf(text, size, "%" PRId64 "m%02" PRId64 "s", seconds / 60, seconds % 60);
    return text;
}

static void write_row(FILE *out, const struct row *row)
{
    char in[32], sent[32], age[48], guests[32] = "?", peer[sizeof row->session->peer.text];
    snprintf(peer, sizeof peer, "%s", row->session->peer.text);
    server_clean_text(peer);
    if (row->guests >= 0)
        snprintf(guests, sizeof guests, "%" PRId64, row->guests);
    fprintf(out, "%7u  %-28s %8s  %-8s %6s %12" PRIu64 " %9.0f %9s %9s %8" PRIu64 "\n", row->session->number, peer,
            duration_text(age, sizeof age, (server_now() - row->session->started) / 1000), state(row->session), guests, row->sum.calls, row->rate,
            bytes_text(in, sizeof in, row->sum.in), bytes_text(sent, sizeof sent, row->sum.out), row->sum.denied);
}

static void write_text(const struct daemon *daemon, const struct table *table, FILE *out)
{
    char in[32], sent[32], age[48];
    fprintf(out, "rsys-sandboxd %s, pid %d, for %s%s\n", PACKAGE_VERSION, (int)getppid(), duration_text(age, sizeof age, time(NULL) - daemon->since),
            daemon->ending ? ", ending" : daemon->draining ? ", draining" : "");
    fprintf(out, "policy %s\n", daemon->options->policy != NULL ? daemon->options->policy : "built in");
    for (size_t i = 0; i < daemon->listener_count; i++)
        fprintf(out, "listening on %s\n", daemon->listeners[i].name);
    fprintf(out, "%u of %u sessions; %u since the start, %" PRIu64 " refused; %" PRIu64 " calls, %s in, %s out, %" PRIu64 " denied\n", daemon->session_count,
            daemon->options->max_sessions, daemon->last_number, daemon->totals.refused, table->total.calls, bytes_text(in, sizeof in, table->total.in),
            bytes_text(sent, sizeof sent, table->total.out), table->total.denied);
    if (table->count > 0)
        fprintf(out, "\n%7s  %-28s %8s  %-8s %6s %12s %9s %9s %9s %8s\n", "SESSION", "PEER", "FOR", "STATE", "GUESTS", "CALLS", "CALLS/S", "IN", "OUT",
                "DENIED");
    for (size_t i = table->count; i-- > 0;)
        write_row(out, &table->rows[i]);
}

void status_write(const struct daemon *daemon, bool json, FILE *out)
{
    struct table table = {.total = daemon->totals.ended};
    for (const struct session *session = daemon->sessions; session != NULL; session = session->next)
        table.count++;
    table.rows = calloc(table.count + 1, sizeof *table.rows);
    if (table.rows == NULL)
        return; /* who asks sees that there is no answer */
    size_t at = 0;
    for (const struct session *session = daemon->sessions; session != NULL; session = session->next)
        table.rows[at++].session = session;
    sample(&table);
    count_guests(&table);
    if (json)
        write_json(daemon, &table, out);
    else
        write_text(daemon, &table, out);
    free(table.rows);
}

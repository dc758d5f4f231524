/* SPDX-License-Identifier: GPL-2.0-only */
/* denials.c: the listener of the executors' filter.
 *
 * A call that a rule of the policy denies makes its executor sleep until we have answered.  The answer is the rule's errno, never "go on": what the arguments point at is
 * not looked at, and only their numbers are told.  A well-behaved client denies the call on its own side and has the executor report it (RSYS_OP_REPORT); a client that lies can
 * report what it likes, and is judged by the same rules; the difference is told.  Whoever floods us waits for his own answers: the sessions' processes are each other's equals.
 *
 * The first calls of a kind are told one by one, and then their number alone, from time to time. */
#include "server/denials.h"

#include "server/counters.h"
#include "server/log.h"
#include "src/core/table.h"
#include "src/core/util.h"
#include "src/core/wire.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

#define LINES_MAX 5        /* of one call, until it is counted alone */
#define ALL_LINES_MAX 200  /* of all */
#define TELL_MS 10000      /* how often the counts are told */
#define COUNT_MAX 1000000u /* what one report may add */

struct denials {
    int fd; /* owned */
    const struct rsys_spec *spec;
    struct session_counters *counters;
    struct seccomp_notif *request; /* as large as the kernel's; owned */
    struct seccomp_notif_resp *response;
    size_t request_size, response_size;
    int64_t since;                 /* monotonic ms of the oldest that is kept back; 0: nothing is */
    unsigned lines;
    unsigned seen[RSYS_CALLS_MAX]; /* told one by one */
    uint64_t kept[RSYS_CALLS_MAX]; /* kept back */
};

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct denials *denials_new(int listener, const struct rsys_spec *spec, struct session_counters *counters)
{
    struct seccomp_notif_sizes sizes;
    struct denials *denials = calloc(1, sizeof *denials);
    if (denials == NULL)
        return NULL;
    denials->fd = -1;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0) {
        denials->request_size = RSYS_MAX((size_t)sizes.seccomp_notif, sizeof *denials->request);
        denials->response_size = RSYS_MAX((size_t)sizes.seccomp_notif_resp, sizeof *denials->response);
        denials->request = malloc(denials->request_size);
        denials->response = malloc(denials->response_size);
    }
    denials->spec = spec;
    denials->counters = counters;
    if (denials->request == NULL || denials->response == NULL) {
        denials_free(denials);
        return NULL;
    }
    denials->fd = listener;
    return denials;
}

void denials_free(struct denials *denials)
{
    if (denials == NULL)
        return;
    rsys_close(denials->fd);
    free(denials->request);
    free(denials->response);
    free(denials);
}

/* name(0x1, 0x2): the arguments' numbers, as many as the call has. */
static void describe(char *text, size_t size, const struct rsys_call *call, const uint64_t args[6])
{
    int at = snprintf(text, size, "%s(", call->name);
    for (int i = 0; i < call->nargs && at > 0 && (size_t)at < size; i++)
        at += snprintf(text + at, size - (size_t)at, "%s%#llx", i > 0 ? ", " : "", (unsigned long long)args[i]);
    if (at > 0 && (size_t)at < size)
        snprintf(text + at, size - (size_t)at, ")");
}

static const char *outcome_text(const struct rsys_decision *decision)
{
    static char text[64];
    const char *name = strerrorname_np(decision->error);
    switch (decision->action) {
    case RSYS_ACTION_KILL:
        return "fatal";
    case RSYS_ACTION_TRAP:
        return "trapped";
    case RSYS_ACTION_DENY:
        snprintf(text, sizeof text, "denied with %s", name != NULL ? name : "an error of its own");
        return text;
    default:
        return "logged";
    }
}

static void keep(struct denials *denials, uint64_t nr, uint64_t count)
{
    denials->kept[nr] += count;
    if (denials->since == 0)
        denials->since = now_ms();
}

/* by: who says it. */
static void tell_one(struct denials *denials, const struct rsys_call *call, const uint64_t args[6], const struct rsys_decision *decision, const char *by)
{
    char text[220];
    if (denials->seen[call->nr] >= LINES_MAX || denials->lines >= ALL_LINES_MAX) {
        keep(denials, call->nr, 1);
        return;
    }
    denials->seen[call->nr]++;
    denials->lines++;
    describe(text, sizeof text, call, args);
    server_log(LOG_LEVEL_INFO, "%s: %s: %s%s", rsys_spec_origin(denials->spec, decision->source), outcome_text(decision), text, by);
}

/* The client has its executor tell us.  All of it is hostile: nr is bounded here, and the rules say what there is to tell. */
static void reported(struct denials *denials, const struct seccomp_data *data)
{
    const struct rsys_rules *rules = &denials->spec->rules;
    uint64_t nr = (uint64_t)data->nr - RSYS_OP_REPORT, count = 1, args[6];
    bool more = nr >= RSYS_CALLS_MAX;
    if (more) {
        nr -= RSYS_CALLS_MAX;
        count = RSYS_MIN(data->args[0], (uint64_t)COUNT_MAX);
    }
    memcpy(args, data->args, sizeof args);
    const struct rsys_call *call = nr < RSYS_CALLS_MAX ? rsys_call_by_number(nr) : NULL;
    if (call == NULL)
        return;
    struct rsys_decision decision = rsys_rules_judge(rules, nr, args);
    bool denied = decision.action >= RSYS_ACTION_DENY && !decision.table;
    if (more || denied)
        counters_add(&denials->counters->denied, count);
    if (more)
        keep(denials, nr, count);
    else if (denied || decision.logged)
        tell_one(denials, call, args, &decision, "");
}

void denials_ready(struct denials *denials)
{
    struct seccomp_notif *notif = denials->request;
    memset(notif, 0, denials->request_size);
    if (ioctl(denials->fd, SECCOMP_IOCTL_NOTIF_RECV, notif) < 0)
        return; /* killed meanwhile */
    int32_t error = -ENOSYS;
    const struct seccomp_data *data = &notif->data;
    if (data->nr >= (int)RSYS_OP_REPORT && data->nr < (int)RSYS_OP_REPORT_END) {
        reported(denials, data);
        error = 0;
    } else {
        uint64_t args[6];
        memcpy(args, data->args, sizeof args);
        const struct rsys_call *call = data->nr >= 0 ? rsys_call_by_number((uint64_t)data->nr) : NULL;
        struct rsys_decision decision = rsys_rules_judge(&denials->spec->rules, (uint64_t)data->nr, args);
        if (call != NULL && decision.action == RSYS_ACTION_DENY)
            error = -(int32_t)decision.error;
        counters_add(&denials->counters->denied, 1);
        if (call != NULL)
            tell_one(denials, call, args, &decision, ", asked of its executor by the client");
    }
    memset(denials->response, 0, denials->response_size);
    denials->response->id = notif->id;
    denials->response->error = error;
    (void)!ioctl(denials->fd, SECCOMP_IOCTL_NOTIF_SEND, denials->response); /* who has gone needs no answer */
}

int denials_timeout(const struct denials *denials)
{
    if (denials == NULL || denials->since == 0)
        return -1;
    return (int)RSYS_MAX(denials->since + TELL_MS - now_ms(), (int64_t)0);
}

void denials_tell(struct denials *denials, bool end)
{
    char text[900];
    int at = 0;
    if (denials == NULL || denials->since == 0 || (!end && denials_timeout(denials) > 0))
        return;
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        if (denials->kept[nr] == 0)
            continue;
        if (at >= 0 && (size_t)at < sizeof text)
            at += snprintf(text + at, sizeof text - (size_t)at, "%s%s %llu", at > 0 ? ", " : "", rsys_call_by_number(nr)->name,
                           (unsigned long long)denials->kept[nr]);
        denials->kept[nr] = 0;
    }
    denials->since = 0;
    server_log(LOG_LEVEL_INFO, "more calls denied or logged: %s", text);
}

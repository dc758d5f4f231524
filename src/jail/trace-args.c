/* SPDX-License-Identifier: GPL-2.0-only */
/* trace-args.c: the decoder of arguments for --trace: by the shapes of the table, and where those say too little, by trace-formats.def. */
#include "src/jail/trace-show.h"

#include "src/core/subcalls.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

struct format {
    void (*show)(const struct shown *shown, unsigned detail); /* NULL: by the shape */
    uint8_t detail;
};

/* ---- ioctl and fcntl ---- */

static const struct rsys_subcall *subcall_of(const struct call *call)
{
    return call->nr == SYS_ioctl ? rsys_ioctl_by_number(call->args[1]) : rsys_fcntl_by_number(call->args[1]);
}

static void show_subcall(const struct shown *s, unsigned detail)
{
    const struct rsys_subcall *sub = subcall_of(s->call);
    if (sub != NULL)
        rsys_line_add(s->line, "%s", sub->name);
    else
        rsys_line_add(s->line, "0x%x", (uint32_t)s->value);
}

static void show_flock(const struct shown *s)
{
    struct flock lock;
    if (!rsys_show_fetch(s, &lock, sizeof lock))
        return;
    rsys_line_add(s->line, "{l_type=");
    rsys_show_by_names(s->line, RSYS_LIST_lock_type, (uint16_t)lock.l_type);
    rsys_line_add(s->line, ", l_whence=");
    rsys_show_by_names(s->line, RSYS_LIST_whence, (uint16_t)lock.l_whence);
    rsys_line_add(s->line, ", l_start=%lld, l_len=%lld}", (long long)lock.l_start, (long long)lock.l_len);
}

static void show_shape(const struct shown *s, const struct rsys_arg *shape);

static void show_argument(const struct shown *s, unsigned detail)
{
    const struct rsys_subcall *sub = subcall_of(s->call);
    bool is_fcntl = s->call->nr == SYS_fcntl;
    if (sub == NULL)
        rsys_line_add(s->line, "0x%llx", (unsigned long long)s->value);
    else if (is_fcntl && sub->nr == F_SETFL)
        rsys_show_by_names(s->line, RSYS_LIST_open, (uint32_t)s->value);
    else if (is_fcntl && sub->nr == F_SETFD)
        rsys_show_by_names(s->line, RSYS_LIST_fd, (uint32_t)s->value);
    else if (is_fcntl && sub->nr == F_ADD_SEALS)
        rsys_show_by_names(s->line, RSYS_LIST_seal, (uint32_t)s->value);
    else if (is_fcntl && sub->arg.size == sizeof(struct flock))
        show_flock(s);
    else if (sub->arg.shape != RSYS_ARG_NONE)
        show_shape(s, &sub->arg);
}

/* ---- by shape ---- */

/* A number behind a pointer, where the shape's type can be nothing else. */
static void add_pointed(const struct shown *s, const struct rsys_arg *shape)
{
    bool in = shape->shape == RSYS_ARG_IN || shape->shape == RSYS_ARG_INOUT || shape->shape == RSYS_ARG_VALUE;
    int64_t number = 0;
    int32_t half;
    if ((shape->size != sizeof half && shape->size != sizeof number) || (!in && !s->written) || !rsys_show_get(s, s->value, &number, shape->size)) {
        rsys_show_address(s->line, s->value);
        return;
    }
    memcpy(&half, &number, sizeof half);
    rsys_line_add(s->line, "[%lld]", shape->size == sizeof half ? (long long)half : (long long)number);
}

static void show_shape(const struct shown *s, const struct rsys_arg *shape)
{
    const uint64_t *args = s->call->args;
    switch (shape->shape) {
    case RSYS_ARG_INT:
    case RSYS_ARG_FD:
        rsys_show_int(s->line, s->value);
        break;
    case RSYS_ARG_DIRFD:
        if ((int32_t)s->value == AT_FDCWD)
            rsys_line_add(s->line, "AT_FDCWD");
        else
            rsys_show_int(s->line, s->value);
        break;
    case RSYS_ARG_HEX:
        rsys_line_add(s->line, s->value == 0 ? "0" : "0x%llx", (unsigned long long)s->value);
        break;
    case RSYS_ARG_MODE:
        rsys_line_add(s->line, s->value == 0 ? "0" : "0%llo", (unsigned long long)s->value);
        break;
    case RSYS_ARG_PATH:
    case RSYS_ARG_STRING:
        rsys_show_string(s, s->value);
        break;
    case RSYS_ARG_IN_LEN:
        if (shape->size == 1)
            rsys_show_buffer(s, s->value, args[shape->len]);
        else
            rsys_show_address(s->line, s->value);
        break;
    case RSYS_ARG_OUT_RESULT:
        if (shape->size == 1 && s->written)
            rsys_show_buffer(s, s->value, RSYS_MIN((uint64_t)s->call->result, args[shape->len]));
        else
            rsys_show_address(s->line, s->value);
        break;
    case RSYS_ARG_IN:
    case RSYS_ARG_INOUT:
    case RSYS_ARG_OUT:
    case RSYS_ARG_VALUE:
        add_pointed(s, shape);
        break;
    default:
        rsys_show_address(s->line, s->value);
    }
}

/* ---- the formats ---- */

#define SHAPE {NULL, 0}
#define NAMES(list) {rsys_show_names, RSYS_LIST_##list}
#define SIGNAL {rsys_show_signal, 0}
#define SIGSET {rsys_show_sigset, 0}
#define STRINGS {rsys_show_strings, 0}
#define ENVIRONMENT {rsys_show_environment, 0}
#define SOCKADDR(i) {rsys_show_sockaddr, i}
#define SOCKADDR_OUT(i) {rsys_show_sockaddr_out, i}
#define MSGHDR {rsys_show_msghdr, 0}
#define MMSGHDR(i) {rsys_show_mmsghdr, i}
#define IOVEC_IN(i) {rsys_show_iovec_in, i}
#define IOVEC_OUT(i) {rsys_show_iovec_out, i}
#define POLLFDS {rsys_show_pollfds, 0}
#define FDSET {rsys_show_fdset, 0}
#define EVENT {rsys_show_event, 0}
#define EVENTS {rsys_show_events, 0}
#define TIMES(n) {rsys_show_times, n}
#define TIMEVALS(n) {rsys_show_timevals, n}
#define TIMER {rsys_show_timer, 0}
#define TIMER_OUT {rsys_show_timer, 1}
#define LIMIT {rsys_show_limit, 0}
#define LIMIT_OUT {rsys_show_limit, 1}
#define STAT {rsys_show_stat, 0}
#define STATX {rsys_show_statx, 0}
#define STATFS {rsys_show_statfs, 0}
#define INTS(n) {rsys_show_ints, n}
#define OPEN_MODE {rsys_show_open_mode, 0}
#define FILE_MODE {rsys_show_file_mode, 0}
#define TEXT {rsys_show_text, 0}
#define IOCTL {show_subcall, 0}
#define FCNTL {show_subcall, 0}
#define ARGUMENT {show_argument, 0}
#define CLONE {rsys_show_clone, 0}
#define PROTOCOL {rsys_show_protocol, 0}
#define OPTION {rsys_show_option, 0}
#define OPTION_IN {rsys_show_option_in, 0}
#define OPTION_OUT {rsys_show_option_out, 0}
#define UTSNAME {rsys_show_utsname, 0}
#define DIRENTS {rsys_show_dirents, 0}
#define HOW {rsys_show_how, 0}

#define RSYS_FORMAT(name, ...) [SYS_##name] = {__VA_ARGS__},
static const struct format formats[RSYS_CALLS_MAX][6] = {
#include "src/jail/trace-formats.def"
};

void rsys_trace_argument(struct trace_line *line, const struct call *call, unsigned i, bool known)
{
    const struct shown shown = {
        .line = line,
        .call = call,
        .memory = rsys_guest_memory(call->guest),
        .i = i,
        .value = call->args[i],
        .written = known && (call->result >= 0 || call->result < -4095),
    };
    const struct format *format = call->nr < RSYS_CALLS_MAX ? &formats[call->nr][i] : NULL;
    if (format != NULL && format->show != NULL)
        format->show(&shown, format->detail);
    else
        show_shape(&shown, &call->row->args[i]);
}

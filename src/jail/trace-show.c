/* SPDX-License-Identifier: GPL-2.0-only */
/* trace-show.c: arguments for --trace: values, files, times, limits, signals, waiting. */
#include "src/jail/trace-show.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

/* ---- simple things ---- */

void rsys_show_address(struct trace_line *line, uint64_t address)
{
    if (address == 0)
        rsys_line_add(line, "NULL");
    else
        rsys_line_add(line, "0x%llx", (unsigned long long)address);
}

void rsys_show_int(struct trace_line *line, uint64_t value)
{
    /* Most are ints, whose upper half is nothing but the compiler's affair. */
    if (value >> 32 == 0)
        rsys_line_add(line, "%d", (int32_t)value);
    else
        rsys_line_add(line, "%lld", (long long)value);
}

void rsys_show_by_names(struct trace_line *line, enum rsys_list list, uint64_t value)
{
    char text[512];
    rsys_names_write(list, value, text, sizeof text);
    rsys_line_add(line, "%s", text);
}

bool rsys_show_get(const struct shown *s, uint64_t address, void *to, size_t n) { return address != 0 && rsys_memory_read(s->memory, address, to, n) == 0; }

/* Read what the argument points at, or show the address and be done. */
bool rsys_show_fetch(const struct shown *s, void *to, size_t n)
{
    if (rsys_show_get(s, s->value, to, n))
        return true;
    rsys_show_address(s->line, s->value);
    return false;
}

/* The same for what the call writes. */
bool rsys_show_fetch_written(const struct shown *s, void *to, size_t n)
{
    if (s->written)
        return rsys_show_fetch(s, to, n);
    rsys_show_address(s->line, s->value);
    return false;
}

void rsys_show_string(const struct shown *s, uint64_t address)
{
    char text[SHOWN_PATH + 1];
    int64_t length = address == 0 ? -EFAULT : rsys_memory_read_string(s->memory, address, text, sizeof text);
    if (length == -ENAMETOOLONG)
        rsys_line_add_quoted(s->line, text, SHOWN_PATH, true);
    else if (length >= 0)
        rsys_line_add_quoted(s->line, text, (size_t)length, false);
    else
        rsys_show_address(s->line, address);
}

void rsys_show_buffer(const struct shown *s, uint64_t address, uint64_t n)
{
    char bytes[SHOWN];
    size_t shown = RSYS_MIN(n, (uint64_t)SHOWN);
    if (address == 0 || rsys_memory_read(s->memory, address, bytes, shown) < 0)
        rsys_show_address(s->line, address);
    else
        rsys_line_add_quoted(s->line, bytes, shown, n > SHOWN);
}

void rsys_show_names(const struct shown *s, unsigned list) { rsys_show_by_names(s->line, (enum rsys_list)list, (uint32_t)s->value); }

/* ---- files ---- */

static void add_mode(struct trace_line *line, uint32_t mode)
{
    if ((mode & S_IFMT) != 0) {
        rsys_show_by_names(line, RSYS_LIST_file_type, mode & S_IFMT);
        rsys_line_add(line, "|");
    }
    rsys_line_add(line, "%#o", mode & ~(uint32_t)S_IFMT);
}

void rsys_show_file_mode(const struct shown *s, unsigned detail) { add_mode(s->line, (uint32_t)s->value); }

/* Only what may make a file has a mode. */
void rsys_show_open_mode(const struct shown *s, unsigned detail)
{
    uint64_t flags = s->call->args[s->i - 1];
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE)
        rsys_line_add(s->line, "%#o", (uint32_t)s->value);
}

void rsys_show_stat(const struct shown *s, unsigned detail)
{
    struct stat st;
    if (!rsys_show_fetch_written(s, &st, sizeof st))
        return;
    rsys_line_add(s->line, "{st_mode=");
    add_mode(s->line, st.st_mode);
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        rsys_line_add(s->line, ", st_rdev=%u:%u", major(st.st_rdev), minor(st.st_rdev));
    else
        rsys_line_add(s->line, ", st_size=%lld", (long long)st.st_size);
    rsys_line_add(s->line, ", st_uid=%u, st_gid=%u, ...}", st.st_uid, st.st_gid);
}

void rsys_show_statx(const struct shown *s, unsigned detail)
{
    struct statx st;
    if (!rsys_show_fetch_written(s, &st, sizeof st))
        return;
    rsys_line_add(s->line, "{stx_mode=");
    add_mode(s->line, st.stx_mode);
    rsys_line_add(s->line, ", stx_size=%llu, stx_uid=%u, stx_gid=%u, ...}", (unsigned long long)st.stx_size, st.stx_uid, st.stx_gid);
}

void rsys_show_statfs(const struct shown *s, unsigned detail)
{
    struct statfs st;
    if (rsys_show_fetch_written(s, &st, sizeof st))
        rsys_line_add(s->line, "{f_type=0x%lx, f_bsize=%ld, f_blocks=%llu, f_bavail=%llu, ...}", (long)st.f_type, (long)st.f_bsize,
                      (unsigned long long)st.f_blocks, (unsigned long long)st.f_bavail);
}

void rsys_show_how(const struct shown *s, unsigned detail)
{
    struct open_how how;
    if (s->call->args[s->i + 1] < sizeof how) {
        rsys_show_address(s->line, s->value);
        return;
    }
    if (!rsys_show_fetch(s, &how, sizeof how))
        return;
    rsys_line_add(s->line, "{flags=");
    rsys_show_by_names(s->line, RSYS_LIST_open, how.flags);
    rsys_line_add(s->line, ", mode=%#llo, resolve=", (unsigned long long)how.mode);
    rsys_show_by_names(s->line, RSYS_LIST_resolve, how.resolve);
    rsys_line_add(s->line, "}");
}

void rsys_show_text(const struct shown *s, unsigned detail)
{
    if (s->written)
        rsys_show_string(s, s->value);
    else
        rsys_show_address(s->line, s->value);
}

/* How many entries: each says its own length. */
void rsys_show_dirents(const struct shown *s, unsigned detail)
{
    uint64_t at = 0, end = (uint64_t)s->call->result;
    unsigned count = 0;
    uint16_t length = 0;
    rsys_show_address(s->line, s->value);
    if (!s->written)
        return;
    for (; at < end && count < 1000; at += length, count++)
        if (!rsys_show_get(s, s->value + at + 16, &length, sizeof length) || length == 0)
            break;
    rsys_line_add(s->line, " /* %u entries%s */", count, at < end ? " or more" : "");
}

void rsys_show_ints(const struct shown *s, unsigned count)
{
    int numbers[4];
    if (!rsys_show_fetch_written(s, numbers, RSYS_MIN(count, 4u) * sizeof numbers[0]))
        return;
    for (unsigned k = 0; k < RSYS_MIN(count, 4u); k++)
        rsys_line_add(s->line, "%s%d", k == 0 ? "[" : ", ", numbers[k]);
    rsys_line_add(s->line, "]");
}

/* ---- times and limits ---- */

static void add_time(struct trace_line *line, const int64_t time[2], const char *unit)
{
    if (unit[0] == 'n' && time[1] == UTIME_NOW)
        rsys_line_add(line, "UTIME_NOW");
    else if (unit[0] == 'n' && time[1] == UTIME_OMIT)
        rsys_line_add(line, "UTIME_OMIT");
    else
        rsys_line_add(line, "{tv_sec=%lld, tv_%ssec=%lld}", (long long)time[0], unit, (long long)time[1]);
}

static void add_times(const struct shown *s, unsigned count, const char *unit)
{
    int64_t times[2][2];
    if (!rsys_show_fetch(s, times, RSYS_MIN(count, 2u) * sizeof times[0]))
        return;
    rsys_line_add(s->line, "%s", count > 1 ? "[" : "");
    for (unsigned k = 0; k < RSYS_MIN(count, 2u); k++) {
        rsys_line_add(s->line, "%s", k > 0 ? ", " : "");
        add_time(s->line, times[k], unit);
    }
    rsys_line_add(s->line, "%s", count > 1 ? "]" : "");
}

void rsys_show_times(const struct shown *s, unsigned count) { add_times(s, count, "n"); }
void rsys_show_timevals(const struct shown *s, unsigned count) { add_times(s, count, "u"); }

void rsys_show_timer(const struct shown *s, unsigned written)
{
    int64_t timer[2][2];
    if (written ? !rsys_show_fetch_written(s, timer, sizeof timer) : !rsys_show_fetch(s, timer, sizeof timer))
        return;
    rsys_line_add(s->line, "{it_interval=");
    add_time(s->line, timer[0], "n");
    rsys_line_add(s->line, ", it_value=");
    add_time(s->line, timer[1], "n");
    rsys_line_add(s->line, "}");
}

static void add_limit(struct trace_line *line, const char *name, rlim_t limit)
{
    if (limit == RLIM_INFINITY)
        rsys_line_add(line, "%s=RLIM_INFINITY", name);
    else
        rsys_line_add(line, "%s=%llu", name, (unsigned long long)limit);
}

void rsys_show_limit(const struct shown *s, unsigned written)
{
    struct rlimit limit;
    if (written ? !rsys_show_fetch_written(s, &limit, sizeof limit) : !rsys_show_fetch(s, &limit, sizeof limit))
        return;
    add_limit(s->line, "{rlim_cur", limit.rlim_cur);
    add_limit(s->line, ", rlim_max", limit.rlim_max);
    rsys_line_add(s->line, "}");
}

/* ---- processes and signals ---- */

static void add_signal(struct trace_line *line, uint64_t number)
{
    const char *name = sigabbrev_np((int)number);
    if (name != NULL)
        rsys_line_add(line, "SIG%s", name);
    else
        rsys_show_int(line, number);
}

void rsys_show_signal(const struct shown *s, unsigned detail) { add_signal(s->line, s->value); }

void rsys_show_sigset(const struct shown *s, unsigned detail)
{
    uint64_t set;
    if (!rsys_show_fetch(s, &set, sizeof set))
        return;
    bool most = __builtin_popcountll(set) > 32; /* shorter by what is not in it */
    const char *space = "";
    rsys_line_add(s->line, most ? "~[" : "[");
    for (int number = 1; number <= 64; number++)
        if ((set >> (number - 1) & 1) != most) {
            const char *name = sigabbrev_np(number);
            if (name != NULL)
                rsys_line_add(s->line, "%s%s", space, name);
            else
                rsys_line_add(s->line, "%s%d", space, number);
            space = " ";
        }
    rsys_line_add(s->line, "]");
}

void rsys_show_clone(const struct shown *s, unsigned detail)
{
    rsys_show_by_names(s->line, RSYS_LIST_clone, s->value & ~UINT64_C(0xff));
    if ((s->value & 0xff) != 0) {
        rsys_line_add(s->line, "|");
        add_signal(s->line, s->value & 0xff);
    }
}

void rsys_show_strings(const struct shown *s, unsigned detail)
{
    uint64_t address = 0;
    if (!rsys_show_fetch(s, &address, sizeof address))
        return;
    rsys_line_add(s->line, "[");
    for (unsigned k = 0; k < SHOWN_ITEMS && rsys_show_get(s, s->value + k * sizeof address, &address, sizeof address) && address != 0; k++) {
        rsys_line_add(s->line, "%s", k > 0 ? ", " : "");
        rsys_show_string(s, address);
    }
    rsys_line_add(s->line, address != 0 && rsys_show_get(s, s->value + SHOWN_ITEMS * sizeof address, &address, sizeof address) && address != 0 ? ", ...]" : "]");
}

/* Its size alone: what it holds may be secret, and is long. */
void rsys_show_environment(const struct shown *s, unsigned detail)
{
    uint64_t address;
    unsigned count = 0;
    rsys_show_address(s->line, s->value);
    while (count < 1000 && rsys_show_get(s, s->value + count * sizeof address, &address, sizeof address) && address != 0)
        count++;
    rsys_line_add(s->line, " /* %u vars */", count);
}

void rsys_show_utsname(const struct shown *s, unsigned detail)
{
    struct utsname name;
    if (!rsys_show_fetch_written(s, &name, sizeof name))
        return;
    rsys_line_add(s->line, "{sysname=");
    rsys_line_add_quoted(s->line, name.sysname, strnlen(name.sysname, sizeof name.sysname), false);
    rsys_line_add(s->line, ", nodename=");
    rsys_line_add_quoted(s->line, name.nodename, strnlen(name.nodename, sizeof name.nodename), false);
    rsys_line_add(s->line, ", ...}");
}

/* ---- waiting ---- */

void rsys_show_pollfds(const struct shown *s, unsigned detail)
{
    struct pollfd fds[SHOWN_ITEMS];
    uint64_t count = s->call->args[s->i + 1];
    unsigned shown = (unsigned)RSYS_MIN(count, (uint64_t)SHOWN_ITEMS);
    if (!rsys_show_fetch(s, fds, shown * sizeof fds[0]))
        return;
    rsys_line_add(s->line, "[");
    for (unsigned k = 0; k < shown; k++) {
        rsys_line_add(s->line, "%s{fd=%d, events=", k > 0 ? ", " : "", fds[k].fd);
        rsys_show_by_names(s->line, RSYS_LIST_poll, (uint16_t)fds[k].events);
        if (s->written && fds[k].revents != 0) {
            rsys_line_add(s->line, ", revents=");
            rsys_show_by_names(s->line, RSYS_LIST_poll, (uint16_t)fds[k].revents);
        }
        rsys_line_add(s->line, "}");
    }
    rsys_line_add(s->line, count > shown ? ", ...]" : "]");
}

/* As it is when the call is over: those that are ready. */
void rsys_show_fdset(const struct shown *s, unsigned detail)
{
    uint64_t words[16]; /* 1024 descriptors: glibc's */
    uint64_t count = RSYS_MIN(s->call->args[0], (uint64_t)sizeof words * 8);
    const char *space = "";
    if (!rsys_show_fetch(s, words, (count + 63) / 64 * sizeof words[0]))
        return;
    rsys_line_add(s->line, "[");
    for (unsigned fd = 0; fd < count; fd++)
        if ((words[fd / 64] >> fd % 64 & 1) != 0) {
            rsys_line_add(s->line, "%s%u", space, fd);
            space = " ";
        }
    rsys_line_add(s->line, "]");
}

static void add_event(struct trace_line *line, const struct epoll_event *event)
{
    rsys_line_add(line, "{events=");
    rsys_show_by_names(line, RSYS_LIST_epoll, event->events);
    rsys_line_add(line, ", data=0x%llx}", (unsigned long long)event->data.u64);
}

void rsys_show_event(const struct shown *s, unsigned detail)
{
    struct epoll_event event;
    if (rsys_show_fetch(s, &event, sizeof event))
        add_event(s->line, &event);
}

void rsys_show_events(const struct shown *s, unsigned detail)
{
    struct epoll_event events[SHOWN_ITEMS];
    uint64_t count = s->written ? (uint64_t)s->call->result : 0;
    unsigned shown = (unsigned)RSYS_MIN(count, (uint64_t)SHOWN_ITEMS);
    if (!rsys_show_fetch_written(s, events, shown * sizeof events[0]))
        return;
    for (unsigned k = 0; k < shown; k++) {
        rsys_line_add(s->line, k > 0 ? ", " : "[");
        add_event(s->line, &events[k]);
    }
    rsys_line_add(s->line, shown == 0 ? "[]" : count > shown ? ", ...]" : "]");
}

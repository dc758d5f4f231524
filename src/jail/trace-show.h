/* SPDX-License-Identifier: GPL-2.0-only */
/* trace-show.h: what the files of --trace's decoder share.
 *
 * The guest may have made its memory anything, and another thread of it may change it meanwhile: what is shown may be wrong, and that is all.  Each read has
 * a fixed bound, lists are cut after a few, and every byte that is not printable is escaped. */
#ifndef RSYS_JAIL_TRACE_SHOW_H
#define RSYS_JAIL_TRACE_SHOW_H

#include "src/core/constants.h"
#include "src/jail/trace-line.h"

#define SHOWN 32       /* bytes of a buffer that are shown */
#define SHOWN_PATH 160
#define SHOWN_ITEMS 8u /* of a list */

/* An argument to show. */
struct shown {
    struct trace_line *line;
    const struct call *call;
    struct rsys_memory *memory;
    unsigned i;
    uint64_t value;
    bool written; /* the call has succeeded, and what it writes is there */
};

/* ---- values (trace-show.c) ---- */
void rsys_show_address(struct trace_line *line, uint64_t address);
void rsys_show_int(struct trace_line *line, uint64_t value);
void rsys_show_by_names(struct trace_line *line, enum rsys_list list, uint64_t value);
void rsys_show_string(const struct shown *s, uint64_t address);
void rsys_show_buffer(const struct shown *s, uint64_t address, uint64_t n);
/* Read from the guest; false: it cannot be read. */
bool rsys_show_get(const struct shown *s, uint64_t address, void *to, size_t n);
/* Read what the argument points at; false: the address has been shown instead. */
bool rsys_show_fetch(const struct shown *s, void *to, size_t n);
/* The same for what the call writes. */
bool rsys_show_fetch_written(const struct shown *s, void *to, size_t n);

/* ---- formats, as trace-formats.def names them (trace-show.c, trace-sockets.c) ---- */
void rsys_show_file_mode(const struct shown *s, unsigned detail);
void rsys_show_open_mode(const struct shown *s, unsigned detail);
void rsys_show_stat(const struct shown *s, unsigned detail);
void rsys_show_statx(const struct shown *s, unsigned detail);
void rsys_show_statfs(const struct shown *s, unsigned detail);
void rsys_show_how(const struct shown *s, unsigned detail);
void rsys_show_text(const struct shown *s, unsigned detail);
void rsys_show_dirents(const struct shown *s, unsigned detail);
void rsys_show_ints(const struct shown *s, unsigned detail);
void rsys_show_times(const struct shown *s, unsigned detail);
void rsys_show_timevals(const struct shown *s, unsigned detail);
void rsys_show_timer(const struct shown *s, unsigned detail);
void rsys_show_limit(const struct shown *s, unsigned detail);
void rsys_show_signal(const struct shown *s, unsigned detail);
void rsys_show_sigset(const struct shown *s, unsigned detail);
void rsys_show_clone(const struct shown *s, unsigned detail);
void rsys_show_strings(const struct shown *s, unsigned detail);
void rsys_show_environment(const struct shown *s, unsigned detail);
void rsys_show_utsname(const struct shown *s, unsigned detail);
void rsys_show_pollfds(const struct shown *s, unsigned detail);
void rsys_show_fdset(const struct shown *s, unsigned detail);
void rsys_show_event(const struct shown *s, unsigned detail);
void rsys_show_events(const struct shown *s, unsigned detail);
void rsys_show_iovec_in(const struct shown *s, unsigned detail);
void rsys_show_iovec_out(const struct shown *s, unsigned detail);
void rsys_show_sockaddr(const struct shown *s, unsigned detail);
void rsys_show_sockaddr_out(const struct shown *s, unsigned detail);
void rsys_show_protocol(const struct shown *s, unsigned detail);
void rsys_show_option(const struct shown *s, unsigned detail);
void rsys_show_option_in(const struct shown *s, unsigned detail);
void rsys_show_option_out(const struct shown *s, unsigned detail);
void rsys_show_msghdr(const struct shown *s, unsigned detail);
void rsys_show_mmsghdr(const struct shown *s, unsigned detail);
void rsys_show_names(const struct shown *s, unsigned detail);

#endif

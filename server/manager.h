/* SPDX-License-Identifier: GPL-2.0-only */
/* manager.h: the service manager that started us, if one did: what it hands over, and what it wants to be told (sd_listen_fds(3), sd_notify(3)).
 *
 * Both are environment variables, descriptors and datagrams, which need no library. */
#ifndef RSYS_SERVER_MANAGER_H
#define RSYS_SERVER_MANAGER_H

#include "src/core/error.h"

#include <stddef.h>
#include <stdint.h>

#define MANAGER_FIRST_FD 3

struct manager {
    int fd;               /* to it; -1: it wants to be told nothing */
    unsigned listeners;   /* descriptors MANAGER_FIRST_FD and up are inherited listeners */
    char *names;          /* theirs, with colons between; owned; NULL: none were given */
    int64_t watchdog_ms;  /* how often it wants to hear that we live; 0: it does not */
};

/* Read the environment, and take the variables out of it: what we start is not what they are for.  An address that makes no sense is an error. */
int manager_open(struct manager *manager, struct rsys_error **err);
void manager_close(struct manager *manager);
/* The name of the inherited listener with that index, "" when it has none. */
void manager_listener_name(const struct manager *manager, unsigned index, char *text, size_t size);
/* Tell it something: lines of VARIABLE=VALUE.  What has to be told (READY=1) may wait for room; news that are soon old do not. */
void manager_tell(const struct manager *manager, const char *format, ...) __attribute__((format(printf, 2, 3)));
void manager_tell_now(const struct manager *manager, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

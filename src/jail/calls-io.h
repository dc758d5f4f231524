/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-io.h: guests' vectors, for the handlers that move data. */
#ifndef RSYS_JAIL_CALLS_IO_H
#define RSYS_JAIL_CALLS_IO_H

#include "src/jail/jail.h"

#include <sys/uio.h>

/* Copy a guest's iovec array into call->scratch, checked as the kernel does, its total bounded by the kernel's MAX_RW_COUNT (*ret_total).  The
 * count, or -EINVAL, -EFAULT, -ENOMEM. */
int64_t rsys_call_vector(struct call *call, uint64_t address, uint64_t count, uint64_t *ret_total);
/* Guest to buffer and buffer to guest, along a vector: the bytes moved, fewer than room or n only where the guest's memory ends. */
uint64_t rsys_call_gather(struct call *call, const struct iovec *vector, uint32_t count, void *buffer, uint64_t room);
uint64_t rsys_call_scatter(struct call *call, const struct iovec *vector, uint32_t count, const void *data, uint64_t n);
/* Whether no process can have n bytes at that address (the kernel's access_ok). */
bool rsys_address_is_wild(uint64_t address, uint64_t n);

/* sendfile, splice and tee between a local and a remote descriptor (calls-across.c): as a handler. */
enum verdict rsys_call_across(struct call *call);

#endif

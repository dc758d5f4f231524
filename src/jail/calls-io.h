/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-io.h: guests' vectors, for the handlers that move data. */
#ifndef RSYS_JAIL_CALLS_IO_H
#define RSYS_JAIL_CALLS_IO_H

#include "src/core/vector.h"
#include "src/jail/jail.h"

/* Copy a guest's iovec array into call->scratch: rsys_vector_read(), or -ENOMEM. */
int64_t rsys_call_vector(struct call *call, uint64_t address, uint64_t count, uint64_t *ret_total);

/* sendfile, splice and tee between a local and a remote descriptor (calls-across.c): as a handler. */
enum verdict rsys_call_across(struct call *call);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* subcalls.h: the requests of ioctl and the commands of fcntl: what each one's third argument is.  Expanded from ioctls.def and fcntls.def. */
#ifndef RSYS_CORE_SUBCALLS_H
#define RSYS_CORE_SUBCALLS_H

#include "src/core/table.h"

enum rsys_subcall_flag {
    RSYS_SUBCALL_MAKES_FD = 1 << 0,  /* its result is a new descriptor */
    RSYS_SUBCALL_BLOCKS = 1 << 1,    /* may sleep for as long as the world likes */
    RSYS_SUBCALL_HANDLED = 1 << 2,   /* the handler takes it apart by hand */
};

/* Static data, never freed. */
struct rsys_subcall {
    const char *name;
    uint32_t nr;
    uint16_t flags;     /* enum rsys_subcall_flag */
    uint16_t refusal;   /* not 0: refused with this errno, on whatever descriptor */
    struct rsys_arg arg; /* the third argument; RSYS_ARG_NONE: not looked at */
    const char *note;   /* why it is refused, or "" */
};

/* The low 32 bits count, as for the kernel.  NULL: not in the list. */
const struct rsys_subcall *rsys_ioctl_by_number(uint64_t request);
const struct rsys_subcall *rsys_fcntl_by_number(uint64_t command);
/* The row of ioctl or fcntl with the third argument that this request has. */
struct rsys_call rsys_subcall_row(const struct rsys_call *row, const struct rsys_subcall *sub);
/* The lists, for tables and tests. */
const struct rsys_subcall *rsys_ioctl_list(size_t *ret_count);
const struct rsys_subcall *rsys_fcntl_list(size_t *ret_count);

#endif

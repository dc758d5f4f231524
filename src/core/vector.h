/* SPDX-License-Identifier: GPL-2.0-only */
/* vector.h: a guest's iovec arrays, and bytes along them. */
#ifndef RSYS_CORE_VECTOR_H
#define RSYS_CORE_VECTOR_H

#include "src/core/memory.h"

#include <stdbool.h>
#include <sys/uio.h>

/* Copy a guest's iovec array to vector, which has room for count entries, checked as the kernel does, its total bounded by the kernel's
 * MAX_RW_COUNT (*ret_total).  The count, or -EINVAL, -EFAULT. */
int64_t rsys_vector_read(struct rsys_memory *memory, uint64_t address, uint64_t count, struct iovec *vector, uint64_t *ret_total);
/* Guest to buffer and buffer to guest, along a vector: the bytes moved, fewer than room or n only where the guest's memory ends. */
uint64_t rsys_vector_gather(struct rsys_memory *memory, const struct iovec *vector, uint32_t count, void *buffer, uint64_t room);
uint64_t rsys_vector_scatter(struct rsys_memory *memory, const struct iovec *vector, uint32_t count, const void *data, uint64_t n);
/* Whether no process can have n bytes at that address (the kernel's access_ok). */
bool rsys_address_is_wild(uint64_t address, uint64_t n);

#define RSYS_RW_MAX 0x7ffff000u /* the kernel's MAX_RW_COUNT */

#endif

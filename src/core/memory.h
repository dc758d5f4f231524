/* SPDX-License-Identifier: GPL-2.0-only */
/* memory.h: a guest's memory, as an interface: another process's (rsys-jail) or one's own (the library, tests). */
#ifndef RSYS_CORE_MEMORY_H
#define RSYS_CORE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Addresses are the guest's and hostile: an implementation fails with -EFAULT, it never faults. */
struct rsys_memory {
    /* Copy n bytes from the guest.  Returns the bytes copied, which are fewer than n only where the rest is not readable (0 when none is), or
     * -errno other than EFAULT when the guest cannot be read at all (-ESRCH: it is gone). */
    int64_t (*read)(struct rsys_memory *memory, uint64_t address, void *buffer, size_t n);
    /* The same, towards the guest. */
    int64_t (*write)(struct rsys_memory *memory, uint64_t address, const void *buffer, size_t n);
};

/* Exactly n bytes, or -EFAULT (or the implementation's errno). */
int rsys_memory_read(struct rsys_memory *memory, uint64_t address, void *buffer, size_t n);
int rsys_memory_write(struct rsys_memory *memory, uint64_t address, const void *buffer, size_t n);
/* A terminated string of at most size bytes with its zero: its length without the zero, -EFAULT, or -ENAMETOOLONG when there is no zero in the first
 * `size` bytes.  Never reads over a page boundary that the string does not reach. */
int64_t rsys_memory_read_string(struct rsys_memory *memory, uint64_t address, char *buffer, size_t size);

/* One's own process. */
extern struct rsys_memory rsys_memory_own;

#endif

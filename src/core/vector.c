/* SPDX-License-Identifier: GPL-2.0-only */
/* vector.c: a guest's iovec arrays, and bytes along them.  Addresses are hostile: a memory's implementation fails, it never faults. */
#include "src/core/vector.h"

#include <errno.h>
#include <limits.h>

#include "src/core/util.h"

#define USER_END UINT64_C(0x7ffffffff000) /* TASK_SIZE_MAX with four-level page tables, which is all that mmap gives without asking for more */

bool rsys_address_is_wild(uint64_t address, uint64_t n) { return n > USER_END || address > USER_END - n; }

int64_t rsys_vector_read(struct rsys_memory *memory, uint64_t address, uint64_t count, struct iovec *vector, uint64_t *ret_total)
{
    uint64_t total = 0;
    if (count > UIO_MAXIOV)
        return -EINVAL;
    int failed = rsys_memory_read(memory, address, vector, count * sizeof *vector);
    if (failed < 0)
        return failed;
    for (uint64_t i = 0; i < count; i++) {
        if (vector[i].iov_len > SSIZE_MAX)
            return -EINVAL;
        if (rsys_address_is_wild((uintptr_t)vector[i].iov_base, vector[i].iov_len))
            return -EFAULT;
        if (vector[i].iov_len > RSYS_RW_MAX - total)
            vector[i].iov_len = RSYS_RW_MAX - total;
        total += vector[i].iov_len;
    }
    *ret_total = total;
    return (int64_t)count;
}

uint64_t rsys_vector_gather(struct rsys_memory *memory, const struct iovec *vector, uint32_t count, void *buffer, uint64_t room)
{
    uint64_t done = 0;
    for (uint32_t i = 0; i < count && done < room; i++) {
        uint64_t n = RSYS_MIN((uint64_t)vector[i].iov_len, room - done);
        int64_t got = n == 0 ? 0 : memory->read(memory, (uintptr_t)vector[i].iov_base, (char *)buffer + done, n);
        done += got > 0 ? (uint64_t)got : 0;
        if (got < 0 || (uint64_t)got < n)
            break;
    }
    return done;
}

uint64_t rsys_vector_scatter(struct rsys_memory *memory, const struct iovec *vector, uint32_t count, const void *data, uint64_t n)
{
    uint64_t done = 0;
    for (uint32_t i = 0; i < count && done < n; i++) {
        uint64_t step = RSYS_MIN((uint64_t)vector[i].iov_len, n - done);
        int64_t put = step == 0 ? 0 : memory->write(memory, (uintptr_t)vector[i].iov_base, (const char *)data + done, step);
        done += put > 0 ? (uint64_t)put : 0;
        if (put < 0 || (uint64_t)put < step)
            break;
    }
    return done;
}

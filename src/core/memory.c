/* SPDX-License-Identifier: GPL-2.0-only */
/* memory.c: exact copies and strings over a guest's memory, and one's own process as such a memory. */
#include "src/core/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096u

int rsys_memory_read(struct rsys_memory *memory, uint64_t address, void *buffer, size_t n)
{
    if (n == 0)
        return 0;
    int64_t got = memory->read(memory, address, buffer, n);
    if (got < 0)
        return (int)got;
    return (size_t)got == n ? 0 : -EFAULT;
}

int rsys_memory_write(struct rsys_memory *memory, uint64_t address, const void *buffer, size_t n)
{
    if (n == 0)
        return 0;
    int64_t put = memory->write(memory, address, buffer, n);
    if (put < 0)
        return (int)put;
    return (size_t)put == n ? 0 : -EFAULT;
}

int64_t rsys_memory_read_string(struct rsys_memory *memory, uint64_t address, char *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        /* Up to the end of the page: what lies behind may not be mapped, and reading it could fault a page in for nothing.  Most strings
         * are short, so the first step is small. */
        size_t step = PAGE - ((address + done) & (PAGE - 1));
        if (done == 0 && step > 256)
            step = 256;
        if (step > size - done)
            step = size - done;
        int64_t got = memory->read(memory, address + done, buffer + done, step);
        if (got < 0)
            return got;
        const char *end = memchr(buffer + done, 0, (size_t)got);
        if (end != NULL)
            return end - buffer;
        if ((size_t)got < step)
            return -EFAULT;
        done += step;
    }
    return -ENAMETOOLONG;
}

/* The kernel copies, so that a bad address is an error and not a fault of ours.  By the thread's own id: the process's names its first thread, which may have ended. */
static int64_t own_read(struct rsys_memory *memory, uint64_t address, void *buffer, size_t n)
{
    struct iovec here = {.iov_base = buffer, .iov_len = n};
    struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = n};
    ssize_t got = process_vm_readv(gettid(), &here, 1, &there, 1, 0);
    return got >= 0 ? got : errno == EFAULT ? 0 : -errno;
}

static int64_t own_write(struct rsys_memory *memory, uint64_t address, const void *buffer, size_t n)
{
    struct iovec here = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = n};
    struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = n};
    ssize_t put = process_vm_writev(gettid(), &here, 1, &there, 1, 0);
    return put >= 0 ? put : errno == EFAULT ? 0 : -errno;
}

struct rsys_memory rsys_memory_own = {.read = own_read, .write = own_write};

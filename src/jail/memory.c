/* SPDX-License-Identifier: GPL-2.0-only */
/* memory.c: a guest's memory, read and written from outside.
 *
 * process_vm_readv and process_vm_writev respect the guest's own page permissions and stop at the first page that cannot be had: a fault
 * is a short count, as the kernel's own copy_from_user has it.  A page of a mapped file of the view is brought in by the view's thread, which never waits
 * for the supervisor.  A thread group's memory is one, so that any of its living threads will do; the caller's tid is used, because
 * a guest that waits for us is alive (or killed, then the answer is ESRCH and nobody needs it). */
#include "src/jail/internal.h"

#include <stddef.h>
#include <sys/uio.h>

static struct guest *guest_of(struct rsys_memory *memory)
{
    return (struct guest *)((char *)memory - offsetof(struct guest, memory));
}

static int64_t memory_move(struct guest *guest, uint64_t address, void *buffer, size_t n, bool write)
{
    struct iovec own = {.iov_base = buffer, .iov_len = n};
    struct iovec other = {.iov_base = (void *)(uintptr_t)address, .iov_len = n};
    ssize_t done;

    if (!n)
        return 0;
    done = write ? process_vm_writev(guest->tid, &own, 1, &other, 1, 0) : process_vm_readv(guest->tid, &own, 1, &other, 1, 0);
    if (done >= 0)
        return done;
    /* EINVAL: the range wraps around the end of the address space, which is a bad address too. */
    return errno == EFAULT || errno == EINVAL ? 0 : -errno;
}

static int64_t memory_read(struct rsys_memory *memory, uint64_t address, void *buffer, size_t n)
{
    return memory_move(guest_of(memory), address, buffer, n, false);
}

static int64_t memory_write(struct rsys_memory *memory, uint64_t address, const void *buffer, size_t n)
{
    return memory_move(guest_of(memory), address, (void *)(uintptr_t)buffer, n, true);
}

void rsys_guest_memory_init(struct guest *guest)
{
    guest->memory.read = memory_read;
    guest->memory.write = memory_write;
}

struct rsys_memory *rsys_guest_memory(struct guest *guest)
{
    return &guest->memory;
}

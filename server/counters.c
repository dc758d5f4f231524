/* SPDX-License-Identifier: GPL-2.0-only */
/* counters.c: the memory that a session's counters are in, and their sums. */
#include "server/counters.h"

#include "sandbox/sandbox.h"
#include "src/core/util.h"
#include "src/core/wire.h"

#include <sys/mman.h>

_Static_assert(sizeof(struct executor_counters) == 4096, "the executors' counters fill a page");

int counters_new_page(void)
{
    const uint64_t size = RSYS_COUNTERS_OFFSET + sizeof(struct executor_counters);
    /* A client that lies can write elsewhere in the file too: as root we see to it that there is room for one page. */
    int bounded = rsys_sandbox_bounded_file(size, sizeof(struct executor_counters));
    if (bounded >= 0)
        return bounded;
    RSYS_AUTO_FD fd = memfd_create("rsys-counters", MFD_CLOEXEC);
    return fd < 0 || ftruncate(fd, (off_t)size) < 0 ? -1 : rsys_fd_steal(&fd);
}

struct session_counters *counters_new(void)
{
    struct session_counters *counters = mmap(NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return counters == MAP_FAILED ? NULL : counters;
}

void counters_free(struct session_counters *counters)
{
    if (counters != NULL)
        munmap(counters, sizeof *counters);
}

/* The page is hostile: any numbers may be in it, which are added without a check because nothing depends on them. */
void counters_read(int fd, const struct session_counters *counters, struct counters_sum *ret)
{
    struct executor_counters page;
    ssize_t got = fd < 0 ? 0 : pread(fd, &page, sizeof page, RSYS_COUNTERS_OFFSET);
    *ret = (struct counters_sum){.denied = counters == NULL ? 0 : __atomic_load_n(&counters->denied, __ATOMIC_RELAXED)};
    for (size_t i = 0; i < COUNTERS_SLOTS && got == (ssize_t)sizeof page; i++) {
        ret->calls += page.slot[i].calls;
        ret->in += page.slot[i].in;
        ret->out += page.slot[i].out;
    }
}

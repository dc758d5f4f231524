/* SPDX-License-Identifier: GPL-2.0-only */
/* descriptors.c: the highest descriptor that the guest may have, so that its exit closes those and not every number below the limit.
 *
 * close_range(2) looks at each number in turn: thousands, in the middle of every exit that a parent waits for.  Which calls make descriptors is told by
 * the table; where it cannot tell which number was made, all are taken to be in use. */
#include "server/executor/internal.h"

#include "src/core/table.h"

enum { MAKES_NONE, MAKES_RESULT, MAKES_PAIR_0, MAKES_PAIR_3, MAKES_ANY };

#define G(...) 0
#define F(...) F_BITS(, ##__VA_ARGS__, 0, 0, 0, 0, 0)
/* At most five flags a row. */
#define F_BITS(none, a, b, c, d, e, ...) ((FLAG_##a) | (FLAG_##b) | (FLAG_##c) | (FLAG_##d) | (FLAG_##e))
#define FLAG_0 0
#define FLAG_BLOCKS 0
#define FLAG_NORESTART 0
#define FLAG_NOFAIL 0
#define FLAG_EITHER 0
#define FLAG_PLACEABLE 0
#define FLAG_MAKES_FD 1
#define RSYS_CALL(number, name, where, groups, flags, handler, ...) \
    [number] = RSYS_HANDLER_##handler == RSYS_HANDLER_MSG          ? ((number) == 47 || (number) == 299 ? MAKES_ANY : MAKES_NONE) /* recvmsg, recvmmsg */ \
               : RSYS_HANDLER_##handler == RSYS_HANDLER_SOCKETPAIR ? ((number) == 53 ? MAKES_PAIR_3 : MAKES_PAIR_0) \
               : RSYS_HANDLER_##handler == RSYS_HANDLER_FCNTL || RSYS_HANDLER_##handler == RSYS_HANDLER_IOCTL || (flags) ? MAKES_RESULT \
                                                                                                                         : MAKES_NONE,
#define RSYS_NEVER(number, ...) [number] = MAKES_ANY,
static const uint8_t makes[RSYS_CALLS_MAX] = {
#include "src/core/syscalls.def"
};

static void note(uint64_t number)
{
    uint32_t top = __atomic_load_n(&process.top, __ATOMIC_RELAXED);
    if (number >= process.nofile) /* not a descriptor of the guest */
        return;
    while (number > top && !__atomic_compare_exchange_n(&process.top, &top, (uint32_t)number, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

void descriptors_note(uint64_t nr, const uint64_t args[6], int64_t result)
{
    const uint32_t *pair;
    if (result < 0)
        return;
    switch (nr < RSYS_CALLS_MAX ? makes[nr] : nr == RSYS_OP_PLACEHOLDER ? MAKES_RESULT : MAKES_ANY) {
    case MAKES_NONE:
        return;
    case MAKES_RESULT:
        note((uint64_t)result);
        return;
    case MAKES_PAIR_0:
    case MAKES_PAIR_3:
        pair = (const uint32_t *)args[makes[nr] == MAKES_PAIR_0 ? 0 : 3]; /* the kernel has just written there */
        note(pair[0]);
        note(pair[1]);
        return;
    default:
        note(process.nofile - 1);
    }
}

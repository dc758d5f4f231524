/* SPDX-License-Identifier: GPL-2.0-only */
/* subcalls.c: ioctls.def and fcntls.def as data.  The kernel's own headers give the numbers and the sizes. */
#include "src/core/subcalls.h"

#include <errno.h>
#include <stdint.h>

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include <linux/fcntl.h> /* not <fcntl.h>: the two define the same structs */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/random.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include <linux/timerfd.h>

#include "src/core/util.h"

/* Newer than Debian 12's headers. */
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027
#endif
#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY 1028
#endif

#define BIT_0() 0
#define BIT_1(a) RSYS_SUBCALL_##a
#define BIT_2(a, b) RSYS_SUBCALL_##a | RSYS_SUBCALL_##b
#define BIT_PICK(b0, b1, b2, chosen, ...) chosen
#define F(...) (BIT_PICK(0, ##__VA_ARGS__, BIT_2, BIT_1, BIT_0)(__VA_ARGS__))

#define NONE {RSYS_ARG_NONE, 0, 0}
#define INT {RSYS_ARG_INT, 0, 0}
#define HEX {RSYS_ARG_HEX, 0, 0}
#define FD {RSYS_ARG_FD, 0, 0}
#define IN(type) {RSYS_ARG_IN, 0, sizeof(type)}
#define OUT(type) {RSYS_ARG_OUT, 0, sizeof(type)}
#define INOUT(type) {RSYS_ARG_INOUT, 0, sizeof(type)}

#define RSYS_SUBCALL(id, with_flags, shape) {.name = #id, .nr = (uint32_t)(id), .flags = with_flags, .arg = shape, .note = ""},
#define RSYS_SUBCALL_REFUSED(id, error, why) {.name = #id, .nr = (uint32_t)(id), .refusal = error, .note = why},
static const struct rsys_subcall ioctls[] = {
#include "src/core/ioctls.def"
};
static const struct rsys_subcall fcntls[] = {
#include "src/core/fcntls.def"
};
#undef RSYS_SUBCALL
#undef RSYS_SUBCALL_REFUSED

static const struct rsys_subcall *find(const struct rsys_subcall *list, size_t count, uint32_t nr)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].nr == nr)
            return &list[i];
    return NULL;
}

const struct rsys_subcall *rsys_ioctl_by_number(uint64_t request) { return find(ioctls, RSYS_ARRAY_SIZE(ioctls), (uint32_t)request); }
const struct rsys_subcall *rsys_fcntl_by_number(uint64_t command) { return find(fcntls, RSYS_ARRAY_SIZE(fcntls), (uint32_t)command); }

struct rsys_call rsys_subcall_row(const struct rsys_call *row, const struct rsys_subcall *sub)
{
    struct rsys_call made = *row;
    made.args[2] = sub->arg;
    made.nargs = sub->arg.shape == RSYS_ARG_NONE ? 2 : 3;
    if ((sub->flags & RSYS_SUBCALL_BLOCKS) == 0)
        made.flags &= (uint16_t)~RSYS_CALL_BLOCKS;
    return made;
}

const struct rsys_subcall *rsys_ioctl_list(size_t *ret_count)
{
    *ret_count = RSYS_ARRAY_SIZE(ioctls);
    return ioctls;
}

const struct rsys_subcall *rsys_fcntl_list(size_t *ret_count)
{
    *ret_count = RSYS_ARRAY_SIZE(fcntls);
    return fcntls;
}

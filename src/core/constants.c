/* SPDX-License-Identifier: GPL-2.0-only */
/* constants.c: constants.def as data. */
#include "src/core/constants.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "src/core/util.h"

/* <sched.h> has given this one up. */
#ifndef CLONE_DETACHED
#define CLONE_DETACHED 0x00400000
#endif

static const struct constant {
    const char *name;
    uint64_t value, mask;
    uint8_t list;
} constants[] = {
#define RSYS_LIST(id)
#define RSYS_FLAG(in, id) {.name = #id, .value = (uint32_t)(id), .mask = (uint32_t)(id), .list = RSYS_LIST_##in},
#define RSYS_FIELD(in, bits, id) {.name = #id, .value = (uint32_t)(id), .mask = (uint32_t)(bits), .list = RSYS_LIST_##in},
#define RSYS_NAME(in, id) {.name = #id, .value = (uint32_t)(id), .mask = UINT64_MAX, .list = RSYS_LIST_##in},
#include "src/core/constants.def"
};
_Static_assert(RSYS_LISTS <= UINT8_MAX, "a list's number is a byte");

/* Append a name, or where there is none a number. */
static size_t append(char *text, size_t room, size_t at, const char *name, uint64_t number)
{
    char digits[24];
    if (name == NULL)
        snprintf(digits, sizeof digits, number == 0 ? "0" : "0x%llx", (unsigned long long)number);
    int n = at + 1 < room ? snprintf(text + at, room - at, "%s%s", at > 0 ? "|" : "", name != NULL ? name : digits) : 0;
    return n < 0 ? at : RSYS_MIN(at + (size_t)n, room - 1);
}

size_t rsys_names_write(enum rsys_list list, uint64_t value, char *text, size_t room)
{
    uint64_t named = 0;
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(constants); i++) {
        const struct constant *c = &constants[i];
        bool fits = c->list == list && (value & c->mask) == c->value && (named & c->mask) == 0 && c->mask != 0;
        if (!fits)
            continue;
        at = append(text, room, at, c->name, 0);
        named |= c->mask;
    }
    if ((value & ~named) != 0 || at == 0)
        at = append(text, room, at, NULL, value & ~named);
    return at;
}

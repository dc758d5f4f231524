/* SPDX-License-Identifier: GPL-2.0-only */
/* table.c: syscalls.def and groups.def as data. */
#include "src/core/table.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <utime.h>

#include "src/core/util.h"

/* The types in the rows are the C library's, and the kernel's are what has to be meant. */
_Static_assert(sizeof(struct stat) == 144, "the kernel's struct stat");
_Static_assert(sizeof(struct statx) == 256, "the kernel's struct statx");
_Static_assert(sizeof(struct statfs) == 120, "the kernel's struct statfs");
_Static_assert(sizeof(struct utsname) == 390, "the kernel's struct new_utsname");
_Static_assert(sizeof(struct rlimit) == 16, "the kernel's struct rlimit64");
_Static_assert(sizeof(struct epoll_event) == 12, "the kernel's struct epoll_event is packed");
_Static_assert(sizeof(struct timespec) == 16 && sizeof(struct itimerspec) == 32, "the kernel's 64-bit times");
_Static_assert(sizeof(struct timeval) == 16 && sizeof(struct utimbuf) == 16, "the kernel's old times");
_Static_assert(sizeof(siginfo_t) == 128, "the kernel's siginfo_t");

/* G(a, b) and F(a, b) to bits: `EACH(prefix, a, b)` is the OR of BIT(prefix##a) and so on.  The leading 0 lets the list be empty. */
#define EACH_0(bit) 0
#define EACH_1(bit, a) bit(a)
#define EACH_2(bit, a, ...) bit(a) | EACH_1(bit, __VA_ARGS__)
#define EACH_3(bit, a, ...) bit(a) | EACH_2(bit, __VA_ARGS__)
#define EACH_4(bit, a, ...) bit(a) | EACH_3(bit, __VA_ARGS__)
#define EACH_5(bit, a, ...) bit(a) | EACH_4(bit, __VA_ARGS__)
#define EACH_6(bit, a, ...) bit(a) | EACH_5(bit, __VA_ARGS__)
#define EACH_PICK(e0, e1, e2, e3, e4, e5, e6, chosen, ...) chosen
#define EACH(bit, ...) \
    EACH_PICK(0, ##__VA_ARGS__, EACH_6, EACH_5, EACH_4, EACH_3, EACH_2, EACH_1, EACH_0)(bit, ##__VA_ARGS__)
#define GROUP_BIT(id) (UINT64_C(1) << RSYS_GROUP_##id)
#define FLAG_BIT(name) RSYS_CALL_##name
#define G(...) (EACH(GROUP_BIT, ##__VA_ARGS__))
#define F(...) (EACH(FLAG_BIT, ##__VA_ARGS__))

#define INT {RSYS_ARG_INT, 0, 0}
#define HEX {RSYS_ARG_HEX, 0, 0}
#define MODE {RSYS_ARG_MODE, 0, 0}
#define FD {RSYS_ARG_FD, 0, 0}
#define DIRFD {RSYS_ARG_DIRFD, 0, 0}
#define ADDRESS {RSYS_ARG_ADDRESS, 0, 0}
#define PATH {RSYS_ARG_PATH, 0, 0}
#define STRING(size) {RSYS_ARG_STRING, 0, size}
#define IN(type) {RSYS_ARG_IN, 0, sizeof(type)}
#define IN_LEN(i, type) {RSYS_ARG_IN_LEN, i, sizeof(type)}
#define OUT(type) {RSYS_ARG_OUT, 0, sizeof(type)}
#define OUT_ALWAYS(type) {RSYS_ARG_OUT_ALWAYS, 0, sizeof(type)}
#define OUT_LEN(i, type) {RSYS_ARG_OUT_LEN, i, sizeof(type)}
#define OUT_RESULT(i, type) {RSYS_ARG_OUT_RESULT, i, sizeof(type)}
#define INOUT(type) {RSYS_ARG_INOUT, 0, sizeof(type)}
#define OUT_VALUE(i) {RSYS_ARG_OUT_VALUE, i, 0}
#define VALUE {RSYS_ARG_VALUE, 0, 4}

/* uint8_t nargs holds it: more than six arguments do not compile, because args has no room for them. */
#define COUNT(...) (sizeof((const struct rsys_arg[]){__VA_ARGS__}) / sizeof(struct rsys_arg))

#define RSYS_CALL(number, text, place, in_groups, with_flags, by, remark, ...) \
    [number] = {.name = #text, .nr = number, .where = RSYS_##place, .nargs = COUNT(__VA_ARGS__), .flags = with_flags, \
                .handler = RSYS_HANDLER_##by, .groups = in_groups, .note = remark, .args = {__VA_ARGS__}},
#define RSYS_NEVER(number, text, in_groups, error, reason) \
    [number] = {.name = #text, .nr = number, .where = RSYS_NEVER, .refusal = error, .groups = in_groups, .note = reason},
static const struct rsys_call calls[RSYS_CALLS_MAX] = {
#include "src/core/syscalls.def"
};
#undef RSYS_CALL
#undef RSYS_NEVER

static const struct {
    const char *name, *about;
} groups[] = {
#define RSYS_GROUP(id, text, says) {text, says},
#include "src/core/groups.def"
#undef RSYS_GROUP
};
_Static_assert(RSYS_GROUPS <= 64, "a row's groups are bits of 64");

const struct rsys_call *rsys_call_by_number(uint64_t nr)
{
    return nr < RSYS_CALLS_MAX && calls[nr].name != NULL ? &calls[nr] : NULL;
}

const struct rsys_call *rsys_call_by_name(const char *name)
{
    for (size_t i = 0; i < RSYS_CALLS_MAX; i++)
        if (calls[i].name != NULL && strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

int rsys_group_by_name(const char *name)
{
    for (int i = 0; i < RSYS_GROUPS; i++)
        if (strcmp(groups[i].name, name) == 0)
            return i;
    return -1;
}

const char *rsys_group_name(int group) { return group >= 0 && group < RSYS_GROUPS ? groups[group].name : ""; }
const char *rsys_group_about(int group) { return group >= 0 && group < RSYS_GROUPS ? groups[group].about : ""; }

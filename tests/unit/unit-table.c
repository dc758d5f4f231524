/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-table.c: syscalls.def against the kernel's header of this machine and the prototypes of Linux 6.18. */
#include "src/core/subcalls.h"
#include "src/core/table.h"
#include "src/core/util.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned rows(void)
{
    unsigned count = 0;
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++)
        count += rsys_call_by_number(nr) != NULL;
    return count;
}

/* kernel-header.txt is what the compiler finds in <asm/unistd_64.h>: "#define __NR_read 0" a line (tests/local.mk makes it). */
START_TEST(every_number_of_the_header)
{
    FILE *file = fopen("tests/unit/kernel-header.txt", "r");
    ck_assert_msg(file != NULL, "tests/unit/kernel-header.txt: %s", strerror(errno));
    char line[256], name[64];
    unsigned nr, seen = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        ck_assert_int_eq(sscanf(line, "#define __NR_%63s %u", name, &nr), 2);
        const struct rsys_call *call = rsys_call_by_number(nr);
        ck_assert_msg(call != NULL, "%s (%u) has no row", name, nr);
        ck_assert_str_eq(call->name, name);
        seen++;
    }
    fclose(file);
    ck_assert_uint_ge(seen, 350);
    ck_assert_uint_ge(rows(), seen);
}
END_TEST

/* The range that the project promises: 0 to 336 and 424 to 469, one row each, and nothing else. */
START_TEST(every_number_of_the_promise)
{
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++)
        ck_assert_msg((rsys_call_by_number(nr) != NULL) == (nr <= 336 || (nr >= 424 && nr <= 469)), "number %u", (unsigned)nr);
    ck_assert_ptr_null(rsys_call_by_number(RSYS_CALLS_MAX));
    ck_assert_ptr_null(rsys_call_by_number(UINT64_MAX));
    ck_assert_ptr_null(rsys_call_by_number(0x40000000)); /* x32's numbers */
}
END_TEST

static const char *allowed(char kind)
{
    static const char shapes[][RSYS_ARG_VALUE + 1] = {
        ['n'] = {[RSYS_ARG_INT] = 1, [RSYS_ARG_HEX] = 1, [RSYS_ARG_MODE] = 1, [RSYS_ARG_FD] = 1, [RSYS_ARG_DIRFD] = 1, [RSYS_ARG_ADDRESS] = 1},
        ['c'] = {[RSYS_ARG_PATH] = 1, [RSYS_ARG_STRING] = 1, [RSYS_ARG_IN] = 1, [RSYS_ARG_IN_LEN] = 1, [RSYS_ARG_ADDRESS] = 1},
        /* Not every kernel prototype says const where it could, so these may be read, written or both. */
        ['p'] = {[RSYS_ARG_PATH] = 1, [RSYS_ARG_STRING] = 1, [RSYS_ARG_IN] = 1, [RSYS_ARG_IN_LEN] = 1, [RSYS_ARG_ADDRESS] = 1, [RSYS_ARG_OUT] = 1,
                 [RSYS_ARG_OUT_ALWAYS] = 1, [RSYS_ARG_OUT_LEN] = 1, [RSYS_ARG_OUT_RESULT] = 1, [RSYS_ARG_INOUT] = 1, [RSYS_ARG_OUT_VALUE] = 1,
                 [RSYS_ARG_VALUE] = 1},
    };
    return kind == 'n' || kind == 'c' || kind == 'p' ? shapes[(unsigned char)kind] : NULL;
}

START_TEST(every_prototype)
{
    const char *srcdir = getenv("srcdir");
    char path[PATH_MAX], line[256], name[64], signature[16];
    snprintf(path, sizeof path, "%s/tests/unit/kernel-calls.txt", srcdir == NULL ? "." : srcdir);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    bool known[RSYS_CALLS_MAX] = {false};
    unsigned nr;
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#')
            continue;
        ck_assert_int_eq(sscanf(line, "%u %63s %15s", &nr, name, signature), 3);
        const struct rsys_call *call = rsys_call_by_number(nr);
        ck_assert_msg(call != NULL, "%s (%u) has no row", name, nr);
        ck_assert_str_eq(call->name, name);
        known[nr] = true;
        if (call->where == RSYS_NEVER)
            continue;
        ck_assert_msg(call->nargs == (signature[0] == '-' ? 0 : strlen(signature)), "%s: the kernel has it as %s", name, signature);
        for (unsigned i = 0; i < call->nargs; i++)
            ck_assert_msg(allowed(signature[i]) != NULL && allowed(signature[i])[call->args[i].shape],
                          "%s: argument %u cannot have shape %u: the kernel has it as %c", name, i, call->args[i].shape, signature[i]);
    }
    fclose(file);
    for (nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        ck_assert_msg(call == NULL || call->where == RSYS_NEVER || known[nr], "%s: no prototype to compare with", call->name);
    }
}
END_TEST

static void check_lengths(const struct rsys_call *call, unsigned i)
{
    const struct rsys_arg *arg = &call->args[i];
    switch (arg->shape) {
    case RSYS_ARG_IN_LEN:
    case RSYS_ARG_OUT_LEN:
    case RSYS_ARG_OUT_RESULT:
        ck_assert_msg(arg->len < call->nargs && call->args[arg->len].shape == RSYS_ARG_INT, "%s: argument %u: its length is no number", call->name, i);
        ck_assert_msg(arg->size > 0, "%s: argument %u: elements of no size", call->name, i);
        break;
    case RSYS_ARG_OUT_VALUE:
        ck_assert_msg(arg->len < call->nargs && call->args[arg->len].shape == RSYS_ARG_VALUE, "%s: argument %u: its length is no VALUE", call->name, i);
        break;
    case RSYS_ARG_IN:
    case RSYS_ARG_OUT:
    case RSYS_ARG_OUT_ALWAYS:
    case RSYS_ARG_INOUT:
    case RSYS_ARG_STRING:
        ck_assert_msg(arg->size > 0, "%s: argument %u: no size", call->name, i);
        break;
    default:
        ck_assert_msg(arg->len == 0, "%s: argument %u: a length that nothing uses", call->name, i);
    }
}

/* What holds for every row, so that who expands the table may rely on it. */
START_TEST(rows_are_sane)
{
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        if (call == NULL)
            continue;
        ck_assert_uint_eq(call->nr, nr);
        ck_assert_ptr_eq(rsys_call_by_name(call->name), call);
        ck_assert_ptr_nonnull(call->note);
        ck_assert_msg((call->where == RSYS_NEVER) == (call->refusal != 0), "%s: a refusal has an errno", call->name);
        ck_assert_msg(call->where != RSYS_NEVER || call->note[0] != 0, "%s: a refusal has a reason", call->name);
        ck_assert_msg(call->where != RSYS_LOCAL || call->handler == RSYS_HANDLER_REGULAR,
                      "%s: the supervisor never sees a local call", call->name);
        ck_assert_msg(call->where != RSYS_SPECIAL || call->handler != RSYS_HANDLER_REGULAR,
                      "%s: a special call needs a handler", call->name);
        ck_assert_msg(call->where != RSYS_BY_FD || call->args[0].shape == RSYS_ARG_FD, "%s: by which descriptor?", call->name);
        ck_assert_msg(!(call->flags & RSYS_CALL_MAY_BE_LOCAL) || call->where == RSYS_REMOTE, "%s: only a remote call can be either", call->name);
        ck_assert_msg(!(call->flags & RSYS_CALL_PLACEABLE) || ((call->flags & RSYS_CALL_MAKES_FD) && call->handler != RSYS_HANDLER_REGULAR),
                      "%s: a handler makes local descriptors", call->name);
        ck_assert_msg(!(call->flags & RSYS_CALL_EITHER) || !(call->flags & RSYS_CALL_MAKES_FD), "%s: nobody would number its descriptor", call->name);
        ck_assert_msg(!(call->flags & RSYS_CALL_NORESTART) || (call->flags & RSYS_CALL_BLOCKS), "%s: interrupted, but it does not block", call->name);
        for (unsigned i = 0; i < 6; i++) {
            ck_assert_msg((i < call->nargs) == (call->args[i].shape != RSYS_ARG_NONE), "%s: argument %u", call->name, i);
            check_lengths(call, i);
            if (call->where == RSYS_LOCAL)
                ck_assert_msg(call->args[i].shape <= RSYS_ARG_ADDRESS && call->args[i].shape != RSYS_ARG_DIRFD,
                              "%s: argument %u: a local call's shapes stay on the client", call->name, i);
            /* The kernel would follow what the encoder makes zero. */
            if (call->handler == RSYS_HANDLER_REGULAR && call->where == RSYS_REMOTE)
                ck_assert_msg(call->args[i].shape != RSYS_ARG_ADDRESS, "%s: argument %u: an address cannot be remote", call->name, i);
        }
    }
}
END_TEST

START_TEST(groups)
{
    ck_assert_int_eq(rsys_group_by_name("@file-system"), RSYS_GROUP_file_system);
    ck_assert_int_eq(rsys_group_by_name("file-system"), -1);
    ck_assert_int_eq(rsys_group_by_name("@no-such"), -1);
    ck_assert_str_eq(rsys_group_name(RSYS_GROUP_network_io), "@network-io");
    ck_assert_str_eq(rsys_group_name(RSYS_GROUPS), "");
    ck_assert_str_ne(rsys_group_about(RSYS_GROUP_timer), "");
    ck_assert_ptr_null(rsys_call_by_name("no_such_call"));
    ck_assert_ptr_null(rsys_call_by_name(""));
    uint64_t file_system = UINT64_C(1) << RSYS_GROUP_file_system, service = UINT64_C(1) << RSYS_GROUP_system_service;
    ck_assert_uint_eq(rsys_call_by_name("openat")->groups, file_system | service);
    ck_assert_uint_eq(rsys_call_by_name("mount")->groups, UINT64_C(1) << RSYS_GROUP_mount);
    for (int group = 0; group < RSYS_GROUPS; group++) {
        bool used = false;
        for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++)
            used |= rsys_call_by_number(nr) != NULL && (rsys_call_by_number(nr)->groups >> group & 1);
        ck_assert_msg(used, "%s has no calls", rsys_group_name(group));
    }
}
END_TEST

/* What the executor itself calls are calls that the table knows. */
START_TEST(needs)
{
#define RSYS_NEED(name, why) ck_assert_msg(rsys_call_by_name(#name) != NULL, "no such call: " #name);
#include "src/core/needs.def"
#undef RSYS_NEED
}
END_TEST

static void check_subcalls(const struct rsys_subcall *list, size_t count, const struct rsys_subcall *(*by_number)(uint64_t))
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(by_number(list[i].nr) == &list[i], "%s has the number of another one", list[i].name);
        ck_assert_msg((list[i].refusal != 0) == (list[i].note[0] != 0), "%s: a refusal has a reason", list[i].name);
    }
}

START_TEST(subcalls)
{
    size_t count;
    const struct rsys_subcall *list = rsys_ioctl_list(&count);
    check_subcalls(list, count, rsys_ioctl_by_number);
    list = rsys_fcntl_list(&count);
    check_subcalls(list, count, rsys_fcntl_by_number);
    ck_assert_ptr_null(rsys_ioctl_by_number(0));
    ck_assert_ptr_null(rsys_fcntl_by_number(9999));
    /* What the kernel's structs measure: these are wire bytes. */
    ck_assert_uint_eq(rsys_ioctl_by_number(0x5401)->arg.size, 36); /* TCGETS */
    ck_assert_uint_eq(rsys_ioctl_by_number(0x802c542a)->arg.size, 44); /* TCGETS2 */
    ck_assert_uint_eq(rsys_ioctl_by_number(0x8933)->arg.size, 40); /* SIOCGIFINDEX */
    ck_assert_uint_eq(rsys_fcntl_by_number(5)->arg.size, 32); /* F_GETLK */
    ck_assert_uint_eq(rsys_fcntl_by_number(16)->arg.size, 8); /* F_GETOWN_EX */
    /* The kernel looks at 32 bits of the request: what refuses a request has to as well. */
    ck_assert_int_eq(rsys_ioctl_by_number(UINT64_C(0x100005412))->refusal, EPERM); /* TIOCSTI */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *test = tcase_create("table");
    tcase_add_test(test, every_number_of_the_header);
    tcase_add_test(test, every_number_of_the_promise);
    tcase_add_test(test, every_prototype);
    tcase_add_test(test, rows_are_sane);
    tcase_add_test(test, groups);
    tcase_add_test(test, needs);
    tcase_add_test(test, subcalls);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

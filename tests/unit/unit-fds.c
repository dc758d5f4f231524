/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-fds.c: which descriptors of a guest are local. */
#include "src/jail/jail.h"

#include <check.h>
#include <stdlib.h>

START_TEST(standard)
{
    struct fdtable *table = rsys_fdtable_new();

    ck_assert(rsys_fd_is_local(table, 0) && rsys_fd_is_local(table, 1) && rsys_fd_is_local(table, 2));
    ck_assert(!rsys_fd_is_local(table, 3) && !rsys_fd_is_local(table, 64) && !rsys_fd_is_local(table, -1));
    ck_assert(!rsys_fd_is_local(table, -100)); /* AT_FDCWD */
    rsys_fd_clear_local(table, 1);
    rsys_fd_clear_local(table, 100000);
    ck_assert(!rsys_fd_is_local(table, 1));
    rsys_fdtable_unref(table);
}
END_TEST

/* The kernel takes the low 32 bits of the register. */
START_TEST(upper_bits)
{
    struct fdtable *table = rsys_fdtable_new();

    ck_assert(rsys_fd_is_local(table, INT64_C(0x700000001)));
    ck_assert(!rsys_fd_is_local(table, INT64_C(0x7ffffffff)));
    rsys_fdtable_unref(table);
}
END_TEST

START_TEST(grows)
{
    struct fdtable *table = rsys_fdtable_new();

    ck_assert_int_eq(rsys_fd_set_local(table, 1000, false), 0);
    ck_assert(rsys_fd_is_local(table, 1000) && !rsys_fd_is_local(table, 999) && rsys_fd_is_local(table, 2));
    ck_assert_int_lt(rsys_fd_set_local(table, -1, false), 0);
    ck_assert_int_lt(rsys_fd_set_local(table, 1 << 30, false), 0);
    rsys_fdtable_unref(table);
}
END_TEST

START_TEST(copies_and_exec)
{
    struct fdtable *table = rsys_fdtable_new(), *copy, *shared;

    ck_assert_int_eq(rsys_fd_set_local(table, 70, true), 0);
    ck_assert_int_eq(rsys_fd_set_local(table, 71, true), 0);
    ck_assert_int_eq(rsys_fd_set_local(table, 71, false), 0);
    ck_assert_int_eq(rsys_fd_set_local(table, 72, RSYS_FD_SESSION), 0);
    ck_assert_int_eq(rsys_fd_set_local(table, 73, RSYS_FD_SESSION | RSYS_FD_CLOEXEC), 0);
    ck_assert_uint_eq(rsys_fd_flags(table, 73), RSYS_FD_SESSION | RSYS_FD_CLOEXEC);
    copy = rsys_fdtable_copy(table);
    shared = rsys_fdtable_ref(table);
    rsys_fdtable_exec(copy);
    ck_assert(!rsys_fd_is_local(copy, 70) && rsys_fd_is_local(copy, 71) && rsys_fd_is_local(copy, 0));
    ck_assert(rsys_fd_is_users(copy, 71) && rsys_fd_is_local(copy, 72) && !rsys_fd_is_users(copy, 72) && !rsys_fd_is_local(copy, 73));
    rsys_fd_clear_local(copy, 72);
    ck_assert_int_eq(rsys_fd_set_local(copy, 72, false), 0);
    ck_assert(rsys_fd_is_users(copy, 72)); /* the number's next descriptor is another one */
    ck_assert(rsys_fd_is_local(shared, 70));
    rsys_fdtable_unref(table);
    ck_assert(rsys_fd_is_local(shared, 70));
    rsys_fdtable_unref(shared);
    rsys_fdtable_unref(copy);
    rsys_fdtable_unref(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fds");
    TCase *tests = tcase_create("fds");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, standard);
    tcase_add_test(tests, upper_bits);
    tcase_add_test(tests, grows);
    tcase_add_test(tests, copies_and_exec);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

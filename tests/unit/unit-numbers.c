/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-numbers.c: an executor that leaves its descriptors' numbers to the client (RSYS_OP_PLACEHOLDER, 3), by itself. */
#include "tests/unit/executor-client.h"

#include "src/core/util.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static const char *program;

static int64_t get_socket(struct client_channel *channel) { return client_call(channel, SYS_socket, AF_UNIX, SOCK_STREAM, 0); }

START_TEST(numbers_are_left_to_the_client)
{
    struct client client;
    client_start(&client, program, 4, RSYS_EXECUTOR_CAPABILITIES);
    struct client_channel *first = client_spawn(&client, 10, false);
    ck_assert_int_eq(client_call(first, RSYS_OP_PLACEHOLDER, 0, 0, 3), 0);
    int64_t made = get_socket(first);
    ck_assert_int_ge(made, CLIENT_NOFILE);
    ck_assert_int_eq(client_call(first, SYS_dup3, (uint64_t)made, 7, 0), 7);
    ck_assert_int_eq(client_call(first, SYS_close, (uint64_t)made, 0, 0), 0);
    ck_assert_int_eq(get_socket(first), made);
    ck_assert_int_eq(client_call(first, SYS_close, (uint64_t)made, 0, 0), 0);
    /* A child and an execution have the same numbers, and as little say in them. */
    client_post(first, RSYS_OP_CLONE, RSYS_REQUEST_NOREPLY, 0, 20, 0);
    struct client_channel *child = client_greeted(&client, 20);
    client_exec(child, (const char *const[]){"name", NULL});
    ck_assert_int_eq(client_call(child, SYS_listen, 7, 1, 0), -22); /* EINVAL: not bound, but a socket */
    ck_assert_int_eq(client_call(child, SYS_listen, 8, 1, 0), -9);  /* EBADF: a placeholder */
    ck_assert_int_ge(get_socket(child), CLIENT_NOFILE);
    /* To put a placeholder over it is to close it. */
    ck_assert_int_eq(client_call(first, RSYS_OP_PLACEHOLDER, 7, 0, 1), 7);
    ck_assert_int_eq(client_call(first, SYS_listen, 7, 1, 0), -9);
    client_exit(child, true);
    client_stop(&client);
}
END_TEST

int main(void)
{
    static char path[4096];
    /* The executor lies below the directory of the tests. */
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length < 0)
        return 1;
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "server/executor/rsys-executor");
    program = path;
    Suite *suite = suite_create("numbers");
    TCase *tests = tcase_create("numbers");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, numbers_are_left_to_the_client);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

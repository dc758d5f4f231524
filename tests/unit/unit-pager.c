/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-pager.c: the view's calls, answered by a server that lies. */
#include "src/jail/pager.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pager pager;
static int server;
static char buffer[64 + 16];

static void setup(void)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(pager_start(&pager, pair[0], 0, 64), 0);
    server = pair[1];
    memset(buffer, '.', sizeof buffer);
}

static void teardown(void)
{
    close(server);
    pager_end(&pager);
}

/* What the server will have answered: to the first call, a result and `got` bytes. */
static void answer(int64_t result, uint32_t got)
{
    char data[4 + 128];
    struct rsys_wire_reply reply = {.seq = 1, .size = 4 + got, .result = result};
    memcpy(data, &got, 4);
    memset(data + 4, 'x', sizeof data - 4);
    ck_assert_int_eq(write(server, &reply, sizeof reply), sizeof reply);
    ck_assert_int_eq(write(server, data, 4 + got), 4 + got);
}

static const struct {
    int64_t result;
    uint32_t got;
    int64_t expected;
} lines[] = {
    {64, 64, 64},
    {10, 10, 10},
    {0, 0, 0},
    {-ENOENT, 0, -ENOENT},
    {65, 64, -EIO},          /* more than was asked for */
    {1 << 30, 64, -EIO},
    {INT64_MAX, 64, -EIO},
    {INT64_MIN, 0, -EIO},    /* no failure that there is */
    {-(1ll << 32), 64, -EIO},
    {-4096, 64, -EIO},
    {-4095, 0, -4095},
    {64, 10, -EIO},          /* less than it says */
    {64, 0, -EIO},
    {10, 11, -EIO},
    {64, 65, -EIO},
    {-ENOENT, 1, -EIO},
};

START_TEST(read_lies)
{
    answer(lines[_i].result, lines[_i].got);
    int64_t result = pager_read(&pager, 5, buffer, 64, 0);
    ck_assert_msg(result == lines[_i].expected, "line %d: %lld", _i, (long long)result);
    ck_assert_mem_eq(buffer + 64, "................", 16);
}
END_TEST

START_TEST(link_lies)
{
    answer(lines[_i].result, lines[_i].got);
    unsigned index = pager_queue_readlink(&pager, 5, "", buffer, 64);
    pager_run(&pager);
    ck_assert_msg(pager.result[index] == lines[_i].expected, "line %d", _i);
    ck_assert_mem_eq(buffer + 64, "................", 16);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pager");
    TCase *tests = tcase_create("lies");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, read_lies, 0, (int)(sizeof lines / sizeof lines[0]));
    tcase_add_loop_test(tests, link_lies, 0, (int)(sizeof lines / sizeof lines[0]));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

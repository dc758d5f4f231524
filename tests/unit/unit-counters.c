/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-counters.c: what executors count in their page, over forks, threads and executions. */
#include "tests/unit/executor-client.h"

#include "server/counters.h"

#include <check.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *program; /* the executor */
static struct client client;

static struct counters_sum counted(void)
{
    struct session_counters none = {0};
    struct counters_sum sum;
    counters_read(client.counters_fd, &none, &sum);
    return sum;
}

/* A request is counted when its reply has been sent: so the one before the last is. */
START_TEST(counters)
{
    client_start(&client, program, 4, RSYS_EXECUTOR_CAPABILITIES);
    struct client_channel *first = client_spawn(&client, 10, false);
    client_call(first, RSYS_OP_NULL, 0, 0, 0);
    client_call(first, RSYS_OP_NULL, 0, 0, 0);
    struct counters_sum before = counted();
    for (int i = 0; i < 100; i++)
        client_call(first, RSYS_OP_NULL, 0, 0, 0);
    uint64_t calls = counted().calls - before.calls;
    ck_assert_uint_ge(calls, 98);
    ck_assert_uint_le(calls, 101);
    /* In an image of its own, and in another process and thread. */
    client_post(first, RSYS_OP_CLONE, RSYS_REQUEST_NOREPLY, 0, 20, 0);
    struct client_channel *child = client_greeted(&client, 20);
    client_post(first, RSYS_OP_CLONE, RSYS_REQUEST_NOREPLY, CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, 30, 0);
    struct client_channel *thread = client_greeted(&client, 30);
    client_exec(child, (const char *const[]){"name", NULL});
    before = counted();
    char bytes[1000] = {0};
    for (int i = 0; i < 50; i++) {
        client_write(child, 77, bytes, sizeof bytes);
        client_call(thread, RSYS_OP_NULL, 0, 0, 0);
    }
    struct counters_sum after = counted();
    ck_assert_uint_ge(after.calls - before.calls, 98);
    ck_assert_uint_ge(after.in - before.in, 49 * (sizeof bytes + 2 * sizeof(struct rsys_wire_request)));
    ck_assert_uint_ge(after.out - before.out, 98 * sizeof(struct rsys_wire_reply));
    /* The pager's are no guest's calls. */
    struct client_channel *pager = client_spawn(&client, 2, true);
    client_call(first, RSYS_OP_NULL, 0, 0, 0);
    before = counted();
    for (int i = 0; i < 50; i++)
        client_call(pager, SYS_getpid, 0, 0, 0);
    after = counted();
    ck_assert_uint_le(after.calls - before.calls, 2);
    ck_assert_uint_ge(after.in - before.in, 48 * sizeof(struct rsys_wire_request));
    client_stop(&client);
}
END_TEST

int main(int argc, char **argv)
{
    static char path[4200];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length < 0)
        return 1;
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "server/executor/rsys-executor");
    program = path;
    Suite *suite = suite_create("counters");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, counters);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

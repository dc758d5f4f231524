/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-trace.c: the lines of --trace and the table of --stats. */
#include "src/jail/internal.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

static struct rsys_options options = {.stats = true};
static struct rsys_session session = {.options = &options};
static struct guest guest = {.tid = 42};
static struct call call = {.guest = &guest};
static int out;

struct rsys_memory *rsys_guest_memory(struct guest *g) { return &rsys_memory_own; }

static void setup(void)
{
    int pair[2];
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
    out = pair[0];
    session.trace_fd = pair[1];
    rsys_trace_start(&session);
}

static const char *printed(void)
{
    static char text[8192];
    ssize_t n = read(out, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static const char *line(long nr, int64_t result, enum verdict verdict, unsigned trips, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    call.nr = (uint64_t)nr;
    call.row = rsys_call_by_number(call.nr);
    memcpy(call.args, (uint64_t[6]){a, b, c, d}, sizeof call.args);
    rsys_trace_call_begin(&call);
    call.result = result;
    call.trips = trips;
    call.placed = RSYS_ACTION_REMOTE;
    rsys_trace_call_ready(&call, verdict);
    rsys_trace_call_end(&call, verdict);
    char *text = (char *)(uintptr_t)printed(), *times = strrchr(text, ',');
    ck_assert_ptr_nonnull(times);
    ck_assert_ptr_nonnull(strstr(times, " µs>\n"));
    *times = 0;
    return text;
}

#define A(x) ((uint64_t)(uintptr_t)(x))
#define AT ((uint64_t)AT_FDCWD)

START_TEST(lines)
{
    char data[41] = "0123456789012345678901234567890123456789";
    ck_assert_str_eq(line(SYS_openat, 5, VERDICT_DONE, 1, AT, A("/etc/\"x\"\n\033"), 0x80000, 0644), "[42] openat(AT_FDCWD, \"/etc/\\\"x\\\"\\n\\x1b\", 0x80000, 0644) = 5 <remote");
    ck_assert_str_eq(line(SYS_openat, -2, VERDICT_DONE, 1, 7, A("x"), 0, 0), "[42] openat(7, \"x\", 0, 0) = -1 ENOENT (No such file or directory) <remote");
    ck_assert_str_eq(line(SYS_openat, -14, VERDICT_DONE, 0, 7, 8, 0, 0), "[42] openat(7, 0x8, 0, 0) = -1 EFAULT (Bad address) <client");
    ck_assert_str_eq(line(SYS_write, 40, VERDICT_DONE, 1, 3, A(data), 40, 0), "[42] write(3, \"01234567890123456789012345678901\"..., 40) = 40 <remote");
    ck_assert_str_eq(line(SYS_read, 3, VERDICT_DONE, 1, 3, A(data), 40, 0), "[42] read(3, \"012\", 40) = 3 <remote");
    ck_assert_str_eq(line(SYS_read, -512, VERDICT_DONE, 1, 3, 0, (uint64_t)-1, 0), "[42] read(3, NULL, -1) = ? (interrupted by a signal) <remote");
    ck_assert_ptr_nonnull(strstr(line(SYS_read, 0, VERDICT_CONTINUE, 0, 0, A(data), 40, 0), ", 40) = ? <local"));
    ck_assert_ptr_nonnull(strstr(line(SYS_ptrace, -1, VERDICT_DONE, 0, 0, 0, 0, 0), "EPERM (Operation not permitted) <denied"));
    ck_assert_str_eq(line(511, -38, VERDICT_DONE, 0, 0, 0, 0, 0), "[42] syscall_511() = -1 ENOSYS (Function not implemented) <denied");
}
END_TEST

START_TEST(summary)
{
    line(SYS_close, 0, VERDICT_DONE, 1, 3, 0, 0, 0);
    line(SYS_close, -9, VERDICT_DONE, 1, 3, 0, 0, 0);
    line(SYS_write, 1, VERDICT_CONTINUE, 0, 1, 0, 0, 0);
    rsys_trace_finish();
    const char *text = printed();
    const char *closes = strstr(text, "  close\n"), *all = strstr(text, "  all\n");
    ck_assert_ptr_nonnull(closes);
    ck_assert_ptr_nonnull(strstr(text, "  write\n"));
    ck_assert_ptr_nonnull(all);
    unsigned calls, errors, remote, trips;
    while (closes > text && closes[-1] != '\n')
        closes--;
    ck_assert_int_eq(sscanf(closes, "%u %u %u %u", &calls, &errors, &remote, &trips), 4);
    ck_assert(calls == 2 && errors == 1 && remote == 2 && trips == 2);
}
END_TEST

START_TEST(unsupported_once)
{
    call.nr = SYS_close;
    call.row = rsys_call_by_number(call.nr);
    rsys_trace_unsupported(&call);
    ck_assert_str_eq(printed(), "rsys-jail: close is not supported yet: ENOSYS\n");
    rsys_trace_unsupported(&call);
    ck_assert_str_eq(printed(), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *tests = tcase_create("trace");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, lines);
    tcase_add_test(tests, summary);
    tcase_add_test(tests, unsupported_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

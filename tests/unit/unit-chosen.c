/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-chosen.c: where only chosen calls go to the server: which may be chosen, what --only makes of names, and which numbers are remote. */
#include "src/core/chosen.h"
#include "src/core/util.h"
#include "src/jail/jail.h"
#include "src/jail/only.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* ---- choices ---- */

static enum rsys_choice choice(const char *name) { return rsys_choice_of(rsys_call_by_name(name)); }

START_TEST(choices)
{
    static const struct {
        const char *name;
        enum rsys_choice choice;
    } lines[] = {
        {"getpid", RSYS_CHOICE_OWN}, {"execve", RSYS_CHOICE_OWN}, {"setuid", RSYS_CHOICE_OWN}, {"kill", RSYS_CHOICE_OWN}, {"mount", RSYS_CHOICE_OWN}, {"pipe2", RSYS_CHOICE_OWN},
        {"socketpair", RSYS_CHOICE_OWN}, {"clone3", RSYS_CHOICE_NEVER}, {"io_uring_enter", RSYS_CHOICE_NEVER}, {"socket", RSYS_CHOICE_NAMED}, {"open", RSYS_CHOICE_NAMED},
        {"umask", RSYS_CHOICE_NAMED}, {"openat", RSYS_CHOICE_AT}, {"renameat2", RSYS_CHOICE_AT}, {"symlinkat", RSYS_CHOICE_AT}, {"read", RSYS_CHOICE_BY_FD},
        {"connect", RSYS_CHOICE_BY_FD}, {"fchdir", RSYS_CHOICE_BY_FD}, {"mq_timedsend", RSYS_CHOICE_BY_FD}, {"mq_notify", RSYS_CHOICE_BY_FD}, {"close_range", RSYS_CHOICE_BOTH},
        {"ppoll", RSYS_CHOICE_BOTH}, {"epoll_create1", RSYS_CHOICE_BOTH}, {"mmap", RSYS_CHOICE_BOTH},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(lines); i++)
        ck_assert_msg(choice(lines[i].name) == lines[i].choice, "%s", lines[i].name);
}
END_TEST

/* Whatever takes a descriptor is seen, as it may be a remote one; but for those of processes, which are always local. */
START_TEST(descriptors_are_seen)
{
    static const uint64_t args[6] = {3, 3, 3, 0, 3, 3};
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        const struct rsys_call *call = rsys_call_by_number(nr);
        for (int i = 0; call != NULL && i < call->nargs; i++)
            if (call->args[i].shape == RSYS_ARG_FD || (call->args[i].shape == RSYS_ARG_DIRFD && nr != SYS_execveat))
                ck_assert_msg(rsys_choice_is_seen(call, args) || call->handler == RSYS_HANDLER_PIDFD, "%s", call->name);
    }
    const struct rsys_call *openat_row = rsys_call_by_name("openat"), *mmap_row = rsys_call_by_name("mmap");
    ck_assert(!rsys_choice_is_seen(openat_row, (uint64_t[6]){(uint64_t)(int64_t)AT_FDCWD}));
    ck_assert(!rsys_choice_is_seen(openat_row, (uint64_t[6]){(uint32_t)AT_FDCWD}));
    ck_assert(!rsys_choice_is_seen(mmap_row, (uint64_t[6]){0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0}));
}
END_TEST

/* ---- --only ---- */

static int first_says(const struct rsys_rules *rules, const char *name, uint64_t first)
{
    return (int)rsys_rules_decide(rules, rsys_call_by_name(name)->nr, (const uint64_t[6]){first}, NULL);
}

START_TEST(names)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_rules rules = {0};
    ck_assert_int_eq(rsys_only_rules("@network-io,uname", NULL, &rules, &err), 0);
    ck_assert_int_eq(rsys_rules_check(&rules), 0);
    ck_assert_int_eq(first_says(&rules, "socket", AF_INET), RSYS_ACTION_REMOTE);
    ck_assert_int_eq(first_says(&rules, "socket", AF_UNIX), RSYS_ACTION_LOCAL);
    ck_assert_int_eq(first_says(&rules, "uname", 0), RSYS_ACTION_REMOTE);
    ck_assert_int_eq(first_says(&rules, "open", 0), RSYS_ACTION_LOCAL);
    rsys_rules_free(&rules);
    ck_assert_int_eq(rsys_only_rules("socket,socket", NULL, &rules, &err), 0);
    ck_assert_int_eq(first_says(&rules, "socket", AF_UNIX), RSYS_ACTION_REMOTE);
    rsys_rules_free(&rules);
}
END_TEST

START_TEST(policies)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_wire_rule list[] = {{.nr = SYS_open, .action = RSYS_ACTION_DENY, .error = 1}, {.nr = SYS_mkdir, .action = RSYS_ACTION_REMOTE}};
    struct rsys_rules policy = {.default_action = RSYS_ACTION_REMOTE, .count = 2, .rules = list}, rules = {0};
    ck_assert_int_lt(rsys_only_rules("open", &policy, &rules, &err), 0);
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err), "--only open: the server's policy denies it"));
    ck_assert_ptr_null(rules.rules);
    ck_assert_int_eq(rsys_only_rules("@file-system", &policy, &rules, NULL), 0);
    ck_assert_int_eq(first_says(&rules, "open", 0), RSYS_ACTION_LOCAL); /* which is denied by the policy's own rule */
    ck_assert_int_eq(first_says(&rules, "mkdir", 0), RSYS_ACTION_REMOTE);
    rsys_rules_free(&rules);
    ck_assert_int_lt(rsys_only_rules("policy", &policy, &rules, NULL), 0);
    policy.default_action = RSYS_ACTION_LOCAL;
    ck_assert_int_eq(rsys_only_rules("policy", &policy, &rules, NULL), 0);
    ck_assert_uint_eq(rules.count, 1);
    rsys_rules_free(&rules);
    ck_assert_int_lt(rsys_only_rules("socket", &policy, &rules, NULL), 0);
}
END_TEST

/* ---- numbers ---- */

START_TEST(remote_numbers)
{
    struct fdtable *table = rsys_fdtable_new_of_remote();
    ck_assert(rsys_fd_is_local(table, 0) && rsys_fd_is_local(table, 5) && rsys_fd_is_local(table, 5000) && rsys_fd_is_local(table, -1));
    ck_assert(!rsys_fd_is_users(table, 0));
    ck_assert_int_eq(rsys_fd_next_remote(table, 0), -1);
    ck_assert_int_eq(rsys_fd_set_remote(table, 5, false), 0);
    ck_assert_int_eq(rsys_fd_set_remote(table, 200, true), 0);
    ck_assert(!rsys_fd_is_local(table, 5) && !rsys_fd_is_local(table, 200) && rsys_fd_is_local(table, 6));
    ck_assert_int_eq(rsys_fd_next_remote(table, 0), 5);
    ck_assert_int_eq(rsys_fd_next_remote(table, 6), 200);
    ck_assert_int_eq(rsys_fd_next_remote(table, 201), -1);
    struct fdtable *copy = rsys_fdtable_copy(table);
    rsys_fd_clear_remote(table, 5);
    ck_assert(rsys_fd_is_local(table, 5) && !rsys_fd_is_local(copy, 5));
    ck_assert(rsys_fd_remote_cloexec(copy, 200) && !rsys_fd_remote_cloexec(copy, 5));
    rsys_fdtable_exec(copy);
    ck_assert(rsys_fd_is_local(copy, 200) && !rsys_fd_is_local(copy, 5));
    rsys_fdtable_unref(table);
    rsys_fdtable_unref(copy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chosen");
    TCase *tests = tcase_create("chosen");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, choices);
    tcase_add_test(tests, descriptors_are_seen);
    tcase_add_test(tests, names);
    tcase_add_test(tests, policies);
    tcase_add_test(tests, remote_numbers);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

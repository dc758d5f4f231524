/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-rules.c: what rules say of calls, and which rules are refused when they come from the other side. */
#include "src/core/spec.h"
#include "src/core/table.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct rsys_wire_compare first_is_1 = {.value = 1, .index = 0, .op = RSYS_CMP_EQ};

static uint16_t nr_of(const char *name) { return rsys_call_by_name(name)->nr; }

/* What the rules make of a call, as one number: the action, and the errno of a denial. */
static int decide(const struct rsys_rules *rules, uint64_t nr, uint64_t first)
{
    uint16_t error = 0;
    uint64_t args[6] = {first, 2, 3, 4, 5, UINT64_MAX};
    int action = (int)rsys_rules_decide(rules, nr, args, &error);
    return action == RSYS_ACTION_DENY ? -(int)error : action;
}

START_TEST(without_rules_the_table_says)
{
    for (int action = RSYS_ACTION_LOCAL; action <= RSYS_ACTION_REMOTE; action++) {
        struct rsys_rules rules = {.default_action = (uint8_t)action};
        ck_assert_int_eq(rsys_rules_check(&rules), 0);
        ck_assert_int_eq(decide(&rules, nr_of("getpid"), 0), RSYS_ACTION_LOCAL);
        /* What may be chosen, is local by a default of local; what goes by its descriptors is not. */
        ck_assert_int_eq(decide(&rules, nr_of("openat"), 0), action);
        ck_assert_int_eq(decide(&rules, nr_of("uname"), 0), action);
        ck_assert_int_eq(decide(&rules, nr_of("connect"), 0), RSYS_ACTION_REMOTE);
        ck_assert_int_eq(decide(&rules, nr_of("epoll_create1"), 0), RSYS_ACTION_REMOTE);
        ck_assert_int_eq(decide(&rules, nr_of("read"), 0), RSYS_ACTION_REMOTE);
        ck_assert_int_eq(decide(&rules, nr_of("ptrace"), 0), -EPERM);
        ck_assert_int_eq(decide(&rules, nr_of("clone3"), 0), -ENOSYS);
        ck_assert_int_eq(decide(&rules, 400, 0), -ENOSYS);
        ck_assert_int_eq(decide(&rules, UINT64_MAX, 0), -ENOSYS);
    }
}
END_TEST

START_TEST(a_default_denies)
{
    struct rsys_rules rules = {.default_action = RSYS_ACTION_DENY, .default_error = EACCES};
    ck_assert_int_eq(decide(&rules, nr_of("getpid"), 0), -EACCES);
    ck_assert_int_eq(decide(&rules, nr_of("openat"), 0), -EACCES);
    ck_assert_int_eq(decide(&rules, nr_of("ptrace"), 0), -EACCES);
    rules.default_action = RSYS_ACTION_KILL;
    ck_assert_int_eq(decide(&rules, nr_of("openat"), 0), RSYS_ACTION_KILL);
}
END_TEST

START_TEST(the_strictest_wins)
{
    uint16_t nr = nr_of("socket");
    struct rsys_wire_rule list[] = {
        {.nr = nr_of("close"), .action = RSYS_ACTION_REMOTE},
        {.nr = nr, .action = RSYS_ACTION_DENY, .error = EAFNOSUPPORT, .compares = 1, .compare = {first_is_1}},
        {.nr = nr, .action = RSYS_ACTION_REMOTE},
        {.nr = nr, .action = RSYS_ACTION_DENY, .error = EPERM, .compares = 1, .compare = {first_is_1}},
        {.nr = nr_of("bind"), .action = RSYS_ACTION_KILL},
    };
    struct rsys_rules rules = {.default_action = RSYS_ACTION_DENY, .default_error = EPERM, .count = 5, .rules = list};
    ck_assert_int_eq(rsys_rules_check(&rules), 0);
    ck_assert_int_eq(decide(&rules, nr, 2), RSYS_ACTION_REMOTE);
    ck_assert_int_eq(decide(&rules, nr, 1), -EAFNOSUPPORT); /* the first of two that are as strict */
    ck_assert_int_eq(decide(&rules, nr_of("close"), 1), RSYS_ACTION_REMOTE);
    ck_assert_int_eq(decide(&rules, nr_of("bind"), 1), RSYS_ACTION_KILL);
    ck_assert_int_eq(decide(&rules, nr_of("connect"), 1), -EPERM);
    ck_assert(rsys_rules_conditional(&rules, nr));
    ck_assert(!rsys_rules_conditional(&rules, nr_of("bind")));
    ck_assert(!rsys_rules_conditional(&rules, nr_of("connect")));
}
END_TEST

/* A hostile server cannot bring home what is not to run on the client, nor can it send memory away. */
START_TEST(rules_move_only_what_may_be_either)
{
    struct rsys_wire_rule list[] = {
        {.nr = nr_of("mmap"), .action = RSYS_ACTION_LOCAL},    {.nr = nr_of("brk"), .action = RSYS_ACTION_REMOTE},
        {.nr = nr_of("uname"), .action = RSYS_ACTION_LOCAL},   {.nr = nr_of("ptrace"), .action = RSYS_ACTION_LOCAL},
        {.nr = nr_of("openat"), .action = RSYS_ACTION_LOCAL},  {.nr = nr_of("io_uring_setup"), .action = RSYS_ACTION_REMOTE},
    };
    struct rsys_rules rules = {.default_action = RSYS_ACTION_REMOTE, .count = 6, .rules = list};
    ck_assert_int_eq(rsys_rules_check(&rules), 0);
    ck_assert_int_eq(decide(&rules, nr_of("mmap"), 0), RSYS_ACTION_REMOTE);
    ck_assert_int_eq(decide(&rules, nr_of("brk"), 0), RSYS_ACTION_LOCAL);
    ck_assert_int_eq(decide(&rules, nr_of("uname"), 0), RSYS_ACTION_LOCAL);
    ck_assert_int_eq(decide(&rules, nr_of("ptrace"), 0), -EPERM);
    ck_assert_int_eq(decide(&rules, nr_of("openat"), 0), RSYS_ACTION_REMOTE);
    ck_assert_int_eq(decide(&rules, nr_of("io_uring_setup"), 0), -ENOSYS);
}
END_TEST

START_TEST(every_comparison)
{
    static const struct {
        uint8_t op;
        uint64_t value, value_two, arg;
        bool holds;
    } cases[] = {
        {RSYS_CMP_NE, 5, 0, 5, false},          {RSYS_CMP_NE, 5, 0, 6, true},
        {RSYS_CMP_LT, 5, 0, 4, true},           {RSYS_CMP_LT, 5, 0, 5, false},
        {RSYS_CMP_LE, 5, 0, 5, true},           {RSYS_CMP_LE, 5, 0, 6, false},
        {RSYS_CMP_EQ, 5, 0, 5, true},           {RSYS_CMP_EQ, 5, 0, 0x100000005, false},
        {RSYS_CMP_GE, 5, 0, 5, true},           {RSYS_CMP_GE, 5, 0, 4, false},
        {RSYS_CMP_GT, 5, 0, UINT64_MAX, true},  {RSYS_CMP_GT, 5, 0, 5, false},
        {RSYS_CMP_MASKED_EQ, 3, 1, 5, true},    {RSYS_CMP_MASKED_EQ, 3, 1, 6, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rsys_wire_rule rule = {.nr = nr_of("dup"), .action = RSYS_ACTION_DENY, .error = EMFILE, .compares = 1,
                                      .compare = {{.value = cases[i].value, .value_two = cases[i].value_two, .index = 0, .op = cases[i].op}}};
        struct rsys_rules rules = {.default_action = RSYS_ACTION_REMOTE, .count = 1, .rules = &rule};
        ck_assert_int_eq(rsys_rules_check(&rules), 0);
        ck_assert_int_eq(decide(&rules, rule.nr, cases[i].arg), cases[i].holds ? -EMFILE : RSYS_ACTION_REMOTE);
    }
}
END_TEST

START_TEST(all_comparisons_have_to_hold)
{
    struct rsys_wire_rule rule = {.nr = nr_of("dup"), .action = RSYS_ACTION_DENY, .error = EMFILE, .compares = 2,
                                  .compare = {first_is_1, {.value = UINT64_MAX, .index = 5, .op = RSYS_CMP_EQ}}};
    struct rsys_rules rules = {.default_action = RSYS_ACTION_REMOTE, .count = 1, .rules = &rule};
    ck_assert_int_eq(decide(&rules, rule.nr, 1), -EMFILE);
    rule.compare[1].value = 0;
    ck_assert_int_eq(decide(&rules, rule.nr, 1), RSYS_ACTION_REMOTE);
}
END_TEST

/* Each case spoils one field of rules that are right. */
START_TEST(rules_of_the_other_side)
{
    struct rsys_wire_rule good[2] = {
        {.nr = 3, .action = RSYS_ACTION_REMOTE, .compares = 1, .compare = {first_is_1}},
        {.nr = 3, .action = RSYS_ACTION_DENY, .error = 4095},
    };
    for (int spoilt = 0; spoilt <= 11; spoilt++) {
        struct rsys_wire_rule list[2];
        memcpy(list, good, sizeof list);
        struct rsys_rules rules = {.default_action = RSYS_ACTION_DENY, .default_error = 1, .count = 2, .rules = list};
        switch (spoilt) {
        case 1: list[0].nr = 400; break;
        case 2: list[0].nr = RSYS_CALLS_MAX; break;
        case 3: list[0].action = 0; break;
        case 4: list[0].action = RSYS_ACTION_KILL + 1; break;
        case 5: list[0].compares = RSYS_RULE_COMPARES + 1; break;
        case 6: list[0].compare[0].index = 6; break;
        case 7: list[0].compare[0].op = 0; break;
        case 8: list[0].compare[0].op = RSYS_CMP_MASKED_EQ + 1; break;
        case 9: list[1].error = 4096; break;
        case 10: list[1].nr = 2; break;
        case 11: rules.default_action = 0; break;
        default: break;
        }
        ck_assert_msg(rsys_rules_check(&rules) == (spoilt == 0 ? 0 : -1), "case %d", spoilt);
    }
}
END_TEST

START_TEST(specs_end)
{
    struct rsys_spec spec = {.rules = {.count = 1, .rules = calloc(1, sizeof(struct rsys_wire_rule))},
                             .sandbox = {.root = strdup("/"), .hostname = strdup("x"), .mounts = 1, .mount = calloc(1, sizeof(struct rsys_mount_spec))}};
    spec.sandbox.mount[0].source = strdup("/usr");
    spec.sandbox.mount[0].target = strdup("/usr");
    rsys_spec_free(&spec);
    ck_assert_uint_eq(spec.rules.count, 0);
    ck_assert_ptr_null(spec.sandbox.mount);
    rsys_spec_free(&spec);
    rsys_spec_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rules");
    TCase *test = tcase_create("rules");
    tcase_add_test(test, without_rules_the_table_says);
    tcase_add_test(test, a_default_denies);
    tcase_add_test(test, the_strictest_wins);
    tcase_add_test(test, rules_move_only_what_may_be_either);
    tcase_add_test(test, every_comparison);
    tcase_add_test(test, all_comparisons_have_to_hold);
    tcase_add_test(test, rules_of_the_other_side);
    tcase_add_test(test, specs_end);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-decode.c: every bound of the executor's decoder. */
#include "src/core/decode.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (RSYS_ARENA_SIZE + RSYS_ARENA_SLACK)

START_TEST(heads)
{
    static const struct {
        struct rsys_wire_request head;
        int result;
    } cases[] = {
        {{.nr = 1}, 0},
        {{.relocs = RSYS_RELOCS_MAX, .outs = RSYS_OUTS_MAX}, 0},
        {{.relocs = RSYS_RELOCS_MAX + 1}, -1},
        {{.relocs = 0xffff}, -1},
        {{.outs = RSYS_OUTS_MAX + 1}, -1},
        {{.outs = 0xffff}, -1},
        {{.in_size = ARENA_MAX, .arena = ARENA_MAX}, 0},
        {{.arena = ARENA_MAX + 1}, -1},
        {{.in_size = ARENA_MAX + 1, .arena = ARENA_MAX + 1}, -1},
        {{.in_size = 9, .arena = 8}, -1},
        {{.in_size = 0xffffffff, .arena = 0xffffffff}, -1},
        {{.in_size = 0xffffffff, .arena = 8}, -1},
        {{.flags = RSYS_REQUEST_NOREPLY}, 0},
        {{.flags = RSYS_REQUEST_LOOK}, 0},
        {{.flags = RSYS_REQUEST_KEEP}, 0},
        {{.flags = RSYS_REQUEST_AFTER}, 0},
        {{.flags = 0x8000}, -1},
        {{.ack = 1}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(rsys_decode_head(&cases[i].head) == cases[i].result, "case %zu", i);
}
END_TEST

START_TEST(table_sizes)
{
    struct rsys_wire_request head = {.relocs = 3, .outs = 2};
    ck_assert_uint_eq(rsys_decode_table_size(&head), 3 * 8 + 2 * 16);
    head = (struct rsys_wire_request){.relocs = RSYS_RELOCS_MAX, .outs = RSYS_OUTS_MAX};
    ck_assert_uint_eq(rsys_decode_table_size(&head), 64 * 8 + 16 * 16);
}
END_TEST

START_TEST(reloc_bounds)
{
    static const struct {
        struct rsys_wire_reloc reloc;
        uint32_t arena;
        int result;
    } cases[] = {
        {{0, 0}, 0, 0},          {{5, 64}, 64, 0},        {{5, 65}, 64, -1},        {{6, 0}, 64, -1},
        {{7, 0}, 64, -1},        {{8, 0}, 64, 0},         {{8 + 56, 0}, 64, 0},     {{8 + 57, 0}, 64, -1},
        {{0xffffffff, 0}, 64, -1}, {{0, 0xffffffff}, 64, -1}, {{8, 0}, 7, -1},      {{8, 8}, 8, 0},
        {{8, 0}, 0, -1},         {{0xfffffff8, 0}, 0, -1},
        {{RSYS_RELOC_RESULT, 1}, 0, 0}, {{RSYS_RELOC_RESULT + 5, RSYS_RESULTS - 1}, 0, 0}, {{RSYS_RELOC_RESULT + 6, 1}, 64, -1},
        {{RSYS_RELOC_RESULT, 0}, 64, -1}, {{RSYS_RELOC_RESULT, RSYS_RESULTS}, 1000, -1}, {{RSYS_RELOC_RESULT, 0xffffffff}, 64, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rsys_wire_request head = {.relocs = 1, .arena = cases[i].arena};
        uint8_t *arena = malloc(cases[i].arena + 1); /* exact but for the case of 0, so that a sanitizer sees a step outside */
        uint64_t args[6];
        memset(arena, 0xee, cases[i].arena + 1);
        ck_assert_msg(rsys_decode_relocate(&head, &cases[i].reloc, NULL, arena, args) == cases[i].result, "case %zu", i);
        ck_assert_uint_eq(arena[cases[i].arena], 0xee);
        free(arena);
    }
}
END_TEST

START_TEST(relocations)
{
    struct rsys_wire_request head = {.relocs = 3, .arena = 32, .args = {10, 11, 12, 13, 14, 15}};
    struct rsys_wire_reloc relocs[] = {{2, 5}, {8 + 3, 32}, {0, 0}};
    uint8_t arena[32] = {0};
    uint64_t args[6], stored;
    ck_assert_int_eq(rsys_decode_relocate(&head, relocs, NULL, arena, args), 0);
    memcpy(&stored, arena + 3, sizeof stored);
    ck_assert_uint_eq(args[0], (uint64_t)(uintptr_t)arena);
    ck_assert_uint_eq(args[1], 11);
    ck_assert_uint_eq(args[2], (uint64_t)(uintptr_t)arena + 5);
    ck_assert_uint_eq(args[5], 15);
    ck_assert_uint_eq(stored, (uint64_t)(uintptr_t)arena + 32);
}
END_TEST

/* A table with one bad entry changes nothing: all checks come before the first store. */
START_TEST(nothing_half_done)
{
    struct rsys_wire_request head = {.relocs = 2, .arena = 16};
    struct rsys_wire_reloc relocs[] = {{8, 0}, {8, 17}};
    uint8_t arena[16] = {0}, zero[16] = {0};
    uint64_t args[6];
    ck_assert_int_eq(rsys_decode_relocate(&head, relocs, NULL, arena, args), -1);
    ck_assert_mem_eq(arena, zero, 16);
}
END_TEST

/* Results of earlier requests, as arguments; what uses a failure, or comes after one, is skipped. */
START_TEST(earlier_results)
{
    static struct rsys_results results; /* nothing has been made yet: every result is 0 */
    struct rsys_wire_request plain = {.relocs = 1, .args = {10, 11, 12, 13, 14, 15}}, after = {.flags = RSYS_REQUEST_AFTER};
    uint64_t args[6];
    for (uint64_t i = 0; i < 2 * RSYS_RESULTS; i++) {
        struct rsys_wire_reloc first = {RSYS_RELOC_RESULT + 5, RSYS_RESULTS - 1}, last = {RSYS_RELOC_RESULT, 1};
        ck_assert_int_eq(rsys_decode_relocate(&plain, &first, NULL, NULL, args), 0);
        ck_assert_mem_eq(args, plain.args, sizeof args);
        ck_assert_int_eq(rsys_decode_results(&plain, &first, &results, args), 0);
        ck_assert_uint_eq(args[5], i < RSYS_RESULTS - 1 ? 0 : 100 + i - (RSYS_RESULTS - 1));
        ck_assert_int_eq(rsys_decode_results(&plain, &last, &results, args), 0);
        ck_assert_uint_eq(args[0], i == 0 ? 0 : 100 + i - 1);
        ck_assert_int_eq(rsys_decode_results(&after, NULL, &results, args), 0);
        rsys_results_note(&results, (int64_t)(100 + i));
    }
    static const struct {
        int64_t result;
        int skips;
    } cases[] = {{-1, 1}, {-4095, 1}, {-512, 1}, {RSYS_SKIPPED, 1}, {-4096, 0}, {INT64_MIN, 0}, {0, 0}, {INT64_MAX, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rsys_wire_reloc second = {RSYS_RELOC_RESULT + 1, 2};
        rsys_results_note(&results, cases[i].result);
        ck_assert_msg(rsys_decode_results(&after, NULL, &results, args) == cases[i].skips, "case %zu", i);
        rsys_results_note(&results, 7);
        ck_assert_int_eq(rsys_decode_results(&after, NULL, &results, args), 0);
        ck_assert_msg(rsys_decode_results(&plain, &second, &results, args) == cases[i].skips, "case %zu", i);
        ck_assert_msg(cases[i].skips || args[1] == (uint64_t)cases[i].result, "case %zu", i);
    }
    /* The count of requests wraps. */
    results.count = 0xffffffff;
    rsys_results_note(&results, 41);
    rsys_results_note(&results, 42);
    ck_assert_int_eq(rsys_decode_results(&plain, &(struct rsys_wire_reloc){RSYS_RELOC_RESULT, 2}, &results, args), 0);
    ck_assert_uint_eq(args[0], 41);
}
END_TEST

START_TEST(out_bounds)
{
    static const struct {
        struct rsys_wire_out out;
        uint32_t arena;
        int result;
    } cases[] = {
        {{.offset = 0, .length = 64, .how = RSYS_OUT_SUCCESS}, 64, 0},
        {{.offset = 64, .length = 0, .how = RSYS_OUT_SUCCESS}, 64, 0},
        {{.offset = 65, .length = 0, .how = RSYS_OUT_SUCCESS}, 64, -1},
        {{.offset = 1, .length = 64, .how = RSYS_OUT_SUCCESS}, 64, -1},
        {{.offset = 0xffffffff, .length = 2, .how = RSYS_OUT_ALWAYS}, 64, -1},
        {{.offset = 2, .length = 0xffffffff, .how = RSYS_OUT_ALWAYS}, 64, -1},
        {{.length = 8, .how = 0}, 64, -1},
        {{.length = 8, .how = 5}, 64, -1},
        {{.length = 8, .how = 0xffff}, 64, -1},
        {{.length = 8, .how = RSYS_OUT_RESULT, .unit = 0}, 64, -1},
        {{.length = 8, .how = RSYS_OUT_RESULT, .unit = 1}, 64, 0},
        {{.length = 8, .how = RSYS_OUT_VALUE, .at = 60}, 64, 0},
        {{.length = 8, .how = RSYS_OUT_VALUE, .at = 61}, 64, -1},
        {{.length = 0, .how = RSYS_OUT_VALUE, .at = 0}, 3, -1},
        {{.length = 8, .how = RSYS_OUT_VALUE, .at = 0xffffffff}, 64, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rsys_wire_request head = {.outs = 1, .arena = cases[i].arena};
        uint8_t arena[64];
        uint64_t args[6];
        ck_assert_msg(rsys_decode_relocate(&head, NULL, &cases[i].out, arena, args) == cases[i].result, "case %zu", i);
    }
}
END_TEST

START_TEST(out_lengths)
{
    static const struct {
        uint16_t how, unit;
        uint32_t length, value;
        int64_t result;
        uint32_t back;
    } cases[] = {
        {RSYS_OUT_SUCCESS, 0, 40, 0, 0, 40},
        {RSYS_OUT_SUCCESS, 0, 40, 0, -1, 0},
        {RSYS_OUT_SUCCESS, 0, 40, 0, -4095, 0},
        {RSYS_OUT_SUCCESS, 0, 40, 0, -4096, 40}, /* an address, not an error */
        {RSYS_OUT_ALWAYS, 0, 40, 0, -512, 40},
        {RSYS_OUT_RESULT, 1, 40, 0, 0, 0},
        {RSYS_OUT_RESULT, 1, 40, 0, 39, 39},
        {RSYS_OUT_RESULT, 1, 40, 0, 40, 40},
        {RSYS_OUT_RESULT, 1, 40, 0, 41, 40},
        {RSYS_OUT_RESULT, 1, 40, 0, INT64_MAX, 40},
        {RSYS_OUT_RESULT, 1, 40, 0, INT64_MIN, 40},
        {RSYS_OUT_RESULT, 0xffff, 40, 0, INT64_MAX, 40},
        {RSYS_OUT_RESULT, 0xffff, 40, 0, 0, 0},
        {RSYS_OUT_RESULT, 0xffff, 40, 0, 1, 40},
        {RSYS_OUT_RESULT, 4, 40, 0, 3, 12},
        {RSYS_OUT_RESULT, 4, 41, 0, 10, 40},
        {RSYS_OUT_RESULT, 4, 41, 0, 11, 41},
        {RSYS_OUT_RESULT, 4, 40, 0, -9, 0},
        {RSYS_OUT_VALUE, 0, 40, 16, 0, 16},
        {RSYS_OUT_VALUE, 0, 40, 41, 0, 40},
        {RSYS_OUT_VALUE, 0, 40, 0xffffffff, 5, 40},
        {RSYS_OUT_VALUE, 0, 40, 16, -9, 0},
        {0, 1, 40, 16, 7, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rsys_wire_request head = {.outs = 1, .arena = 64};
        struct rsys_wire_out out = {.length = cases[i].length, .how = cases[i].how, .unit = cases[i].unit, .at = 60};
        uint8_t arena[64];
        memcpy(arena + 60, &cases[i].value, 4);
        ck_assert_msg(rsys_decode_out_length(&head, &out, cases[i].result, arena) == cases[i].back, "case %zu", i);
    }
}
END_TEST

/* A value outside of the arena is not looked at, also when nobody called rsys_decode_relocate before. */
START_TEST(out_value_outside)
{
    struct rsys_wire_request head = {.outs = 1, .arena = 3};
    struct rsys_wire_out out = {.length = 3, .how = RSYS_OUT_VALUE, .at = 0};
    uint8_t arena[3] = {1, 0, 0};
    ck_assert_uint_eq(rsys_decode_out_length(&head, &out, 0, arena), 0);
    head.arena = 64;
    out.at = 0xfffffffe;
    ck_assert_uint_eq(rsys_decode_out_length(&head, &out, 0, arena), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tests = tcase_create("bounds");
    tcase_add_test(tests, heads);
    tcase_add_test(tests, table_sizes);
    tcase_add_test(tests, reloc_bounds);
    tcase_add_test(tests, relocations);
    tcase_add_test(tests, nothing_half_done);
    tcase_add_test(tests, earlier_results);
    tcase_add_test(tests, out_bounds);
    tcase_add_test(tests, out_lengths);
    tcase_add_test(tests, out_value_outside);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-sent.c: what is kept of a channel's requests: what is sent again are the bytes that were sent, in their order, whatever has been acknowledged and copied between. */
#include "src/jail/sent.h"

#include "src/core/util.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LARGE 70001u

static struct rsys_sent sent;

/* A request with n bytes of in-data, each of them `fill`; kept. */
static void add(struct rsys_request *request, uint32_t seq, size_t n, int fill, bool live)
{
    struct iovec iov[4];
    size_t size;
    RSYS_AUTO_FREE uint8_t *data = malloc(n + 1);
    memset(data, fill, n);
    rsys_request_start(request, 1, (uint64_t[6]){seq});
    ck_assert_int_ge(rsys_request_in(request, 1, data, n), 0);
    int count = rsys_request_frame(request, seq, 0, iov, &size);
    ck_assert_int_eq(rsys_sent_add(&sent, live ? request : NULL, seq, iov, count, size), 0);
}

/* The kept requests are these numbers, with so many bytes of in-data each. */
static void expect(size_t count, const uint32_t *seq, const size_t *n, const int *fill)
{
    struct rsys_sent_part part;
    size_t at = 0, i = 0;
    for (; rsys_sent_next(&sent, &at, &part); i++) {
        struct rsys_wire_request head;
        ck_assert_uint_lt(i, count);
        ck_assert_uint_eq(part.seq, seq[i]);
        size_t size = part.iov[0].iov_len + part.iov[1].iov_len;
        RSYS_AUTO_FREE uint8_t *frame = malloc(size);
        memcpy(frame, part.iov[0].iov_base, part.iov[0].iov_len);
        if (part.iov[1].iov_len > 0)
            memcpy(frame + part.iov[0].iov_len, part.iov[1].iov_base, part.iov[1].iov_len);
        memcpy(&head, frame, sizeof head);
        ck_assert_uint_eq(head.seq, seq[i]);
        ck_assert_uint_eq(head.in_size, n[i]);
        ck_assert_uint_eq(size, sizeof head + sizeof(struct rsys_wire_reloc) + n[i]);
        for (size_t byte = size - n[i]; byte < size; byte++)
            ck_assert_int_eq(frame[byte], fill[i]);
    }
    ck_assert_uint_eq(i, count);
}

START_TEST(kept)
{
    struct rsys_request small = {.in = NULL}, large = {.in = NULL};
    add(&small, 1, 5, 'a', false);
    add(&small, 2, 4000, 'b', true); /* small enough to be copied */
    add(&large, 3, LARGE, 'c', true);
    add(&small, 4, 9, 'd', false);
    expect(4, (uint32_t[]){1, 2, 3, 4}, (size_t[]){5, 4000, LARGE, 9}, (int[]){'a', 'b', 'c', 'd'});
    ck_assert_uint_lt(rsys_sent_size(&sent), LARGE); /* in-data of a call stays where it is */
    rsys_sent_received(&sent, 1);
    expect(3, (uint32_t[]){2, 3, 4}, (size_t[]){4000, LARGE, 9}, (int[]){'b', 'c', 'd'});
    /* The call is given up: its request is another one's now. */
    ck_assert_int_eq(rsys_sent_settle(&sent), 0);
    memset(large.in, 'x', LARGE);
    expect(3, (uint32_t[]){2, 3, 4}, (size_t[]){4000, LARGE, 9}, (int[]){'b', 'c', 'd'});
    rsys_sent_received(&sent, 3);
    expect(1, (uint32_t[]){4}, (size_t[]){9}, (int[]){'d'});
    rsys_sent_received(&sent, 0x7fffffff);
    expect(0, NULL, NULL, NULL);
    ck_assert_uint_eq(rsys_sent_size(&sent), 0);
    rsys_request_free(&small);
    rsys_request_free(&large);
    rsys_sent_free(&sent);
}
END_TEST

START_TEST(numbers_go_round)
{
    struct rsys_request request = {.in = NULL};
    ck_assert(rsys_seq_after(1, 0xfffffffe) && !rsys_seq_after(0xfffffffe, 1) && !rsys_seq_after(7, 7));
    add(&request, 0xfffffffe, 1, 'a', false);
    add(&request, 1, 1, 'b', false);
    rsys_sent_received(&sent, 0xfffffffe);
    expect(1, (uint32_t[]){1}, (size_t[]){1}, (int[]){'b'});
    /* A received number from nowhere takes nothing away that was given later. */
    rsys_sent_received(&sent, 0x90000000);
    expect(1, (uint32_t[]){1}, (size_t[]){1}, (int[]){'b'});
    rsys_sent_clear(&sent);
    expect(0, NULL, NULL, NULL);
    rsys_request_free(&request);
    rsys_sent_free(&sent);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sent");
    TCase *tests = tcase_create("sent");
    tcase_add_test(tests, kept);
    tcase_add_test(tests, numbers_go_round);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-encode.c: the encoder's bounds, and the way of every shape: encode, decode, a call that is played, finish. */
#include "src/core/decode.h"
#include "src/core/encode.h"
#include "src/core/util.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_MAX (RSYS_ARENA_SIZE + RSYS_ARENA_SLACK)
#define ADDRESS(p) ((uint64_t)(uintptr_t)(p))

static const uint64_t no_args[6];
static struct rsys_request request;

static void teardown(void) { rsys_request_free(&request); }

/* Two pages, the second of which cannot be touched: the end of the first. */
static char *page_end(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(pages != MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    return pages + 4096;
}

START_TEST(memory_reads)
{
    char *end = page_end(), buffer[8192] = "";
    memset(end - 4096, 'x', 4096);
    ck_assert_int_eq(rsys_memory_read(&rsys_memory_own, ADDRESS(end - 16), buffer, 16), 0);
    ck_assert_int_eq(rsys_memory_read(&rsys_memory_own, ADDRESS(end - 16), buffer, 17), -EFAULT);
    ck_assert_int_eq(rsys_memory_own.read(&rsys_memory_own, ADDRESS(end - 16), buffer, 17), 16);
    ck_assert_int_eq(rsys_memory_own.read(&rsys_memory_own, ADDRESS(end), buffer, 17), 0);
    ck_assert_int_eq(rsys_memory_read(&rsys_memory_own, 0, buffer, 0), 0);
    ck_assert_int_eq(rsys_memory_read(&rsys_memory_own, 0, buffer, 1), -EFAULT);
    ck_assert_int_eq(rsys_memory_read(&rsys_memory_own, UINT64_MAX - 4, buffer, 16), -EFAULT);
    ck_assert_int_eq(rsys_memory_write(&rsys_memory_own, ADDRESS(end - 16), buffer, 17), -EFAULT);
    ck_assert_int_eq(rsys_memory_write(&rsys_memory_own, ADDRESS(end - 16), "ab", 2), 0);
    ck_assert_mem_eq(end - 16, "ab", 2);
}
END_TEST

START_TEST(memory_strings)
{
    char *end = page_end(), buffer[8192] = "";
    memset(end - 4096, 'x', 4096);
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, ADDRESS(end - 4), buffer, 100), -EFAULT);
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, ADDRESS(end - 4), buffer, 4), -ENAMETOOLONG);
    end[-1] = 0;
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, ADDRESS(end - 4), buffer, 100), 3);
    ck_assert_str_eq(buffer, "xxx");
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, ADDRESS(end - 4), buffer, 4), 3);
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, ADDRESS(end - 4), buffer, 3), -ENAMETOOLONG);
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, ADDRESS(end - 1), buffer, 1), 0);
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, ADDRESS(end - 1), buffer, 0), -ENAMETOOLONG);
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, ADDRESS(end - 4000), buffer, 4096), 3999);
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, 0, buffer, 10), -EFAULT);
    ck_assert_int_eq(rsys_memory_read_string(&rsys_memory_own, UINT64_MAX, buffer, 10), -EFAULT);
}
END_TEST

START_TEST(in_bounds)
{
    rsys_request_start(&request, 1, no_args);
    ck_assert_int_eq(rsys_request_in(&request, 0, "abc", 3), 0);
    ck_assert_int_eq(rsys_request_in(&request, 1, "de", 2), 8);
    ck_assert_mem_eq(request.in, "abc\0\0\0\0\0de", 10);
    ck_assert_int_eq(rsys_request_in(&request, -1, NULL, ARENA_MAX - 16), 16);
    ck_assert_int_eq(rsys_request_in(&request, -1, NULL, 1), -E2BIG);
    ck_assert_int_eq(rsys_request_in(&request, -1, NULL, 0), ARENA_MAX);
    ck_assert_uint_eq(request.head.in_size, ARENA_MAX);
    ck_assert_uint_eq(request.head.arena, ARENA_MAX);
    ck_assert_int_eq(rsys_decode_head(&request.head), 0);

    rsys_request_start(&request, 1, no_args);
    ck_assert_int_eq(rsys_request_in(&request, -1, NULL, ARENA_MAX + 1), -E2BIG);
    ck_assert_int_eq(rsys_request_in(&request, -1, NULL, SIZE_MAX), -E2BIG);
    ck_assert_int_eq(rsys_request_in_guest(&request, 0, &rsys_memory_own, 0, 4), -EFAULT);
    ck_assert_uint_eq(request.head.relocs, 0);
    for (int i = 0; i < RSYS_RELOCS_MAX; i++)
        ck_assert_int_eq(rsys_request_in(&request, 0, NULL, 0), 0);
    ck_assert_int_eq(rsys_request_in(&request, 0, NULL, 0), -E2BIG);
    ck_assert_int_eq(rsys_request_out(&request, 0, 1, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){0}), -E2BIG);
}
END_TEST

START_TEST(out_bounds)
{
    struct rsys_out_target target = {0};
    rsys_request_start(&request, 1, no_args);
    ck_assert_int_eq(rsys_request_in(&request, -1, "abc", 3), 0);
    ck_assert_int_eq(rsys_request_out_at(&request, 0, 3, RSYS_OUT_SUCCESS, 0, target), 0);
    ck_assert_int_eq(rsys_request_out_at(&request, 0, 9, RSYS_OUT_SUCCESS, 0, target), -EINVAL);
    ck_assert_int_eq(rsys_request_out_at(&request, 0xffffffff, 9, RSYS_OUT_SUCCESS, 0, target), -EINVAL);
    ck_assert_int_eq(rsys_request_out_at(&request, 0, SIZE_MAX, RSYS_OUT_SUCCESS, 0, target), -EINVAL);
    ck_assert_int_eq(rsys_request_out(&request, 1, 0, RSYS_OUT_SUCCESS, 1, target), 8);
    ck_assert_int_eq(rsys_request_in(&request, -1, "abc", 3), -EINVAL); /* the in-data is closed */
    ck_assert_int_eq(rsys_request_out(&request, 1, SIZE_MAX, RSYS_OUT_SUCCESS, 1, target), -E2BIG);
    ck_assert_int_eq(rsys_request_out(&request, 1, ARENA_MAX - 7, RSYS_OUT_SUCCESS, 1, target), -E2BIG);
    ck_assert_int_eq(rsys_request_out(&request, 1, ARENA_MAX - 8, RSYS_OUT_SUCCESS, 1, target), 8);
    ck_assert_int_eq(rsys_request_out(&request, 1, 1, RSYS_OUT_SUCCESS, 1, target), -E2BIG);
    ck_assert_uint_eq(request.head.arena, ARENA_MAX);
    ck_assert_uint_eq(rsys_request_reply_max(&request), 4 * 3 + 3 + ARENA_MAX - 8);
    ck_assert_int_eq(rsys_decode_head(&request.head), 0);
    for (int i = 3; i < RSYS_OUTS_MAX; i++)
        ck_assert_int_eq(rsys_request_out(&request, -1, 0, RSYS_OUT_SUCCESS, 1, target), ARENA_MAX);
    ck_assert_int_eq(rsys_request_out(&request, -1, 0, RSYS_OUT_SUCCESS, 1, target), -E2BIG);
    ck_assert_int_eq(rsys_request_out_at(&request, 0, 0, RSYS_OUT_SUCCESS, 0, target), -E2BIG);
}
END_TEST

START_TEST(pointer_bounds)
{
    rsys_request_start(&request, 1, no_args);
    ck_assert_int_eq(rsys_request_pointer(&request, 0, 0), -EINVAL);
    ck_assert_int_eq(rsys_request_in(&request, -1, NULL, 16), 0);
    ck_assert_int_eq(rsys_request_pointer(&request, 8, 16), 0);
    ck_assert_int_eq(rsys_request_pointer(&request, 9, 0), -EINVAL);
    ck_assert_int_eq(rsys_request_pointer(&request, 0, 17), -EINVAL);
    ck_assert_int_eq(rsys_request_pointer(&request, 0xffffffff, 0), -EINVAL);
    while (request.head.relocs < RSYS_RELOCS_MAX)
        ck_assert_int_eq(rsys_request_pointer(&request, 0, 0), 0);
    ck_assert_int_eq(rsys_request_pointer(&request, 0, 0), -E2BIG);
}
END_TEST

/* ---- encode, decode, play, finish ---- */

static uint8_t arena[ARENA_MAX];
static uint8_t back[4 * RSYS_OUTS_MAX + 2 * ARENA_MAX];

/* What the executor does with a frame.  `play` is the call. */
static struct rsys_wire_reply execute(int64_t (*play)(uint64_t args[6]))
{
    struct iovec iov[4];
    size_t size, at = 0;
    uint8_t *frame = NULL;
    int count = rsys_request_frame(&request, 7, 0, iov, &size);
    frame = malloc(size);
    for (int i = 0; i < count; at += iov[i++].iov_len)
        memcpy(frame + at, iov[i].iov_base, iov[i].iov_len);
    ck_assert_uint_eq(at, size);

    struct rsys_wire_request head;
    struct rsys_wire_reloc relocs[RSYS_RELOCS_MAX];
    struct rsys_wire_out outs[RSYS_OUTS_MAX];
    uint64_t args[6];
    memcpy(&head, frame, sizeof head);
    ck_assert_int_eq(rsys_decode_head(&head), 0);
    ck_assert_uint_eq(size, sizeof head + rsys_decode_table_size(&head) + head.in_size);
    memcpy(relocs, frame + sizeof head, head.relocs * sizeof relocs[0]);
    memcpy(outs, frame + sizeof head + head.relocs * sizeof relocs[0], head.outs * sizeof outs[0]);
    memcpy(arena, frame + sizeof head + rsys_decode_table_size(&head), head.in_size);
    ck_assert_int_eq(rsys_decode_relocate(&head, relocs, outs, arena, args), 0);
    free(frame);

    struct rsys_wire_reply reply = {.seq = head.seq, .result = play(args), .size = 4 * head.outs};
    for (uint32_t i = 0; i < head.outs; i++) {
        uint32_t length = rsys_decode_out_length(&head, &outs[i], reply.result, arena);
        memcpy(back + 4 * i, &length, 4);
        memcpy(back + reply.size, arena + outs[i].offset, length);
        reply.size += length;
    }
    ck_assert_uint_le(reply.size, rsys_request_reply_max(&request));
    return reply;
}

static int64_t run(const struct rsys_call *row, const uint64_t args[6], int64_t (*play)(uint64_t args[6]))
{
    int failed = rsys_encode_call(&request, row, args, &rsys_memory_own);
    if (failed < 0)
        return failed;
    struct rsys_wire_reply reply = execute(play);
    failed = rsys_request_finish(&request, &reply, back, &rsys_memory_own);
    return failed < 0 ? failed : reply.result;
}

static int64_t play_path(uint64_t args[6])
{
    ck_assert_str_eq((char *)args[1], "/etc/passwd");
    ck_assert_uint_eq(args[0], (uint64_t)-100);
    ck_assert_uint_eq(args[2], 0644);
    ck_assert_uint_eq(args[3], 0); /* what lies behind the last argument does not travel */
    return 5;
}

START_TEST(path)
{
    struct rsys_call row = {.nr = 257, .nargs = 3, .args = {{.shape = RSYS_ARG_DIRFD}, {.shape = RSYS_ARG_PATH}, {.shape = RSYS_ARG_MODE}}};
    uint64_t args[6] = {(uint64_t)-100, ADDRESS("/etc/passwd"), 0644, 99, 99, 99};
    ck_assert_int_eq(run(&row, args, play_path), 5);
    args[1] = 1;
    ck_assert_int_eq(run(&row, args, play_path), -EFAULT);
    char *longer = malloc(PATH_MAX + 1);
    memset(longer, 'x', PATH_MAX + 1);
    args[1] = ADDRESS(longer);
    ck_assert_int_eq(run(&row, args, play_path), -ENAMETOOLONG);
    longer[PATH_MAX - 1] = 0;
    ck_assert_int_eq(rsys_encode_call(&request, &row, args, &rsys_memory_own), 0);
    ck_assert_uint_eq(request.head.in_size, PATH_MAX);
    free(longer);
}
END_TEST

static size_t string_length;
static int64_t play_string(uint64_t args[6])
{
    string_length = strlen((char *)args[0]);
    return 0;
}

START_TEST(string)
{
    struct rsys_call row = {.nargs = 1, .args = {{.shape = RSYS_ARG_STRING, .size = 256}}};
    char text[400];
    memset(text, 'x', sizeof text);
    text[399] = 0;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(text)}, play_string), 0);
    ck_assert_uint_eq(string_length, 256); /* too long, and the kernel is let to see it */
    text[255] = 0;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(text)}, play_string), 0);
    ck_assert_uint_eq(string_length, 255);
}
END_TEST

static int64_t play_null(uint64_t args[6])
{
    for (int i = 0; i < 6; i++)
        ck_assert_uint_eq(args[i], 0);
    return 0;
}

START_TEST(nulls)
{
    for (int shape = RSYS_ARG_ADDRESS; shape <= RSYS_ARG_VALUE; shape++) {
        struct rsys_call row = {.nargs = 2, .args = {{.shape = (uint8_t)shape, .len = 1, .size = 4}}};
        ck_assert_int_eq(run(&row, (uint64_t[6]){0, 0, 9}, play_null), 0);
    }
    struct rsys_call row = {.nargs = 1, .args = {{.shape = RSYS_ARG_ADDRESS}}};
    ck_assert_int_eq(run(&row, (uint64_t[6]){4096}, play_null), 0);
}
END_TEST

static int64_t play_in_len(uint64_t args[6])
{
    ck_assert_mem_eq((void *)args[1], "abcdefgh", 8);
    return (int64_t)args[2];
}

START_TEST(in_len)
{
    struct rsys_call row = {.nargs = 3, .args = {{.shape = RSYS_ARG_FD}, {.shape = RSYS_ARG_IN_LEN, .len = 2, .size = 4}, {.shape = RSYS_ARG_INT}}};
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, ADDRESS("abcdefgh"), 2}, play_in_len), 2);
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, 1, 2}, play_in_len), -EFAULT);
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, ADDRESS("abcd"), UINT64_MAX}, play_in_len), -E2BIG);
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, ADDRESS("abcd"), ARENA_MAX}, play_in_len), -E2BIG);
    row.args[1] = (struct rsys_arg){.shape = RSYS_ARG_IN, .size = 8};
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, ADDRESS("abcdefgh"), 2}, play_in_len), 2);
}
END_TEST

static int64_t out_result;
static int64_t play_out(uint64_t args[6])
{
    memset((void *)args[0], 'y', 8);
    return out_result;
}

START_TEST(out)
{
    struct rsys_call row = {.nargs = 2, .args = {{.shape = RSYS_ARG_OUT, .size = 8}, {.shape = RSYS_ARG_INT}}};
    char buffer[17] = "xxxxxxxxxxxxxxxx";
    out_result = -ENOENT;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), 3}, play_out), -ENOENT);
    ck_assert_str_eq(buffer, "xxxxxxxxxxxxxxxx");
    out_result = 0;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), 3}, play_out), 0);
    ck_assert_str_eq(buffer, "yyyyyyyyxxxxxxxx");
    ck_assert_uint_eq(request.targets[0].got, 8);
    ck_assert_int_eq(run(&row, (uint64_t[6]){1, 3}, play_out), -EFAULT);
    row.args[0] = (struct rsys_arg){.shape = RSYS_ARG_OUT_LEN, .len = 1, .size = 4};
    memset(buffer, 'x', 16);
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), 2}, play_out), 0);
    ck_assert_str_eq(buffer, "yyyyyyyyxxxxxxxx");
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), UINT64_MAX / 2}, play_out), -E2BIG);
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), ARENA_MAX / 4 + 1}, play_out), -E2BIG);
}
END_TEST

static uint64_t told;
static int64_t play_out_result(uint64_t args[6])
{
    told = args[1];
    if (args[0] != 0 && args[1] >= 8)
        memset((void *)args[0], 'y', 8);
    return out_result;
}

START_TEST(out_result_shape)
{
    struct rsys_call row = {.nargs = 2, .args = {{.shape = RSYS_ARG_OUT_RESULT, .len = 1, .size = 1}, {.shape = RSYS_ARG_INT}}};
    char buffer[17] = "xxxxxxxxxxxxxxxx";
    out_result = 5;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), 16}, play_out_result), 5);
    ck_assert_str_eq(buffer, "yyyyyxxxxxxxxxxx");
    out_result = 0;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), 16}, play_out_result), 0);
    /* A buffer beyond the arena: the call is told of less. */
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), INT_MAX}, play_out_result), 0);
    ck_assert_uint_eq(told, ARENA_MAX);
    row.args[0].size = 16;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), INT_MAX}, play_out_result), 0);
    ck_assert_uint_eq(told, ARENA_MAX / 16);
    /* A negative count: as it is, and no buffer. */
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), (uint64_t)-1}, play_out_result), 0);
    ck_assert_uint_eq(told, UINT64_MAX);
    /* A call that tells of more than it was given (getxattr with no room). */
    row.args[0].size = 1;
    out_result = 100;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer), 0}, play_out_result), 100);
}
END_TEST

static int64_t play_inout(uint64_t args[6])
{
    if (args[0] != 0 && memcmp((void *)args[0], "in", 2) == 0 && out_result != -EINTR)
        memcpy((void *)args[0], "ou", 2);
    return out_result;
}

START_TEST(inout)
{
    struct rsys_call row = {.nargs = 1, .args = {{.shape = RSYS_ARG_INOUT, .size = 4}}};
    char buffer[5] = "inin";
    out_result = 0;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer)}, play_inout), 0);
    ck_assert_str_eq(buffer, "ouin");
    memcpy(buffer, "inin", 4);
    out_result = -EINVAL;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer)}, play_inout), -EINVAL);
    ck_assert_str_eq(buffer, "inin");
    row.args[0].shape = RSYS_ARG_OUT_ALWAYS;
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer)}, play_inout), -EINVAL);
    ck_assert_str_eq(buffer, "ouin");
    memcpy(buffer, "inin", 4);
    out_result = -EINTR; /* the call left it alone: it is as it was, not somebody's old bytes */
    ck_assert_int_eq(run(&row, (uint64_t[6]){ADDRESS(buffer)}, play_inout), -EINTR);
    ck_assert_str_eq(buffer, "inin");
}
END_TEST

static uint32_t kernel_length;
static int64_t play_value(uint64_t args[6])
{
    uint32_t room;
    memcpy(&room, (void *)args[2], 4);
    memset((void *)args[1], 'z', RSYS_MIN(room, kernel_length));
    memcpy((void *)args[2], &kernel_length, 4);
    return 0;
}

START_TEST(value_result)
{
    struct rsys_call row = {.nargs = 3, .args = {{.shape = RSYS_ARG_FD}, {.shape = RSYS_ARG_OUT_VALUE, .len = 2}, {.shape = RSYS_ARG_VALUE}}};
    char buffer[17] = "xxxxxxxxxxxxxxxx";
    uint32_t length = 16;
    kernel_length = 4;
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, ADDRESS(buffer), ADDRESS(&length)}, play_value), 0);
    ck_assert_str_eq(buffer, "zzzzxxxxxxxxxxxx");
    ck_assert_uint_eq(length, 4);
    length = 2;
    memset(buffer, 'x', 16);
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, ADDRESS(buffer), ADDRESS(&length)}, play_value), 0);
    ck_assert_str_eq(buffer, "zzxxxxxxxxxxxxxx");
    ck_assert_uint_eq(length, 4);
    length = INT_MAX; /* more than a buffer can be: the area stays bounded */
    memset(buffer, 'x', 16);
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, ADDRESS(buffer), ADDRESS(&length)}, play_value), 0);
    ck_assert_str_eq(buffer, "zzzzxxxxxxxxxxxx");
    ck_assert_int_eq(run(&row, (uint64_t[6]){3, ADDRESS(buffer), 1}, play_value), -EFAULT);
    ck_assert_int_eq(rsys_encode_call(&request, &row, (uint64_t[6]){3, ADDRESS(buffer), 0}, &rsys_memory_own), 0);
    ck_assert_uint_eq(request.outs[0].length, 0);
}
END_TEST

/* A hostile reply stores nothing. */
START_TEST(hostile_replies)
{
    struct rsys_call row = {.nargs = 3, .args = {{.shape = RSYS_ARG_OUT, .size = 8}, {.shape = RSYS_ARG_OUT_RESULT, .len = 2, .size = 1}, {.shape = RSYS_ARG_INT}}};
    char one[9] = "xxxxxxxx", two[9] = "xxxxxxxx";
    uint64_t args[6] = {ADDRESS(one), ADDRESS(two), 8};
    static const struct {
        uint32_t seq, size, got[2];
        int64_t result;
        int expected;
    } cases[] = {
        {7, 8 + 16, {8, 8}, 8, 0},
        {7, 8 + 12, {8, 4}, 4, 0},
        {7, 8 + 8, {8, 0}, 4, -EPROTO}, /* less than the result says */
        {6, 8 + 16, {8, 8}, 8, -EPROTO},
        {7, 8 + 15, {8, 8}, 8, -EPROTO},
        {7, 8 + 17, {8, 8}, 8, -EPROTO},
        {7, 8 + 17, {9, 8}, 8, -EPROTO},
        {7, 8 + 17, {8, 9}, 9, -EPROTO},
        {7, 8 + 13, {8, 5}, 4, -EPROTO},
        {7, 8 + 8, {8, 0}, -ENOENT, -EPROTO},
        {7, 4, {0, 0}, 0, -EPROTO},
        {7, 0, {0, 0}, 0, -EPROTO},
        {7, 8 + 7, {0xffffffff, 8}, 8, -EPROTO},
        {7, 0xffffffff, {0xffffffff, 8}, 8, -EPROTO},
        {7, 8, {0, 0}, -ENOENT, 0},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(cases); i++) {
        struct rsys_wire_reply reply = {.seq = cases[i].seq, .size = cases[i].size, .result = cases[i].result};
        memset(one, 'x', 8);
        memset(two, 'x', 8);
        ck_assert_int_eq(rsys_encode_call(&request, &row, args, &rsys_memory_own), 0);
        struct iovec iov[4];
        size_t size;
        rsys_request_frame(&request, 7, 0, iov, &size);
        memcpy(back, cases[i].got, 8);
        memset(back + 8, 'y', 32);
        ck_assert_msg(rsys_request_finish(&request, &reply, back, &rsys_memory_own) == cases[i].expected, "case %zu", i);
        if (cases[i].expected < 0) {
            ck_assert_str_eq(one, "xxxxxxxx");
            ck_assert_str_eq(two, "xxxxxxxx");
        }
    }
    rsys_request_start(&request, 1, no_args);
    struct rsys_wire_reply reply = {0};
    ck_assert_int_eq(rsys_request_finish(&request, &reply, NULL, &rsys_memory_own), 0);
}
END_TEST

/* A built request: pointers within the in-data (a msghdr, an iovec), our own memory as target. */
static int64_t play_pointers(uint64_t args[6])
{
    struct iovec *iov = (struct iovec *)args[1];
    memcpy(iov[0].iov_base, "abcd", 4);
    memcpy(iov[1].iov_base, "efgh", 4);
    return 8;
}

START_TEST(pointers)
{
    uint8_t own[8];
    uint64_t pairs[4] = {0, 4, 0, 4};
    rsys_request_start(&request, 19, (uint64_t[6]){3, 0, 2});
    int64_t table = rsys_request_in(&request, 1, pairs, sizeof pairs);
    int64_t area = rsys_request_out(&request, -1, 8, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = own});
    ck_assert_int_eq(rsys_request_pointer(&request, (uint32_t)table, (uint32_t)area), 0);
    ck_assert_int_eq(rsys_request_pointer(&request, (uint32_t)table + 16, (uint32_t)area + 4), 0);
    struct rsys_wire_reply reply = execute(play_pointers);
    ck_assert_int_eq(rsys_request_finish(&request, &reply, back, NULL), 0);
    ck_assert_mem_eq(own, "abcdefgh", 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encode");
    TCase *tests = tcase_create("encode");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, memory_reads);
    tcase_add_test(tests, memory_strings);
    tcase_add_test(tests, in_bounds);
    tcase_add_test(tests, out_bounds);
    tcase_add_test(tests, pointer_bounds);
    tcase_add_test(tests, path);
    tcase_add_test(tests, string);
    tcase_add_test(tests, nulls);
    tcase_add_test(tests, in_len);
    tcase_add_test(tests, out);
    tcase_add_test(tests, out_result_shape);
    tcase_add_test(tests, inout);
    tcase_add_test(tests, value_result);
    tcase_add_test(tests, hostile_replies);
    tcase_add_test(tests, pointers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

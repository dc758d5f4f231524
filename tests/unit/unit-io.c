/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-io.c: read and write in all their forms, against what the kernel does with the same arguments. */
#include "src/core/util.h"
#include "tests/unit/fake-jail.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define A FAKE_ARG
#define MIB (1u << 20)

static int file;
static uint8_t *large, *page; /* 5 MiB of a pattern; the end of a page with nothing behind it */

static void setup(void)
{
    char name[] = "/tmp/rsys-unit-XXXXXX";
    file = mkostemp(name, O_CLOEXEC);
    unlink(name);
    large = calloc(5, MIB);
    for (unsigned i = 0; i < 5 * MIB; i++)
        large[i] = (uint8_t)(i * 31 + i / 1000);
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    page += 4096;
    fake_cancel_at = 0;
}

static void teardown(void)
{
    close(file);
    free(large);
    fake_free();
}

static void holds(off_t at, const void *bytes, size_t n)
{
    uint8_t *got = malloc(n + 1);
    ck_assert_int_eq(pread(file, got, n, at), (ssize_t)n);
    ck_assert_int_eq(memcmp(got, bytes, n), 0);
    free(got);
}

START_TEST(small)
{
    char buffer[16] = "";
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, A("hello world"), 11, 9, 9, 9), 11);
    ck_assert_uint_eq(fake_requests, 1);
    ck_assert_int_eq(fake_call(SYS_pread64, (uint64_t)file, A(buffer), 5, 6, 0, 0), 5);
    ck_assert_str_eq(buffer, "world");
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, A(buffer), 16, 0, 0, 0), 0);
    ck_assert_int_eq(fake_call(SYS_pwrite64, (uint64_t)file, A("W"), 1, 6, 0, 0), 1);
    lseek(file, 0, SEEK_SET);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, A(buffer), 16, 0, 0, 0), 11);
    ck_assert_str_eq(buffer, "hello World");
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, A(buffer), 0, 0, 0, 0), 0);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, A(buffer), 0, 0, 0, 0), 0);
    ck_assert_int_eq(fake_call(SYS_pread64, (uint64_t)file, A(buffer), 5, (uint64_t)-1, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_read, 1000, A(buffer), 5, 0, 0, 0), -EBADF);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)-1, A(buffer), 5, 0, 0, 0), -EBADF);
}
END_TEST

START_TEST(local)
{
    char buffer[8] = "";
    int pair[2];
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
    fake_local(pair[0], true);
    fake_local(pair[1], true);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)pair[1], A("abc"), 3, 0, 0, 0), 3);
    ck_assert(fake_continued);
    struct iovec vector = {buffer, 3};
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)pair[0], A(&vector), 1, 0, 0, 0), 3);
    ck_assert(fake_continued);
    fake_local(pair[0], false);
    fake_local(pair[1], false);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(vectors)
{
    char one[4] = "", two[8] = "", three[8] = "";
    struct iovec out[3] = {{"abc", 3}, {NULL, 0}, {"defgh", 5}};
    ck_assert_int_eq(fake_call(SYS_writev, (uint64_t)file, A(out), 3, 0, 0, 0), 8);
    ck_assert_uint_eq(fake_requests, 1);
    holds(0, "abcdefgh", 8);
    struct iovec in[3] = {{one, 3}, {two, 2}, {three, 7}};
    lseek(file, 0, SEEK_SET);
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)file, A(in), 3, 0, 0, 0), 8);
    ck_assert_str_eq(one, "abc");
    ck_assert_str_eq(two, "de");
    ck_assert_str_eq(three, "fgh");
    ck_assert_int_eq(fake_call(SYS_preadv, (uint64_t)file, A(in), 2, 3, 77, 0), 5);
    ck_assert_str_eq(one, "def");
    ck_assert_int_eq(fake_call(SYS_pwritev, (uint64_t)file, A(out), 1, 100, 0, 0), 3);
    holds(100, "abc", 3);
    lseek(file, 50, SEEK_SET);
    ck_assert_int_eq(fake_call(SYS_pwritev2, (uint64_t)file, A(out), 3, (uint64_t)-1, 0, RWF_DSYNC), 8);
    ck_assert_int_eq(fake_numbers[0], SYS_pwritev2);
    holds(50, "abcdefgh", 8);
    ck_assert_int_eq(lseek(file, 0, SEEK_CUR), 58);
    ck_assert_int_eq(fake_call(SYS_preadv2, (uint64_t)file, A(in), 3, 50, 0, 0), 12);
    ck_assert_str_eq(three, "fgh");
    ck_assert_int_eq(fake_call(SYS_preadv2, (uint64_t)file, A(in), 3, 50, 0, 0x40000000), -EOPNOTSUPP);
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)file, A(in), 0, 0, 0, 0), 0);
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)file, A(in), 1025, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)file, A(in), (uint64_t)-1, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)file, 8, 1, 0, 0, 0), -EFAULT);
    in[1].iov_len = SIZE_MAX;
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)file, A(in), 3, 0, 0, 0), -EINVAL);
    in[1].iov_len = SSIZE_MAX;
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)file, A(in), 3, 0, 0, 0), -EFAULT);
}
END_TEST

/* More than one request: files in pieces, vectors over the pieces' edges. */
START_TEST(pieces)
{
    uint8_t *back = calloc(5, MIB);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, A(large), 5 * MIB, 0, 0, 0), 5 * MIB);
    ck_assert_uint_eq(fake_requests, 5);
    holds(0, large, 5 * MIB);
    lseek(file, 0, SEEK_SET);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, A(back), 5 * MIB, 0, 0, 0), 5 * MIB);
    ck_assert_uint_eq(fake_requests, 6); /* one asks whether it can seek */
    ck_assert_int_eq(memcmp(back, large, 5 * MIB), 0);
    memset(back, 0, 5 * MIB);
    ck_assert_int_eq(fake_call(SYS_pread64, (uint64_t)file, A(back), 3 * MIB + 7, 5, 0, 0), 3 * MIB + 7);
    ck_assert_int_eq(memcmp(back, large + 5, 3 * MIB + 7), 0);
    ck_assert_int_eq(fake_call(SYS_pread64, (uint64_t)file, A(back), 3 * MIB, 3 * MIB - 9, 0, 0), 2 * MIB + 9);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, A(back), MIB, 0, 0, 0), 0);

    struct iovec vector[4] = {{large, 700001}, {large + 700001, 2 * MIB + 3}, {large, 0}, {large + 700001 + 2 * MIB + 3, 700000}};
    size_t total = 700001 + 2 * MIB + 3 + 700000;
    ck_assert_int_eq(ftruncate(file, 0), 0);
    ck_assert_int_eq(fake_call(SYS_pwritev, (uint64_t)file, A(vector), 4, 3, 0, 0), (int64_t)total);
    holds(3, large, total);
    memset(back, 0, 5 * MIB);
    for (int i = 0; i < 4; i++)
        vector[i].iov_base = back + ((uint8_t *)vector[i].iov_base - large);
    ck_assert_int_eq(fake_call(SYS_preadv2, (uint64_t)file, A(vector), 4, 3, 0, 0), (int64_t)total);
    ck_assert_int_eq(memcmp(back, large, total), 0);
    lseek(file, 3, SEEK_SET);
    memset(back, 0, 5 * MIB);
    ck_assert_int_eq(fake_call(SYS_readv, (uint64_t)file, A(vector), 4, 3, 0, 0), (int64_t)total);
    ck_assert_int_eq(memcmp(back, large, total), 0);
    free(back);
}
END_TEST

/* A signal or an error after the first piece: what has been done.  In the first: the error itself. */
START_TEST(interrupted)
{
    fake_cancel_at = 3;
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, A(large), 5 * MIB, 0, 0, 0), 2 * MIB);
    ck_assert_int_eq(fake_call(SYS_pread64, (uint64_t)file, A(large), 5 * MIB, 0, 0, 0), 2 * MIB); /* the end, before the third */
    fake_cancel_at = 1;
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, A(large), 5 * MIB, 0, 0, 0), -512);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, A(large), 5 * MIB, 0, 0, 0), -512);
}
END_TEST

/* A pipe gives what it has: no second read behind a full first one. */
START_TEST(pipe_reads)
{
    int pair[2];
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
    ck_assert_int_ge(fcntl(pair[1], F_SETPIPE_SZ, MIB), (int)MIB);
    ck_assert_int_eq(write(pair[1], large, MIB), MIB);
    uint8_t *back = calloc(2, MIB);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)pair[0], A(back), 2 * MIB, 0, 0, 0), MIB);
    ck_assert_int_eq(memcmp(back, large, MIB), 0);
    ck_assert_int_eq(fake_call(SYS_pread64, (uint64_t)pair[0], A(back), 2, 0, 0, 0), -ESPIPE);
    /* A non-blocking pipe that takes a part of the second piece: the sum. */
    ck_assert_int_eq(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)pair[1], A(large), 3 * MIB, 0, 0, 0), MIB);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)pair[1], A(large), 3 * MIB, 0, 0, 0), -EAGAIN);
    free(back);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

/* Addresses that are bad, wholly or in part, as the kernel has it. */
START_TEST(bad_addresses)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    memset(page - 10, 'x', 10);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, A(page), 10, 0, 0, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, 0, 10, 0, 0, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, A(page - 10), 20, 0, 0, 0), 10);
    holds(0, "xxxxxxxxxx", 10);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)file, A(page - 10), SIZE_MAX, 0, 0, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_write, 1000, A(page), 10, 0, 0, 0), -EBADF);
    ck_assert_int_eq(fake_call(SYS_write, (uint64_t)null, A(page), 10, 0, 0, 0), 10);
    struct iovec vector[2] = {{"ab", 2}, {page - 1, 3}};
    ck_assert_int_eq(fake_call(SYS_pwritev, (uint64_t)file, A(vector), 2, 0, 0, 0), 3);
    holds(0, "abx", 3);
    vector[0].iov_base = page;
    ck_assert_int_eq(fake_call(SYS_pwritev2, (uint64_t)file, A(vector), 2, 0, 0, 0), -EFAULT);

    lseek(file, 0, SEEK_SET);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, 0, 5, 0, 0, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, UINT64_C(0xffff800000000000), 5, 0, 0, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, A(page), 5, 0, 0, 0), -EFAULT);
    ck_assert_int_eq(lseek(file, 0, SEEK_CUR), 0);
    ck_assert_int_eq(fake_call(SYS_read, (uint64_t)file, A(page - 4), 8, 0, 0, 0), 4);
    ck_assert_int_eq(lseek(file, 0, SEEK_CUR), 4); /* where the memory ended */
    ck_assert_mem_eq(page - 4, "abxx", 4);
    ck_assert_int_eq(fake_call(SYS_pread64, (uint64_t)file, A(page - 4), 8, 0, 0, 0), 4);
    ck_assert_uint_eq(fake_posts, 0);
    close(null);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io");
    TCase *tests = tcase_create("io");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, small);
    tcase_add_test(tests, local);
    tcase_add_test(tests, vectors);
    tcase_add_test(tests, pieces);
    tcase_add_test(tests, interrupted);
    tcase_add_test(tests, pipe_reads);
    tcase_add_test(tests, bad_addresses);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

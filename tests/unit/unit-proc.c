/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-proc.c: the texts of /proc that both sides take part in; the server's part is hostile. */
#include "src/jail/proc-text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static void expect(struct rsys_text text, const char *expected)
{
    ck_assert_ptr_nonnull(text.data);
    ck_assert_str_eq(text.data, expected);
    ck_assert_uint_eq(text.size, strlen(expected));
    free(text.data);
}

START_TEST(status)
{
    const char *client = "Name:\tx\nUmask:\t0000\nState:\tS (sleeping)\nTracerPid:\t1\nUid:\t9\t9\t9\t9\nSeccomp:\t2\nSeccomp_filters:\t2\n";
    expect(rsys_text_status(client, "Umask:\t0022\nTracerPid:\t0\nUid:\t0\t1\t2\t3\nName:\ty\n", 0, 1),
           "Name:\tx\nUmask:\t0022\nState:\tR (running)\nTracerPid:\t0\nUid:\t0\t1\t2\t3\nSeccomp:\t0\nSeccomp_filters:\t0\n");
    expect(rsys_text_status(client, "", 1, 0), "Name:\tx\nUmask:\t0000\nState:\tS (sleeping)\nTracerPid:\t1\nUid:\t9\t9\t9\t9\nSeccomp:\t2\nSeccomp_filters:\t1\n");
    expect(rsys_text_status("Uid:\t1", "nothing\n\nUid:", 0, 0), "Uid:");
    expect(rsys_text_status("", "Uid:\t1\n", 0, 0), "");
    ck_assert_int_eq(rsys_text_number(client, "Seccomp_filters:"), 2);
    ck_assert_int_eq(rsys_text_number(client, "Threads:"), -1);
}
END_TEST

START_TEST(limits)
{
    const char *client = "Limit\nMax file size             1                    2                    bytes     \nMax open files            3                    4                    files     \n"
                         "Max core file size        1                    1                    bytes     \nMax stack size            8\n";
    expect(rsys_text_limits(client, "Max file size  5\nMax open files   100   2000   files\nMax stack size 9\n", 50),
           "Limit\nMax file size  5\nMax open files            50                   50                   files     \n"
           "Max core file size        0                    0                    bytes     \nMax stack size            8\n");
    expect(rsys_text_limits("Max open files            3\n", "Max open files   unlimited\n", 50),
           "Max open files            0                    50                   files     \n");
    expect(rsys_text_limits("Max open files            3\n", "", 50), "Max open files            50                   50                   files     \n");
}
END_TEST

START_TEST(maps)
{
    const char *text = "00400000-00401000 r-xp 00000000 00:64 17                         /usr/bin/x\n"
                       "00401000-00402000 rw-p 00001000 00:64 17                         /usr/bin/x\nSize:   4 kB\n"
                       "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
                       "7f0000001000-7f0000002000 r--s 00000000 00:64 18                 /\001\n"
                       "7f0000003000-7f0000004000 r--s 00000000 00:65 17                 /elsewhere\n";
    struct rsys_text_file *files;
    uint64_t dev = makedev(0, 0x64);
    ck_assert_uint_eq(rsys_text_files(text, dev, &files), 2);
    ck_assert_uint_eq(files[0].ino, 17);
    ck_assert_uint_eq(files[1].ino, 18);
    files[0].path = strdup("/usr/bin/new\nname (deleted)");
    files[0].dev = makedev(8, 1);
    files[0].real_ino = 99;
    expect(rsys_text_maps(text, dev, files, 2),
           "00400000-00401000 r-xp 00000000 08:01 99                                 /usr/bin/new\\012name (deleted)\n"
           "00401000-00402000 rw-p 00001000 08:01 99                                 /usr/bin/new\\012name (deleted)\nSize:   4 kB\n"
           "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
           "7f0000001000-7f0000002000 r--s 00000000 00:64 18                 /\001\n"
           "7f0000003000-7f0000004000 r--s 00000000 00:65 17                 /elsewhere\n");
    expect(rsys_text_numa("00400000 default file=/usr/bin/x mapped=1 N0=1\n00401000 default file=/usr/bin/x\n7f0000000000 default anon=1\n7f0000003000 default file=/elsewhere\n",
                          text, dev, files, 2),
           "00400000 default file=/usr/bin/new\\012name\\040(deleted) mapped=1 N0=1\n00401000 default file=/usr/bin/new\\012name\\040(deleted)\n"
           "7f0000000000 default anon=1\n7f0000003000 default file=/elsewhere\n");
    rsys_text_files_free(files, 2);
    ck_assert_uint_eq(rsys_text_files("", dev, &files), 0);
    ck_assert_uint_eq(rsys_text_files("00400000-", dev, &files), 0);
    rsys_text_files_free(files, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proc");
    TCase *tests = tcase_create("proc");
    SRunner *runner = srunner_create(suite);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, status);
    tcase_add_test(tests, limits);
    tcase_add_test(tests, maps);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

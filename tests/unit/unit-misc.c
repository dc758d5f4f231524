/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-misc.c: limits, prctl, credentials, kill, and copies between descriptors. */
#include "src/core/util.h"
#include "src/jail/calls-proc.h"
#include "tests/unit/fake-jail.h"

#include <check.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define A FAKE_ARG
#define CALL0(nr) fake_call(nr, 0, 0, 0, 0, 0, 0)
#define CALL2(nr, a, b) fake_call(nr, a, b, 0, 0, 0, 0)
#define CALL4(nr, a, b, c, d) fake_call(nr, a, b, c, d, 0, 0)

static void teardown(void) { fake_free(); }

static const struct rlimit *nofile(void)
{
    static struct rlimit limit;
    ck_assert_int_eq(CALL4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, A(&limit)), 0);
    return &limit;
}

/* The session's nofile is 1024 here; the executor's own hard limit is larger and must stay. */
static unsigned own_filters;
enum verdict rsys_call_signal_each(struct call *call) { return rsys_call_done(call, -EPERM); }
unsigned rsys_proc_filters(const struct call *call) { return own_filters; }

START_TEST(nofile_limits)
{
    struct rlimit real, limit = {0, 0};
    getrlimit(RLIMIT_NOFILE, &real);
    ck_assert_uint_gt(real.rlim_max, 1024);
    real.rlim_cur = 1024;
    setrlimit(RLIMIT_NOFILE, &real);
    ck_assert_uint_eq(nofile()->rlim_cur, 1024);
    ck_assert_uint_eq(nofile()->rlim_max, 1024);
    limit = (struct rlimit){1024, 1025};
    ck_assert_int_eq(CALL2(SYS_setrlimit, RLIMIT_NOFILE, A(&limit)), -EPERM);
    limit = (struct rlimit){300, 200};
    ck_assert_int_eq(CALL2(SYS_setrlimit, RLIMIT_NOFILE, A(&limit)), -EINVAL);
    limit = (struct rlimit){100, 1024};
    struct rlimit old = {0, 0};
    ck_assert_int_eq(CALL4(SYS_prlimit64, (uint64_t)getpid(), RLIMIT_NOFILE, A(&limit), A(&old)), 0);
    ck_assert_uint_eq(old.rlim_cur, 1024);
    ck_assert_uint_eq(nofile()->rlim_cur, 100);
    limit = (struct rlimit){50, 60};
    ck_assert_int_eq(CALL2(SYS_setrlimit, RLIMIT_NOFILE, A(&limit)), 0);
    ck_assert_uint_eq(nofile()->rlim_cur, 50);
    ck_assert_uint_eq(nofile()->rlim_max, 60);
    limit = (struct rlimit){50, 61};
    ck_assert_int_eq(CALL2(SYS_setrlimit, RLIMIT_NOFILE, A(&limit)), -EPERM);
    getrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_uint_eq(limit.rlim_max, real.rlim_max);
    ck_assert_int_eq(CALL2(SYS_getrlimit, RLIMIT_NOFILE, A(&old)), 0);
    ck_assert_uint_eq(old.rlim_max, 60);
}
END_TEST

START_TEST(limits)
{
    struct rlimit limit = {0, 0}, was = {0, 0};
    ck_assert_int_eq(CALL2(SYS_getrlimit, RLIMIT_STACK, A(&limit)), 0);
    ck_assert(fake_continued);
    ck_assert_int_eq(CALL2(SYS_getrlimit, RLIMIT_FSIZE, A(&was)), 0);
    ck_assert(!fake_continued);
    limit = (struct rlimit){4096, was.rlim_max};
    ck_assert_int_eq(CALL2(SYS_setrlimit, RLIMIT_FSIZE, A(&limit)), 0);
    ck_assert_int_eq(CALL4(SYS_prlimit64, 0, RLIMIT_FSIZE, A(&was), A(&limit)), 0);
    ck_assert_uint_eq(limit.rlim_cur, 4096);
    ck_assert_int_eq(CALL2(SYS_getrlimit, RLIMIT_FSIZE, 8), -EFAULT);
    ck_assert_int_eq(CALL2(SYS_getrlimit, RLIMIT_FSIZE, 0), -EFAULT);
    ck_assert_int_eq(CALL2(SYS_setrlimit, RLIMIT_FSIZE, 8), -EFAULT);
    ck_assert_int_eq(CALL4(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, 0), 0);
    ck_assert_int_eq(CALL2(SYS_getrlimit, 99, A(&limit)), -EINVAL);
}
END_TEST

START_TEST(prctls)
{
    char name[16] = "";
    ck_assert_int_eq(CALL2(SYS_prctl, PR_SET_NAME, A("a-name-that-is-too-long")), 0);
    ck_assert(fake_continued);
    ck_assert_uint_eq(fake_posts, 1);
    ck_assert_int_eq(CALL2(SYS_prctl, PR_GET_NAME, A(name)), 0);
    ck_assert_str_eq(name, "a-name-that-is-");
    ck_assert_int_eq(CALL2(SYS_prctl, PR_SET_NAME, 8), -EFAULT);
    /* A guest's own filters, which its kernel takes, are all that it is told of. */
    ck_assert_int_eq(CALL2(SYS_prctl, PR_SET_SECCOMP, 77), -EINVAL);
    ck_assert(fake_continued);
    ck_assert_int_eq(CALL2(SYS_prctl, PR_GET_SECCOMP, 0), SECCOMP_MODE_DISABLED);
    own_filters = 3;
    ck_assert_int_eq(CALL2(SYS_prctl, PR_GET_SECCOMP, 0), SECCOMP_MODE_FILTER);
    own_filters = 0;
    ck_assert_int_eq(CALL2(SYS_prctl, PR_SET_MM, 1), -EPERM);
    ck_assert_int_eq(CALL2(SYS_prctl, PR_SET_KEEPCAPS, 1), 0);
    ck_assert_uint_eq(fake_requests, 1);
    ck_assert_int_eq(CALL0(SYS_prctl), -EINVAL);
    ck_assert(fake_continued);
    int signal = 0;
    ck_assert_int_eq(CALL2(SYS_prctl, PR_GET_PDEATHSIG, A(&signal)), 0);
    ck_assert(fake_continued);
}
END_TEST

START_TEST(credentials)
{
    uint32_t real = 0, effective = 0, saved = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(CALL0(SYS_getuid), getuid());
        ck_assert_uint_eq(fake_requests, i == 0 ? 1 : 0); /* the second time from what is known */
        ck_assert_int_eq(CALL0(SYS_geteuid), geteuid());
        ck_assert_int_eq(CALL0(SYS_getgid), getgid());
        ck_assert_int_eq(CALL0(SYS_getegid), getegid());
    }
    ck_assert_int_eq(fake_call(SYS_getresuid, A(&real), A(&effective), A(&saved), 0, 0, 0), 0);
    ck_assert_uint_eq(real, getuid());
    ck_assert_int_eq(CALL2(SYS_setgid, getgid(), 0), 0);
    ck_assert_int_eq(CALL0(SYS_getuid), getuid());
    ck_assert_uint_eq(fake_requests, 1);
}
END_TEST

START_TEST(kills)
{
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    ck_assert_int_eq(CALL2(SYS_kill, (uint64_t)getpid(), 0), -EPERM); /* the supervisor is this process */
    ck_assert_int_eq(CALL2(SYS_tkill, (uint64_t)getpid(), SIGKILL), -EPERM);
    ck_assert_int_eq(fake_call(SYS_tgkill, (uint64_t)child, (uint64_t)getpid(), SIGKILL, 0, 0, 0), -EPERM);
    ck_assert_int_eq(fake_call(SYS_tgkill, (uint64_t)getpid(), (uint64_t)child, SIGKILL, 0, 0, 0), -EPERM);
    ck_assert_int_eq(CALL2(SYS_kill, (uint64_t)child, 0), 0);
    ck_assert(fake_continued);
    ck_assert_int_eq(CALL2(SYS_kill, (uint64_t)child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(CALL2(SYS_kill, (uint64_t)child, 0), -ESRCH);
}
END_TEST

static int scratch(const char *text)
{
    char name[] = "/tmp/rsys-unit-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    unlink(name);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

START_TEST(copies)
{
    RSYS_AUTO_FD from = scratch("hello world");
    RSYS_AUTO_FD to = scratch("");
    int64_t offset = 6, into = 3;
    char buffer[16] = "";
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)to, (uint64_t)from, A(&offset), 3), 3);
    ck_assert_int_eq(offset, 9);
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)to, (uint64_t)from, 0, 100), 11);
    offset = 0;
    ck_assert_int_eq(fake_call(SYS_copy_file_range, (uint64_t)from, A(&offset), (uint64_t)to, A(&into), 5, 0), 5);
    ck_assert_int_eq(offset, 5);
    ck_assert_int_eq(into, 8);
    ck_assert_int_eq(pread(to, buffer, 15, 0), 14);
    ck_assert_str_eq(buffer, "worhello world");
    fake_local(to, true);
    ck_assert_int_eq(fake_call(SYS_copy_file_range, (uint64_t)from, 0, (uint64_t)to, 0, 5, 0), -EXDEV);
    ck_assert_uint_eq(fake_requests, 0);
    fake_local(from, true);
    offset = 0;
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)to, (uint64_t)from, A(&offset), 3), 3);
    ck_assert(fake_continued);
    fake_local(to, false);
    fake_local(from, false);
}
END_TEST

/* sendfile with one end on each side: through the supervisor. */
START_TEST(sendfile_across)
{
    RSYS_AUTO_FD from = scratch("hello world");
    RSYS_AUTO_FD to = scratch("");
    int pipe_[2];
    int64_t offset = 6;
    char buffer[16] = "", large[200000];
    ck_assert_int_eq(pipe2(pipe_, O_CLOEXEC), 0);
    fake_local(to, true);
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)to, (uint64_t)from, A(&offset), 3), 3);
    ck_assert_int_eq(offset, 9);
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)to, (uint64_t)from, 0, 100), 11);
    ck_assert_int_eq(lseek(from, 0, SEEK_CUR), 11);
    ck_assert_int_eq(pread(to, buffer, 15, 0), 14);
    ck_assert_str_eq(buffer, "worhello world");
    fake_local(to, false);
    fake_local(from, true);
    lseek(from, 2, SEEK_SET);
    ck_assert_int_eq(ftruncate(to, 0), 0);
    lseek(to, 0, SEEK_SET);
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)to, (uint64_t)from, 0, 4), 4);
    ck_assert_int_eq(lseek(from, 0, SEEK_CUR), 6);
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)to, (uint64_t)from, A(&offset), 100), 2);
    ck_assert_int_eq(offset, 11);
    memset(buffer, 0, sizeof buffer);
    ck_assert_int_eq(pread(to, buffer, 15, 0), 6);
    ck_assert_str_eq(buffer, "llo ld");
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)to, (uint64_t)from, A(&offset), 100), 0);
    fake_local(from, false);

    /* A pipe that is too small for it all, and then full; a file's position stands where the pipe's room ended. */
    memset(large, 'y', sizeof large);
    ck_assert_int_eq(ftruncate(from, 0), 0);
    ck_assert_int_eq(pwrite(from, large, sizeof large, 0), sizeof large);
    lseek(from, 0, SEEK_SET);
    fake_local(pipe_[1], true);
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)pipe_[1], (uint64_t)from, 0, sizeof large), 65536);
    ck_assert_int_eq(lseek(from, 0, SEEK_CUR), 65536);
    ck_assert_int_eq(fcntl(pipe_[1], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)pipe_[1], (uint64_t)from, 0, 1), -EAGAIN);
    ck_assert_int_eq(fcntl(pipe_[1], F_SETFL, 0), 0);
    pid_t child = fork();
    if (child == 0) {
        usleep(30000);
        _exit(read(pipe_[0], large, 65536) == 65536 ? 0 : 1);
    }
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)pipe_[1], (uint64_t)from, 0, 5), 5); /* waits for room */
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(lseek(from, 0, SEEK_CUR), 65541);
    fake_cancel_at = 1;
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)pipe_[1], (uint64_t)from, 0, 5), -512);
    fake_cancel_at = 0;
    fake_local(pipe_[1], false);
    RSYS_AUTO_FD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    fake_local(null, true);
    ck_assert_int_eq(CALL4(SYS_sendfile, (uint64_t)null, (uint64_t)from, 0, 5), -EINVAL);
    fake_local(null, false);
}
END_TEST

START_TEST(splices)
{
    int one[2], two[2];
    char buffer[16] = "", other[16] = "";
    ck_assert_int_eq(pipe2(one, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(two, O_CLOEXEC), 0);
    struct iovec out[2] = {{"abc", 3}, {"defg", 4}}, in[2] = {{buffer, 2}, {other, 16}};
    ck_assert_int_eq(CALL4(SYS_vmsplice, (uint64_t)one[1], A(out), 2, 0), 7);
    ck_assert_int_eq(CALL4(SYS_tee, (uint64_t)one[0], (uint64_t)two[1], 100, 0), 7);
    ck_assert_int_eq(CALL4(SYS_vmsplice, (uint64_t)two[0], A(in), 2, 0), 7);
    ck_assert_str_eq(buffer, "ab");
    ck_assert_str_eq(other, "cdefg");
    ck_assert_int_eq(CALL4(SYS_vmsplice, (uint64_t)two[0], A(in), 2, SPLICE_F_NONBLOCK), -EAGAIN);
    RSYS_AUTO_FD file = scratch("0123456789");
    int64_t offset = 4;
    ck_assert_int_eq(fake_call(SYS_splice, (uint64_t)one[0], 0, (uint64_t)file, A(&offset), 100, 0), 7);
    ck_assert_int_eq(offset, 11);
    ck_assert_int_eq(pread(file, buffer, 15, 0), 11);
    buffer[11] = 0;
    ck_assert_str_eq(buffer, "0123abcdefg");
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(two[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("misc");
    TCase *tests = tcase_create("misc");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, nofile_limits);
    tcase_add_test(tests, limits);
    tcase_add_test(tests, prctls);
    tcase_add_test(tests, credentials);
    tcase_add_test(tests, kills);
    tcase_add_test(tests, copies);
    tcase_add_test(tests, sendfile_across);
    tcase_add_test(tests, splices);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

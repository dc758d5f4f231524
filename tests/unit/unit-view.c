/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-view.c: the view, really mounted, over a local executor: what is read through it is what this machine's files hold, now. */
#include "src/core/util.h"
#include "src/jail/view-inner.h"
#include "tests/unit/local-executor.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define NOFILE 64

static pid_t executor;
static struct view *view;
static int root;            /* a descriptor of the mount for this test */
static char directory[64];  /* this test's, on this machine */

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int result = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
    rsys_close(fd);
    return result;
}

/* An ordinary user mounts FUSE in a user namespace of his own. */
static void become_mounter(void)
{
    char map[64];
    uid_t uid = getuid();
    gid_t gid = getgid();
    if (uid == 0)
        return;
    ck_assert_int_eq(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    ck_assert_int_eq(write_text("/proc/self/uid_map", map), 0);
    snprintf(map, sizeof map, "0 %u 1", gid);
    ck_assert_int_eq(write_text("/proc/self/gid_map", map), 0);
}

static void set_up(void)
{
    RSYS_AUTO_ERROR err = NULL;
    int channel;
    become_mounter();
    executor = local_executor_start(&channel);
    ck_assert_int_gt(executor, 0);
    struct view_start start = {.pager_fd = channel, .nofile = NOFILE, .local_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), .local_name = "me"};
    start.fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(start.fuse_fd, 0);
    start.mount_fd = rsys_view_mount(start.fuse_fd, &err);
    ck_assert_msg(start.mount_fd >= 0, "%s", rsys_error_text(err));
    root = fcntl(start.mount_fd, F_DUPFD_CLOEXEC, 3);
    view = rsys_view_start(&start, &err);
    ck_assert_msg(view != NULL, "%s", rsys_error_text(err));
    ck_assert_msg(rsys_view_start_opener(view, &err) == 0, "%s", rsys_error_text(err));
    strcpy(directory, "/tmp/rsys-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
    local_executor_end(executor);
}

static const char *in_directory(const char *name)
{
    static char path[4][256];
    static unsigned next;
    char *here = path[next++ % 4];
    snprintf(here, sizeof path[0], "%s/%s", directory, name);
    return here;
}

static void put(const char *name, const char *text)
{
    int fd = open(in_directory(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Through the view: the text, or "-errno". */
static const char *get(const char *name)
{
    static char text[256];
    int fd = openat(root, in_directory(name) + 1, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(text, sizeof text, "-%d", errno);
        return text;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return text;
}

START_TEST(shows_what_is_there_now)
{
    char none[16];
    snprintf(none, sizeof none, "-%d", ENOENT);
    ck_assert_str_eq(get("a"), none);
    put("a", "one");
    ck_assert_str_eq(get("a"), "one");
    put("a", "two");
    ck_assert_str_eq(get("a"), "two");
    put("b", "other");
    ck_assert_int_eq(rename(in_directory("b"), in_directory("a")), 0);
    ck_assert_str_eq(get("a"), "other");
    ck_assert_str_eq(get("b"), none);
    ck_assert_int_eq(symlink("a", in_directory("link")), 0);
    ck_assert_str_eq(get("link"), "other");
    ck_assert_int_eq(unlink(in_directory("link")), 0);
    put("c", "third");
    ck_assert_int_eq(symlink("c", in_directory("link")), 0);
    ck_assert_str_eq(get("link"), "third");
    ck_assert_int_eq(mkdir(in_directory("d"), 0755), 0);
    put("d/e", "deep");
    ck_assert_str_eq(get("d/e"), "deep");
    ck_assert_int_eq(rename(in_directory("d"), in_directory("f")), 0);
    ck_assert_str_eq(get("d/e"), none);
    ck_assert_str_eq(get("f/e"), "deep");
    ck_assert_str_eq(get("f/../f/e"), "deep");
}
END_TEST

START_TEST(keeps_what_has_not_changed)
{
    put("a", "text");
    ck_assert_str_eq(get("a"), "text");
    /* Until something newer is seen, the file could change without looking changed. */
    struct timespec tick = {.tv_nsec = 50000000};
    nanosleep(&tick, NULL);
    put("newer", "x");
    ck_assert_str_eq(get("newer"), "x");
    ck_assert_str_eq(get("a"), "text");
    unsigned long calls = view->pager.calls;
    ck_assert_str_eq(get("a"), "text");
    /* tmp, the directory, the file: a stat each, and nothing read or opened again */
    ck_assert_uint_le(view->pager.calls - calls, 3);
}
END_TEST

START_TEST(takes_no_more_descriptors_than_there_are)
{
    char name[16];
    int open_fds[8];
    for (int i = 0; i < 4 * NOFILE; i++) {
        snprintf(name, sizeof name, "f%d", i);
        put(name, name);
        ck_assert_str_eq(get(name), name);
        if (i < 8)
            open_fds[i] = openat(root, in_directory(name) + 1, O_RDONLY | O_CLOEXEC);
        ck_assert_uint_le(view->remote_fds, NOFILE);
    }
    for (int i = 0; i < 4 * NOFILE; i++) {
        snprintf(name, sizeof name, "f%d", i);
        ck_assert_str_eq(get(name), name);
    }
    for (int i = 0; i < 8; i++) {
        char text[16] = "";
        snprintf(name, sizeof name, "f%d", i);
        ck_assert_int_gt(pread(open_fds[i], text, sizeof text - 1, 0), 0);
        ck_assert_str_eq(text, name);
        close(open_fds[i]);
    }
}
END_TEST

START_TEST(shows_the_clients_program)
{
    char text[4] = "";
    int fd = openat(root, ".rsys-local/me", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, text, 4), 4);
    ck_assert_mem_eq(text, "\177ELF", 4);
    close(fd);
    ck_assert_int_lt(openat(root, ".rsys-local/you", O_RDONLY | O_CLOEXEC), 0);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* Relative names are those of whoever asks, and ".." leads where his directory's does. */
START_TEST(relative_names)
{
    char text[8] = "";
    put("here", "here");
    ck_assert_int_eq(mkdir(in_directory("sub"), 0755), 0);
    ck_assert_int_eq(chdir(in_directory("sub")), 0);
    int cwd = openat(root, RSYS_VIEW_CWD + 1, O_PATH | O_CLOEXEC);
    ck_assert_int_ge(cwd, 0);
    int fd = openat(cwd, "../here", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, text, 7), 4);
    ck_assert_str_eq(text, "here");
    close(fd);
    ck_assert_int_lt(openat(cwd, "here", O_RDONLY | O_CLOEXEC), 0);
    ck_assert_int_eq(chdir(".."), 0);
    ck_assert_int_ge(fd = openat(cwd, "here", O_RDONLY | O_CLOEXEC), 0);
    close(fd);
    ck_assert_int_ge(fd = openat(cwd, "sub/../here", O_RDONLY | O_CLOEXEC), 0);
    close(fd);
    /* Up to the root and beyond; "self" is whoever asks, and its descriptors are the files themselves. */
    char path[64];
    int own = open(in_directory("here"), O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "../../../../proc/self/fd/%d", own);
    ck_assert_int_ge(fd = openat(cwd, path, O_RDONLY | O_CLOEXEC), 0);
    ck_assert_int_eq(pread(fd, text, 7, 0), 4);
    ck_assert_str_eq(text, "here");
    close(fd);
    close(own);
    ck_assert_int_eq(chdir("/"), 0);
    close(cwd);
}
END_TEST

/* ---- jobs ---- */

static struct view_job *finished;
static void job_done(struct view_job *job) { finished = job; }

static struct view_job *run_job(struct view_job *job)
{
    finished = NULL;
    view_job_send(view, job);
    while (finished == NULL) {
        struct pollfd event = {.fd = rsys_view_event_fd(view), .events = POLLIN};
        ck_assert_int_eq(poll(&event, 1, 10000), 1);
        rsys_view_dispatch(view);
    }
    return finished;
}

static struct view_job *open_job(int fd, bool writable)
{
    struct view_job *job = view_job_new(JOB_OPEN, NULL, job_done);
    job->tid = getpid();
    job->fd = fd;
    job->writable = writable;
    return run_job(job);
}

/* A file that has no name any more is opened by a descriptor of it; a shared mapping of it and the file agree when they are told to. */
START_TEST(descriptors_of_others)
{
    char text[16] = "";
    put("gone", "0123456789");
    int fd = open(in_directory("gone"), O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(unlink(in_directory("gone")), 0);
    struct view_job *job = open_job(fd, true);
    ck_assert_int_eq(job->result, 0);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, job->view_fd, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    ck_assert_mem_eq(map, "0123456789", 10);
    memcpy(map, "abc", 3);
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    struct view_job *flush = view_job_new(JOB_FLUSH, NULL, job_done);
    rsys_view_identity(&st, &flush->expected);
    ck_assert_int_eq(run_job(flush)->result, 0);
    ck_assert_int_eq(pread(fd, text, 10, 0), 10);
    ck_assert_str_eq(text, "abc3456789");
    ck_assert_int_eq(pwrite(fd, "XYZ", 3, 3), 3);
    ck_assert_int_eq(ftruncate(fd, 8), 0);
    struct view_job *refresh = view_job_new(JOB_REFRESH, NULL, job_done);
    refresh->expected = flush->expected;
    ck_assert_int_eq(run_job(refresh)->result, 0);
    ck_assert_mem_eq(map, "abcXYZ67\0", 9);
    view_job_free(flush);
    view_job_free(refresh);
    view_job_free(job);
    close(fd);
    ck_assert_int_lt(open_job(fd, false)->result, 0);
    view_job_free(finished);
}
END_TEST

START_TEST(only_the_opener_has_jobs)
{
    ck_assert_int_lt(openat(root, JOB_NAME, O_RDONLY | O_CLOEXEC), 0);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(tells_that_it_is_lost)
{
    put("a", "text");
    ck_assert_str_eq(get("a"), "text");
    kill(executor, SIGKILL);
    char eio[16];
    snprintf(eio, sizeof eio, "-%d", EIO);
    ck_assert_str_eq(get("a"), eio);
    struct pollfd event = {.fd = rsys_view_event_fd(view), .events = POLLIN};
    ck_assert_int_eq(poll(&event, 1, 10000), 1);
    ck_assert_int_eq(rsys_view_dispatch(view), -1);
}
END_TEST

int main(void)
{
    RSYS_AUTO_FD fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    const char *must = getenv("RSYS_TESTS_MUST_RUN");
    if (fuse < 0) {
        printf("unit-view: no /dev/fuse: skipped\n");
        return must != NULL && strcmp(must, "1") == 0 ? 1 : 77;
    }
    Suite *suite = suite_create("view");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, shows_what_is_there_now);
    tcase_add_test(files, keeps_what_has_not_changed);
    tcase_add_test(files, takes_no_more_descriptors_than_there_are);
    tcase_add_test(files, shows_the_clients_program);
    tcase_add_test(files, relative_names);
    tcase_add_test(files, descriptors_of_others);
    tcase_add_test(files, only_the_opener_has_jobs);
    tcase_add_test(files, tells_that_it_is_lost);
    tcase_set_timeout(files, 30);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-sandbox.c: what holds in a sandbox, for each kind of user that may make one: root, an ordinary user, the root of a user namespace. */
#include "sandbox/sandbox.h"
#include "src/core/wire.h"
#include "src/core/util.h"
#include "tests/unit/who.h"

#include <check.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OUTSIDE_ID 0x7ff00000u

static char root_dir[] = "/tmp/rsys-unit-sandbox-XXXXXX"; /* made once, a tiny root with one file */
static int probe_fd = -1;
static struct sock_filter allow_all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
static char report[8192];

static struct rsys_mount_spec mounts[] = {
    {.type = RSYS_MOUNT_PROC, .target = (char *)"/proc"},
    {.type = RSYS_MOUNT_DEV, .target = (char *)"/dev"},
    {.type = RSYS_MOUNT_TMPFS, .target = (char *)"/tmp", .mode = 01777, .size = 1 << 20},
    {.type = RSYS_MOUNT_BIND, .target = (char *)"/bound", .source = root_dir},
    {.type = RSYS_MOUNT_BIND, .target = (char *)"/absent", .source = (char *)"/does/not/exist", .optional = true},
};

static struct rsys_sandbox_spec plain_spec(void)
{
    return (struct rsys_sandbox_spec){.root = root_dir, .root_mode = RSYS_ROOT_OVERLAY, .mount = mounts, .mounts = RSYS_ARRAY_SIZE(mounts),
                                      .hostname = (char *)"box", .network = RSYS_NETWORK_NONE, .uid_range = 65536, .nofile = 256,
                                      .memory_file = 8 << 20};
}

/* Run a sandbox as `who` in a process of its own; report gets what the probe says, or "error=..." */
static void run(enum who who, const struct rsys_sandbox_spec *spec)
{
    int out[2];
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rsys_error *err = NULL;
        int control[2], broker = -1, listener = -1;
        who_become(who);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0)
            _exit(1);
        /* Numbers as a daemon with many sessions gives: among those where init's descriptors go, each another's. */
        control[1] = fcntl(control[1], F_DUPFD_CLOEXEC, (int)spec->nofile + RSYS_FD_BROKER_GIVE);
        probe_fd = fcntl(probe_fd, F_DUPFD_CLOEXEC, (int)spec->nofile + RSYS_FD_CHANNEL);
        struct rsys_sandbox_start start = {.spec = spec, .filter = &allow_all, .filter_count = 1, .executor_fd = probe_fd, .counters_fd = -1, .group_fd = -1,
                                           .control_fd = control[1], .outside_uid = OUTSIDE_ID, .outside_gid = OUTSIDE_ID};
        pid_t pid = rsys_sandbox_start(&start, &broker, &listener, &err);
        close(control[1]);
        if (pid < 0) {
            dprintf(out[1], "error=%s\n", rsys_error_text(err));
            _exit(waitpid(-1, NULL, WNOHANG) == -1 ? 0 : 1); /* nothing is left */
        }
        char buffer[8192];
        size_t have = 0;
        for (ssize_t n; have < sizeof buffer - 1 && (n = read(control[0], buffer + have, sizeof buffer - 1 - have)) > 0;) {
            have += (size_t)n;
            buffer[have] = 0;
            if (strstr(buffer, "end=1\n") != NULL)
                break;
        }
        (void)!write(out[1], buffer, have);
        close(control[0]); /* init ends with its client */
        int status;
        _exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1);
    }
    close(out[1]);
    size_t have = 0;
    for (ssize_t n; (n = read(out[0], report + have, sizeof report - 1 - have)) > 0;)
        have += (size_t)n;
    report[have] = 0;
    close(out[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(status == 0, "as %s: status %x: %s", who_names[who], status, report);
}

static void expect(enum who who, const char *line)
{
    char text[256];
    snprintf(text, sizeof text, "%s\n", line);
    const char *at = strstr(report, text);
    ck_assert_msg(at != NULL && (at == report || at[-1] == '\n'), "as %s: no line \"%s\" in:\n%s", who_names[who], line, report);
}

#define EXPECT(who, ...)                                                                                                                   \
    do {                                                                                                                                   \
        static const char *const lines_[] = {__VA_ARGS__};                                                                                 \
        for (size_t i_ = 0; i_ < RSYS_ARRAY_SIZE(lines_); i_++)                                                                            \
            expect(who, lines_[i_]);                                                                                                       \
    } while (0)

/* The root, four of the spec (one source is absent), /dev/shm, and where we may make no device nodes those of the server; nothing else. */
static void expect_mounts(enum who who)
{
    if (who == WHO_ROOT && geteuid() == 0)
        EXPECT(who, "mounts=6");
    else
        EXPECT(who, "mounts=11");
}

START_TEST(overlay)
{
    enum who who = (enum who)_i;
    struct rsys_sandbox_spec spec = plain_spec();
    run(who, &spec);
    EXPECT(who, "argv=init 256 10000000000", "low=0", "high=6", "soft=1", "pid=1", "uid=0", "gid=0", "hostname=box", "cwd=/", "deathsig=9",
           "NoNewPrivs=1", "Seccomp=2", "CapEff=0000010000000020", "CapBnd=0000010000000020", "CapAmb=0000010000000020",
           "write /new=ok", "write /tmp/new=ok", "write /dev/null=ok", "write /dev/shm/new=ok", "write /dev/new=EROFS",
           "write /bound/new=EROFS", "write /proc/sys/kernel/hostname=EACCES", "lo=up", "interfaces=1", "unshare user=ENOSPC", "unshare net=EPERM",
           "broker=ok", "processes=1", "owner /tmp=0:0", "above=root");
    expect_mounts(who);
    if (who == WHO_ROOT && geteuid() == 0)
        EXPECT(who, "groups=0", "write /marker=ok", "owner /=0:0", "owner /marker=0:0", "owner /dev/null=0:0");
    /* The overlay is private. */
    char path[64];
    snprintf(path, sizeof path, "%s/new", root_dir);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(read_only)
{
    enum who who = (enum who)_i;
    struct rsys_sandbox_spec spec = plain_spec();
    spec.root_mode = RSYS_ROOT_RO;
    run(who, &spec);
    EXPECT(who, "write /new=EROFS", "write /marker=EROFS", "write /tmp/new=ok", "write /bound/new=EROFS", "above=root");
    expect_mounts(who);
}
END_TEST

START_TEST(empty_root)
{
    enum who who = (enum who)_i;
    struct rsys_sandbox_spec spec = plain_spec();
    spec.root = NULL;
    spec.root_mode = RSYS_ROOT_RO;
    run(who, &spec);
    EXPECT(who, "write /new=EROFS", "owner /marker=ENOENT", "write /tmp/new=ok", "write /bound/new=EROFS", "owner /=0:0", "above=root");
    expect_mounts(who);
}
END_TEST

START_TEST(writable_bind)
{
    struct rsys_sandbox_spec spec = plain_spec();
    struct rsys_mount_spec list[RSYS_ARRAY_SIZE(mounts)];
    memcpy(list, mounts, sizeof mounts);
    list[3].writable = true;
    spec.mount = list;
    run(WHO_ROOT, &spec);
    EXPECT(WHO_ROOT, "write /bound/new=ok");
    char path[64];
    snprintf(path, sizeof path, "%s/new", root_dir);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_uid, geteuid());
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(other_user)
{
    enum who who = (enum who)_i;
    struct rsys_sandbox_spec spec = plain_spec();
    spec.uid = spec.gid = 1000;
    spec.capabilities = 1; /* CAP_CHOWN */
    run(who, &spec);
    EXPECT(who, "argv=init 256 10000000001", "uid=1000", "gid=1000", "CapEff=0000010000000021", "CapAmb=0000010000000021", "deathsig=9",
           "write /tmp/new=ok");
}
END_TEST

START_TEST(one_id)
{
    struct rsys_sandbox_spec spec = plain_spec();
    spec.uid_range = 1;
    spec.uid = spec.gid = 1000;
    run(WHO_ROOT, &spec);
    EXPECT(WHO_ROOT, "uid=1000", "gid=1000", "write /tmp/new=ok", "groups=0");
}
END_TEST

START_TEST(host_network)
{
    struct rsys_sandbox_spec spec = plain_spec();
    spec.network = RSYS_NETWORK_HOST;
    run(WHO_ROOT, &spec);
    EXPECT(WHO_ROOT, "unshare net=EPERM", "hostname=box");
}
END_TEST

static void expect_error(const char *want)
{
    ck_assert_msg(strncmp(report, "error=", 6) == 0 && strstr(report, want) != NULL, "\"%s\" is not in: %s", want, report);
}

START_TEST(failures)
{
    enum who who = (enum who)_i;
    struct rsys_sandbox_spec spec = plain_spec();
    spec.root = (char *)"/does/not/exist";
    run(who, &spec);
    expect_error("stage root: open the root directory /does/not/exist: make it");

    spec = plain_spec();
    struct rsys_mount_spec one = {.type = RSYS_MOUNT_BIND, .target = (char *)"/a", .source = (char *)"/does/not/exist"};
    spec.mount = &one;
    spec.mounts = 1;
    run(who, &spec);
    expect_error("stage mounts: open /does/not/exist, the source of /a");

    one.source = root_dir;
    one.target = (char *)"/not/there";
    spec.root_mode = RSYS_ROOT_RO;
    run(who, &spec);
    expect_error("stage mounts: the target /not/there is missing in the root, and the root is read-only");

    if (who != WHO_ROOT || geteuid() != 0)
        return; /* the root's directories are root's */
    spec.root_mode = RSYS_ROOT_OVERLAY;
    one.target = (char *)"/escape/new";
    run(who, &spec); /* the link leads to the sandbox's own /etc, not to ours */
    ck_assert_msg(strstr(report, "error=") == NULL, "%s", report);
    ck_assert_int_eq(access("/etc/new", F_OK), -1);
}
END_TEST

START_TEST(ends_with_its_maker)
{
    int gone[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gone), 0);
    struct rsys_sandbox_spec spec = plain_spec();
    pid_t child = fork();
    if (child == 0) {
        struct rsys_error *err = NULL;
        int broker = -1, listener = -1;
        struct rsys_sandbox_start start = {.spec = &spec, .filter = &allow_all, .filter_count = 1, .executor_fd = probe_fd, .counters_fd = -1, .group_fd = -1,
                                           .control_fd = gone[1], .outside_uid = OUTSIDE_ID, .outside_gid = OUTSIDE_ID};
        _exit(rsys_sandbox_start(&start, &broker, &listener, &err) < 0); /* without a kill, without a wait */
    }
    close(gone[1]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    /* The probe holds the only other end: it reads until we close ours, so an end of file is its death. */
    struct pollfd end = {.fd = gone[0], .events = POLLIN};
    char buffer[4096];
    ssize_t n = 1;
    while (n > 0 && poll(&end, 1, 5000) == 1)
        n = read(gone[0], buffer, sizeof buffer);
    ck_assert_int_le(n, 0);
    close(gone[0]);
}
END_TEST

static void must(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static void make_root_dir(void)
{
    char path[128];
    must(mkdtemp(root_dir) != NULL ? 0 : -1, root_dir);
    static const char *const names[] = {"proc", "dev", "tmp", "bound", "absent", "etc"};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", root_dir, names[i]);
        must(mkdir(path, 0755), path);
    }
    must(chmod(root_dir, 0755), root_dir);
    snprintf(path, sizeof path, "%s/marker", root_dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    must(fd, path);
    must(fchmod(fd, 0666), path); /* EROFS is to be what stops an ordinary user's sandbox, not the owner */
    close(fd);
    snprintf(path, sizeof path, "%s/escape", root_dir);
    must(symlink("/etc", path), path);
}

static void remove_root_dir(void)
{
    static const char *const names[] = {"proc", "dev", "tmp", "bound", "absent", "etc", "marker", "escape", ""};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", root_dir, names[i]);
        must(remove(path), path);
    }
}

int main(void)
{
    probe_fd = open("sandbox-probe", O_RDONLY | O_CLOEXEC);
    if (probe_fd < 0) {
        perror("sandbox-probe");
        return 1;
    }
    make_root_dir();
    Suite *suite = suite_create("sandbox");
    TCase *tests = tcase_create("sandbox");
    tcase_set_timeout(tests, 30);
    int kinds = who_count();
    tcase_add_loop_test(tests, overlay, 0, kinds);
    tcase_add_loop_test(tests, read_only, 0, kinds);
    tcase_add_loop_test(tests, empty_root, 0, kinds);
    tcase_add_loop_test(tests, other_user, 0, kinds);
    tcase_add_loop_test(tests, failures, 0, kinds);
    tcase_add_test(tests, writable_bind);
    tcase_add_test(tests, one_id);
    tcase_add_test(tests, host_network);
    tcase_add_test(tests, ends_with_its_maker);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    remove_root_dir();
    return failed == 0 ? 0 : 1;
}

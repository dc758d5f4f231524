/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-launch.c: rsys-jail's options, the pager's calls, finding PROGRAM. */
#include "src/core/util.h"
#include "src/jail/launch.h"
#include "src/jail/pager.h"
#include "tests/unit/local-executor.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *variable(const struct rsys_options *options, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < options->environment_count; i++)
        if (strncmp(options->environment[i], name, n) == 0 && options->environment[i][n] == '=')
            return options->environment[i] + n + 1;
    return NULL;
}

/* The options point into the arguments, which therefore outlive the assertion that parses them. */
static enum rsys_options_result parse(struct rsys_options *options, struct rsys_error **err, char **words)
{
    static char *argv[16];
    int argc = 0;
    do
        argv[argc] = words[argc];
    while (words[argc++] != NULL);
    return rsys_options_parse(options, argc - 1, argv, err);
}
#define PARSE(...) parse(&options, &err, (char *[]){"rsys-jail", __VA_ARGS__, NULL})

START_TEST(options_of_the_program_are_its_own)
{
    struct rsys_options options;
    RSYS_AUTO_ERROR err = NULL;
    unsetenv("RSYS_SERVER");
    ck_assert_int_eq(PARSE("--server", "unix:/x", "--stats", "ls", "--trace", "-l"), RSYS_OPTIONS_RUN);
    ck_assert_str_eq(options.server, "unix:/x");
    ck_assert(options.stats && options.trace == NULL && options.local == NULL);
    ck_assert_str_eq(options.argv[0], "ls");
    ck_assert_str_eq(options.argv[2], "-l");
    rsys_options_free(&options);
    ck_assert_int_eq(PARSE("--trace=f", "--connect-timeout", "0.25", "--", "./x"), RSYS_OPTIONS_RUN);
    ck_assert_str_eq(options.trace, "f");
    ck_assert_str_eq(options.local, "./x");
    ck_assert_int_eq(options.connect_timeout_ms, 250);
    ck_assert_ptr_null(options.server);
    rsys_options_free(&options);
}
END_TEST

START_TEST(environment_is_clean)
{
    struct rsys_options options;
    RSYS_AUTO_ERROR err = NULL;
    setenv("SECRET", "s", 1);
    setenv("SHOWN", "before", 1);
    setenv("RSYS_SERVER", "tcp:here:1", 1);
    ck_assert_int_eq(PARSE("--pass-env", "SHOWN", "--setenv", "A=1", "--setenv", "A=2=3", "--pass-env", "NOT_THERE", "true"), RSYS_OPTIONS_RUN);
    ck_assert_ptr_null(variable(&options, "SECRET"));
    ck_assert_str_eq(variable(&options, "SHOWN"), "before");
    ck_assert_str_eq(variable(&options, "A"), "2=3");
    ck_assert_str_eq(options.server, "tcp:here:1");
    ck_assert_int_eq(rsys_options_default(&options, "A", "other", &err), 0);
    ck_assert_str_eq(variable(&options, "A"), "2=3");
    rsys_options_free(&options);
}
END_TEST

START_TEST(bad_options_are_told)
{
    static char *const cases[][4] = {
        {"--setenv", "novalue", "true"}, {"--setenv", "=x", "true"}, {"--connect-timeout", "0", "true"}, {"--connect-timeout", "x", "true"},
        {"--connect-timeout", "nan", "true"}, {"--stats"},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(cases); i++) {
        struct rsys_options options;
        RSYS_AUTO_ERROR err = NULL;
        ck_assert_int_eq(PARSE(cases[i][0], cases[i][1], cases[i][2]), RSYS_OPTIONS_USAGE);
        ck_assert_ptr_nonnull(err);
        rsys_options_free(&options);
    }
}
END_TEST

/* ---- against a local executor ---- */

static pid_t executor;
static struct pager pager;

static void set_up(void)
{
    int channel;
    executor = local_executor_start(&channel);
    ck_assert_int_gt(executor, 0);
    ck_assert_int_eq(pager_start(&pager, channel, 0, 256), 0);
}

static void tear_down(void)
{
    pager_end(&pager);
    local_executor_end(executor);
}

START_TEST(pager_batches)
{
    struct stat st;
    char link[64] = "";
    int fd = pager_next_fd(&pager);
    unsigned opened = pager_queue_open(&pager, AT_FDCWD, "/proc/self/stat", O_RDONLY);
    unsigned stat_index = pager_queue_stat(&pager, fd, &st);
    unsigned missing = pager_queue_open(&pager, AT_FDCWD, "/none", O_RDONLY);
    unsigned link_index = pager_queue_readlink(&pager, AT_FDCWD, "/proc/self", link, sizeof link);
    ck_assert_int_eq(pager_run(&pager), 0);
    ck_assert_uint_eq(pager.trips, 1);
    ck_assert_int_eq(pager.result[opened], fd);
    ck_assert_int_eq(pager.result[stat_index], 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_int_eq(pager.result[missing], -ENOENT);
    ck_assert_int_eq(strtol(link, NULL, 10), executor);
    ck_assert_int_gt(pager.result[link_index], 0);
    pager_took_fd(&pager, fd);
    ck_assert_int_ne(pager_next_fd(&pager), fd);
    char buffer[32];
    ck_assert_int_eq(pager_read(&pager, fd, buffer, sizeof buffer, 0), sizeof buffer);
    ck_assert_int_eq(strtol(buffer, NULL, 10), executor);
    pager_close(&pager, fd);
    ck_assert_int_eq(pager_next_fd(&pager), fd);
    ck_assert_int_eq(pager_read(&pager, fd, buffer, sizeof buffer, 0), -EBADF);
}
END_TEST

START_TEST(pager_tells_when_it_is_lost)
{
    struct stat st;
    kill(executor, SIGKILL);
    pager_queue_stat(&pager, 0, &st);
    ck_assert_int_eq(pager_run(&pager), -EIO);
    ck_assert_int_eq(pager.result[0], -EIO);
    ck_assert(pager.lost);
    ck_assert_int_eq(pager_write(&pager, 0, "x", 1, 0), -EIO);
    pager_close(&pager, 0);
}
END_TEST

static void make_file(const char *path, const char *text, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
    fchmod(fd, mode);
    close(fd);
}

/* What program_find says of a name: its status; the path it found in path[]. */
static int find(const char *search, const char *name, const char *local, char path[PATH_MAX])
{
    struct program program;
    struct rsys_options options = {.local = local, .argv = (char *[]){(char *)name, NULL}};
    RSYS_AUTO_ERROR err = NULL;
    char *variable_text = NULL;
    ck_assert_int_gt(asprintf(&variable_text, "PATH=%s", search), 0);
    options.environment = &variable_text;
    options.environment_count = 1;
    int status = program_find(&program, &options, &pager, &err);
    ck_assert((status == 0) == (err == NULL));
    snprintf(path, PATH_MAX, "%s", program.path != NULL ? program.path : "");
    program_free(&program);
    free(variable_text);
    return status;
}

START_TEST(programs)
{
    char directory[] = "/tmp/rsys-unit-XXXXXX", path[PATH_MAX], name[PATH_MAX];
    static const char elf32[64] = "\177ELF\1\1\1";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(find("/nowhere:/bin", "true", NULL, path), 0);
    ck_assert_str_eq(path, "/bin/true");
    ck_assert_int_eq(find("/bin", "/bin/true", NULL, path), 0);
    ck_assert_int_eq(find("/bin", "rsys-none", NULL, path), RSYS_EXIT_NOT_FOUND);
    ck_assert_int_eq(find("/bin", "", NULL, path), RSYS_EXIT_NOT_FOUND);
    ck_assert_int_eq(find("/etc", "passwd", NULL, path), RSYS_EXIT_NOT_EXECUTABLE);
    ck_assert_int_eq(find("/", "/etc", NULL, path), RSYS_EXIT_NOT_EXECUTABLE);
    const struct {
        const char *name, *text;
        size_t size;
        int status;
    } files[] = {
        {"script", "#!/bin/sh\n", 10, 0},
        {"spaces", "#! \t/bin/sh -e\n", 15, 0},
        {"lost", "#!/no/such\n", 11, RSYS_EXIT_NOT_EXECUTABLE},
        {"nothing", "#!\n", 3, RSYS_EXIT_NOT_EXECUTABLE},
        {"empty", "", 0, RSYS_EXIT_NOT_EXECUTABLE},
        {"text", "hello", 5, RSYS_EXIT_NOT_EXECUTABLE},
        {"wrong", elf32, sizeof elf32, RSYS_EXIT_NOT_EXECUTABLE},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(files); i++) {
        snprintf(name, sizeof name, "%s/%s", directory, files[i].name);
        make_file(name, files[i].text, files[i].size, 0755);
        ck_assert_msg(find(directory, files[i].name, NULL, path) == files[i].status, "%s", files[i].name);
        if (files[i].size > 0 && files[i].text[0] == '#' && files[i].status == 0)
            continue; /* a client's script would be copied to this machine's /tmp */
        ck_assert_msg(find(directory, "x", name, path) == files[i].status, "local %s", files[i].name);
    }
    ck_assert_int_eq(find("/", "x", "/bin/true", path), 0);
    ck_assert_str_eq(path, "/.rsys-local/true");
    ck_assert_int_eq(find("/", "x", "/bin/rsys-none", path), RSYS_EXIT_NOT_FOUND);
    ck_assert_int_eq(find("/", "x", directory, path), RSYS_EXIT_NOT_EXECUTABLE);
    snprintf(name, sizeof name, "rm -r %s", directory);
    ck_assert_int_eq(system(name), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("launch");
    TCase *options = tcase_create("options");
    tcase_add_test(options, options_of_the_program_are_its_own);
    tcase_add_test(options, environment_is_clean);
    tcase_add_test(options, bad_options_are_told);
    suite_add_tcase(suite, options);
    TCase *executed = tcase_create("pager");
    tcase_add_checked_fixture(executed, set_up, tear_down);
    tcase_add_test(executed, pager_batches);
    tcase_add_test(executed, pager_tells_when_it_is_lost);
    tcase_add_test(executed, programs);
    suite_add_tcase(suite, executed);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

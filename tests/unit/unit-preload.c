/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-preload.c: which paths the patterns of rsys-preload choose, and which programs its library cannot be brought into. */
#include "src/preload/preload.h"
#include "src/preload/program.h"

#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool chosen(const char *path, const char *const *patterns)
{
    static struct preload_config config;
    memset(&config, 0, sizeof config);
    for (; *patterns != NULL; patterns++) {
        strcpy(config.paths + config.paths_size, *patterns);
        config.paths_size += (uint32_t)strlen(*patterns) + 1;
        config.paths_given += **patterns != '!';
    }
    return path_chosen(&config, path);
}
#define CHOSEN(path, ...) chosen(path, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(the_last_pattern_that_matches_says_it)
{
    ck_assert(CHOSEN("/etc", "!/proc"));
    ck_assert(!CHOSEN("/proc", "!/proc"));
    ck_assert(!CHOSEN("/proc/1/stat", "!/proc"));
    ck_assert(CHOSEN("/process", "!/proc"));
    ck_assert(!CHOSEN("/etc", "!/proc", "/srv"));
    ck_assert(CHOSEN("/srv", "!/proc", "/srv"));
    ck_assert(CHOSEN("/srv/a/b", "/srv"));
    ck_assert(!CHOSEN("/srvx", "/srv"));
    ck_assert(CHOSEN("/srv/a", "/srv/"));
    ck_assert(CHOSEN("/srv", "/srv/"));
    ck_assert(CHOSEN("/proc/1", "!/proc", "/proc/1"));
    ck_assert(!CHOSEN("/srv/private/x", "/srv", "!/srv/private"));
    ck_assert(CHOSEN("/anything", "/"));
    ck_assert(CHOSEN("/", "/"));
    ck_assert(!CHOSEN("/", "/srv"));
}
END_TEST

START_TEST(stars_and_question_marks)
{
    ck_assert(CHOSEN("/home/ann/x", "/home/*/x"));
    ck_assert(!CHOSEN("/home/ann/y/x", "/home/*/x"));
    ck_assert(CHOSEN("/home/ann/y/x", "/home/**/x"));
    ck_assert(CHOSEN("/home/ann/y/x/below", "/home/**/x"));
    ck_assert(CHOSEN("/etc/a.conf", "/etc/*.conf"));
    ck_assert(!CHOSEN("/etc/a.config", "/etc/*.conf"));
    ck_assert(CHOSEN("/etc/a.conf/in", "/etc/*.conf"));
    ck_assert(CHOSEN("/dev/sda", "/dev/sd?"));
    ck_assert(!CHOSEN("/dev/sd/", "/dev/sd?"));
    ck_assert(!CHOSEN("/dev/sd", "/dev/sd?"));
    ck_assert(CHOSEN("/abcabd", "/*abd"));
}
END_TEST

/* The file "program" with these bytes. */
static const char *obstacle_of(const void *bytes, size_t size, mode_t mode)
{
    static char file[64];
    int fd = open("unit-preload.program", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0700);
    ck_assert(fd >= 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
    const char *obstacle = program_obstacle("unit-preload.program", file, sizeof file);
    unlink("unit-preload.program");
    return obstacle;
}

START_TEST(programs_that_the_loader_brings_no_library_into)
{
    struct {
        Elf64_Ehdr head;
        Elf64_Phdr parts[2];
    } image = {.head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64}, .e_machine = EM_X86_64, .e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2},
               .parts = {{.p_type = PT_LOAD}, {.p_type = PT_INTERP}}};
    ck_assert_ptr_null(obstacle_of(&image, sizeof image, 0755));
    ck_assert_str_eq(obstacle_of(&image, sizeof image, 04755), "is set-user-ID or set-group-ID");
    ck_assert_str_eq(obstacle_of(&image, sizeof image, 02755), "is set-user-ID or set-group-ID");
    image.head.e_phnum = 1;
    ck_assert_str_eq(obstacle_of(&image, sizeof image, 0755), "is statically linked");
    image.head.e_machine = EM_386;
    ck_assert_str_eq(obstacle_of(&image, sizeof image, 0755), "is a program of another architecture");
    /* What the kernel will refuse, or a script of a program that is not there, is the kernel's to refuse. */
    ck_assert_ptr_null(obstacle_of("", 0, 0755));
    ck_assert_ptr_null(obstacle_of("#!", 2, 0755));
    ck_assert_ptr_null(obstacle_of("#! \n", 4, 0755));
    ck_assert_ptr_null(obstacle_of("#!/nonexistent argument\n", 24, 0755));
    ck_assert_ptr_null(obstacle_of("#!unit-preload.program\n", 23, 0755)); /* itself, for ever */
    ck_assert_ptr_null(program_obstacle("/nonexistent", (char[16]){0}, 16));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("preload");
    TCase *tests = tcase_create("preload");
    tcase_add_test(tests, the_last_pattern_that_matches_says_it);
    tcase_add_test(tests, stars_and_question_marks);
    tcase_add_test(tests, programs_that_the_loader_brings_no_library_into);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

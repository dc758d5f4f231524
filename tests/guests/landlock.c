// SPDX-License-Identifier: GPL-2.0-only
/* landlock.c: a guest confines itself to a few directories, for itself, its children and what they execute */
#include "guest.h"

#include <linux/landlock.h>
#include <sys/prctl.h>

static int allow(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    int result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
    return result;
}

static void look(void)
{
    TRY(open("inside/f", O_RDONLY));
    TRY(open("inside/f", O_WRONLY));
    TRY(open("outside/f", O_RDONLY));
    TRY(rename("inside/f", "outside/g"));
    TRY(unlink("outside/f"));
    TRY(access("outside/f", R_OK));
}

static void execute(const char *exe)
{
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("./script", "script", NULL);
        say("execute a script outside: %s", error_name(errno));
        execl("/usr/bin/nothing", "nothing", NULL);
        say("execute nothing: %s", error_name(errno));
        execl(exe, "again", "again", NULL);
        say("execute oneself: %s", error_name(errno));
        _exit(9);
    }
    say_end("child", child);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/usr/bin/env", "env", "-i", "/usr/bin/echo", "from usr", NULL);
        say("execute env: %s", error_name(errno));
        _exit(9);
    }
    say_end("child", child);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        say("executed again");
        look();
        return 0;
    }
    struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                                              LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG};
    char exe[4096] = "";
    MUST(readlink("/proc/self/exe", exe, sizeof exe - 1));
    MUST(mkdir("inside", 0755));
    MUST(mkdir("outside", 0755));
    make_file("inside/f", "in");
    make_file("outside/f", "out");
    make_file("script", "#!/bin/sh\necho a script\n");
    MUST(chmod("script", 0755));
    CHECK(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1);
    TRY(syscall(SYS_landlock_create_ruleset, &attr, 4, 0));
    TRY(syscall(SYS_landlock_create_ruleset, NULL, 0, 0));
    int ruleset = (int)MUST(syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0));
    MUST(allow(ruleset, "inside", LANDLOCK_ACCESS_FS_READ_FILE));
    MUST(allow(ruleset, "/usr", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE));
    MUST(allow(ruleset, "/etc", LANDLOCK_ACCESS_FS_READ_FILE));
    MUST(allow(ruleset, "/proc", LANDLOCK_ACCESS_FS_READ_FILE));
    MUST(allow(ruleset, exe, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE));
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = 5000};
    TRY(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
    TRY(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, NULL, 0));
    TRY(syscall(SYS_landlock_add_rule, ruleset, 77, &rule, 0));
    TRY(syscall(SYS_landlock_add_rule, 1, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    pid_t free_one = (pid_t)MUST(fork());
    if (free_one == 0) {
        pause();
        _exit(0);
    }
    TRY(syscall(SYS_landlock_restrict_self, ruleset, 0));
    TRY(syscall(SYS_landlock_restrict_self, ruleset, 0xffff0000));
    look();
    show_file("/proc/self/comm");
    CHECK(open("/proc/self/maps", O_RDONLY) >= 0);
    execute(exe);
    TRY(kill(free_one, SIGKILL));
    reap(free_one);
    return 0;
}

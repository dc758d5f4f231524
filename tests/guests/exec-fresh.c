// SPDX-License-Identifier: GPL-2.0-only
/* exec-fresh.c: programs that were written a moment ago: over and over under one name, replaced by rename, in memory files, without a name, as interpreters */
#include "guest.h"

#define MARK "the mark of this program: 0000"
static char mark[] = MARK;

static char *program;
static size_t length, mark_at;

static void load(void)
{
    struct stat st;
    int fd = (int)MUST(open("/proc/self/exe", O_RDONLY));
    MUST(fstat(fd, &st));
    length = (size_t)st.st_size;
    program = malloc(length);
    for (size_t have = 0; have < length;)
        have += (size_t)MUST(read(fd, program + have, length - have));
    close(fd);
    /* The mark that is data, not the one that the compiler may have elsewhere: all are changed. */
    char *found = memmem(program, length, mark, sizeof mark - 4 - 1);
    MUST(found == NULL ? -1 : 0);
    mark_at = (size_t)(found - program);
}

static void put(int fd, int n)
{
    char digits[5];
    snprintf(digits, sizeof digits, "%04d", n);
    for (char *at = program + mark_at; at != NULL; at = memmem(at + 1, length - (size_t)(at + 1 - program), mark, sizeof mark - 4 - 1))
        memcpy(at + sizeof MARK - 5, digits, 4);
    MUST(lseek(fd, 0, SEEK_SET));
    for (size_t done = 0; done < length;)
        done += (size_t)MUST(write(fd, program + done, length - done));
}

static void write_program(const char *path, int flags, int n)
{
    int fd = (int)MUST(open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
    put(fd, n);
    close(fd);
}

static void run(const char *what, const char *path, int fd, int flags)
{
    char *argv[] = {"fresh", "tell", NULL}, *environment[] = {NULL};
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        syscall(SYS_execveat, fd, path, argv, environment, flags);
        say("%s: %s", what, error_name(errno));
        _exit(126);
    }
    say_end(what, child);
}

static void same_name(void)
{
    for (int i = 1; i <= 8; i++) {
        write_program("same", O_TRUNC, i);
        run("truncated and written", "same", AT_FDCWD, 0);
    }
    for (int i = 11; i <= 14; i++) { /* the size is the same, and no byte but these changes */
        write_program("same", 0, i);
        run("written over", "./same", AT_FDCWD, 0);
    }
    for (int i = 21; i <= 24; i++) {
        write_program("new", O_TRUNC, i);
        MUST(rename("new", "same"));
        run("renamed over", "same", AT_FDCWD, 0);
        MUST(unlink("same"));
    }
    for (int i = 31; i <= 34; i++) {
        write_program("same", O_EXCL, i);
        run("made anew", "same", AT_FDCWD, 0);
        MUST(unlink("same"));
    }
}

static void nameless(void)
{
    char path[64];
    int fd = (int)MUST(memfd_create("program", MFD_CLOEXEC));
    for (int i = 41; i <= 44; i++) {
        put(fd, i);
        run("memory file", "", fd, AT_EMPTY_PATH);
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    run("memory file by its link", path, AT_FDCWD, 0);
    close(fd);
    fd = (int)MUST(open(".", O_TMPFILE | O_RDWR, 0755));
    put(fd, 51);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reading = (int)MUST(open(path, O_RDONLY));
    close(fd);
    run("nameless file", "", reading, AT_EMPTY_PATH);
    snprintf(path, sizeof path, "/proc/self/fd/%d", reading);
    run("nameless file by its link", path, AT_FDCWD, 0);
    close(reading);
    write_program("gone", O_TRUNC, 61);
    fd = (int)MUST(open("gone", O_PATH));
    MUST(unlink("gone"));
    run("unlinked", "", fd, AT_EMPTY_PATH);
    close(fd);
}

static void script(const char *path, const char *interpreter)
{
    char text[300];
    int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
    snprintf(text, sizeof text, "#!%s tell\n", interpreter);
    MUST(write(fd, text, strlen(text)));
    close(fd);
}

static void interpreters(void)
{
    char directory[200], full[300];
    MUST(getcwd(directory, sizeof directory) == NULL ? -1 : 0);
    snprintf(full, sizeof full, "%s/interpreter", directory);
    for (int i = 71; i <= 74; i++) {
        write_program("interpreter", i % 2 ? O_TRUNC : 0, i);
        script("script", i % 2 ? full : "./interpreter");
        run("script", "./script", AT_FDCWD, 0);
    }
    script("script", "./missing");
    run("script of a missing one", "./script", AT_FDCWD, 0);
    script("inner", full);
    snprintf(full, sizeof full, "%s/inner", directory);
    script("outer", full);
    run("script of a script", "./outer", AT_FDCWD, 0);
    int fd = (int)MUST(open("script", O_RDONLY));
    script("script", "./interpreter");
    run("script by descriptor", "", fd, AT_EMPTY_PATH);
    close(fd);
}

/* A program that is replaced while it runs stays what it was. */
static void replaced(void)
{
    int p[2], back[2];
    char byte;
    write_program("running", O_TRUNC, 81);
    MUST(pipe(p));
    MUST(pipe(back));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        dup2(p[0], 100);
        dup2(back[1], 101);
        close(p[1]);
        execl("./running", "running", "wait", NULL);
        _exit(126);
    }
    close(back[1]);
    MUST(read(back[0], &byte, 1) == 1 ? 0 : -1);
    write_program("new", O_TRUNC, 82);
    MUST(rename("new", "running"));
    run("the new one", "running", AT_FDCWD, 0);
    MUST(write(p[1], "x", 1));
    say_end("the old one", child);
    close(p[0]);
    close(p[1]);
    close(back[0]);
}

int main(int argc, char **argv)
{
    char byte = 0;
    if (argc > 1 && strcmp(argv[1], "wait") == 0) {
        MUST(write(101, "r", 1));
        MUST(read(100, &byte, 1));
    }
    if (argc > 1) {
        say("%s", mark);
        return atoi(mark + sizeof MARK - 5) % 100;
    }
    load();
    same_name();
    nameless();
    interpreters();
    replaced();
    return 0;
}

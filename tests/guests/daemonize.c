// SPDX-License-Identifier: GPL-2.0-only
/* daemonize.c: the classic daemon: twice forked, a session of its own, every descriptor closed, found by its pid file and ended */
// also: preload
#include "guest.h"

static void note(FILE *log, const char *what, bool holds) { fprintf(log, "%s: %s\n", what, holds ? "yes" : "no"); }

static void serve(pid_t session, const char *directory)
{
    char path[2 * PATH_MAX];
    struct stat st, null_st;
    snprintf(path, sizeof path, "%s/log.new", directory);
    FILE *log = fopen(path, "w");
    note(log, "0 is /dev/null", fstat(0, &st) == 0 && stat("/dev/null", &null_st) == 0 && st.st_rdev == null_st.st_rdev);
    note(log, "3 is the log", fileno(log) == 3);
    note(log, "its session is its parent's", getsid(0) == session && getpid() != session);
    note(log, "no terminal", open("/dev/tty", O_RDWR) < 0);
    note(log, "is in /", getcwd(path, sizeof path) != NULL && strcmp(path, "/") == 0);
    fprintf(log, "%d\n", getpid());
    fclose(log);
    char final[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/log.new", directory);
    snprintf(final, sizeof final, "%s/log", directory);
    rename(path, final);
    pause();
}

static void become_daemon(const char *directory)
{
    pid_t session = setsid();
    if (fork() != 0)
        _exit(0);
    chdir("/");
    umask(0);
    for (int fd = 0; fd < 1024; fd++)
        close(fd);
    open("/dev/null", O_RDWR);
    dup(0);
    dup(0);
    serve(session, directory);
    _exit(0);
}

int main(void)
{
    char directory[PATH_MAX], text[4096] = "";
    MUST(getcwd(directory, sizeof directory) != NULL ? 0 : -1);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0)
        become_daemon(directory);
    say_end("the daemon's parent", child);
    for (int i = 0; i < 10000 && access("log", F_OK) < 0; i++)
        usleep(1000);
    int fd = (int)MUST(open("log", O_RDONLY));
    ssize_t n = MUST(read(fd, text, sizeof text - 1));
    text[n] = 0;
    char *last = strrchr(text, ':');
    last = strchr(last, '\n') + 1;
    pid_t daemon_pid = atoi(last);
    *last = 0;
    say("%s", text);
    CHECK(getpgid(daemon_pid) != getpgrp());
    TRY(kill(daemon_pid, 0));
    TRY(kill(daemon_pid, SIGTERM));
    for (int i = 0; i < 10000 && kill(daemon_pid, 0) == 0; i++)
        usleep(1000);
    TRY(kill(daemon_pid, 0) == 0 ? 0 : -1);
    return 0;
}

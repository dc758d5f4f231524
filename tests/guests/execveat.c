// SPDX-License-Identifier: GPL-2.0-only
/* execveat.c: execveat by descriptor, by directory, of a script */
#include "guest.h"

extern char **environ;

int main(void)
{
    int dir = (int)MUST(open("/bin", O_RDONLY | O_DIRECTORY));
    int fd = (int)MUST(open("/bin/echo", O_PATH | O_CLOEXEC));
    char *const argv[] = {"echo", "by execveat", NULL};
    for (int i = 0; i < 5; i++) {
        pid_t child = (pid_t)MUST(fork());
        if (child == 0) {
            long result = i == 0   ? syscall(SYS_execveat, dir, "echo", argv, environ, 0)
                          : i == 1 ? syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH)
                          : i == 2 ? syscall(SYS_execveat, dir, "none", argv, environ, 0)
                          : i == 3 ? syscall(SYS_execveat, 99, "echo", argv, environ, 0)
                                   : fexecve(fd, argv, environ);
            say("%ld %s", result, error_name(errno));
            _exit(9);
        }
        say_end("child", child);
    }
    return 0;
}

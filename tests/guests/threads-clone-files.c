// SPDX-License-Identifier: GPL-2.0-only
/* threads-clone-files.c: a child process that shares descriptors and directory */
#include "guest.h"

static char stack[65536];
static int child(void *unused)
{
    int fd = open("made", O_CREAT | O_RDWR, 0644);
    say("child opened %d", fd);
    chdir("d");
    return unused != NULL;
}

int main(void)
{
    char text[PATH_MAX];
    MUST(mkdir("d", 0755));
    pid_t pid = (pid_t)MUST(clone(child, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, NULL));
    say_end("child", pid);
    TRY(write(3, "shared", 6));
    say("%s", getcwd(text, sizeof text));
    pid = (pid_t)MUST(clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
    say_end("child", pid);
    say("%s", getcwd(text, sizeof text));
    TRY(fcntl(4, F_GETFD));
    MUST(chdir("/work"));
    list_tree(".");
    return 0;
}

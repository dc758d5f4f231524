// SPDX-License-Identifier: GPL-2.0-only
/* setuid.c: root becomes an ordinary user and may then not what it may not */
// variants: root
#include "guest.h"

int main(void)
{
    struct stat st;
    make_file("roots", "secret");
    MUST(chmod("roots", 0600));
    MUST(mkdir("open", 0777));
    MUST(chmod("open", 0777));
    MUST(chmod(".", 0755));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(setgid(1000));
        TRY(setuid(1000));
        say("%d %d %d %d", getuid(), geteuid(), getgid(), getegid());
        TRY(open("roots", O_RDONLY));
        TRY(setuid(0));
        TRY(chown("open", 1000, 1000));
        make_file("open/mine", "x");
        MUST(stat("open/mine", &st));
        say("%d:%d", st.st_uid, st.st_gid);
        TRY(kill(getppid(), 0));
        pid_t relative = (pid_t)MUST(fork());
        if (relative == 0) {
            MUST(chdir("/usr/share"));
            execl("../bin/id", "id", "-u", NULL);
            say("execute ../bin/id: %s", error_name(errno));
            _exit(9);
        }
        say_end("relative", relative);
        MUST(setpgid(0, 0));
        pid_t mate = (pid_t)MUST(fork());
        if (mate == 0) {
            pause();
            _exit(1);
        }
        signal(SIGUSR1, SIG_IGN);
        TRY(kill(0, SIGUSR1));
        say_end("mate", mate);
        TRY(kill(-1, SIGUSR1)); /* not our parent, which is root */
        execl("/bin/sh", "sh", "-c", "id -u; id -g; cat roots; : >open/by-sh", NULL);
        _exit(9);
    }
    say_end("child", child);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(seteuid(1000));
        TRY(open("roots", O_RDONLY));
        TRY(seteuid(0));
        TRY(open("roots", O_RDONLY));
        TRY(setresgid(5, 6, 7));
        say("%d %d", getgid(), getegid());
        _exit(0);
    }
    say_end("child", child);
    list_tree(".");
    return 0;
}

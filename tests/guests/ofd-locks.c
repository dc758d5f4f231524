// SPDX-License-Identifier: GPL-2.0-only
/* ofd-locks.c: open-file-description locks between descriptors of one process */
#include "guest.h"

static long lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    long result = fcntl(fd, command, &l);
    if (command == F_OFD_GETLK)
        say("type %d pid %d", l.l_type, (int)l.l_pid);
    return result;
}

int main(void)
{
    make_file("f", "0123456789");
    int a = (int)MUST(open("f", O_RDWR)), b = (int)MUST(open("f", O_RDWR));
    TRY(lock(a, F_OFD_SETLK, F_WRLCK, 0, 5));
    TRY(lock(b, F_OFD_SETLK, F_WRLCK, 0, 5));
    TRY(lock(b, F_OFD_GETLK, F_WRLCK, 0, 5));
    TRY(lock(b, F_SETLK, F_RDLCK, 0, 5));
    TRY(lock(b, F_OFD_SETLK, F_WRLCK, 5, 5));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(lock(a, F_OFD_SETLK, F_WRLCK, 0, 5));
        TRY(lock(b, F_OFD_SETLKW, F_WRLCK, 0, 5));
        _exit(0);
    }
    wait_asleep(child);
    MUST(lock(a, F_OFD_SETLK, F_UNLCK, 0, 0));
    say_end("child", child);
    return 0;
}

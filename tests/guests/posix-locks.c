// SPDX-License-Identifier: GPL-2.0-only
/* posix-locks.c: fcntl locks: contention, the holder's pid, waiting, deadlock, release at exit and at close */
// also: preload
#include "guest.h"

static long lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &l);
}

int main(void)
{
    make_file("f", "0123456789");
    int fd = (int)MUST(open("f", O_RDWR)), ready[2];
    char c;
    MUST(pipe(ready));
    TRY(lock(fd, F_SETLK, F_WRLCK, 0, 5));
    pid_t parent = getpid(), child = (pid_t)MUST(fork());
    if (child == 0) {
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
        TRY(fcntl(fd, F_GETLK, &l));
        CHECK(l.l_pid == parent);
        say("type %d, %ld from %ld", l.l_type, (long)l.l_len, (long)l.l_start);
        TRY(lock(fd, F_SETLK, F_RDLCK, 2, 1));
        TRY(lock(fd, F_SETLK, F_WRLCK, 5, 5));
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        TRY(lock(fd, F_SETLKW, F_WRLCK, 0, 5));
        say("child has waited for it");
        _exit(0);
    }
    MUST(read(ready[0], &c, 1));
    wait_asleep(child);
    TRY(lock(fd, F_SETLKW, F_WRLCK, 5, 1));
    say("deadlock was seen");
    MUST(lock(fd, F_SETLK, F_UNLCK, 0, 0));
    say_end("child", child);
    TRY(lock(fd, F_SETLK, F_WRLCK, 0, 0));
    int other = (int)MUST(open("f", O_RDONLY));
    close(other);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(lock(fd, F_SETLK, F_WRLCK, 0, 0));
        _exit(0);
    }
    say_end("child", child);
    TRY(lock(99, F_SETLK, F_WRLCK, 0, 0));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* fd-sharing.c: open file descriptions shared by fork: offsets and flags */
// also: preload
#include "guest.h"

int main(void)
{
    char text[8] = "";
    make_file("f", "0123456789");
    int fd = (int)MUST(open("f", O_RDWR));
    MUST(read(fd, text, 2));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        MUST(read(fd, text, 3));
        say("child read %s", text);
        MUST(fcntl(fd, F_SETFL, O_APPEND));
        close(fd);
        _exit(0);
    }
    reap(child);
    TRY(lseek(fd, 0, SEEK_CUR));
    TRY(fcntl(fd, F_GETFL) & O_APPEND);
    TRY(write(fd, "end", 3));
    show_file("f");
    TRY(close(fd));
    return 0;
}

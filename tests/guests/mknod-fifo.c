// SPDX-License-Identifier: GPL-2.0-only
/* mknod-fifo.c: FIFOs, sockets and devices by name; opening a FIFO waits for the other side */
// also: preload
#include "guest.h"

int main(void)
{
    TRY(mkfifo("f", 0640));
    TRY(mkfifo("f", 0640));
    TRY(mknod("plain", S_IFREG | 0600, 0));
    TRY(open("f", O_WRONLY | O_NONBLOCK));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        int fd = (int)MUST(open("f", O_WRONLY));
        MUST(write(fd, "through", 7));
        _exit(0);
    }
    char text[16] = "";
    int fd = (int)MUST(open("f", O_RDONLY));
    TRY(read(fd, text, 7));
    say("%s", text);
    TRY(read(fd, text, 7));
    say_end("child", child);
    TRY(open("f", O_RDONLY | O_NONBLOCK));
    list_tree(".");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* descriptors.c: dup, dup2, dup3, the lowest number, F_DUPFD, across what is local and what is remote */
// also: tls preload
#include "guest.h"

int main(void)
{
    char text[8] = "";
    make_file("f", "0123456789");
    TRY(open("f", O_RDWR));
    TRY(dup(3));
    TRY(close(3));
    TRY(open("f", O_RDONLY));
    TRY(dup2(4, 10));
    TRY(dup2(4, 4));
    TRY(dup3(4, 4, 0));
    TRY(dup3(4, 11, O_CLOEXEC));
    TRY(fcntl(11, F_GETFD));
    TRY(fcntl(10, F_DUPFD, 10));
    TRY(fcntl(10, F_DUPFD_CLOEXEC, 3));
    TRY(dup2(99, 3));
    TRY(dup2(3, -1));
    TRY(dup2(3, 100000));
    TRY(dup(99));
    TRY(read(10, text, 2));
    TRY(read(4, text, 2));
    say("%s", text);
    TRY(dup2(1, 20));
    TRY(write(20, "through 20\n", 11));
    TRY(dup(1));
    TRY(dup2(3, 20));
    TRY(read(20, text, 1));
    TRY(close(0));
    TRY(open("f", O_RDONLY));
    TRY(close(20));
    TRY(close(20));
    TRY(write(0, "x", 1));
    TRY(fcntl(99, F_GETFD));
    TRY(fcntl(0, 7777));
    return 0;
}

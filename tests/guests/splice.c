// SPDX-License-Identifier: GPL-2.0-only
/* splice.c: splice, tee and vmsplice through pipes */
#include "guest.h"

int main(void)
{
    make_file("a", "0123456789");
    int in = (int)MUST(open("a", O_RDONLY)), out = (int)MUST(open("b", O_CREAT | O_RDWR, 0644));
    int p[2], q[2];
    char text[32] = "";
    MUST(pipe(p));
    MUST(pipe(q));
    loff_t at = 2;
    TRY(splice(in, &at, p[1], NULL, 5, 0));
    say("%ld", (long)at);
    TRY(tee(p[0], q[1], 3, 0));
    TRY(splice(p[0], NULL, out, NULL, 100, 0));
    TRY(read(q[0], text, sizeof text));
    say("%s", text);
    show_file("b");
    TRY(splice(in, NULL, out, NULL, 5, 0));
    struct iovec iov = {"spliced", 7};
    TRY(vmsplice(p[1], &iov, 1, 0));
    memset(text, 0, sizeof text);
    TRY(read(p[0], text, sizeof text));
    say("%s", text);
    TRY(splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK));
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* splice.c: splice, tee and vmsplice through pipes, with files, offsets and sockets at the other end */
// also: tls
#include "guest.h"

static void basics(int in, int out, int p[2])
{
    int q[2];
    char text[32] = "";
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
    /* Offsets: of the file alone. */
    loff_t to = 20;
    TRY(write(p[1], "at twenty", 9));
    TRY(splice(p[0], NULL, out, &to, 9, 0));
    say("%ld %ld", (long)to, (long)lseek(out, 0, SEEK_CUR));
    TRY(splice(p[0], &at, out, NULL, 1, 0));
    TRY(splice(in, NULL, p[1], &at, 1, 0));
    TRY(splice(in, NULL, p[1], NULL, 0, 0));
    TRY(splice(in, NULL, p[1], NULL, 1, 0x100));
    TRY(splice(out, NULL, p[0], NULL, 1, 0));
    TRY(splice(p[1], NULL, out, NULL, 1, 0));
    /* A file's own position moves. */
    TRY(lseek(in, 1, SEEK_SET));
    TRY(splice(in, NULL, p[1], NULL, 3, 0));
    say("%ld", (long)lseek(in, 0, SEEK_CUR));
    memset(text, 0, sizeof text);
    TRY(read(p[0], text, sizeof text));
    say("%s", text);
}

/* Sockets, both ways; a pipe that waits for its writer, one at the end of file, and one whose reader has gone. */
static void ends(int in, int out, int p[2])
{
    int s[2];
    char text[32];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    TRY(write(p[1], "to a socket", 11));
    TRY(splice(p[0], NULL, s[0], NULL, 100, 0));
    memset(text, 0, sizeof text);
    TRY(read(s[1], text, sizeof text));
    say("%s", text);
    TRY(write(s[1], "back", 4));
    TRY(splice(s[0], NULL, p[1], NULL, 100, 0));
    memset(text, 0, sizeof text);
    TRY(read(p[0], text, sizeof text));
    say("%s", text);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        close(p[0]);
        usleep(50000);
        _exit(write(p[1], "late", 4) == 4 ? 0 : 1);
    }
    close(p[1]);
    TRY(lseek(out, 0, SEEK_SET));
    TRY(splice(p[0], NULL, out, NULL, 100, 0));
    say_end("child", child);
    TRY(splice(p[0], NULL, out, NULL, 100, 0));
    show_file("b");
    MUST(pipe(p));
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    TRY(lseek(in, 0, SEEK_SET));
    TRY(splice(in, NULL, p[1], NULL, 3, 0));
}

int main(void)
{
    make_file("a", "0123456789");
    int in = (int)MUST(open("a", O_RDONLY)), out = (int)MUST(open("b", O_CREAT | O_RDWR, 0644)), p[2];
    MUST(pipe(p));
    basics(in, out, p);
    ends(in, out, p);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* socket-copy.c: sendfile and splice to and from sockets, vectors, a descriptor duplicated and inherited, FIONBIO, O_ASYNC's owner */
#include "guest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

static void tcp_pair(int s[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int l = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(bind(l, (struct sockaddr *)&a, sizeof a));
    MUST(listen(l, 1));
    MUST(getsockname(l, (struct sockaddr *)&a, &size));
    s[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(s[0], (struct sockaddr *)&a, sizeof a));
    s[1] = (int)MUST(accept(l, NULL, NULL));
    close(l);
}

static void receive_all(int fd, long want)
{
    static char data[65536];
    unsigned sum = 0;
    long total = 0, n;
    while (total < want && (n = read(fd, data, sizeof data)) > 0) {
        for (long i = 0; i < n; i++)
            sum = sum * 31 + (unsigned char)data[i];
        total += n;
    }
    say("%ld bytes, sum %x", total, sum);
}

int main(void)
{
    int s[2], p[2], on = 1;
    tcp_pair(s);
    int file = (int)MUST(open("/bin/bash", O_RDONLY));
    off_t at = 1000;
    TRY(sendfile(s[0], file, &at, 50000));
    say("offset %ld", (long)at);
    receive_all(s[1], 50000);
    MUST(pipe(p));
    TRY(splice(file, NULL, p[1], NULL, 5000, 0));
    TRY(splice(p[0], NULL, s[0], NULL, 5000, SPLICE_F_MORE));
    TRY(splice(s[1], NULL, p[1], NULL, 5000, SPLICE_F_NONBLOCK) > 0 ? 0 : -1);
    char text[32] = "";
    struct iovec out[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
    while (recv(s[1], text, sizeof text, MSG_DONTWAIT) > 0)
        ;
    TRY(writev(s[0], out, 3));
    memset(text, 0, sizeof text);
    struct iovec in[2] = {{text, 6}, {text + 6, 20}};
    TRY(readv(s[1], in, 2));
    say("%s", text);
    int copy = (int)MUST(dup(s[1]));
    close(s[1]);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        MUST(write(copy, "from the child", 14));
        _exit(0);
    }
    close(copy);
    memset(text, 0, sizeof text);
    TRY(recv(s[0], text, sizeof text, MSG_WAITALL));
    say("%s", text);
    reap(child);
    TRY(ioctl(s[0], FIONBIO, &on));
    CHECK(fcntl(s[0], F_GETFL) & O_NONBLOCK);
    TRY(fcntl(s[0], F_SETOWN, getpid()));
    CHECK(fcntl(s[0], F_GETOWN) == getpid());
    TRY(read(s[0], text, 1));
    TRY(pwrite(s[0], "x", 1, 0));
    TRY(lseek(s[0], 0, SEEK_SET));
    TRY(ftruncate(s[0], 0));
    struct stat st;
    MUST(fstat(s[0], &st));
    CHECK(S_ISSOCK(st.st_mode));
    return 0;
}

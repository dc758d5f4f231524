// SPDX-License-Identifier: GPL-2.0-only
/* tcp-loopback.c: a server and a client over the sandbox's own loopback */
// transport: unix
// also: preload
#include "guest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(4321), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int l = (int)TRY(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
    TRY(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    TRY(connect(l, (struct sockaddr *)&address, sizeof address));
    close(l);
    l = (int)TRY(socket(AF_INET, SOCK_STREAM, 0));
    TRY(bind(l, (struct sockaddr *)&address, sizeof address));
    TRY(listen(l, 5));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
        MUST(connect(fd, (struct sockaddr *)&address, sizeof address));
        static char data[100000];
        memset(data, 'd', sizeof data);
        long sent = 0;
        while (sent < (long)sizeof data)
            sent += MUST(send(fd, data + sent, sizeof data - (size_t)sent, 0));
        shutdown(fd, SHUT_WR);
        char back[16] = "";
        MUST(read(fd, back, sizeof back));
        say("client read %s", back);
        _exit(0);
    }
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int fd = (int)TRY(accept(l, (struct sockaddr *)&peer, &length));
    CHECK(peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    static char sink[65536];
    long total = 0, n;
    while ((n = recv(fd, sink, sizeof sink, 0)) > 0)
        total += n;
    say("%ld", total);
    MUST(write(fd, "thanks", 6));
    say_end("client", child);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* unix-socket.c: a server and a client by a name in the file system */
// transport: unix
#include "guest.h"

#include <sys/un.h>

int main(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "name"}, peer;
    socklen_t length = sizeof address;
    char text[16] = "";
    int l = (int)TRY(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    TRY(bind(l, (struct sockaddr *)&address, sizeof address));
    TRY(bind(l, (struct sockaddr *)&address, sizeof address));
    TRY(listen(l, 5));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
        MUST(connect(fd, (struct sockaddr *)&address, sizeof address));
        MUST(write(fd, "by name", 7));
        char back[16] = "";
        MUST(read(fd, back, sizeof back));
        say("client read %s", back);
        _exit(0);
    }
    int fd = (int)TRY(accept4(l, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC));
    TRY(read(fd, text, sizeof text));
    say("%s", text);
    struct ucred credentials;
    length = sizeof credentials;
    TRY(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length));
    CHECK(credentials.pid == child && credentials.uid == getuid());
    MUST(write(fd, "served", 6));
    say_end("client", child);
    length = sizeof peer;
    TRY(getsockname(l, (struct sockaddr *)&peer, &length));
    say("%s %d", peer.sun_path, (int)length);
    int refused = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    close(l);
    TRY(connect(refused, (struct sockaddr *)&address, sizeof address));
    list_tree(".");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* socket-unix.c: unix sockets: abstract names, autobind, datagrams with names, seqpacket, lengths of names, modes of the name in the file system, a relative name after chdir */
#include "guest.h"

#include <sys/ioctl.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/un.h>

#define BASE offsetof(struct sockaddr_un, sun_path)

static void show(const char *what, const struct sockaddr_un *a, socklen_t size)
{
    char text[300];
    size_t at = 0;
    for (socklen_t i = BASE; i < size && i < sizeof *a; i++)
        at += (size_t)sprintf(text + at, a->sun_path[i - BASE] >= 32 ? "%c" : "\\%d", a->sun_path[i - BASE]);
    text[at] = 0;
    say("%s: family %d, size %u, %s", what, a->sun_family, size, text);
}

static struct sockaddr_un named(const char *name, size_t n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, name, n);
    return a;
}

static void abstract(void)
{
    struct sockaddr_un a = named("\0abstract\0name", 14), got;
    socklen_t size = sizeof got;
    int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)), other = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    say("-- abstract");
    TRY(connect(other, (struct sockaddr *)&a, BASE + 14));
    TRY(bind(fd, (struct sockaddr *)&a, BASE + 14));
    TRY(bind(fd, (struct sockaddr *)&a, BASE + 13));
    TRY(bind(other, (struct sockaddr *)&a, BASE + 14));
    TRY(listen(fd, 1));
    TRY(connect(other, (struct sockaddr *)&a, BASE + 13));
    TRY(connect(other, (struct sockaddr *)&a, BASE + 14));
    TRY(getsockname(fd, (struct sockaddr *)&got, &size));
    show("bound", &got, size);
    size = sizeof got;
    TRY(getpeername(other, (struct sockaddr *)&got, &size));
    show("peer", &got, size);
    memset(&got, 0, sizeof got);
    size = sizeof got;
    int accepted = (int)MUST(accept(fd, (struct sockaddr *)&got, &size));
    show("accepted", &got, size);
    close(accepted);
    close(fd);
    close(other);
    fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    TRY(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t))); /* autobind */
    size = sizeof got;
    TRY(getsockname(fd, (struct sockaddr *)&got, &size));
    CHECK(size == BASE + 6 && got.sun_path[0] == 0);
    close(fd);
}

static void datagrams(void)
{
    struct sockaddr_un a = named("a", 1), b = named("b", 1), got = {0};
    socklen_t size = sizeof got;
    char text[16] = "";
    int fa = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), fb = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), n;
    say("-- datagrams");
    umask(027);
    TRY(bind(fa, (struct sockaddr *)&a, sizeof a));
    TRY(bind(fb, (struct sockaddr *)&b, BASE + 1));
    TRY(sendto(fa, "to b", 4, 0, (struct sockaddr *)&b, sizeof b));
    TRY(recvfrom(fb, text, sizeof text, 0, (struct sockaddr *)&got, &size));
    show("from", &got, size);
    size = 5;
    memset(&got, 0, sizeof got);
    TRY(sendto(fa, "to b", 4, 0, (struct sockaddr *)&b, sizeof b));
    TRY(recvfrom(fb, text, sizeof text, 0, (struct sockaddr *)&got, &size));
    show("cut", &got, size);
    int nameless = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    TRY(connect(nameless, (struct sockaddr *)&b, sizeof b));
    TRY(send(nameless, "by nobody", 9, 0));
    TRY(ioctl(fb, SIOCINQ, &n));
    say("%d", n);
    size = sizeof got;
    TRY(recvfrom(fb, text, sizeof text, 0, (struct sockaddr *)&got, &size));
    say("size %u", size);
    TRY(connect(fb, (struct sockaddr *)&a, sizeof a));
    TRY(send(nameless, "not its peer", 12, 0));
    close(fb);
    TRY(send(nameless, "gone", 4, 0));
    TRY(unlink("b"));
    TRY(sendto(fa, "x", 1, 0, (struct sockaddr *)&b, sizeof b));
    make_file("plain", "");
    a = named("plain", 5);
    TRY(connect(nameless, (struct sockaddr *)&a, sizeof a));
    a = named("none/such", 9);
    TRY(connect(nameless, (struct sockaddr *)&a, sizeof a));
    TRY(bind(nameless, (struct sockaddr *)&a, sizeof a));
    TRY(bind(nameless, (struct sockaddr *)&a, sizeof a + 1));
    TRY(bind(nameless, (struct sockaddr *)8, sizeof a));
    memset(a.sun_path, 'l', sizeof a.sun_path); /* not terminated */
    TRY(bind(nameless, (struct sockaddr *)&a, sizeof a));
    size = 120;
    char room[120];
    TRY(getsockname(nameless, (struct sockaddr *)room, &size));
    say("size %u", size);
}

static void packets(void)
{
    int s[2];
    char text[16] = "";
    say("-- seqpacket");
    TRY(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    TRY(send(s[0], "first", 5, 0));
    TRY(send(s[0], "", 0, 0));
    TRY(send(s[0], "third", 5, MSG_EOR));
    TRY(recv(s[1], text, 3, 0));
    TRY(recv(s[1], text, 3, 0));
    struct iovec iov = {text, sizeof text};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    TRY(recvmsg(s[1], &m, 0));
    say("flags %x", m.msg_flags);
    close(s[0]);
    TRY(recv(s[1], text, 3, 0));
    TRY(send(s[1], "x", 1, MSG_NOSIGNAL));
    TRY(socketpair(AF_INET, SOCK_STREAM, 0, s));
    TRY(socketpair(AF_UNIX, SOCK_STREAM, 7, s));
    TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8));
}

static void elsewhere(void)
{
    struct sockaddr_un a = named("socket", 6);
    say("-- elsewhere");
    MUST(mkdir("d", 0755));
    MUST(chdir("d"));
    int l = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    TRY(bind(l, (struct sockaddr *)&a, sizeof a));
    MUST(listen(l, 3));
    MUST(chdir(".."));
    TRY(connect(fd, (struct sockaddr *)&a, sizeof a));
    MUST(symlink("d/socket", "link"));
    a = named("link", 4);
    TRY(connect(fd, (struct sockaddr *)&a, sizeof a));
    MUST(rename("d/socket", "moved"));
    fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    a = named("moved", 5);
    TRY(connect(fd, (struct sockaddr *)&a, sizeof a));
    struct stat st;
    MUST(fstat(fd, &st));
    CHECK(S_ISSOCK(st.st_mode));
    TRY(open("moved", O_RDONLY));
}

int main(void)
{
    abstract();
    datagrams();
    packets();
    elsewhere();
    list_tree(".");
    return 0;
}

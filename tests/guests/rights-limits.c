// SPDX-License-Identifier: GPL-2.0-only
/* rights-limits.c: no descriptors left: for a terminal, its peer, and what a message brings */
/* alone: those that are in messages count for the user, of other cases too (ETOOMANYREFS, unix(7)) */
#include "guest.h"

#include <pty.h>
#include <sys/ioctl.h>

#define LIMIT 24

static int pair[2];

static void give(const int *fds, unsigned count)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(8 * sizeof(int))];
    } control = {0};
    struct iovec vector = {"m", 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    MUST(sendmsg(pair[0], &message, 0));
}

static void take(void)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(8 * sizeof(int))];
    } control;
    char byte;
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    TRY(recvmsg(pair[1], &message, 0));
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    unsigned count = header == NULL ? 0 : (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    say("%u descriptors%s", count, message.msg_flags & MSG_CTRUNC ? ", truncated" : "");
    for (unsigned i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        say("%d: terminal %d", fd, isatty(fd));
        close(fd);
    }
}

/* Fill the table but for so many. */
static int fill(int left, int *ret_first)
{
    int fd, last = -1;
    *ret_first = -1;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0) {
        if (*ret_first < 0)
            *ret_first = fd;
        last = fd;
    }
    say("full: %s", error_name(errno));
    for (int i = 0; i < left; i++)
        close(last--);
    return last;
}

int main(void)
{
    struct rlimit limit = {LIMIT, LIMIT};
    int master, slave, first, last;
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
    MUST(openpty(&master, &slave, NULL, NULL, NULL));
    give((int[]){slave, master, slave}, 3);
    give((int[]){slave, slave}, 2);
    give((int[]){slave}, 1);
    last = fill(0, &first);
    TRY(posix_openpt(O_RDWR));
    TRY(ioctl(master, TIOCGPTPEER, O_RDWR));
    TRY(open("/dev/pts/0", O_RDWR | O_NOCTTY));
    TRY(open("/dev/pts", O_RDONLY));
    TRY(dup(slave));
    take();
    close(last--);
    take();
    take();
    while (last >= first)
        close(last--);
    give((int[]){slave, master}, 2);
    take();
    /* The table is as it was. */
    int next = (int)TRY(dup(slave));
    CHECK(next == first);
    CHECK(isatty(next));
    return 0;
}

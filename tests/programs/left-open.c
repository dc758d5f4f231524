// SPDX-License-Identifier: GPL-2.0-only
/* left-open.c: guests that make the most of what the user left open for them: descriptors 0 to 2, the process group, the terminal.
 * left-open WHAT [ARG]: prints "ok WHAT" when nothing got through, else "BAD ...". */
#include "tests/guests/guest.h"

#include <linux/fs.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif

static int bad;
static char text[256];

#define REFUSED(call) \
    do { \
        errno = 0; \
        long refused_result_ = (long)(call); \
        if (refused_result_ != -1) { \
            say("BAD %s: %ld", #call, refused_result_); \
            bad = 1; \
        } \
    } while (0)
#define DONE(call) \
    do { \
        errno = 0; \
        if ((long)(call) == -1) { \
            say("BAD %s: %s", #call, error_name(errno)); \
            bad = 1; \
        } \
    } while (0)

static volatile int got;
static void handler(int number) { got += number == SIGUSR1; }

/* Others of the user's are in the process group that we are started in; a guest that signals "its" group reaches guests alone. */
static void group(void)
{
    signal(SIGUSR1, handler);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    pid_t apart = fork();
    if (apart == 0) {
        setpgid(0, 0);
        signal(SIGUSR1, SIG_DFL);
        for (;;)
            pause();
    }
    while (getpgid(apart) == 0)
        sched_yield();
    DONE(kill(0, 0));
    DONE(kill(0, SIGUSR1));
    if (got != 1)
        say("BAD the group's signal came %d times", got), bad = 1;
    REFUSED(kill(0, 77));
    signal(SIGTERM, SIG_IGN);
    signal(SIGKILL, SIG_IGN);
    DONE(kill(0, SIGTERM));
    int status = reap(child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM)
        say("BAD the group's other guest ended with %x", status), bad = 1;
    if (kill(apart, 0) < 0 || waitpid(apart, NULL, WNOHANG) != 0)
        say("BAD a guest of another group was reached"), bad = 1;
    kill(apart, SIGKILL);
    reap(apart);
    REFUSED(setpriority(PRIO_PGRP, 0, 19));
    REFUSED(syscall(SYS_setpriority, 0xffffffff00000001, 0x1200000000, 19));
    REFUSED(syscall(SYS_ioprio_set, 2, 0, 3 << 13));
    DONE(setpriority(PRIO_PROCESS, 0, 19));
    kill(-1, SIGTERM); /* whoever is in sight */
}

/* A file that was opened for reading. */
static void file(void)
{
    int flags = 0;
    struct fsxattr attributes = {0};
    REFUSED(fchmod(0, 0777));
    REFUSED(fchown(0, getuid(), getgid()));
    REFUSED(fsetxattr(0, "user.x", "x", 1, 0));
    REFUSED(fremovexattr(0, "user.x"));
    REFUSED(ioctl(0, FS_IOC_SETFLAGS, &flags));
    REFUSED(ioctl(0, FS_IOC_FSSETXATTR, &attributes));
    REFUSED(ftruncate(0, 0));
    REFUSED(write(0, "x", 1));
    REFUSED(open("/dev/stdin", O_RDWR));
    REFUSED(open("/proc/self/fd/0", O_WRONLY | O_TRUNC));
    REFUSED(openat(0, "x", O_RDONLY));
    syscall(452, 0, "", 0777, AT_EMPTY_PATH); /* fchmodat2: of what stands for it in the sandbox */
    REFUSED(utimensat(0, NULL, NULL, 0));
    REFUSED(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0) == MAP_FAILED ? -1 : 0);
    DONE(read(0, text, 1));
    DONE(fstat(0, &(struct stat){0}));
}

static void terminal(void)
{
    int number = 0;
    char character = 'x';
    REFUSED(ioctl(0, TIOCSTI, &character));
    REFUSED(syscall(SYS_ioctl, 0, 0x100000000ul | TIOCSTI, &character));
    REFUSED(syscall(SYS_ioctl, 0x100000000ul, TIOCSTI, &character));
    REFUSED(ioctl(0, TIOCLINUX, &character));
    REFUSED(ioctl(0, TIOCSETD, &number));
    REFUSED(ioctl(0, TIOCCONS, 0));
    REFUSED(ioctl(0, TIOCVHANGUP, 0));
    REFUSED(ioctl(0, TIOCEXCL, 0));
    DONE(ioctl(0, TIOCGWINSZ, &(struct winsize){0}));
}

static struct sockaddr_in address_of(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

/* A datagram or stream socket of the client's network: no other address of it may be reached. */
static void internet(const char *port)
{
    struct sockaddr_in victim = address_of(port);
    struct iovec vector = {"reached", 7};
    struct msghdr head = {.msg_name = &victim, .msg_namelen = sizeof victim, .msg_iov = &vector, .msg_iovlen = 1};
    struct mmsghdr many = {.msg_hdr = head};
    REFUSED(sendto(0, "reached", 7, MSG_NOSIGNAL, (struct sockaddr *)&victim, sizeof victim));
    REFUSED(sendto(0, "reached", 7, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&victim, sizeof victim));
    REFUSED(sendmsg(0, &head, MSG_NOSIGNAL));
    REFUSED(sendmsg(0, &head, MSG_FASTOPEN | MSG_NOSIGNAL));
    REFUSED(sendmmsg(0, &many, 1, MSG_NOSIGNAL));
    REFUSED(connect(0, (struct sockaddr *)&victim, sizeof victim));
    REFUSED(connect(0, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
    REFUSED(bind(0, &(struct sockaddr){.sa_family = AF_INET}, sizeof(struct sockaddr)));
    REFUSED(listen(0, 1));
    DONE(send(0, "fine", 4, MSG_NOSIGNAL));
}

/* A descriptor waits in the connection: a directory of the client's. */
static void rights(void)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec vector = {text, sizeof text};
    struct msghdr head = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct mmsghdr many = {.msg_hdr = head};
    REFUSED(recvmsg(0, &head, 0));
    REFUSED(recvmmsg(0, &many, 1, 0, NULL));
    DONE(recv(0, text, sizeof text, 0));
    for (int fd = 3; fd < 40; fd++)
        REFUSED(syscall(SYS_execveat, fd, "../bin/true", (char *[]){"true", NULL}, (char *[]){NULL}, 0));
}

static void core(void)
{
    struct rlimit limit = {7, 7}, more = {0, RLIM_INFINITY}, one = {1, 1}, none = {0, 0};
    DONE(getrlimit(RLIMIT_CORE, &limit));
    if (limit.rlim_cur != 0)
        say("BAD a limit of %lu", (unsigned long)limit.rlim_cur), bad = 1;
    REFUSED(setrlimit(RLIMIT_CORE, &more));
    REFUSED(setrlimit(RLIMIT_CORE, &one));
    DONE(setrlimit(RLIMIT_CORE, &none));
    DONE(prlimit(getpid(), RLIMIT_CORE, &none, NULL));
    say("ready");
    DONE(read(0, text, 1));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "group") == 0)
        group();
    else if (strcmp(what, "file") == 0)
        file();
    else if (strcmp(what, "terminal") == 0)
        terminal();
    else if (strcmp(what, "internet") == 0)
        internet(argc > 2 ? argv[2] : "");
    else if (strcmp(what, "rights") == 0)
        rights();
    else if (strcmp(what, "core") == 0)
        core();
    else
        return 2;
    if (!bad)
        say("ok %s", what);
    return bad;
}

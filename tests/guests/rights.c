// SPDX-License-Identifier: GPL-2.0-only
/* rights.c: descriptors of every home in messages */
#include "guest.h"

#include <pty.h>
#include <sys/un.h>

#define MANY 40

static int give(int socket, const int *fds, unsigned count, const char *text)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(MANY * sizeof(int))];
    } control = {0};
    struct iovec vector = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    return (int)sendmsg(socket, &message, 0);
}

/* The number of descriptors that have come, or -1. */
static int take(int socket, int *fds, unsigned room, int flags)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(MANY * sizeof(int))];
    } control;
    char text[64];
    struct iovec vector = {text, sizeof text};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(room * sizeof(int))};
    ssize_t n = recvmsg(socket, &message, flags);
    if (n < 0)
        return -1;
    say("received %.*s%s", (int)n, text, message.msg_flags & MSG_CTRUNC ? ", truncated" : "");
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL)
        return 0;
    memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    return (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
}

static void show(const char *what, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        say("%s: %s", what, error_name(errno));
    else
        say("%s: type %o, terminal %d, flags %x", what, st.st_mode & S_IFMT, isatty(fd), fcntl(fd, F_GETFD));
}

/* A terminal, a remote file and standard output in one message; they live on when the sender has closed its own. */
static void mixed(int pair[2])
{
    int master, slave, fds[MANY], file = (int)MUST(open("file", O_CREAT | O_RDWR, 0644));
    char text[16] = "";
    MUST(openpty(&master, &slave, NULL, NULL, NULL));
    TRY(give(pair[0], (int[]){slave, file, 1, slave}, 4, "four"));
    close(slave);
    close(file);
    int first = open("/dev/null", O_RDONLY);
    close(first);
    int count = take(pair[1], fds, 4, 0);
    say("%d descriptors, lowest first %d", count, fds[0] == first && fds[3] == first + 3);
    for (int i = 0; i < count; i++)
        show((const char *[]){"terminal", "file", "output", "again"}[i], fds[i]);
    MUST(write(fds[0], "via", 3));
    TRY(read(master, text, sizeof text));
    MUST(write(fds[2], "to the output\n", 14));
    TRY(write(fds[1], "data", 4));
    close(fds[0]);
    MUST(write(fds[3], "two", 3));
    TRY(read(master, text, sizeof text));
    for (int i = 1; i < count; i++)
        close(fds[i]);
    TRY(read(master, text, sizeof text)); /* nobody has it open any more */
    close(master);
    show_file("file");
}

static void flags(int pair[2])
{
    int fds[MANY];
    char text[8];
    MUST(give(pair[0], (int[]){1}, 1, "exec"));
    take(pair[1], fds, 1, MSG_CMSG_CLOEXEC);
    show("close on exec", fds[0]);
    close(fds[0]);
    MUST(give(pair[0], (int[]){1, 1}, 2, "peek"));
    say("%d", take(pair[1], fds, 2, MSG_PEEK));
    show("peeked", fds[1]);
    close(fds[0]);
    close(fds[1]);
    say("%d", take(pair[1], fds, 2, 0));
    show("then taken", fds[1]);
    close(fds[0]);
    close(fds[1]);
    MUST(give(pair[0], (int[]){1, 0, 2}, 3, "room for one"));
    say("%d", take(pair[1], fds, 1, 0));
    show("one", fds[0]);
    close(fds[0]);
    MUST(give(pair[0], (int[]){1}, 1, "unseen"));
    TRY(read(pair[1], text, sizeof text)); /* without control data: dropped */
    TRY(give(pair[0], (int[]){77}, 1, "bad"));
    TRY(give(pair[0], (int[]){1, -1}, 2, "bad"));
    int lots[MANY];
    for (int i = 0; i < MANY; i++)
        lots[i] = i % 3;
    TRY(give(pair[0], lots, MANY, "many"));
    int count = take(pair[1], lots, MANY, 0);
    say("%d", count);
    for (int i = 0; i < count; i++)
        close(lots[i]);
}

/* Another process, over a name; a blocked receiver; a message that nobody takes. */
static void other_process(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int listener = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fds[MANY];
    MUST(bind(listener, (struct sockaddr *)&address, sizeof address));
    MUST(listen(listener, 1));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        int master, slave, s = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
        char text[64] = "";
        MUST(openpty(&master, &slave, NULL, NULL, NULL));
        MUST(connect(s, (struct sockaddr *)&address, sizeof address));
        MUST(give(s, &slave, 1, "take my terminal"));
        close(slave);
        size_t have = 0;
        while (have < 5 && strstr(text, "bye") == NULL)
            have += (size_t)MUST(read(master, text + have, sizeof text - 1 - have));
        say("terminal got %s", text);
        _exit(0);
    }
    int s = (int)MUST(accept(listener, NULL, NULL));
    say("%d", take(s, fds, 1, 0));
    show("terminal of the child", fds[0]);
    MUST(write(fds[0], "good bye", 8));
    close(fds[0]);
    say_end("child", child);
    close(s);
    close(listener);
    int pair[2], gone[2];
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    MUST(give(pair[0], (int[]){2}, 1, "for nobody"));
    close(pair[0]);
    close(pair[1]);
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, gone));
    MUST(give(gone[0], (int[]){2}, 1, "last"));
    close(gone[0]);
    say("%d", take(gone[1], fds, 1, 0));
    show("after the sender has closed", fds[0]);
    close(fds[0]);
    close(gone[1]);
}

static void *receive(void *pair)
{
    static int fds[MANY];
    say("thread: %d", take(((int *)pair)[1], fds, 1, 0));
    show("in the thread", fds[0]);
    return &fds[0];
}

static void in_thread(int pair[2])
{
    pthread_t thread;
    void *fd;
    MUST(-pthread_create(&thread, NULL, receive, pair));
    MUST(give(pair[0], (int[]){1}, 1, "to a thread"));
    pthread_join(thread, &fd);
    show("in the other", *(int *)fd);
    TRY(dup2(*(int *)fd, 50));
    show("its duplicate", 50);
    close(50);
    close(*(int *)fd);
}

static volatile sig_atomic_t alarms;
static void on_alarm(int number) { alarms += number != 0; }

/* Signals come at any moment of either side: nothing is lost, nothing comes twice. */
static void under_signals(int pair[2])
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    int end, taken = 0, fds[MANY], seen = 0;
    sigaction(SIGUSR1, &action, NULL);
    pid_t kicker = kick_until_closed(SIGUSR1, &end);
    for (int i = 0; i < 100; i++) {
        union {
            struct cmsghdr header;
            char room[CMSG_SPACE(sizeof(int))];
        } control = {0};
        char byte;
        struct iovec vector = {&byte, 1};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        MUST(give(pair[0], (int[]){1}, 1, "x"));
        MUST(recvmsg(pair[1], &message, 0));
        taken++;
        memcpy(fds, CMSG_DATA(&control.header), sizeof(int));
        struct stat a, b;
        seen += fstat(fds[0], &a) == 0 && fstat(1, &b) == 0 && a.st_ino == b.st_ino;
        close(fds[0]);
    }
    close(end);
    reap(kicker);
    say("%d taken, %d right", taken, seen);
}

int main(void)
{
    int pair[2];
    signal(SIGPIPE, SIG_IGN);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    mixed(pair);
    flags(pair);
    in_thread(pair);
    under_signals(pair);
    other_process();
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* sigio.c: signals that descriptors raise: SIGIO, SIGURG and chosen ones, while the guest sleeps, computes, reads, waits, or has them blocked */
// also: tls preload
#include "guest.h"

#include <sys/ioctl.h>

static volatile sig_atomic_t count, last_fd, last_code, last_band;

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    count++;
    last_fd = info->si_fd;
    last_code = info->si_code;
    last_band = (int)info->si_band;
}

static void handle(int number, int flags)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
    sigaction(number, &action, NULL);
    count = 0;
}

/* A child that writes to a descriptor once we sleep (or after a while, when we compute). */
static pid_t writer(int fd, bool sleeps)
{
    pid_t child = (pid_t)MUST(fork());
    if (child != 0)
        return child;
    if (sleeps)
        wait_asleep(getppid());
    else
        usleep(50000);
    _exit(write(fd, "x", 1) == 1 ? 0 : 1);
}

static void own(int fd)
{
    MUST(fcntl(fd, F_SETOWN, getpid()));
    MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
}

static void take(int fd)
{
    char text[8];
    MUST(read(fd, text, sizeof text));
}

static void settings(int fd)
{
    TRY(fcntl(fd, F_GETOWN));
    TRY(fcntl(fd, F_GETSIG));
    TRY(fcntl(fd, F_SETSIG, 65));
    MUST(fcntl(fd, F_SETOWN, getpid()));
    CHECK(fcntl(fd, F_GETOWN) == getpid());
    struct f_owner_ex owner = {F_OWNER_TID, gettid()};
    TRY(fcntl(fd, F_SETOWN_EX, &owner));
    memset(&owner, 0, sizeof owner);
    TRY(fcntl(fd, F_GETOWN_EX, &owner));
    CHECK(owner.type == F_OWNER_TID && owner.pid == gettid());
    TRY(fcntl(fd, F_SETOWN, 0));
    TRY(fcntl(fd, F_SETOWN, 4000000));
}

static void sleeping(int fd, int other)
{
    sigset_t set, old;
    handle(SIGIO, 0);
    own(fd);
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigprocmask(SIG_BLOCK, &set, &old);
    pid_t child = writer(other, true);
    TRY(sigsuspend(&old));
    say("told %d", count);
    sigprocmask(SIG_SETMASK, &old, NULL);
    reap(child);
    take(fd);
    count = 0;
    child = writer(other, false);
    while (count == 0) /* never in a call */
        ;
    say("told %d", count);
    reap(child);
    take(fd);
}

/* Asleep in a call that runs where the descriptors are; p: a pipe. */
static void waiting(int fd, int other, const int p[2])
{
    char c;
    pid_t child = writer(other, true);
    TRY(read(p[0], &c, 1));
    reap(child);
    take(fd);
    child = writer(other, true);
    struct pollfd wait = {p[0], POLLIN, 0};
    TRY(poll(&wait, 1, 20000));
    reap(child);
    take(fd);
    /* Restarted: the read goes on. */
    handle(SIGIO, SA_RESTART);
    child = writer(other, true);
    pid_t second = (pid_t)MUST(fork());
    if (second == 0) {
        usleep(100000);
        _exit(write(p[1], "y", 1) == 1 ? 0 : 1);
    }
    TRY(read(p[0], &c, 1));
    say("told %d, read %c", count, c);
    reap(child);
    reap(second);
    take(fd);
}

/* Blocked or ignored: a wait is not cut short by it. */
static void unheard(int fd, int other, const int p[2])
{
    struct pollfd wait = {p[0], POLLIN, 0};
    sigset_t set, old;
    pid_t child;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigprocmask(SIG_SETMASK, NULL, &old);
    for (int round = 0; round < 2; round++) {
        double start = now();
        if (round == 0)
            sigprocmask(SIG_BLOCK, &set, NULL);
        else
            signal(SIGIO, SIG_IGN);
        child = writer(other, true);
        TRY(poll(&wait, 1, 200));
        CHECK(now() - start >= 0.19);
        reap(child);
        take(fd);
    }
    signal(SIGIO, SIG_DFL);
    handle(SIGIO, 0);
    child = writer(other, true);
    sigsuspend(&old);
    reap(child);
    sigprocmask(SIG_SETMASK, &old, NULL);
    take(fd);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_ASYNC);
}

static void chosen(int fd, int other)
{
    sigset_t set, old;
    siginfo_t info;
    int number = SIGRTMIN + 2;
    TRY(fcntl(fd, F_SETSIG, number) == 0 ? 0 : -1);
    CHECK(fcntl(fd, F_GETSIG) == number);
    handle(number, 0);
    own(fd);
    pid_t child = writer(other, false);
    while (count == 0)
        pause();
    say("handler: this descriptor: %s, code %d, band %x", last_fd == fd ? "yes" : "no", last_code, (unsigned)last_band);
    reap(child);
    take(fd);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, &old);
    for (int i = 0; i < 2; i++) {
        MUST(write(other, "z", 1));
        take(fd);
    }
    struct timespec limit = {10, 0}, none = {0, 0};
    for (int i = 0; i < 2; i++) {
        CHECK(sigtimedwait(&set, &info, &limit) == number);
        say("waited: this descriptor: %s, band %x", info.si_fd == fd ? "yes" : "no", (unsigned)info.si_band);
    }
    TRY(sigtimedwait(&set, &info, &none));
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void urgent(void)
{
    int s[2], listener = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_storage address = {.ss_family = AF_INET};
    socklen_t size = sizeof address;
    ((unsigned char *)&address)[4] = 127; /* 127.0.0.1, any port */
    ((unsigned char *)&address)[7] = 1;
    MUST(bind(listener, (struct sockaddr *)&address, 16));
    MUST(listen(listener, 1));
    MUST(getsockname(listener, (struct sockaddr *)&address, &size));
    s[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(s[0], (struct sockaddr *)&address, size));
    s[1] = (int)MUST(accept(listener, NULL, NULL));
    handle(SIGURG, 0);
    int pid = getpid();
    TRY(ioctl(s[1], FIOSETOWN, &pid));
    pid = 0;
    TRY(ioctl(s[1], FIOGETOWN, &pid));
    CHECK(pid == getpid());
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        usleep(50000);
        _exit(send(s[0], "!", 1, MSG_OOB) == 1 ? 0 : 1);
    }
    while (count == 0)
        usleep(1000);
    say("urgent %d", count);
    say_end("child", child);
}

static pthread_barrier_t barrier;
static volatile pid_t thread_id, told_thread;

static void on_thread_signal(int number)
{
    (void)number;
    told_thread = gettid();
}

static void *thread_main(void *argument)
{
    int fd = *(int *)argument;
    struct f_owner_ex owner = {F_OWNER_TID, gettid()};
    thread_id = gettid();
    MUST(fcntl(fd, F_SETOWN_EX, &owner));
    MUST(fcntl(fd, F_SETSIG, 0));
    MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
    pthread_barrier_wait(&barrier);
    while (told_thread == 0)
        usleep(1000);
    return NULL;
}

int main(void)
{
    int p[2], other[2];
    pthread_t thread;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    settings(p[0]);
    MUST(pipe(other));
    sleeping(p[0], p[1]);
    waiting(p[0], p[1], other);
    unheard(p[0], p[1], other);
    chosen(p[0], p[1]);
    urgent();
    MUST(fcntl(p[0], F_SETFL, 0));
    signal(SIGIO, on_thread_signal);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, thread_main, &p[0]);
    pthread_barrier_wait(&barrier);
    MUST(write(p[1], "x", 1));
    pthread_join(thread, NULL);
    CHECK(told_thread == thread_id);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* pidfd.c: descriptors of processes, /proc's directories among them: waited for with pipes, in epoll sets and by waitid, signalled through, and what else takes one */
// also: preload
#include "guest.h"

#include <sys/epoll.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define NONBLOCK O_NONBLOCK /* PIDFD_NONBLOCK */

static int open_pidfd(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static int send_signal(int fd, int number) { return (int)syscall(SYS_pidfd_send_signal, fd, number, NULL, 0); }

/* A child that waits for the end of a pipe, and exits. */
static pid_t child_of(int *ret_end, int status)
{
    int p[2];
    char c;
    MUST(pipe(p));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        close(p[1]);
        (void)!read(p[0], &c, 1);
        _exit(status);
    }
    close(p[0]);
    *ret_end = p[1];
    return child;
}

static void errors(void)
{
    int p[2];
    MUST(pipe(p));
    TRY(open_pidfd(0, 0));
    TRY(open_pidfd(-1, 0));
    TRY(open_pidfd(getpid(), 1));
    TRY(open_pidfd(4000000, 0));
    TRY(send_signal(p[0], 0));
    TRY(send_signal(99, 0));
    TRY(send_signal(1, 0));
    int self = open_pidfd(getpid(), 0);
    TRY(send_signal(self, 0));
    TRY(send_signal(self, 65));
    TRY(syscall(SYS_pidfd_send_signal, self, 0, NULL, 77));
    TRY(fcntl(self, F_GETFD));
    char c;
    TRY(read(self, &c, 1));
    TRY(write(self, "x", 1));
    close(self);
    TRY(send_signal(self, 0));
    close(p[0]);
    close(p[1]);
}

static void waits(void)
{
    int end, p[2], status_end;
    siginfo_t info;
    MUST(pipe(p));
    pid_t child = child_of(&end, 7);
    int fd = (int)TRY(open_pidfd(child, NONBLOCK));
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    struct pollfd fds[2] = {{fd, POLLIN | POLLOUT, 0}, {p[0], POLLIN, 0}};
    TRY(poll(fds, 2, 10));
    TRY(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED));
    close(end);
    TRY(poll(fds, 2, 20000));
    say("%x %x", (unsigned)fds[0].revents, (unsigned)fds[1].revents);
    int set = (int)MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = 5}, got[2];
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    TRY(epoll_wait(set, got, 2, 1000));
    say("%x %u", got[0].events & ~(unsigned)EPOLLHUP, got[0].data.u32);
    TRY(epoll_wait(set, got, 2, 0));
    memset(&info, 0, sizeof info);
    TRY(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT));
    say("code %d status %d, %s", info.si_code, info.si_status, info.si_pid == child ? "the child" : "another");
    TRY(send_signal(fd, 0));
    TRY(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED));
    TRY(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED));
    TRY(send_signal(fd, SIGTERM));
    TRY(waitid((idtype_t)P_PIDFD, (id_t)p[0], &info, WEXITED));
    close(set);
    close(fd);
    /* Killed through it while somebody waits for it among others, in an epoll set. */
    child = child_of(&status_end, 0);
    fd = open_pidfd(child, 0);
    set = (int)MUST(epoll_create1(0));
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    event.data.u32 = 6;
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &event));
    pid_t killer = (pid_t)MUST(fork());
    if (killer == 0) {
        wait_asleep(getppid());
        _exit(send_signal(fd, SIGKILL) == 0 ? 0 : 1); /* the descriptor is the child's too */
    }
    TRY(epoll_wait(set, got, 2, 20000));
    say("%u", got[0].data.u32);
    say_end("killer", killer);
    TRY(syscall(SYS_process_mrelease, fd, 1));
    say_end("child", child);
    close(status_end);
    close(fd);
    close(set);
}

/* A directory of /proc is taken for a pidfd too. */
static void directories(void)
{
    char path[32];
    int end, self = (int)MUST(open("/proc/self", O_RDONLY | O_DIRECTORY));
    pid_t child = child_of(&end, 0);
    snprintf(path, sizeof path, "/proc/%d", child);
    int fd = (int)MUST(open(path, O_RDONLY | O_DIRECTORY)), path_fd = (int)MUST(open(path, O_PATH)), thread = (int)MUST(open("/proc/self/task", O_RDONLY));
    TRY(send_signal(self, 0));
    TRY(send_signal(fd, 0));
    TRY(send_signal(fd, 65));
    TRY(send_signal(path_fd, 0));
    TRY(send_signal(thread, 0));
    TRY(send_signal(fd, SIGTERM));
    say_end("child", child);
    TRY(send_signal(fd, 0));
    TRY(send_signal(fd, SIGTERM));
    char c;
    TRY(read(fd, &c, 1));
    close(end);
    /* Whose signal it is. */
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if ((child = (pid_t)MUST(fork())) == 0) {
        MUST(sigwaitinfo(&set, &info));
        _exit(info.si_pid == getppid() && info.si_code == SI_USER ? 3 : 4);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    snprintf(path, sizeof path, "/proc/%d", child);
    int waiter = (int)MUST(open(path, O_RDONLY | O_DIRECTORY));
    TRY(send_signal(waiter, SIGUSR1));
    say_end("waiter", child);
    close(waiter);
    int root = (int)MUST(open("/", O_RDONLY)), proc = (int)MUST(open("/proc", O_RDONLY)), file = (int)MUST(open("/proc/self/comm", O_RDONLY));
    TRY(send_signal(root, 0));
    TRY(send_signal(proc, 0));
    TRY(send_signal(file, 0));
    for (int i = self; i <= file; i++)
        close(i);
}

int main(void)
{
    errors();
    waits();
    directories();
    /* Advice about one's own memory. */
    char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct iovec vector = {memory, 8192};
    int self = open_pidfd(getpid(), 0);
    memory[0] = 1;
    TRY(syscall(SYS_process_madvise, self, &vector, 1, MADV_COLD, 0));
    TRY(syscall(SYS_process_madvise, 99, &vector, 1, MADV_COLD, 0));
    int copy = dup(self);
    TRY(send_signal(copy, 0));
    TRY(waitid((idtype_t)P_PIDFD, (id_t)copy, NULL, WEXITED));
    return 0;
}

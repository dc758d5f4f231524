// SPDX-License-Identifier: GPL-2.0-only
/* hostile-guest.c: guests that want out.  hostile-guest WHAT [ARG]: prints "ok WHAT" when nothing got through, else "BAD ...".
 *
 * What a guest may reach: its own memory, the sandbox on the server, and nothing of the client machine. */
#include "tests/guests/guest.h"

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

static int bad;

static void got_through(const char *what, long result)
{
    say("BAD %s: %ld", what, result);
    bad = 1;
}

/* The call has to fail, whatever with. */
#define REFUSED(call) \
    do { \
        errno = 0; \
        long refused_result_ = (long)(call); \
        if (refused_result_ != -1) \
            got_through(#call, refused_result_); \
    } while (0)

static uint64_t state = 88172645463325252ull;
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static char page[65536];

static uint64_t random_argument(void)
{
    switch (next_random() % 9) {
    case 0: return 0;
    case 1: return 1;
    case 2: return (uint64_t)-1;
    case 3: return (uint64_t)(uintptr_t)page;
    case 4: return next_random() % 300;
    case 5: return next_random();
    case 6: return 0xffff800000000000ull + next_random() % 65536;
    case 7: return 1ull << (next_random() % 64);
    default: return 4096 + next_random() % 100;
    }
}

/* Calls that would only stop or end this process, or sleep for ever: they prove nothing. */
static int pointless(long nr)
{
    static const long numbers[] = {SYS_exit, SYS_exit_group, SYS_pause, SYS_rt_sigsuspend, SYS_rt_sigreturn, SYS_vfork, SYS_rt_sigtimedwait, SYS_kill,
                                   SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_munmap, SYS_mprotect, SYS_pkey_mprotect};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i] == nr)
            return 1;
    return 0;
}

/* Every call number with random arguments, each in a child with little time. */
static void every_call(int rounds)
{
    for (int round = 0; round < rounds; round++)
        for (long first = 0; first < 480; first += 16) {
            pid_t child = fork();
            if (child < 0) {
                say("fork: %s", error_name(errno));
                return;
            }
            if (child == 0) {
                close(1);
                alarm(1);
                state += (uint64_t)(first * 77 + round) * 0x9e3779b97f4a7c15ull;
                for (long nr = first; nr < first + 16; nr++)
                    if (!pointless(nr))
                        syscall(nr, random_argument(), random_argument(), random_argument(), random_argument(), random_argument(), random_argument());
                _exit(0);
            }
            reap(child);
        }
    for (long nr = 480; nr < 100000; nr += 997)
        if (syscall(nr, -1, -1, -1, -1, -1, -1) != -1)
            got_through("a number without a call", nr);
}

/* A call by another door: the process must be killed, or told that there is no such door. */
static void other_door(const char *what, void (*call)(void))
{
    pid_t child = fork();
    if (child == 0) {
        call();
        _exit(0);
    }
    int status = reap(child);
    if (!(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGKILL)) &&
        !(WIFEXITED(status) && WEXITSTATUS(status) == 42))
        got_through(what, status);
}
static void x32(void)
{
    if (syscall(0x40000000 + SYS_getpid) == -1 && errno == ENOSYS)
        _exit(42); /* a kernel without x32 */
}
static void int80(void)
{
    long result = 20; /* getpid of i386 */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    if (result == -ENOSYS)
        _exit(42);
}

static void doors(void)
{
    other_door("an x32 call", x32);
    other_door("an i386 call", int80);
    struct clone_args args = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
    REFUSED(syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0));
    REFUSED(syscall(SYS_clone3, &args, sizeof args));
    static const unsigned long spaces[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        REFUSED(syscall(SYS_clone, spaces[i] | SIGCHLD, 0, 0, 0, 0));
        REFUSED(syscall(SYS_unshare, spaces[i]));
    }
    REFUSED(syscall(SYS_io_uring_setup, 8, page));
    REFUSED(syscall(SYS_bpf, 0, page, 64));
    REFUSED(syscall(SYS_perf_event_open, page, 0, -1, -1, 0));
    REFUSED(syscall(SYS_userfaultfd, 0));
    REFUSED(syscall(SYS_seccomp, 1, 8, page)); /* a listener of the guest's own */
    REFUSED(mount("/", "/tmp", NULL, MS_BIND, NULL));
    REFUSED(syscall(SYS_pivot_root, "/", "/"));
    REFUSED(syscall(SYS_open_by_handle_at, AT_FDCWD, page, O_RDONLY));
}

/* The supervisor is pid 1 here, its threads 2 and 3. */
static void others(void)
{
    for (pid_t pid = 1; pid <= 3; pid++) {
        struct iovec local = {page, 64}, remote = {page, 64};
        REFUSED(ptrace(PTRACE_ATTACH, pid, 0, 0));
        REFUSED(ptrace(PTRACE_SEIZE, pid, 0, 0));
        REFUSED(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0));
        REFUSED(syscall(SYS_process_vm_writev, pid, &local, 1, &remote, 1, 0));
        REFUSED(syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
        REFUSED(syscall(SYS_pidfd_open, pid, 0));
        for (int signal = 1; signal < 65; signal++) {
            kill(pid, signal);
            syscall(SYS_tkill, pid, signal);
            syscall(SYS_tgkill, 1, pid, signal);
        }
        struct rlimit none = {0, 0};
        REFUSED(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &none, 0));
        syscall(SYS_sched_setaffinity, pid, 8, page);
        syscall(SYS_setpriority, PRIO_PROCESS, pid, 19);
    }
    REFUSED(ptrace(PTRACE_TRACEME, 0, 0, 0));
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    REFUSED(ptrace(PTRACE_ATTACH, child, 0, 0));
    kill(child, SIGKILL);
    reap(child);
}

/* What /proc tells, by whatever way to it, is of guests and of the sandbox: never of the supervisor, and nothing of the client's kernel is set by it. */
static void proc(void)
{
    static const char *const ways[] = {"/proc/%d/%s", "/proc/self/../%d/%s", "/proc//%d/%s", "/proc/%d/task/../%s"};
    static const char *const names[] = {"mem", "environ", "maps", "smaps", "auxv", "cmdline", "comm", "stat", "status", "numa_maps", "pagemap", "io", "limits"};
    static const char *const settings[] = {"sys/vm/overcommit_memory", "sys/vm/max_map_count", "sys/kernel/core_pattern", "sys/kernel/pid_max", "sysrq-trigger",
                                           "sys/kernel/threads-max", "sys/kernel/randomize_va_space", "meminfo", "self/maps", "self/statm"};
    char path[128];
    for (int pid = 1; pid <= 3; pid++)
        for (size_t i = 0; i < sizeof names / sizeof names[0] * 4; i++) {
            snprintf(path, sizeof path, ways[i % 4], pid, names[i / 4]);
            int fd = open(path, O_RDONLY);
            ssize_t n = fd < 0 ? -1 : read(fd, page, sizeof page - 1);
            if (n > 0 && (memmem(page, (size_t)n, "rsys-jail", 9) != NULL || memmem(page, (size_t)n, "libfuse", 7) != NULL))
                got_through(path, n);
            close(fd);
            fd = open(path, O_RDWR);
            if (fd >= 0 && strcmp(names[i / 4], "mem") == 0 && pwrite(fd, "x", 1, (off_t)(uintptr_t)page) == 1)
                got_through(path, fd);
            close(fd);
        }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        snprintf(path, sizeof path, "/proc/%s", settings[i]);
        int fd = open(path, O_RDWR);
        if (fd >= 0 && write(fd, "1", 1) >= 0)
            got_through(path, fd);
        close(fd);
    }
    REFUSED(open("/proc/2/maps", O_RDONLY));
    REFUSED(open("/proc/3/maps", O_RDONLY));
}

/* The executor keeps what it needs above the limit of descriptors; the client keeps nothing here at all. */
static void descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        got_through("getrlimit", errno);
    for (long fd = (long)limit.rlim_cur; fd < (long)limit.rlim_cur + 40; fd++) {
        REFUSED(fcntl((int)fd, F_GETFD));
        REFUSED(close((int)fd));
        REFUSED(dup2(0, (int)fd));
        REFUSED(read((int)fd, page, 0));
        REFUSED(write((int)fd, page, 1));
        REFUSED(recv((int)fd, page, 1, MSG_DONTWAIT));
        REFUSED(send((int)fd, page, 1, MSG_DONTWAIT));
        REFUSED(lseek((int)fd, 0, SEEK_CUR));
        REFUSED(openat((int)fd, "x", O_RDONLY));
    }
    syscall(SYS_close_range, 100, ~0u, 0);
    struct rlimit more = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_NOFILE, &more);
    for (int fd = 3; fd < 200000; fd += fd < 6000 ? 97 : 9973)
        REFUSED(fcntl(fd, F_GETFD));
    int fd = open("/", O_RDONLY);
    if (fd < 0)
        got_through("the executor lives after close_range", errno);
    close(fd);
}

/* A file of the client machine must not be there; nor by any way round through /proc. */
static void files(const char *path)
{
    char way[PATH_MAX];
    static const char *const ways[] = {"%s", "/..%s", "/proc/self/root%s", "/proc/1/root%s", "/proc/2/root%s", "/proc/3/root%s", "/proc/1/cwd%s",
                                       "/proc/self/cwd/../../../../..%s", "/proc/1/task/2/root%s", "/proc/thread-self/root/..%s"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        snprintf(way, sizeof way, ways[i], path);
        REFUSED(open(way, O_RDONLY));
        REFUSED(open(way, O_RDWR | O_CREAT, 0600));
        REFUSED(execl(way, "x", (char *)NULL));
        REFUSED(access(way, F_OK));
        REFUSED(symlink(way, "link") == 0 ? open("link", O_RDONLY) : -1);
        unlink("link");
    }
    for (int fd = 0; fd < 64; fd++) {
        snprintf(way, sizeof way, "/proc/1/fd/%d", fd);
        REFUSED(open(way, O_RDWR));
        if (fd > 2)
            REFUSED(syscall(SYS_pidfd_getfd, fd, fd, 0));
    }
    REFUSED(open("/dev/fuse", O_RDWR));
    REFUSED(open("/dev/mem", O_RDONLY));
    REFUSED(open("/dev/kmsg", O_RDONLY));
    REFUSED(open("/dev/vda", O_RDONLY));
    REFUSED(open("/sys/kernel/notes", O_RDONLY));
    REFUSED(open("/proc/sys/kernel/core_pattern", O_WRONLY));
    REFUSED(open("/proc/sysrq-trigger", O_WRONLY));
}

/* Try to outlive the session: daemons in sessions of their own, stopped, ignoring everything.  They have the given name. */
static void outlive(const char *name)
{
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_NAME, name);
            setsid();
            for (int signal = 1; signal < 65; signal++)
                if (signal != SIGCHLD)
                    sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
            if (fork() != 0)
                _exit(0);
            prctl(PR_SET_NAME, name);
            if (i % 3 == 0)
                raise(SIGSTOP);
            if (i % 3 == 1)
                for (;;)
                    syscall(SYS_getppid);
            for (;;)
                pause();
        }
        reap(child);
    }
}

/* Memory that changes while the supervisor reads it: the call that runs must be the one that was looked at. */
static char swapped[64] = "/etc/hostname";
static volatile int swapping = 1;
static void *swap(void *secret)
{
    while (swapping) {
        strcpy(swapped, secret);
        strcpy(swapped, "/etc/hostname");
    }
    return NULL;
}
static void race(const char *secret)
{
    pthread_t thread;
    char text[64];
    if (strlen(secret) >= sizeof swapped || pthread_create(&thread, NULL, swap, (void *)secret) != 0)
        return;
    for (int i = 0; i < 3000; i++) {
        int fd = open(swapped, O_RDONLY);
        if (fd < 0)
            continue;
        ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        if (n >= 7 && memcmp(text, "outside", 7) == 0)
            got_through("a path that was swapped", i);
    }
    swapping = 0;
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const char *argument = argc > 2 ? argv[2] : "";
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(what, "every-call") == 0)
        every_call(atoi(argument));
    else if (strcmp(what, "doors") == 0)
        doors();
    else if (strcmp(what, "others") == 0)
        others();
    else if (strcmp(what, "proc") == 0)
        proc();
    else if (strcmp(what, "descriptors") == 0)
        descriptors();
    else if (strcmp(what, "files") == 0)
        files(argument);
    else if (strcmp(what, "race") == 0)
        race(argument);
    else if (strcmp(what, "outlive") == 0)
        outlive(argument);
    else
        return 2;
    if (!bad)
        say("ok %s", what);
    return bad;
}

// SPDX-License-Identifier: GPL-2.0-only
/* seccomp-own.c: a guest's own filters: refusals, traps and kills, of calls of both sides; inherited, stacked, told of */
#include "guest.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <ucontext.h>

static int install(long nr, uint32_t action, bool by_prctl)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    if (by_prctl)
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static volatile int trapped, trapped_nr;

static void handler(int number, siginfo_t *info, void *context)
{
    trapped = number;
    trapped_nr = info->si_syscall;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = -ENOTNAM;
}

static void status(void)
{
    char text[8192];
    int fd = (int)MUST(open("/proc/self/status", O_RDONLY));
    ssize_t n = MUST(read(fd, text, sizeof text - 1));
    text[n] = 0;
    close(fd);
    const char *line = strstr(text, "Seccomp:");
    say("%.*s", (int)strcspn(line, "\n"), line);
}

static void end_of(const char *what, uint32_t action, long nr)
{
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        install(nr, action, false);
        syscall(nr, "x", 0, 0, 0);
        say("went on");
        _exit(0);
    }
    say_end(what, child);
}

static void *other_thread(void *argument)
{
    errno = 0;
    mkdir("by-thread", 0755);
    say("the thread: %s", error_name(errno));
    return argument;
}

int main(void)
{
    pthread_t id;
    TRY(prctl(PR_GET_SECCOMP));
    status();
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    uint32_t action = SECCOMP_RET_TRAP;
    TRY(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
    action = 0x12340000;
    TRY(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
    TRY(install(SYS_mkdir, SECCOMP_RET_ERRNO | EDOM, false));
    TRY(mkdir("refused", 0755));
    TRY(mkdirat(AT_FDCWD, "made", 0755));
    TRY(prctl(PR_GET_SECCOMP));
    status();
    TRY(install(SYS_rmdir, SECCOMP_RET_ERRNO | ERANGE, true));
    TRY(rmdir("made"));
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &sa, NULL);
    TRY(install(SYS_symlink, SECCOMP_RET_TRAP | 7, false));
    TRY(symlink("a", "b"));
    say("%s of %s", sigabbrev_np(trapped), trapped_nr == SYS_symlink ? "symlink" : "something else");
    TRY(install(SYS_getpriority, SECCOMP_RET_TRAP, false));
    TRY(getpriority(PRIO_PROCESS, 0));
    say("%s of %s", sigabbrev_np(trapped), trapped_nr == SYS_getpriority ? "getpriority" : "something else");
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        TRY(mkdir("refused", 0755));
        execl("/bin/sh", "sh", "-c", "mkdir refused 2>/dev/null; echo $?; grep '^Seccomp:' /proc/self/status", NULL);
        _exit(9);
    }
    say_end("child", child);
    pthread_create(&id, NULL, other_thread, NULL);
    pthread_join(id, NULL);
    signal(SIGSYS, SIG_DFL);
    end_of("killed process", SECCOMP_RET_KILL_PROCESS, SYS_link);
    end_of("killed thread", SECCOMP_RET_KILL_THREAD, SYS_link);
    end_of("killed at a local call", SECCOMP_RET_KILL_PROCESS, SYS_getpgid);
    end_of("logged", SECCOMP_RET_LOG, SYS_getpgid);
    list_tree(".");
    return 0;
}

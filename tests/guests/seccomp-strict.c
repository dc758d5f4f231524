// SPDX-License-Identifier: GPL-2.0-only
/* seccomp-strict.c: a guest whose own filter kills it for all but a few calls: mappings of files, waits that signals interrupt, ends of local descriptors */
#include "guest.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>

static const unsigned allowed[] = {SYS_read, SYS_write, SYS_exit_group, SYS_mmap, SYS_munmap, SYS_rt_sigreturn, SYS_setitimer};

static void install(void)
{
    enum { COUNT = sizeof allowed / sizeof *allowed };
    struct sock_filter code[COUNT + 3] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    for (unsigned i = 0; i < COUNT; i++)
        code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], (uint8_t)(COUNT - i), 0);
    code[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {COUNT + 3, code};
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static volatile int alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void tell(const char *what, long result)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%s: %ld %s\n", what, result, result < 0 ? error_name(errno) : "");
    (void)!write(1, text, (size_t)n);
}

static void strict(int file, int other, int pipe_end)
{
    struct itimerval in = {.it_value = {.tv_usec = 60000}};
    char byte;
    install();
    char *first = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    tell("the first file", first == MAP_FAILED ? -1 : first[0]);
    char *second = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, 0);
    tell("the second file", second == MAP_FAILED ? -1 : second[0]);
    setitimer(ITIMER_REAL, &in, NULL);
    tell("interrupted", read(pipe_end, &byte, 1));
    tell("alarms", alarms);
    syscall(SYS_exit_group, 7);
}

int main(void)
{
    int file = (int)MUST(open("first", O_RDWR | O_CREAT, 0644)), other = (int)MUST(open("second", O_RDWR | O_CREAT, 0644)), ends[2], reader;
    struct sigaction action = {.sa_handler = on_alarm};
    MUST(write(file, "1", 1));
    MUST(write(other, "2", 1));
    reader = (int)MUST(open("second", O_RDONLY));
    MUST(pipe(ends));
    MUST(sigaction(SIGALRM, &action, NULL));
    pid_t child = (pid_t)MUST(fork());
    if (child == 0)
        strict(file, reader, ends[0]);
    say_end("strict", child);
    child = (pid_t)MUST(fork());
    if (child == 0) {
        install();
        syscall(SYS_close, 0);
        syscall(SYS_exit_group, 8);
    }
    say_end("killed for a close", child);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* without-ulp.c: run a program for which the kernel's TLS does not exist: setsockopt(TCP_ULP) says that the protocol is not known */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, rest) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (rest))

int main(int argc, char **argv)
{
    struct sock_filter filter[] = {
        LOAD(nr), UNLESS(SYS_setsockopt, 5), LOAD(args[1]), UNLESS(IPPROTO_TCP, 3), LOAD(args[2]), UNLESS(TCP_ULP, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOENT), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    /* As root without no_new_privs, which a server's children are not to have from here. */
    if (argc < 2 || (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 &&
                     (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)))
        return 125;
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}

// SPDX-License-Identifier: GPL-2.0-only
/* signals-altstack.c: a handler on a stack of its own, SA_RESETHAND, SA_NODEFER, SIGSEGV caught */
// also: preload
#include "guest.h"

#include <setjmp.h>

static sigjmp_buf back;
static char stack[65536];
static void handler(int number)
{
    char here;
    say("%s on the other stack: %d", sigabbrev_np(number), &here > stack && &here < stack + sizeof stack);
    if (number == SIGSEGV)
        siglongjmp(back, 1);
}

int main(void)
{
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_RESETHAND};
    TRY(sigaltstack(&alternative, NULL));
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        raise(SIGUSR1);
        _exit(9);
    }
    say_end("child", child);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(back, 1) == 0)
        *(volatile int *)16 = 1;
    say("went on");
    child = (pid_t)MUST(fork());
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile int *)16 = 1;
        _exit(9);
    }
    say_end("child", child);
    return 0;
}

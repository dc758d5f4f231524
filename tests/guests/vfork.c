// SPDX-License-Identifier: GPL-2.0-only
/* vfork.c: the parent waits until exec or exit; memory is shared */
// also: tls preload
#include "guest.h"

int main(void)
{
    volatile int value = 1;
    pid_t child = vfork();
    if (child == 0) {
        value = 2;
        _exit(3);
    }
    say("%d", value);
    say_end("child", child);
    child = vfork();
    if (child == 0) {
        execl("/bin/echo", "echo", "by vfork and exec", NULL);
        _exit(9);
    }
    say_end("child", child);
    child = vfork();
    if (child == 0) {
        execl("/none", "none", NULL);
        value = errno;
        _exit(127);
    }
    say("%s", error_name(value));
    say_end("child", child);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* capabilities.c: a guest gives up what it has, as daemons do, and still forks, makes threads and executes */
// also: preload
#include "guest.h"

#include <linux/capability.h>
#include <sys/prctl.h>

static struct __user_cap_header_struct head;
static struct __user_cap_data_struct data[2];

static void show(const char *when)
{
    head = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
    MUST(syscall(SYS_capget, &head, data));
    say("%s: effective %x %x, permitted %x %x, inheritable %x %x", when, data[1].effective, data[0].effective, data[1].permitted, data[0].permitted,
        data[1].inheritable, data[0].inheritable);
    char text[8192];
    int fd = (int)MUST(open("/proc/self/status", O_RDONLY));
    ssize_t n = MUST(read(fd, text, sizeof text - 1));
    text[n] = 0;
    close(fd);
    const char *line = strstr(text, "CapInh:");
    say("%.*s", (int)(strstr(line, "CapBnd:") - line), line);
}

static void *thread(void *argument)
{
    say("a thread, uid %d", getuid());
    return argument;
}

static void still_works(void)
{
    pthread_t id;
    MUST(pthread_create(&id, NULL, thread, NULL) == 0 ? 0 : -1);
    pthread_join(id, NULL);
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "(exit 3); echo $?; grep '^CapEff' /proc/self/status; grep '^CapPrm' /proc/self/status", NULL);
        _exit(9);
    }
    say_end("shell", child);
}

static void drop(uint32_t version)
{
    memset(data, 0, sizeof data);
    head = (struct __user_cap_header_struct){.version = version};
    TRY(syscall(SYS_capset, &head, data));
}

int main(void)
{
    bool root = getuid() == 0;
    MUST(prctl(PR_SET_KEEPCAPS, 0));
    show("at first");
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
        head = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_1};
        drop(_LINUX_CAPABILITY_VERSION_1);
        show("without any, the old way");
        still_works();
        _exit(0);
    }
    say_end("child", child);
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHECKPOINT_RESTORE, 0, 0));
    if (root && setresuid(1000, 1000, 1000) == 0)
        show("as another user");
    drop(_LINUX_CAPABILITY_VERSION_3);
    show("without any");
    drop(12345);
    say("preferred %x", head.version);
    data[0].permitted = data[0].effective = 1;
    head = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
    TRY(syscall(SYS_capset, &head, data));
    TRY(syscall(SYS_capset, NULL, data));
    TRY(syscall(SYS_capset, &head, NULL));
    TRY(syscall(SYS_capget, &head, NULL));
    still_works();
    return 0;
}

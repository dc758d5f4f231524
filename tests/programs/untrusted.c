// SPDX-License-Identifier: GPL-2.0-only
/* untrusted.c: what is run in a virtual machine and does its work in the sandbox of the machine's host (tests/vm/cases/vsock-nested.sh).  It says what it could do:
 * the policy lets it write below /box, and denies it directories. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *outcome(int result) { return result < 0 ? strerror(errno) : "done"; }

int main(int argc, char **argv)
{
    struct utsname here;
    if (uname(&here) < 0)
        return 1;
    printf("host name: %s\n", here.nodename);
    int fd = open("/box/written", O_CREAT | O_EXCL | O_WRONLY, 0644);
    printf("make /box/written: %s\n", outcome(fd));
    printf("write it: %s\n", outcome((int)write(fd, "by the untrusted program\n", 25)));
    printf("make the directory /box/denied: %s\n", outcome(mkdir("/box/denied", 0755)));
    printf("look at the machine's own /vm/script: %s\n", outcome(access("/vm/script", F_OK)));
    printf("look at the host's own /host-only: %s\n", outcome(access("/host-only", F_OK)));
    if (argc > 1) { /* stay until somebody ends the machine */
        printf("staying\n");
        fflush(stdout);
        pause();
    }
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* dnotify.c: fcntl's F_NOTIFY: signals for what happens in a directory */
#include "guest.h"

static volatile int count;
static void handler(int number)
{
    (void)number;
    count++;
}

static void make(const char *name)
{
    int before = count, fd = (int)MUST(open(name, O_CREAT | O_WRONLY, 0644));
    close(fd);
    say("%s: %d signals", name, count - before);
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGIO, &action, NULL);
    int directory = (int)MUST(open(".", O_RDONLY | O_DIRECTORY));
    make("before");
    TRY(fcntl(directory, F_NOTIFY, DN_CREATE));
    make("once");
    make("no more");
    TRY(fcntl(directory, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT));
    make("each");
    make("time");
    int before = count;
    TRY(unlink("time"));
    TRY(chmod("each", 0600));
    say("%d signals", count - before);
    TRY(fcntl(directory, F_NOTIFY, 0));
    make("none");
    int file = (int)MUST(open("each", O_RDONLY));
    TRY(fcntl(file, F_NOTIFY, DN_CREATE));
    TRY(fcntl(-1, F_NOTIFY, DN_CREATE));
    list_tree(".");
    return 0;
}

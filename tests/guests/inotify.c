// SPDX-License-Identifier: GPL-2.0-only
/* inotify.c: changes in a directory are told in order */
// also: preload
#include "guest.h"

#include <sys/inotify.h>

int main(void)
{
    static char buffer[4096] __attribute__((aligned(8)));
    int fd = (int)TRY(inotify_init1(IN_NONBLOCK));
    MUST(mkdir("d", 0755));
    TRY(inotify_add_watch(fd, "d", IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE));
    make_file("d/a", "x");
    MUST(rename("d/a", "d/b"));
    MUST(unlink("d/b"));
    long n = read(fd, buffer, sizeof buffer);
    for (long at = 0; at < n;) {
        struct inotify_event *event = (struct inotify_event *)(buffer + at);
        say("%x %s", event->mask, event->len != 0 ? event->name : "");
        at += (long)sizeof *event + event->len;
    }
    TRY(read(fd, buffer, sizeof buffer));
    TRY(inotify_rm_watch(fd, 1));
    TRY(inotify_rm_watch(fd, 1));
    TRY(inotify_add_watch(fd, "none", IN_CREATE));
    return 0;
}

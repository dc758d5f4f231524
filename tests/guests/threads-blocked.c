// SPDX-License-Identifier: GPL-2.0-only
/* threads-blocked.c: a thread that blocks in a read does not delay the others */
// also: preload
#include "guest.h"

static int p[2];
static void *reader(void *unused)
{
    char text[16] = "";
    say("read %ld %s", (long)read(p[0], text, sizeof text), text);
    return unused;
}

int main(void)
{
    pthread_t thread;
    MUST(pipe(p));
    pthread_create(&thread, NULL, reader, NULL);
    for (int i = 0; i < 300; i++) {
        int fd = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
        MUST(write(fd, "x", 1));
        MUST(close(fd));
    }
    say("three hundred while it blocks");
    MUST(write(p[1], "enough", 6));
    pthread_join(thread, NULL);
    return 0;
}

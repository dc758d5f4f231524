// SPDX-License-Identifier: GPL-2.0-only
/* threads-many.c: threads come and go; descriptors, directories and ids are theirs together */
// also: preload
#include "guest.h"

static void *opener(void *name)
{
    int fd = open(name, O_CREAT | O_WRONLY, 0644);
    chdir("d");
    return (void *)(long)fd;
}
static void *nothing(void *unused)
{
    return (void *)(long)(gettid() != getpid());
}

int main(void)
{
    char text[PATH_MAX];
    pthread_t thread;
    void *fd;
    MUST(mkdir("d", 0755));
    pthread_create(&thread, NULL, opener, "made-by-thread");
    pthread_join(thread, &fd);
    TRY(write((int)(long)fd, "by main", 7));
    say("%s", getcwd(text, sizeof text));
    long others = 0;
    for (int i = 0; i < 150; i++) {
        pthread_create(&thread, NULL, nothing, NULL);
        pthread_join(thread, &fd);
        others += (long)fd;
    }
    say("%ld", others);
    MUST(chdir("/work"));
    list_tree(".");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* threads-remote.c: eight threads make remote calls at once, each with its own file */
// also: tls preload
#include "guest.h"

static void *work(void *argument)
{
    long n = (long)argument;
    char name[32], text[32];
    snprintf(name, sizeof name, "thread-%ld", n);
    long bad = 0;
    for (int i = 0; i < 100; i++) {
        int fd = open(name, O_CREAT | O_RDWR, 0644);
        int length = snprintf(text, sizeof text, "%ld %d", n, i);
        char back[32] = "";
        struct stat st;
        bad += pwrite(fd, text, (size_t)length, i * 8) != length;
        bad += pread(fd, back, (size_t)length, i * 8) != length;
        bad += memcmp(text, back, (size_t)length) != 0;
        bad += fstat(fd, &st) != 0;
        bad += close(fd) != 0;
    }
    return (void *)bad;
}

int main(void)
{
    pthread_t threads[8];
    for (long i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < 8; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        say("%ld wrong", (long)bad);
    }
    list_tree(".");
    return 0;
}

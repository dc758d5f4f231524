// SPDX-License-Identifier: GPL-2.0-only
/* signals-storm.c: a thousand signals while files are read and written: nothing is lost or done twice */
// also: preload
#include "guest.h"

static volatile int count;
static void handler(int number)
{
    (void)number;
    count++;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    int done[2];
    MUST(pipe(done));
    pid_t parent = getpid(), child = (pid_t)MUST(fork());
    if (child == 0) {
        close(done[1]);
        char c;
        struct pollfd poll_done = {.fd = done[0], .events = POLLIN};
        while (poll(&poll_done, 1, 0) == 0) {
            kill(parent, SIGUSR1);
            usleep(200);
        }
        read(done[0], &c, 1);
        _exit(0);
    }
    while (count == 0)
        ;
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR | O_APPEND, 0644));
    int wrong = 0;
    for (int i = 0; i < 1500; i++)
        wrong += write(fd, "0123456789", 10) != 10;
    struct stat st;
    MUST(fstat(fd, &st));
    say("%d wrong, %ld bytes", wrong, (long)st.st_size);
    MUST(close(done[1]));
    say_end("child", child);
    list_tree(".");
    return 0;
}

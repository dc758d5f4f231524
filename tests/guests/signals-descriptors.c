// SPDX-License-Identifier: GPL-2.0-only
/* signals-descriptors.c: descriptors that are closed, marked and duplicated while signals come, whose handler opens and closes others */
// also: preload
#include "guest.h"

#define ROUNDS 400

static volatile int handled, wrong, over;

static void handler(int number)
{
    (void)number;
    int saved = errno, fd = open("file", O_RDONLY);
    char byte = 0;
    if (fd < 0 || read(fd, &byte, 1) != 1 || byte != 'x' || close(fd) != 0)
        wrong++;
    handled++;
    if (!over)
        setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 100 + handled * 37 % 900}}, NULL); /* the next one, once there was some progress */
    errno = saved;
}

static void expect(bool right, const char *what)
{
    if (!right && wrong++ < 5)
        say("wrong: %s (%s)", what, error_name(errno));
}

int main(void)
{
    make_file("file", "x");
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    raise(SIGALRM);
    for (int round = 0; round < ROUNDS; round++) {
        int p[2] = {-1, -1}, copy;
        char byte = 0;
        expect(pipe(p) == 0, "pipe");
        expect((copy = dup(1)) > 2, "dup");
        expect(dup2(p[1], copy) == copy, "dup2");
        expect(fcntl(copy, F_SETFD, FD_CLOEXEC) == 0 && fcntl(copy, F_GETFD) == FD_CLOEXEC, "FD_CLOEXEC");
        expect(close(p[1]) == 0, "close");
        expect(close(p[1]) == -1 && errno == EBADF, "close again");
        expect(write(copy, "y", 1) == 1, "write");
        expect(close(copy) == 0, "close the last writer");
        expect(read(p[0], &byte, 1) == 1 && byte == 'y', "read");
        expect(read(p[0], &byte, 1) == 0, "end of file");
        expect(close(p[0]) == 0, "close the reader");
    }
    over = 1;
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    say("handled some: %s", handled > 0 ? "yes" : "no");
    say("wrong: %d", wrong);
    expect(open("file", O_RDONLY) == 3, "the lowest number");
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* side-by-side-threads.c: threads of one table make and close connections, files and children all at once, under a storm of signals: no number is ever somebody else's */
// also: tls
/* limit: 60 */
#include "guest.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define ROUNDS 60
#define CLIENTS 3

static struct sockaddr_in address = {.sin_family = AF_INET};
static int listener;
static _Atomic unsigned served, fetched, read_back, children, wrong;

static void check(bool good)
{
    if (!good)
        wrong++;
}

/* Each of our connections, also when its accept was interrupted. */
static void *serve(void *argument)
{
    for (int i = 0; i < CLIENTS * ROUNDS; i++) {
        char text[32];
        int fd = accept4(listener, NULL, NULL, i % 2 ? SOCK_CLOEXEC : 0);
        if (fd < 0)
            say("accept: %s", error_name(errno));
        long n = fd < 0 ? -1 : read(fd, text, sizeof text);
        check(n > 0 && write(fd, text, (size_t)n) == n && close(fd) == 0);
        served++;
    }
    return argument;
}

static void *fetch(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        char text[32], got[32] = "";
        int n = snprintf(text, sizeof text, "%ld.%d", (long)argument, i), fd = socket(AF_INET, SOCK_STREAM, 0), twin = -1;
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
            say("connect: %s", error_name(errno));
        if (i % 3 == 0)
            check((twin = dup(fd)) >= 0 && close(fd) == 0);
        else
            twin = fd;
        check(write(twin, text, (size_t)n) == n && read(twin, got, sizeof got) == n && strcmp(text, got) == 0);
        check(close(twin) == 0);
        fetched++;
    }
    return NULL;
}

/* Files and pipes, whose numbers are the same ones in turn. */
static void *keep_files(void *argument)
{
    char name[32];
    snprintf(name, sizeof name, "file%ld", (long)argument);
    for (int i = 0; i < 4 * ROUNDS; i++) {
        char got[32] = "";
        int p[2], fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
        check(fd >= 0 && pipe(p) == 0 && write(fd, name, strlen(name)) == (long)strlen(name) && write(p[1], "x", 1) == 1);
        check(pread(fd, got, sizeof got, 0) == (long)strlen(name) && strcmp(got, name) == 0 && read(p[0], got, 1) == 1);
        check(close(p[0]) == 0 && close(fd) == 0 && close(p[1]) == 0);
        read_back++;
    }
    return NULL;
}

/* A child has what was open when it was made: the listener, and a connection of its own. */
static void *fork_off(void *argument)
{
    for (int i = 0; i < ROUNDS / 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct sockaddr_in own;
            socklen_t length = sizeof own;
            int fd = socket(AF_INET, SOCK_DGRAM, 0);
            bool good = getsockname(listener, (struct sockaddr *)&own, &length) == 0 && own.sin_port == address.sin_port && fd >= 0 && close(fd) == 0 && close(fd) < 0;
            _exit(good ? 0 : 1);
        }
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        check(child > 0 && status == 0);
        children++;
    }
    return argument;
}

static void on_signal(int number) {}

int main(void)
{
    void *(*const bodies[])(void *) = {serve, fetch, fetch, fetch, keep_files, keep_files, fork_off};
    pthread_t threads[sizeof bodies / sizeof bodies[0]];
    struct itimerval often = {{0, 3000}, {0, 3000}};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(bind(listener, (struct sockaddr *)&address, sizeof address));
    MUST(listen(listener, 64));
    MUST(getsockname(listener, (struct sockaddr *)&address, &length));
    MUST(sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART}, NULL));
    MUST(setitimer(ITIMER_REAL, &often, NULL));
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        MUST(pthread_create(&threads[i], NULL, bodies[i], (void *)i) == 0 ? 0 : -1);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        pthread_join(threads[i], NULL);
    often = (struct itimerval){{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    say("served %u, fetched %u, files %u, children %u, wrong %u", served, fetched, read_back, children, wrong);
    say("the lowest number: %d", (int)MUST(open("file4", O_RDONLY)));
    return 0;
}

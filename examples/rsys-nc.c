/* SPDX-License-Identifier: GPL-2.0-only */
/* rsys-nc.c: connects to a TCP port from the sandbox's network, sends standard input there and writes what comes back.
 *
 *     rsys-nc ADDRESS IPV4 PORT        e.g. printf 'GET / HTTP/1.0\r\n\r\n' | rsys-nc tcp:127.0.0.1:9000 10.0.0.5 80
 *
 * The sandbox's network is what the server's policy says; this machine's is not used but for the session. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <rsys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rsys_session *session;
static int connection;

static int fail(const char *what, ssize_t error)
{
    fprintf(stderr, "rsys-nc: %s: %s\n", what, strerror((int)-error));
    return 1;
}

/* A thread of its own: each waits in its own call, and neither keeps the other from its. */
static void *send_input(void *argument)
{
    char buffer[16384];
    ssize_t got;
    while ((got = read(0, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0, put; done < got; done += put)
            if ((put = rsys_send(session, connection, buffer + done, (size_t)(got - done), 0)) < 0)
                return NULL;
    rsys_shutdown(session, connection, SHUT_WR);
    return NULL;
}

static int talk(const struct sockaddr_in *address)
{
    char buffer[16384];
    pthread_t sender;
    ssize_t got;
    connection = rsys_socket(session, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return fail("socket", connection);
    int failed = rsys_connect_socket(session, connection, (const struct sockaddr *)address, sizeof *address);
    if (failed < 0)
        return fail("connect", failed);
    if ((failed = pthread_create(&sender, NULL, send_input, NULL)) != 0)
        return fail("a thread", -failed);
    pthread_detach(sender); /* it may wait for input that nobody needs any more: it ends with the program */
    while ((got = rsys_recv(session, connection, buffer, sizeof buffer, 0)) > 0)
        if (fwrite(buffer, 1, (size_t)got, stdout) != (size_t)got)
            return fail("standard output", -errno);
    return got < 0 ? fail("receive", got) : fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
    struct rsys_error *error = NULL;
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (argc != 4 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) {
        fprintf(stderr, "usage: rsys-nc ADDRESS IPV4 PORT\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)atoi(argv[3]));
    session = rsys_connect(argv[1], NULL, &error);
    if (session == NULL) {
        fprintf(stderr, "rsys-nc: %s\n", rsys_error_text(error));
        rsys_error_free(error);
        return 1;
    }
    return talk(&address); /* the end of the process ends the session: another thread may be using it */
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* speak.c: what holds for connections of every transport. */
#include "tests/unit/speak.h"

#include "src/core/util.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct rsys_address *parse(const char *text)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_address *address = rsys_address_parse(text, &err);
    ck_assert_msg(address != NULL, "%s", rsys_error_text(err));
    return address;
}

void wait_for(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&wait, 1, 5000), 1);
}

void speak(const char *listen_text, const char *connect_text)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_address *there = parse(listen_text);
    char name[200], buffer[8];
    struct rsys_peer peer;
    RSYS_AUTO_FD listener = rsys_address_listen(there, &err);
    ck_assert_msg(listener >= 0, "%s", rsys_error_text(err));
    ck_assert(fcntl(listener, F_GETFD) & FD_CLOEXEC);
    ck_assert_int_eq(rsys_address_accept(there, listener, &peer), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(rsys_listener_name(there, listener, name, sizeof name), 0);

    struct rsys_address *here = parse(connect_text != NULL ? connect_text : name);
    RSYS_AUTO_FD one = rsys_address_connect(here, 5000, &err);
    ck_assert_msg(one >= 0, "%s", rsys_error_text(err));
    wait_for(listener);
    RSYS_AUTO_FD two = rsys_address_accept(there, listener, &peer);
    ck_assert_int_ge(two, 0);
    ck_assert_str_ne(peer.text, "");
    for (int i = 0; i < 2; i++) {
        int fd = i == 0 ? one : two;
        ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        ck_assert(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
    }
    if (strncmp(name, "tcp:", 4) == 0) {
        int value = 0;
        socklen_t size = sizeof value;
        ck_assert_int_eq(getsockopt(one, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
        ck_assert_int_ne(value, 0);
        ck_assert_int_eq(getsockopt(two, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
        ck_assert_int_ne(value, 0);
    }
    ck_assert_int_eq(rsys_send_all(one, "hello", 6, 1000), 0);
    ck_assert_int_eq(rsys_receive_all(two, buffer, 6, 1000), 0);
    ck_assert_str_eq(buffer, "hello");
    ck_assert_int_eq(rsys_send_all(two, "there", 6, -1), 0);
    ck_assert_int_eq(rsys_receive_all(one, buffer, 6, -1), 0);
    ck_assert_str_eq(buffer, "there");
    rsys_close(rsys_fd_steal(&two));
    ck_assert_int_eq(rsys_receive_all(one, buffer, 1, 5000), -1);
    ck_assert_int_eq(errno, EPIPE);
    rsys_address_unlisten(there);
    rsys_address_free(here);
    rsys_address_free(there);
}

void speak_large(int one, int two, int mode)
{
    size_t total = 3000003;
    unsigned char *data = malloc(total);
    for (size_t i = 0; i < total; i++)
        data[i] = (unsigned char)(i * 7 + i / 4096);
    pid_t child = fork();
    if (child == 0) {
        close(one);
        fcntl(two, F_SETFL, mode == 0 ? 0 : O_NONBLOCK);
        struct iovec iov[4] = {{data, 0}, {data, 5}, {data + 5, 1000000}, {data + 1000005, total - 1000005}};
        _exit(rsys_send_iov(two, iov, 4, mode == 2 ? 10000 : -1) == 0 ? 0 : 1);
    }
    close(two);
    fcntl(one, F_SETFL, mode == 0 ? 0 : O_NONBLOCK);
    unsigned char *got = calloc(1, total);
    ck_assert_msg(rsys_receive_all(one, got, total, mode == 2 ? 10000 : -1) == 0, "%s", strerror(errno));
    ck_assert_int_eq(memcmp(got, data, total), 0);
    ck_assert_int_eq(rsys_receive_all(one, got, 1, -1), -1);
    ck_assert_int_eq(errno, EPIPE);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close(one);
    free(data);
    free(got);
}

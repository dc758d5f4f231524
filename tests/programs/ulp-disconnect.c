// SPDX-License-Identifier: GPL-2.0-only
/* ulp-disconnect.c: whether a socket with the kernel's TLS can be disconnected (and so connected elsewhere): 0: it cannot, which sandbox/pin.c may count on */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    socklen_t size = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&name, &size) < 0 ||
        connect(fd, (struct sockaddr *)&name, sizeof name) < 0 || setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") < 0) {
        perror("ulp-disconnect");
        return 125;
    }
    int result = connect(fd, &nowhere, sizeof nowhere);
    printf("connect to AF_UNSPEC: %s\n", result == 0 ? "done" : strerror(errno));
    return result == 0;
}

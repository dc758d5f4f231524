// SPDX-License-Identifier: GPL-2.0-only
/* large-transfer.c: reads and writes of several MiB in one call, with the data checked */
// also: tls preload
#include "guest.h"

int main(void)
{
    static unsigned char data[5 << 20], back[5 << 20];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 2654435761u >> 13);
    int fd = (int)MUST(open("f", O_CREAT | O_RDWR, 0644));
    TRY(write(fd, data, sizeof data));
    TRY(pread(fd, back, sizeof back, 0));
    CHECK(memcmp(data, back, sizeof data) == 0);
    memset(back, 0, sizeof back);
    TRY(pread(fd, back, sizeof back, 4 << 20));
    CHECK(memcmp(data + (4 << 20), back, 1 << 20) == 0);
    struct iovec iov[2] = {{back, 3 << 20}, {back + (3 << 20), 2 << 20}};
    TRY(preadv(fd, iov, 2, 0));
    CHECK(memcmp(data, back, sizeof data) == 0);
    list_tree(".");
    return 0;
}

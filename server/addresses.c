/* SPDX-License-Identifier: GPL-2.0-only */
/* addresses.c: an address for each session.
 *
 * Which are taken is told by locks on the bytes of one file, as with ranges.c: a lock goes with its holder, however that ends.  An address' byte is found by a
 * hash of it and of the network namespace: it takes 2^62 of them for two to meet. */
#include "server/addresses.h"

#include "src/core/util.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ADDRESSES_FILE "/run/rsys-addresses.lock"
#define TRIES_MAX 65536u /* of a pool: more sessions than there can be */

static uint64_t place_of(uint64_t namespace, int which, const uint8_t address[16])
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    uint8_t bytes[25];
    memcpy(bytes, &namespace, 8);
    bytes[8] = (uint8_t)which;
    memcpy(bytes + 9, address, 16);
    for (size_t i = 0; i < sizeof bytes; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash >> 2;
}

static bool take(int fd, uint64_t place)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)place, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* The pool's nth address, n from 1; false: it has none. */
static bool nth_address(const struct rsys_subnet *subnet, int which, uint32_t n, uint8_t ret[16])
{
    unsigned bits = which == RSYS_IPV4 ? 32 : 128, room = bits - subnet->prefix;
    uint8_t *end = ret + bits / 8 - 4;
    uint32_t low;
    memcpy(ret, subnet->address, 16);
    /* IPv4's last is the broadcast's. */
    if (room < 32 && n >= (1u << room) - (which == RSYS_IPV4 ? 1 : 0))
        return false;
    memcpy(&low, end, sizeof low);
    low = htonl(ntohl(low) + n); /* the bits behind the prefix are 0 */
    memcpy(end, &low, sizeof low);
    return true;
}

int server_address_take(const struct rsys_subnet *subnet, int which, uint8_t ret[16], struct rsys_error **err)
{
    char text[INET6_ADDRSTRLEN];
    struct stat namespace;
    inet_ntop(which == RSYS_IPV4 ? AF_INET : AF_INET6, subnet->address, text, sizeof text);
    RSYS_AUTO_FD fd = open(ADDRESSES_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return rsys_error_make(err, errno, "stage network: open %s, which tells the addresses that are taken", ADDRESSES_FILE);
    if (stat("/proc/self/ns/net", &namespace) < 0)
        return rsys_error_make(err, errno, "stage network: look at /proc/self/ns/net");
    if (!subnet->pool) {
        memcpy(ret, subnet->address, 16);
        if (take(fd, place_of(namespace.st_ino, which, ret)))
            return rsys_fd_steal(&fd);
        return rsys_error_make(err, 0, "stage network: the policy's only address, %s, is another session's: try later, or give the policy a network of addresses", text);
    }
    for (uint32_t n = 1; n <= TRIES_MAX && nth_address(subnet, which, n, ret); n++)
        if (memcmp(ret, subnet->gateway, 16) != 0 && take(fd, place_of(namespace.st_ino, which, ret)))
            return rsys_fd_steal(&fd);
    return rsys_error_make(err, 0, "stage network: all addresses of %s/%u are taken: try later, or give the policy a larger network", text, subnet->prefix);
}

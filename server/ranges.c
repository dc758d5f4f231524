/* SPDX-License-Identifier: GPL-2.0-only */
/* ranges.c: a range of ids outside for each session.
 *
 * The ranges lie in 1879048192..2147352575, which systemd's documentation of users and groups leaves unused.  Which are taken is told by locks on the bytes
 * of one file: a lock goes with its holder, however that ends, so nothing is ever left to clean up. */
#include "server/ranges.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <sys/random.h>

#define RANGES_FILE "/run/rsys-ids.lock"
#define RANGES_FIRST 0x70000000u
#define RANGES_SIZE 0x10000u
#define RANGES 4094u

int server_range_take(uint32_t *ret_first)
{
    uint32_t slot = 0;
    if (getrandom(&slot, sizeof slot, GRND_NONBLOCK) != (ssize_t)sizeof slot)
        slot = (uint32_t)getpid();
    slot %= RANGES;
    *ret_first = RANGES_FIRST + slot * RANGES_SIZE;
    int fd = open(RANGES_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    for (uint32_t i = 0; i < RANGES; i++, slot = (slot + 1) % RANGES) {
        /* An open file description's lock: it is this descriptor's, not the process'. */
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1};
        if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
            *ret_first = RANGES_FIRST + slot * RANGES_SIZE;
            return fd;
        }
    }
    close(fd);
    errno = EUSERS;
    return -1;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* ranges.h: a range of ids outside for each session, so that no two sessions share an id on the server. */
#ifndef RSYS_SERVER_RANGES_H
#define RSYS_SERVER_RANGES_H

#include <stdint.h>

/* Take a range of 65536 ids: *ret_first is its first.  Returns a descriptor that holds the range (against all daemons of this
 * machine) until it is closed; or -1 with errno: EUSERS when all 4094 are taken, else ranges cannot be locked here, and *ret_first is a random one's. */
int server_range_take(uint32_t *ret_first);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* addresses.h: addresses for sessions whose sandboxes are connected to the server's network. */
#ifndef RSYS_SERVER_ADDRESSES_H
#define RSYS_SERVER_ADDRESSES_H

#include "src/core/error.h"
#include "src/core/spec.h"

/* Take an address of the subnet that no session of this machine has in this network namespace: ret gets it.  It is taken as long as the descriptor that is returned is
 * open.  -1: none is free, or the file of the locks cannot be had. */
int server_address_take(const struct rsys_subnet *subnet, int which, uint8_t ret[16], struct rsys_error **err);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* access.h: who may connect. */
#ifndef RSYS_SERVER_ACCESS_H
#define RSYS_SERVER_ACCESS_H

#include "src/core/spec.h"
#include "transport/transport.h"

#include <stddef.h>

/* Read a list, "3,host" (or "alice,1000"), into ids.  0, or -1 after telling what is wrong with it. */
int access_read_cids(const char *option, const char *text, struct rsys_ids *ids);
int access_read_uids(const char *option, const char *text, struct rsys_ids *ids);

/* Whether the peer is on every list that is given for its kind: the command line's and the policy's.  False: why gets the message for it. */
bool access_allows(const struct rsys_clients_spec *command_line, const struct rsys_clients_spec *policy, const struct rsys_peer *peer, char *why, size_t why_size);

#endif

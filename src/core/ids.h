/* SPDX-License-Identifier: GPL-2.0-only */
/* ids.h: numbers that stand for a peer, as people write them: vsock's context ids (which a virtual machine and its host know each other by), and users' ids. */
#ifndef RSYS_CORE_IDS_H
#define RSYS_CORE_IDS_H

#include <stdint.h>

#define RSYS_CID_LOCAL 1u  /* one machine with itself (VMADDR_CID_LOCAL) */
#define RSYS_CID_HOST 2u   /* a virtual machine's host (VMADDR_CID_HOST) */
#define RSYS_UID_NOBODYS 0xffffffffu /* (uid_t)-1: no user has it */
#define RSYS_CID_MAX 0xfffffffeu /* the one above is "any" */

/* A number from 1 on (0 is the hypervisor's own, which nobody has), "host" or "local".  0, or -1. */
int rsys_cid_parse(const char *text, uint32_t *ret_cid);
/* A number, or the name of a user of this machine.  0, or -1. */
int rsys_uid_parse(const char *text, uint32_t *ret_uid);
/* A decimal number of at most `max`, digits alone.  0, or -1. */
int rsys_number_parse(const char *text, uint32_t max, uint32_t *ret);

#endif

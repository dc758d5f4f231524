/* SPDX-License-Identifier: GPL-2.0-only */
/* sockopts.h: the socket options whose values are more than bytes, from sockopts.def; and how the others are asked for. */
#ifndef RSYS_CORE_SOCKOPTS_H
#define RSYS_CORE_SOCKOPTS_H

#include "src/core/encode.h"

#define RSYS_SOCKOPT_MAX (256u << 10) /* bytes of a value that is set: the kernel's own options end at its optmem_max, 128 KiB */

enum rsys_sockopt_how {
    RSYS_OPTION_REFUSED,
    RSYS_OPTION_PROGRAM,      /* struct sock_fprog */
    RSYS_OPTION_INSTRUCTIONS, /* its length counts instructions */
};
/* Static data, never freed. */
struct rsys_sockopt {
    uint8_t sets, how; /* enum rsys_sockopt_how */
    uint16_t level, option, refusal; /* REFUSED: the errno */
};
/* NULL: its value is bytes. */
const struct rsys_sockopt *rsys_sockopt_find(bool sets, uint64_t level, uint64_t option);
/* getsockopt of bytes, args as in the trap, [3] and [4] not null.  The value goes along: some options (IP_MSFILTER, MPTCP_TCPINFO) are asked by what it holds.  0 or the call's result. */
int64_t rsys_encode_getsockopt(struct rsys_request *request, const uint64_t args[6], struct rsys_memory *memory);

#endif

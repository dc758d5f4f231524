/* SPDX-License-Identifier: GPL-2.0-only */
/* sockopts.c: sockopts.def as data. */
#include "src/core/sockopts.h"

#include <asm/unistd.h>
#include <errno.h>
#include <limits.h>
#include <linux/in.h> /* not <netinet/in.h>, nor <net/if.h>: they define the same structs */
#include <linux/netfilter_arp/arp_tables.h>
#include <linux/netfilter_bridge/ebtables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include "src/core/util.h"

#define MPTCP_FULL_INFO 4 /* of <linux/mptcp.h>, which does not go with <linux/in.h> */
/* Newer than Debian 12's headers. */
#ifndef SO_PEERPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#define GOT_MAX (64u << 10) /* no option is as large */

static const struct rsys_sockopt options[] = {
#define SET 1
#define GET 0
#define RSYS_SOCKOPT(way, in_level, number, what) {.sets = way, .how = RSYS_OPTION_##what, .level = in_level, .option = number},
#define RSYS_SOCKOPT_REFUSED(way, in_level, number, error, why) {.sets = way, .how = RSYS_OPTION_REFUSED, .level = in_level, .option = number, .refusal = error},
#include "src/core/sockopts.def"
#undef RSYS_SOCKOPT
#undef RSYS_SOCKOPT_REFUSED
};

const struct rsys_sockopt *rsys_sockopt_find(bool sets, uint64_t level, uint64_t option)
{
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(options); i++)
        if (options[i].sets == sets && options[i].level == (uint32_t)level && options[i].option == (uint32_t)option)
            return &options[i];
    return NULL;
}

int64_t rsys_encode_getsockopt(struct rsys_request *request, const uint64_t args[6], struct rsys_memory *memory)
{
    struct rsys_out_target value = {.guest = args[3]}, length = {.guest = args[4]};
    uint32_t room = 0;
    int failed = rsys_memory_read(memory, args[4], &room, sizeof room);
    if (failed < 0)
        return failed;
    if (room > INT_MAX)
        return -EINVAL; /* as the kernel says */
    room = RSYS_MIN(room, GOT_MAX);
    rsys_request_start(request, __NR_getsockopt, args);
    int64_t at = rsys_request_in(request, 4, &room, sizeof room);
    int64_t to = at >= 0 ? rsys_request_in_guest(request, 3, memory, args[3], room) : at;
    if (to >= 0)
        to = rsys_request_out_at(request, (uint32_t)to, room, RSYS_OUT_VALUE, (uint32_t)at, value);
    if (to >= 0)
        to = rsys_request_out_at(request, (uint32_t)at, sizeof room, RSYS_OUT_ALWAYS, 0, length);
    return to < 0 ? to : 0;
}

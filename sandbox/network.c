/* SPDX-License-Identifier: GPL-2.0-only */
/* network.c: the network of a namespace that has nothing but its loopback. */
#include "sandbox/internal.h"

#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>

int rsys_sandbox_loopback_up(struct rsys_error **err)
{
    const char *step = "open a netlink socket";
    struct rtnl_link *link = NULL, *change = NULL;
    struct nl_sock *socket = nl_socket_alloc();
    int result = socket == NULL ? -NLE_NOMEM : nl_connect(socket, NETLINK_ROUTE);
    if (result == 0) {
        step = "find lo";
        result = rtnl_link_get_kernel(socket, 0, "lo", &link);
    }
    if (result == 0) {
        step = "bring lo up";
        change = rtnl_link_alloc();
        if (change == NULL) {
            result = -NLE_NOMEM;
        } else {
            rtnl_link_set_flags(change, IFF_UP);
            result = rtnl_link_change(socket, link, change, 0);
        }
    }
    if (change != NULL)
        rtnl_link_put(change);
    if (link != NULL)
        rtnl_link_put(link);
    if (socket != NULL)
        nl_socket_free(socket);
    if (result < 0)
        return rsys_error_make(err, 0, "stage network: %s: %s", step, nl_geterror(result));
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* veth.c: a cable between the sandbox and the server: a pair of interfaces, one in the network namespace of each.
 *
 *   sandbox                                     server
 *   eth0: the session's address           ----  rsysPID: the gateway's address (each session's end has the same), and a route to the session's
 *   default route by the gateway                or, in a bridge: none of its own
 *
 * The kernel removes both ends when the sandbox's namespace goes, so nothing is left however a session ends.  Who has the sandbox has its end, and may send
 * what it likes (with CAP_NET_RAW also what no program would): so the server's end takes no routes from it, and no packets that do not come from its address.
 * Whether the server forwards what it gets is its administrator's to say. */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the route of an address' last session is waited for. */
#define ROUTE_TRIES 100
#define ROUTE_WAIT_US 10000

static int failed(int result, const char *what, const char *on, struct rsys_error **err)
{
    return rsys_error_make(err, 0, "stage network: %s %s: %s", what, on, nl_geterror(result));
}

static int family_of(int which) { return which == RSYS_IPV4 ? AF_INET : AF_INET6; }

static struct nl_addr *make_address(int which, const uint8_t *bytes, unsigned prefix)
{
    struct nl_addr *address = nl_addr_build(family_of(which), bytes, which == RSYS_IPV4 ? 4 : 16);
    if (address != NULL)
        nl_addr_set_prefixlen(address, (int)prefix);
    return address;
}

static unsigned all_bits(int which) { return which == RSYS_IPV4 ? 32 : 128; }

/* Give an interface an address. */
static int add_address(struct nl_sock *socket, int index, int which, const uint8_t *own, unsigned prefix)
{
    struct rtnl_addr *request = rtnl_addr_alloc();
    struct nl_addr *local = make_address(which, own, prefix);
    int result = request == NULL || local == NULL ? -NLE_NOMEM : 0;
    if (result == 0) {
        rtnl_addr_set_ifindex(request, index);
        result = rtnl_addr_set_local(request, local);
    }
    if (result == 0) {
        if (which == RSYS_IPV6)
            rtnl_addr_set_flags(request, IFA_F_NODAD); /* nobody else can have it; the address is of use at once */
        result = rtnl_addr_add(socket, request, 0);
    }
    if (local != NULL)
        nl_addr_put(local);
    if (request != NULL)
        rtnl_addr_put(request);
    return result;
}

/* Route to a network, or to an address, by an interface: directly, or by a gateway there. */
static int add_route(struct nl_sock *socket, int index, int which, const uint8_t *to, unsigned prefix, const uint8_t *gateway)
{
    struct rtnl_route *route = rtnl_route_alloc();
    struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
    struct nl_addr *destination = make_address(which, to, prefix), *by = gateway != NULL ? make_address(which, gateway, all_bits(which)) : NULL;
    int result = route == NULL || hop == NULL || destination == NULL || (gateway != NULL && by == NULL) ? -NLE_NOMEM : 0;
    if (result == 0)
        result = rtnl_route_set_family(route, (uint8_t)family_of(which));
    if (result == 0)
        result = rtnl_route_set_dst(route, destination);
    if (result == 0) {
        rtnl_route_nh_set_ifindex(hop, index);
        if (by != NULL)
            rtnl_route_nh_set_gateway(hop, by);
        rtnl_route_set_scope(route, by != NULL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
        rtnl_route_add_nexthop(route, hop);
        hop = NULL; /* the route's */
        result = rtnl_route_add(socket, route, NLM_F_EXCL);
    }
    if (by != NULL)
        nl_addr_put(by);
    if (destination != NULL)
        nl_addr_put(destination);
    if (hop != NULL)
        rtnl_route_nh_free(hop);
    if (route != NULL)
        rtnl_route_put(route);
    return result;
}

/* Bring an interface up; master: the index of a bridge to put it into, or 0. */
static int bring_up(struct nl_sock *socket, int index, int master)
{
    struct rtnl_link *link = rtnl_link_alloc(), *change = rtnl_link_alloc();
    int result = link == NULL || change == NULL ? -NLE_NOMEM : 0;
    if (result == 0) {
        rtnl_link_set_ifindex(link, index);
        rtnl_link_set_flags(change, IFF_UP);
        if (master != 0)
            rtnl_link_set_master(change, master);
        result = rtnl_link_change(socket, link, change, 0);
    }
    if (change != NULL)
        rtnl_link_put(change);
    if (link != NULL)
        rtnl_link_put(link);
    return result;
}

/* An interface's index, > 0, or libnl's error. */
static int find_link(struct nl_sock *socket, const char *name)
{
    struct rtnl_link *link = NULL;
    int result = rtnl_link_get_kernel(socket, 0, name, &link);
    if (result == 0) {
        result = rtnl_link_get_ifindex(link);
        rtnl_link_put(link);
    }
    return result;
}

static struct nl_sock *connect_route(struct rsys_error **err)
{
    struct nl_sock *socket = nl_socket_alloc();
    int result = socket == NULL ? -NLE_NOMEM : nl_connect(socket, NETLINK_ROUTE);
    if (result == 0)
        return socket;
    if (socket != NULL)
        nl_socket_free(socket);
    failed(result, "open", "a netlink socket", err);
    return NULL;
}

bool rsys_sandbox_may_make_links(void)
{
    /* The kernel asks for CAP_NET_ADMIN over this network namespace, as it does for a new interface, before it looks at the value. */
    int size = 4096;
    RSYS_AUTO_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) == 0;
}

/* ---- the server's end ---- */

static int create_pair(struct nl_sock *socket, const struct rsys_veth_spec *spec, const char *name, pid_t pid)
{
    struct rtnl_link *link = rtnl_link_veth_alloc(), *peer = link != NULL ? rtnl_link_veth_get_peer(link) : NULL;
    int result = -NLE_NOMEM;
    if (peer != NULL) {
        rtnl_link_set_name(link, name);
        rtnl_link_set_name(peer, spec->interface);
        rtnl_link_set_ns_pid(peer, pid);
        if (spec->mtu != 0) {
            rtnl_link_set_mtu(link, spec->mtu);
            rtnl_link_set_mtu(peer, spec->mtu);
        }
        result = rtnl_link_add(socket, link, NLM_F_CREATE | NLM_F_EXCL);
        rtnl_link_put(peer);
    }
    if (link != NULL)
        rtnl_link_put(link);
    return result;
}

/* A setting of an interface.  A kernel without the family has nothing to set. */
static int set_conf(const char *family, const char *name, const char *key, const char *value, struct rsys_error **err)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, name, key);
    RSYS_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && strcmp(family, "ipv6") == 0)
        return 0;
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        return rsys_error_make(err, errno, "stage network: write %s to %s", value, path);
    return 0;
}

/* What the server's end believes: nothing.  Before it is up. */
static int distrust(const struct rsys_veth_spec *spec, const char *name, struct rsys_error **err)
{
    if (set_conf("ipv6", name, "accept_ra", "0", err) < 0 || set_conf("ipv6", name, "accept_redirects", "0", err) < 0)
        return -1;
    if ((spec->bridge[0] != 0 || spec->subnet[RSYS_IPV6].prefix == 0) && set_conf("ipv6", name, "disable_ipv6", "1", err) < 0)
        return -1;
    return set_conf("ipv4", name, "accept_redirects", "0", err) < 0 || set_conf("ipv4", name, "rp_filter", "1", err) < 0 ? -1 : 0;
}

/* The route to a session's address.  That of a session that was killed, and had the same address, goes a moment after it: so it is waited for. */
static int route_to_session(struct nl_sock *socket, int index, int which, const uint8_t *address)
{
    int result;
    for (unsigned tries = 0; (result = add_route(socket, index, which, address, all_bits(which), NULL)) == -NLE_EXIST && tries < ROUTE_TRIES; tries++)
        usleep(ROUTE_WAIT_US);
    return result;
}

static int equip_server_end(struct nl_sock *socket, const struct rsys_sandbox_start *start, struct rsys_error **err)
{
    const struct rsys_veth_spec *spec = &start->spec->veth;
    int index = find_link(socket, start->link_name), master = 0;
    if (index < 0)
        return failed(index, "find", start->link_name, err);
    if (distrust(spec, start->link_name, err) < 0)
        return -1;
    if (spec->bridge[0] != 0 && (master = find_link(socket, spec->bridge)) < 0)
        return failed(master, "find the policy's bridge", spec->bridge, err);
    int result = bring_up(socket, index, master);
    if (result < 0)
        return failed(result, master != 0 ? "put into the policy's bridge, and bring up," : "bring up", start->link_name, err);
    for (int which = RSYS_IPV4; which <= RSYS_IPV6 && master == 0; which++) {
        if (spec->subnet[which].prefix == 0)
            continue;
        result = add_address(socket, index, which, spec->subnet[which].gateway, all_bits(which));
        if (result < 0)
            return failed(result, "give the gateway's address to", start->link_name, err);
        result = route_to_session(socket, index, which, start->address[which]);
        if (result < 0)
            return failed(result, "route the session's address (is it in use on this machine?) to", start->link_name, err);
    }
    return 0;
}

int sandbox_veth_make(const struct rsys_sandbox_start *start, pid_t pid, struct rsys_error **err)
{
    struct nl_sock *socket = connect_route(err);
    if (socket == NULL)
        return -1;
    int result = create_pair(socket, &start->spec->veth, start->link_name, pid);
    if (result == -NLE_OPNOTSUPP)
        result = rsys_error_make(err, 0, "stage network: this kernel has no veth interfaces: modprobe veth, or use the network \"none\"");
    else if (result < 0)
        result = failed(result, "make a pair of interfaces with the end", start->link_name, err);
    else
        result = equip_server_end(socket, start, err);
    nl_socket_free(socket);
    return result;
}

void rsys_sandbox_unlink(const struct rsys_sandbox_start *start)
{
    if (start->spec->network != RSYS_NETWORK_VETH)
        return;
    struct nl_sock *socket = connect_route(NULL);
    struct rtnl_link *link = rtnl_link_alloc();
    if (socket != NULL && link != NULL) {
        rtnl_link_set_name(link, start->link_name);
        (void)rtnl_link_delete(socket, link);
    }
    if (link != NULL)
        rtnl_link_put(link);
    if (socket != NULL)
        nl_socket_free(socket);
}

/* ---- the sandbox's end ---- */

static int equip_family(struct nl_sock *socket, int index, const struct rsys_sandbox_start *start, int which, const char **ret_step)
{
    static const uint8_t any[16];
    const struct rsys_veth_spec *spec = &start->spec->veth;
    const struct rsys_subnet *subnet = &spec->subnet[which];
    bool bridged = spec->bridge[0] != 0;
    *ret_step = "give the session's address to";
    int result = add_address(socket, index, which, start->address[which], bridged ? subnet->prefix : all_bits(which));
    *ret_step = "find the gateway by";
    if (result == 0 && !bridged)
        result = add_route(socket, index, which, subnet->gateway, all_bits(which), NULL);
    if (result < 0 || !spec->default_route)
        return result;
    *ret_step = "make the default route by";
    return add_route(socket, index, which, any, 0, subnet->gateway);
}

int sandbox_veth_equip(const struct rsys_sandbox_start *start, struct rsys_error **err)
{
    const struct rsys_veth_spec *spec = &start->spec->veth;
    const char *step = "find";
    struct nl_sock *socket = connect_route(err);
    if (socket == NULL)
        return -1;
    int index = find_link(socket, spec->interface), result = index < 0 ? index : 0;
    if (result == 0) {
        step = "bring up";
        result = bring_up(socket, index, 0);
    }
    for (int which = RSYS_IPV4; which <= RSYS_IPV6 && result == 0; which++)
        if (spec->subnet[which].prefix != 0)
            result = equip_family(socket, index, start, which, &step);
    nl_socket_free(socket);
    return result < 0 ? failed(result, step, spec->interface, err) : 0;
}

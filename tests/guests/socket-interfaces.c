// SPDX-License-Identifier: GPL-2.0-only
/* socket-interfaces.c: interfaces: ioctls, getifaddrs, if_nameindex, netlink: links, addresses, routes, sock_diag, events, generic netlink; resolving by /etc/hosts */
// also: preload
#include "guest.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/genetlink.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/inet_diag.h>
#include <linux/route.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

/* <net/if.h> has these, and structs that <linux/if.h> has too. */
struct if_nameindex {
    unsigned if_index;
    char *if_name;
};
struct if_nameindex *if_nameindex(void);
void if_freenameindex(struct if_nameindex *list);
unsigned if_nametoindex(const char *name);
char *if_indextoname(unsigned index, char *name);

static void interface_ioctls(void)
{
    int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    static const struct {
        const char *name;
        unsigned long request;
        size_t shown;
    } gets[] = {{"flags", SIOCGIFFLAGS, 2}, {"address", SIOCGIFADDR, 8}, {"mask", SIOCGIFNETMASK, 8}, {"mtu", SIOCGIFMTU, 4}, {"index", SIOCGIFINDEX, 4},
                {"metric", SIOCGIFMETRIC, 4}, {"broadcast", SIOCGIFBRDADDR, 8}, {"peer", SIOCGIFDSTADDR, 8}, {"hardware", SIOCGIFHWADDR, 8},
                {"queue", SIOCGIFTXQLEN, 4}, {"map", SIOCGIFMAP, 24}};
    say("-- ioctls");
    for (size_t i = 0; i < sizeof gets / sizeof gets[0]; i++) {
        struct ifreq r = {.ifr_name = "lo"};
        char text[64] = "";
        int result = ioctl(fd, gets[i].request, &r), code = errno;
        for (size_t k = 0; result == 0 && k < gets[i].shown; k++)
            sprintf(text + 2 * k, "%02x", ((unsigned char *)&r.ifr_ifru)[k]);
        say("%s: %s %s", gets[i].name, result < 0 ? error_name(code) : "done", text);
        strcpy(r.ifr_name, "none0");
        TRY(ioctl(fd, gets[i].request, &r));
    }
    struct ifreq r = {.ifr_ifindex = 1};
    TRY(ioctl(fd, SIOCGIFNAME, &r));
    say("%s", r.ifr_name);
    struct ifreq list[4];
    struct ifconf conf = {.ifc_len = sizeof list, .ifc_req = list};
    TRY(ioctl(fd, SIOCGIFCONF, &conf));
    say("%d bytes, %s", conf.ifc_len, list[0].ifr_name);
    conf = (struct ifconf){0};
    TRY(ioctl(fd, SIOCGIFCONF, &conf));
    say("%d bytes", conf.ifc_len);
    say("-- without a capability");
    strcpy(r.ifr_name, "lo");
    r.ifr_flags = 0;
    TRY(ioctl(fd, SIOCSIFFLAGS, &r));
    r.ifr_mtu = 1500;
    TRY(ioctl(fd, SIOCSIFMTU, &r));
    TRY(ioctl(fd, SIOCSIFADDR, &r));
    TRY(ioctl(fd, SIOCSIFNAME, &r));
    TRY(ioctl(fd, SIOCSIFHWADDR, &r));
    TRY(ioctl(fd, SIOCSIFTXQLEN, &r));
    struct rtentry route = {.rt_flags = RTF_UP, .rt_dev = (char *)(uintptr_t)"lo"};
    route.rt_dst.sa_family = route.rt_genmask.sa_family = AF_INET;
    TRY(ioctl(fd, SIOCADDRT, &route));
    TRY(ioctl(fd, SIOCDELRT, &route));
    struct arpreq arp = {.arp_pa.sa_family = AF_INET, .arp_dev = "lo"};
    TRY(ioctl(fd, SIOCGARP, &arp));
    TRY(ioctl(fd, SIOCSARP, &arp));
    TRY(ioctl(fd, 0x12345678, &r));
    TRY(ioctl(fd, TCGETS, &r));
    close(fd);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void by_the_library(void)
{
    say("-- library");
    struct ifaddrs *list;
    char *lines[64];
    int count = 0;
    if (TRY(getifaddrs(&list)) == 0) {
        for (struct ifaddrs *i = list; i != NULL && count < 64; i = i->ifa_next) {
            char line[200], text[64] = "";
            if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET)
                inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, text, sizeof text);
            if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET6)
                inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, text, sizeof text);
            snprintf(line, sizeof line, "%s %d %s %x", i->ifa_name, i->ifa_addr != NULL ? i->ifa_addr->sa_family : -1, text, i->ifa_flags);
            lines[count++] = strdup(line);
        }
        freeifaddrs(list);
    }
    qsort(lines, (size_t)count, sizeof lines[0], by_name);
    for (int i = 0; i < count; i++)
        say("%s", lines[i]);
    struct if_nameindex *names = if_nameindex();
    for (struct if_nameindex *i = names; i != NULL && i->if_index != 0; i++)
        say("%u %s", i->if_index, i->if_name);
    if_freenameindex(names);
    char name[IFNAMSIZ];
    CHECK(if_nametoindex("lo") == 1);
    CHECK(if_indextoname(1, name) != NULL);
    CHECK(if_nametoindex("none0") == 0 && errno == ENODEV);
}

static void ask(const char *what, int protocol, void *request, size_t size)
{
    int fd = (int)MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK}, own;
    socklen_t length = sizeof own;
    static char buffer[65536];
    struct nlmsghdr *h = request;
    h->nlmsg_len = (uint32_t)size;
    h->nlmsg_seq = 7;
    say("-- %s", what);
    TRY(sendto(fd, request, size, 0, (struct sockaddr *)&kernel, sizeof kernel));
    MUST(getsockname(fd, (struct sockaddr *)&own, &length));
    CHECK(own.nl_pid == (uint32_t)getpid());
    for (bool over = false; !over;) {
        struct iovec iov = {buffer, sizeof buffer};
        struct msghdr m = {.msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
        if (n < 0) {
            say("%s", error_name(errno));
            break;
        }
        for (h = (void *)buffer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
            over = over || h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR || !(h->nlmsg_flags & NLM_F_MULTI);
            if (h->nlmsg_type == NLMSG_ERROR)
                say("type %d, error %s", h->nlmsg_type, error_name(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
            else
                say("type %d, ours: %d", h->nlmsg_type, h->nlmsg_pid == own.nl_pid && h->nlmsg_seq == 7);
        }
    }
    close(fd);
}

static void by_netlink(void)
{
    struct {
        struct nlmsghdr h;
        union {
            struct rtgenmsg family;
            struct ifinfomsg link;
            struct inet_diag_req_v2 diag;
            struct genlmsghdr generic;
        };
        char more[64];
    } r;
    for (int type = RTM_GETLINK; type <= RTM_GETROUTE; type += 4) {
        memset(&r, 0, sizeof r);
        r.h.nlmsg_type = (uint16_t)type;
        r.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        ask(type == RTM_GETLINK ? "links" : type == RTM_GETADDR ? "addresses" : "routes", NETLINK_ROUTE, &r, NLMSG_LENGTH(sizeof(struct ifinfomsg)));
    }
    memset(&r, 0, sizeof r);
    r.h.nlmsg_type = RTM_NEWLINK;
    r.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    r.link = (struct ifinfomsg){.ifi_index = 1, .ifi_change = IFF_UP};
    ask("lo down, without a capability", NETLINK_ROUTE, &r, NLMSG_LENGTH(sizeof r.link));
    memset(&r, 0, sizeof r);
    r.h.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    r.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    r.diag = (struct inet_diag_req_v2){.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u};
    ask("sockets", NETLINK_SOCK_DIAG, &r, NLMSG_LENGTH(sizeof r.diag));
    memset(&r, 0, sizeof r);
    r.h.nlmsg_type = GENL_ID_CTRL;
    r.h.nlmsg_flags = NLM_F_REQUEST;
    r.generic = (struct genlmsghdr){.cmd = CTRL_CMD_GETFAMILY, .version = 1};
    struct nlattr *attribute = (void *)r.more;
    *attribute = (struct nlattr){.nla_len = 11, .nla_type = CTRL_ATTR_FAMILY_NAME};
    memcpy(r.more + sizeof *attribute, "nlctrl", 7);
    ask("generic", NETLINK_GENERIC, &r, NLMSG_LENGTH(sizeof r.generic) + 12);
    struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = 1};
    char byte;
    int fd = (int)TRY(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT));
    TRY(bind(fd, (struct sockaddr *)&all, sizeof all));
    TRY(recv(fd, &byte, 1, MSG_DONTWAIT));
}

static void resolve(const char *name, const char *service, int family)
{
    struct addrinfo want = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *list = NULL;
    int result = getaddrinfo(name, service, &want, &list);
    if (result != 0)
        say("%s: %s", name, gai_strerror(result));
    for (struct addrinfo *i = list; i != NULL; i = i->ai_next) {
        char host[100], port[20];
        getnameinfo(i->ai_addr, i->ai_addrlen, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        say("%s %s: %s %s", name, service, host, port);
    }
    if (list != NULL)
        freeaddrinfo(list);
}

int main(int argc, char **argv)
{
    (void)argc;
    interface_ioctls();
    by_the_library();
    by_netlink();
    say("-- names");
    if (strstr(argv[0], "dynamic") != NULL) { /* a static program cannot load the name services */
        resolve("localhost", "80", AF_INET);
        resolve("127.0.0.9", "81", AF_UNSPEC);
        resolve("::1", "82", AF_UNSPEC);
        resolve("none such", "83", AF_UNSPEC);
    }
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* trace-sockets.c: arguments for --trace: vectors, messages, addresses and options of sockets. */
#include "src/jail/trace-show.h"

#include "src/core/util.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#define CONTROL_SHOWN 256

/* ---- vectors ---- */

/* left: how many bytes of the buffers are filled. */
static void add_vector(const struct shown *s, uint64_t address, uint64_t count, uint64_t left)
{
    struct iovec vector[SHOWN_ITEMS];
    unsigned shown = (unsigned)RSYS_MIN(count, (uint64_t)SHOWN_ITEMS);
    if (!rsys_show_get(s, address, vector, shown * sizeof vector[0])) {
        rsys_show_address(s->line, address);
        return;
    }
    rsys_line_add(s->line, "[");
    for (unsigned k = 0; k < shown; k++) {
        uint64_t filled = RSYS_MIN(left, (uint64_t)vector[k].iov_len);
        rsys_line_add(s->line, "%s{", k > 0 ? ", " : "");
        rsys_show_buffer(s, (uint64_t)(uintptr_t)vector[k].iov_base, filled);
        rsys_line_add(s->line, ", %llu}", (unsigned long long)vector[k].iov_len);
        left -= filled;
    }
    rsys_line_add(s->line, count > shown ? ", ...]" : "]");
}

void rsys_show_iovec_in(const struct shown *s, unsigned count) { add_vector(s, s->value, s->call->args[count], UINT64_MAX); }

void rsys_show_iovec_out(const struct shown *s, unsigned count)
{
    if (s->written)
        add_vector(s, s->value, s->call->args[count], (uint64_t)s->call->result);
    else
        rsys_show_address(s->line, s->value);
}

/* ---- sockets ---- */

static void add_sockaddr(const struct shown *s, uint64_t address, uint64_t size)
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct {
            uint16_t family, pad;
            uint32_t pid, groups;
        } nl;
        char bytes[128];
    } a = {.bytes = {0}};
    char text[INET6_ADDRSTRLEN];
    size_t n = RSYS_MIN(size, (uint64_t)sizeof a);
    if (n < sizeof a.any.sa_family || !rsys_show_get(s, address, &a, n)) {
        rsys_show_address(s->line, address);
        return;
    }
    rsys_line_add(s->line, "{");
    rsys_show_by_names(s->line, RSYS_LIST_domain, a.any.sa_family);
    const size_t path = offsetof(struct sockaddr_un, sun_path);
    if (a.any.sa_family == AF_UNIX && n > path && a.un.sun_path[0] == 0) {
        rsys_line_add(s->line, " @");
        rsys_line_add_quoted(s->line, a.un.sun_path + 1, n - path - 1, false);
    } else if (a.any.sa_family == AF_UNIX && n > path) {
        rsys_line_add(s->line, " ");
        rsys_line_add_quoted(s->line, a.un.sun_path, strnlen(a.un.sun_path, n - path), false);
    } else if (a.any.sa_family == AF_INET && n >= sizeof a.in) {
        rsys_line_add(s->line, " %s:%u", inet_ntop(AF_INET, &a.in.sin_addr, text, sizeof text), ntohs(a.in.sin_port));
    } else if (a.any.sa_family == AF_INET6 && n >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
        rsys_line_add(s->line, " [%s]:%u", inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof text), ntohs(a.in6.sin6_port));
    } else if (a.any.sa_family == AF_NETLINK && n >= sizeof a.nl) {
        rsys_line_add(s->line, " pid=%u groups=0x%x", a.nl.pid, a.nl.groups);
    } else if (n > 2) {
        rsys_line_add(s->line, " ");
        rsys_line_add_quoted(s->line, a.bytes + 2, RSYS_MIN(n - 2, (size_t)SHOWN), n - 2 > SHOWN);
    }
    rsys_line_add(s->line, "}");
}

void rsys_show_sockaddr(const struct shown *s, unsigned size) { add_sockaddr(s, s->value, (uint32_t)s->call->args[size]); }

void rsys_show_sockaddr_out(const struct shown *s, unsigned size)
{
    uint32_t length = 0;
    if (s->written && rsys_show_get(s, s->call->args[size], &length, sizeof length))
        add_sockaddr(s, s->value, length);
    else
        rsys_show_address(s->line, s->value);
}

void rsys_show_protocol(const struct shown *s, unsigned detail)
{
    if (s->call->args[0] == AF_INET || s->call->args[0] == AF_INET6)
        rsys_show_by_names(s->line, RSYS_LIST_ip_protocol, (uint32_t)s->value);
    else if (s->call->args[0] == AF_NETLINK)
        rsys_show_by_names(s->line, RSYS_LIST_netlink, (uint32_t)s->value);
    else
        rsys_show_int(s->line, s->value);
}

void rsys_show_option(const struct shown *s, unsigned detail)
{
    static const struct {
        uint16_t level, list;
    } levels[] = {
        {SOL_SOCKET, RSYS_LIST_socket_option}, {IPPROTO_IP, RSYS_LIST_ip_option},   {IPPROTO_IPV6, RSYS_LIST_ipv6_option},
        {IPPROTO_TCP, RSYS_LIST_tcp_option},   {IPPROTO_UDP, RSYS_LIST_udp_option}, {SOL_NETLINK, RSYS_LIST_netlink_option},
    };
    for (size_t k = 0; k < RSYS_ARRAY_SIZE(levels); k++)
        if (levels[k].level == (uint32_t)s->call->args[1]) {
            rsys_show_by_names(s->line, (enum rsys_list)levels[k].list, (uint32_t)s->value);
            return;
        }
    rsys_show_int(s->line, s->value);
}

static void add_option_value(const struct shown *s, uint32_t size)
{
    int number;
    if (size == sizeof number && rsys_show_get(s, s->value, &number, sizeof number))
        rsys_line_add(s->line, "[%d]", number);
    else
        rsys_show_buffer(s, s->value, size);
}

void rsys_show_option_in(const struct shown *s, unsigned detail) { add_option_value(s, (uint32_t)s->call->args[s->i + 1]); }

void rsys_show_option_out(const struct shown *s, unsigned detail)
{
    uint32_t size;
    if (s->written && rsys_show_get(s, s->call->args[s->i + 1], &size, sizeof size))
        add_option_value(s, size);
    else
        rsys_show_address(s->line, s->value);
}

static void add_control(const struct shown *s, uint64_t address, uint64_t size)
{
    union {
        struct cmsghdr head;
        char bytes[CONTROL_SHOWN];
    } control;
    size_t n = RSYS_MIN(size, (uint64_t)sizeof control), at = 0;
    if (!rsys_show_get(s, address, &control, n)) {
        rsys_show_address(s->line, address);
        return;
    }
    rsys_line_add(s->line, "[");
    for (struct cmsghdr one; at + sizeof one <= n; at += CMSG_ALIGN(one.cmsg_len)) {
        memcpy(&one, control.bytes + at, sizeof one);
        rsys_line_add(s->line, "%s{", at > 0 ? ", " : "");
        rsys_show_by_names(s->line, RSYS_LIST_socket_level, (uint32_t)one.cmsg_level);
        rsys_line_add(s->line, ", ");
        if (one.cmsg_level == SOL_SOCKET)
            rsys_show_by_names(s->line, RSYS_LIST_control, (uint32_t)one.cmsg_type);
        else
            rsys_line_add(s->line, "%d", one.cmsg_type);
        bool whole = one.cmsg_len >= sizeof one && one.cmsg_len <= n - at;
        for (size_t k = at + sizeof one; whole && one.cmsg_level == SOL_SOCKET && k + sizeof(int) <= at + one.cmsg_len; k += sizeof(int)) {
            int number;
            memcpy(&number, control.bytes + k, sizeof number);
            rsys_line_add(s->line, ", %d", number);
        }
        rsys_line_add(s->line, "}");
        if (!whole || CMSG_ALIGN(one.cmsg_len) > n - at)
            break;
    }
    rsys_line_add(s->line, "]");
}

/* done: the bytes that were moved by a receiving call, or UINT64_MAX. */
static void add_msghdr(const struct shown *s, uint64_t address, uint64_t done)
{
    struct msghdr m;
    if (!rsys_show_get(s, address, &m, sizeof m)) {
        rsys_show_address(s->line, address);
        return;
    }
    rsys_line_add(s->line, "{msg_name=");
    add_sockaddr(s, (uint64_t)(uintptr_t)m.msg_name, m.msg_namelen);
    rsys_line_add(s->line, ", msg_iov=");
    add_vector(s, (uint64_t)(uintptr_t)m.msg_iov, m.msg_iovlen, done);
    if (m.msg_controllen > 0) {
        rsys_line_add(s->line, ", msg_control=");
        add_control(s, (uint64_t)(uintptr_t)m.msg_control, m.msg_controllen);
    }
    rsys_line_add(s->line, ", msg_flags=");
    rsys_show_by_names(s->line, RSYS_LIST_msg, (uint32_t)m.msg_flags);
    rsys_line_add(s->line, "}");
}

static bool receives(const struct call *call) { return call->nr == SYS_recvmsg || call->nr == SYS_recvmmsg; }

void rsys_show_msghdr(const struct shown *s, unsigned detail)
{
    if (receives(s->call) && !s->written)
        rsys_show_address(s->line, s->value);
    else
        add_msghdr(s, s->value, receives(s->call) ? (uint64_t)s->call->result : UINT64_MAX);
}

void rsys_show_mmsghdr(const struct shown *s, unsigned count)
{
    uint64_t many = s->written ? (uint64_t)s->call->result : receives(s->call) ? 0 : (uint32_t)s->call->args[count];
    if (many == 0) {
        rsys_show_address(s->line, s->value);
        return;
    }
    for (unsigned k = 0; k < RSYS_MIN(many, (uint64_t)SHOWN_ITEMS); k++) {
        struct mmsghdr m = {.msg_len = 0};
        if (!rsys_show_get(s, s->value + k * sizeof m, &m, sizeof m))
            break;
        rsys_line_add(s->line, k > 0 ? ", {" : "[{");
        add_msghdr(s, s->value + k * sizeof m, receives(s->call) ? m.msg_len : UINT64_MAX);
        rsys_line_add(s->line, ", msg_len=%u}", m.msg_len);
    }
    rsys_line_add(s->line, many > SHOWN_ITEMS ? ", ...]" : "]");
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* vsock.c: the transport vsock:CID:PORT, between virtual machines and their host (vsock(7)).
 *
 * A machine is named by its context id: "host" is 2, "local" 1.  vsock:PORT is every id of the machine that listens there.  The bytes go through memory that the
 * two share, so there is no network between them that could listen or lose anything, and nothing like TCP_NODELAY or keepalive: the host's kernel resets the
 * connections of a machine that is gone (vhost_vsock_reset_orphans), and a machine's kernel those that it knows nothing of. */
#include "transport/ops.h"
#include "src/core/ids.h"
#include "src/core/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#define DEFAULT_PORT 9000

static int vsock_parse(struct rsys_address *address, const char *rest, struct rsys_error **err)
{
    const char *colon = strchr(rest, ':');
    bool number = colon == NULL && rest[0] >= '0' && rest[0] <= '9'; /* alone, it is a port: what a server's address is */
    const char *port = number ? rest : colon != NULL ? colon + 1 : NULL;
    RSYS_AUTO_FREE char *machine = strndup(rest, colon != NULL ? (size_t)(colon - rest) : strlen(rest));
    if (machine == NULL)
        return rsys_error_make(err, ENOMEM, "address \"vsock:%s\"", rest);
    address->cid = VMADDR_CID_ANY;
    address->port = DEFAULT_PORT;
    if (!number && rsys_cid_parse(machine, &address->cid) < 0)
        return rsys_error_make(err, 0, "address \"vsock:%s\": the machine has to be a context id (a number from 1 on), \"host\" or \"local\"", rest);
    if (port != NULL && rsys_number_parse(port, VMADDR_PORT_ANY - 1, &address->port) < 0)
        return rsys_error_make(err, 0, "address \"vsock:%s\": the port has to be a number from 0 to %u", rest, VMADDR_PORT_ANY - 1);
    int n = number ? asprintf(&address->text, "vsock:%u", address->port) : asprintf(&address->text, "vsock:%s:%u", machine, address->port);
    if (n < 0) {
        address->text = NULL;
        return rsys_error_make(err, ENOMEM, "address \"vsock:%s\"", rest);
    }
    return 0;
}

/* No other machine but the host and its guests reaches it, and nobody is between. */
static bool vsock_is_public(const struct rsys_address *address) { return false; }

static const char *vsock_hint(int code)
{
    switch (code) {
    case EAFNOSUPPORT:
        return "this kernel has no vsock: modprobe vsock";
    case ENODEV:
        return "nothing leads there: a virtual machine needs a vhost-vsock device and the module vmw_vsock_virtio_transport, its host the module vhost_vsock and a "
               "machine with this id, vsock:local the module vsock_loopback";
    case ECONNRESET:
        return "is rsys-sandboxd listening there?";
    case ETIMEDOUT:
        return "is that machine running, and has it loaded vmw_vsock_virtio_transport?";
    case EADDRNOTAVAIL:
        return "this machine has not got this id: vsock:PORT listens on all that it has";
    case EACCES:
        return "ports below 1024 are for who has CAP_NET_BIND_SERVICE";
    default:
        return NULL;
    }
}

static struct sockaddr_vm vsock_name(const struct rsys_address *address)
{
    return (struct sockaddr_vm){.svm_family = AF_VSOCK, .svm_cid = address->cid, .svm_port = address->port};
}

static int vsock_listen(const struct rsys_address *address, struct rsys_error **err)
{
    struct sockaddr_vm name = vsock_name(address);
    if (name.svm_port == 0)
        name.svm_port = VMADDR_PORT_ANY; /* the kernel chooses, as for the other transports */
    RSYS_AUTO_FD fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof name) < 0 || listen(fd, RSYS_LISTEN_BACKLOG) < 0)
        return rsys_transport_failed("listen on", address, errno, err);
    return rsys_fd_steal(&fd);
}

static int vsock_accept(const struct rsys_address *address, int listener, struct rsys_peer *peer)
{
    struct sockaddr_vm name;
    socklen_t size = sizeof name;
    int fd = accept4(listener, (struct sockaddr *)&name, &size, SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    /* The kernel says who it is: a packet whose source is not its sender's own id is dropped (vhost_vsock_handle_tx_kick). */
    peer->kind = RSYS_PEER_CID;
    peer->id = name.svm_cid;
    snprintf(peer->text, sizeof peer->text, "vsock:%u:%u", name.svm_cid, name.svm_port);
    return fd;
}

static int vsock_listener_name(const struct rsys_address *address, int listener, char *text, size_t size)
{
    struct sockaddr_vm name;
    socklen_t name_size = sizeof name;
    if (getsockname(listener, (struct sockaddr *)&name, &name_size) < 0)
        return -1;
    if (name.svm_cid == VMADDR_CID_ANY)
        snprintf(text, size, "vsock:%u", name.svm_port);
    else
        snprintf(text, size, "vsock:%u:%u", name.svm_cid, name.svm_port);
    return 0;
}

static int vsock_adopt(struct rsys_address *address, int family, int listener, struct rsys_error **err)
{
    struct sockaddr_vm name;
    socklen_t size = sizeof name;
    char text[64];
    if (family != AF_VSOCK)
        return 0;
    if (getsockname(listener, (struct sockaddr *)&name, &size) < 0 || vsock_listener_name(address, listener, text, sizeof text) < 0)
        return rsys_error_make(err, errno, "the address of descriptor %d", listener);
    address->cid = name.svm_cid;
    address->port = name.svm_port;
    address->text = strdup(text);
    return address->text != NULL ? 1 : rsys_error_make(err, ENOMEM, "the address of descriptor %d", listener);
}

static int vsock_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err)
{
    struct sockaddr_vm name = vsock_name(address);
    if (name.svm_cid == VMADDR_CID_ANY)
        return rsys_error_make(err, 0, "connect to %s: this names a port of no machine: write vsock:CID:PORT, from a virtual machine to its host vsock:host:%u",
                               address->text, address->port);
    int64_t deadline = rsys_deadline(timeout_ms);
    RSYS_AUTO_FD fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The kernel gives up by itself after 2 seconds, which may be earlier than we do.  (0 is no time for it, and nothing is for ever: an hour.) */
    int limit_ms = timeout_ms < 0 ? 3600 * 1000 : timeout_ms == 0 ? 1 : timeout_ms;
    struct timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000};
    if (fd < 0 || setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &limit, sizeof limit) < 0 ||
        rsys_socket_connect(fd, &name, sizeof name, deadline) < 0)
        return rsys_connect_failed(address, errno, err);
    return rsys_fd_steal(&fd);
}

const struct rsys_transport_ops rsys_transport_vsock = {
    .scheme = "vsock",
    .form = "vsock:CID:PORT",
    .breaks = true, /* when the machine is moved */
    .parse = vsock_parse,
    .is_public = vsock_is_public,
    .listen = vsock_listen,
    .adopt = vsock_adopt,
    .accept = vsock_accept,
    .connect = vsock_connect,
    .name = vsock_listener_name,
    .hint = vsock_hint,
};

/* SPDX-License-Identifier: GPL-2.0-only */
/* address.c: the text of an address to the transport that it names, and the calls through its table. */
#include "transport/ops.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static const struct rsys_transport_ops *const transports[] = {
    &rsys_transport_tcp,
    &rsys_transport_tls,
    &rsys_transport_vsock,
    &rsys_transport_unix,
    &rsys_transport_embedded,
};

struct rsys_address *rsys_address_parse(const char *text, struct rsys_error **err)
{
    struct rsys_address *address = calloc(1, sizeof *address);
    if (address == NULL) {
        rsys_error_make(err, ENOMEM, "address \"%s\"", text);
        return NULL;
    }
    address->fd = -1;
    address->mode = 0600;
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(transports); i++) {
        size_t n = strlen(transports[i]->scheme);
        if (strncmp(text, transports[i]->scheme, n) != 0 || text[n] != ':')
            continue;
        address->ops = transports[i];
        if (address->ops->parse(address, text + n + 1, err) < 0) {
            rsys_address_free(address);
            return NULL;
        }
        return address;
    }
    free(address);
    rsys_error_make(err, 0, "address \"%s\": expected %s, %s, %s or %s", text, rsys_transport_tcp.form, rsys_transport_tls.form, rsys_transport_vsock.form,
                    rsys_transport_unix.form);
    return NULL;
}

/* A socket that listens for streams: its family, or -1. */
static int listener_family(int fd, struct rsys_error **err)
{
    int type = 0, listens = 0, family = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0)
        return rsys_error_make(err, errno, "listen on descriptor %d", fd);
    if (type != SOCK_STREAM || !listens)
        return rsys_error_make(err, 0, "listen on descriptor %d: it is no stream socket that listens (in a .socket unit: ListenStream=, Accept=no)", fd);
    return family;
}

struct rsys_address *rsys_address_adopt(int listener, struct rsys_error **err)
{
    int family = listener_family(listener, err);
    if (family < 0)
        return NULL;
    struct rsys_address *address = calloc(1, sizeof *address);
    if (address == NULL || fcntl(listener, F_SETFD, FD_CLOEXEC) < 0 || fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK) < 0) {
        rsys_error_make(err, address == NULL ? ENOMEM : errno, "listen on descriptor %d", listener);
        free(address);
        return NULL;
    }
    address->fd = -1;
    int found = 0;
    for (size_t i = 0; found == 0 && i < RSYS_ARRAY_SIZE(transports); i++) {
        address->ops = transports[i];
        found = transports[i]->adopt != NULL ? transports[i]->adopt(address, family, listener, err) : 0;
    }
    if (found == 1)
        return address;
    if (found == 0)
        rsys_error_make(err, 0, "listen on descriptor %d: no transport has sockets of the family %d", listener, family);
    rsys_address_free(address);
    return NULL;
}

void rsys_address_free(struct rsys_address *address)
{
    if (address == NULL)
        return;
    if (address->ops != NULL && address->ops->release != NULL)
        address->ops->release(address);
    free(address->text);
    free(address->host);
    free(address->left);
    free(address);
}

const char *rsys_address_text(const struct rsys_address *address) { return address->text; }

void rsys_address_set_mode(struct rsys_address *address, unsigned mode) { address->mode = mode; }

bool rsys_address_breaks(const struct rsys_address *address) { return address->ops->breaks; }

bool rsys_address_is_public(const struct rsys_address *address) { return address->ops->is_public(address); }

int rsys_address_listen(const struct rsys_address *address, struct rsys_error **err) { return address->ops->listen(address, err); }

int rsys_address_accept(const struct rsys_address *address, int listener, struct rsys_peer *peer)
{
    *peer = (struct rsys_peer){0};
    return address->ops->accept(address, listener, peer);
}

int rsys_listener_name(const struct rsys_address *address, int listener, char *text, size_t size)
{
    return address->ops->name(address, listener, text, size);
}

void rsys_address_unlisten(const struct rsys_address *address)
{
    if (address->ops->unlisten != NULL)
        address->ops->unlisten(address);
}

int rsys_address_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err)
{
    return address->ops->connect(address, timeout_ms, err);
}

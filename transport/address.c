/* SPDX-License-Identifier: GPL-2.0-only */
/* address.c: the text of an address to the transport that it names, and the calls through its table. */
#include "transport/ops.h"
#include "src/core/util.h"

#include <string.h>

static const struct rsys_transport_ops *const transports[] = {
    &rsys_transport_tcp,
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
    rsys_error_make(err, 0, "address \"%s\": expected %s, %s or %s", text, rsys_transport_tcp.form, rsys_transport_vsock.form,
                    rsys_transport_unix.form);
    return NULL;
}

void rsys_address_free(struct rsys_address *address)
{
    if (address == NULL)
        return;
    free(address->text);
    free(address->host);
    free(address->left);
    free(address);
}

const char *rsys_address_text(const struct rsys_address *address) { return address->text; }

void rsys_address_set_mode(struct rsys_address *address, unsigned mode) { address->mode = mode; }

bool rsys_address_is_public(const struct rsys_address *address) { return address->ops->is_public(address); }

int rsys_listen(const struct rsys_address *address, struct rsys_error **err) { return address->ops->listen(address, err); }

int rsys_accept(const struct rsys_address *address, int listener, struct rsys_peer *peer)
{
    *peer = (struct rsys_peer){0};
    return address->ops->accept(address, listener, peer);
}

int rsys_listener_name(const struct rsys_address *address, int listener, char *text, size_t size)
{
    return address->ops->name(address, listener, text, size);
}

void rsys_unlisten(const struct rsys_address *address)
{
    if (address->ops->unlisten != NULL)
        address->ops->unlisten(address);
}

int rsys_connect(const struct rsys_address *address, int timeout_ms, struct rsys_error **err)
{
    return address->ops->connect(address, timeout_ms, err);
}

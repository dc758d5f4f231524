/* SPDX-License-Identifier: GPL-2.0-only */
/* network-keys.c: the `network` of a policy's sandbox: a word, or an object that says where a cable to the server leads. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const modes[] = {"none", "host", "veth", NULL};

struct subnet_keys {
    struct rsys_subnet subnet;
    int family; /* AF_INET, AF_INET6 */
    struct json_value address, gateway;
    bool has_address, has_gateway;
};

struct network_keys {
    size_t mode;
    struct rsys_veth_spec veth;
    struct json_value of_veth, bridge; /* the first key that only means something for a veth */
    const char *of_veth_name;
    bool has_mode, has_bridge;
};

/* ---- addresses ---- */

static unsigned family_bits(int family) { return family == AF_INET ? 32 : 128; }
static const char *family_name(int family) { return family == AF_INET ? "IPv4" : "IPv6"; }

static bool bit_of(const uint8_t *address, unsigned bit) { return (address[bit / 8] >> (7 - bit % 8) & 1) != 0; }

/* Whether it can be an interface's own. */
static bool is_usable(int family, const uint8_t *a)
{
    static const uint8_t none[15];
    if (family == AF_INET)
        return a[0] != 0 && a[0] != 127 && a[0] < 224;
    return a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80) && memcmp(a, none, sizeof none) != 0;
}

static int parse_address(int family, const char *text, struct json_value value, uint8_t ret[16], struct rsys_error **err)
{
    if (inet_pton(family, text, ret) != 1)
        return json_error(value, err, "\"%s\" is not an %s address", text, family_name(family));
    if (!is_usable(family, ret))
        return json_error(value, err, "%s cannot be an interface's address", text);
    return 0;
}

/* Whether it names the whole network: nothing but zeros behind the prefix. */
static bool is_network(const struct rsys_subnet *subnet, int family)
{
    for (unsigned bit = subnet->prefix; bit < family_bits(family); bit++)
        if (bit_of(subnet->address, bit))
            return false;
    return subnet->prefix < family_bits(family);
}

static bool is_inside(const struct rsys_subnet *subnet, const uint8_t *address)
{
    for (unsigned bit = 0; bit < subnet->prefix; bit++)
        if (bit_of(subnet->address, bit) != bit_of(address, bit))
            return false;
    return true;
}

static int subnet_address(void *context, struct json_value value, struct rsys_error **err)
{
    struct subnet_keys *keys = context;
    struct rsys_subnet *subnet = &keys->subnet;
    const char *text = NULL;
    char address[64];
    unsigned prefix, bits = family_bits(keys->family);
    char rest;
    if (json_get_string(value, &text, err) < 0)
        return -1;
    size_t length = strcspn(text, "/");
    if (text[length] == 0 || length >= sizeof address || !isdigit((unsigned char)text[length + 1]) ||
        sscanf(text + length + 1, "%3u%c", &prefix, &rest) != 1 || prefix == 0 || prefix > bits)
        return json_error(value, err, "an address with the length of its network, 1 to %u, is expected here (\"%s\"), not \"%s\"", bits,
                          keys->family == AF_INET ? "10.9.0.0/24" : "fd00:9::/64", text);
    memcpy(address, text, length);
    address[length] = 0;
    if (parse_address(keys->family, address, value, subnet->address, err) < 0)
        return -1;
    subnet->prefix = (uint8_t)prefix;
    subnet->pool = is_network(subnet, keys->family);
    if (subnet->pool && prefix > bits - 2)
        return json_error(value, err, "%s is too small to give each session an address: name one address of it", text);
    keys->address = value;
    keys->has_address = true;
    return 0;
}

static int subnet_gateway(void *context, struct json_value value, struct rsys_error **err)
{
    struct subnet_keys *keys = context;
    const char *text = NULL;
    keys->gateway = value;
    keys->has_gateway = true;
    if (json_get_string(value, &text, err) < 0)
        return -1;
    return parse_address(keys->family, text, value, keys->subnet.gateway, err);
}

static const struct json_key subnet_keys[] = {{"address", subnet_address, NULL}, {"gateway", subnet_gateway, NULL}, {0}};

/* The network's first address, which is the gateway where none is named. */
static void first_address(const struct rsys_subnet *subnet, int family, uint8_t ret[16])
{
    memcpy(ret, subnet->address, sizeof subnet->address);
    for (unsigned bit = subnet->prefix; bit < family_bits(family); bit++)
        ret[bit / 8] &= (uint8_t)~(1u << (7 - bit % 8));
    ret[family_bits(family) / 8 - 1] |= 1;
}

static int read_subnet(struct network_keys *network, int family, struct json_value value, struct rsys_error **err)
{
    struct subnet_keys keys = {.family = family};
    if (json_is_string(value.json) ? subnet_address(&keys, value, err) < 0
                                   : json_read_object(value, family == AF_INET ? "\"ipv4\"" : "\"ipv6\"", subnet_keys, &keys, err) < 0)
        return -1;
    if (!keys.has_address)
        return json_error(value, err, "an %s network needs \"address\"", family_name(family));
    if (!keys.has_gateway && keys.subnet.prefix > family_bits(family) - 2)
        return json_error(value, err, "a network of one address has no room for a gateway: name one that is outside of it with \"gateway\"");
    if (!keys.has_gateway)
        first_address(&keys.subnet, family, keys.subnet.gateway);
    if (!keys.subnet.pool && memcmp(keys.subnet.gateway, keys.subnet.address, sizeof keys.subnet.address) == 0)
        return json_error(keys.has_gateway ? keys.gateway : keys.address, err, "the gateway cannot be the sandbox itself");
    network->veth.subnet[family == AF_INET ? RSYS_IPV4 : RSYS_IPV6] = keys.subnet;
    return 0;
}

/* ---- the object ---- */

static void only_veth(struct network_keys *keys, const char *name, struct json_value value)
{
    if (keys->of_veth_name != NULL)
        return;
    keys->of_veth_name = name;
    keys->of_veth = value;
}

static int network_mode(void *context, struct json_value value, struct rsys_error **err)
{
    struct network_keys *keys = context;
    keys->has_mode = true;
    return json_get_word(value, "network", modes, &keys->mode, err);
}

static int network_ipv4(void *context, struct json_value value, struct rsys_error **err)
{
    only_veth(context, "ipv4", value);
    return read_subnet(context, AF_INET, value, err);
}

static int network_ipv6(void *context, struct json_value value, struct rsys_error **err)
{
    only_veth(context, "ipv6", value);
    return read_subnet(context, AF_INET6, value, err);
}

/* As dev_valid_name() in the kernel has it; % is for its templates. */
static int get_interface(struct json_value value, char field[16], struct rsys_error **err)
{
    const char *name = NULL;
    if (json_get_string(value, &name, err) < 0)
        return -1;
    bool valid = name[0] != 0 && strlen(name) < 16 && strpbrk(name, "/:% \t\n\v\f\r") == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    if (!valid || strcmp(name, "lo") == 0)
        return json_error(value, err, "\"%s\" cannot be an interface's name here", name);
    snprintf(field, 16, "%s", name);
    return 0;
}

static int network_interface(void *context, struct json_value value, struct rsys_error **err)
{
    struct network_keys *keys = context;
    only_veth(keys, "interface", value);
    return get_interface(value, keys->veth.interface, err);
}

static int network_bridge(void *context, struct json_value value, struct rsys_error **err)
{
    struct network_keys *keys = context;
    only_veth(keys, "bridge", value);
    keys->bridge = value;
    keys->has_bridge = true;
    return get_interface(value, keys->veth.bridge, err);
}

static int network_mtu(void *context, struct json_value value, struct rsys_error **err)
{
    struct network_keys *keys = context;
    uint64_t mtu;
    only_veth(keys, "mtu", value);
    if (json_get_number(value, 65535, &mtu, err) < 0)
        return -1;
    if (mtu < 1280)
        return json_error(value, err, "an MTU is at least 1280 bytes (IPv6 needs that)");
    keys->veth.mtu = (uint32_t)mtu;
    return 0;
}

static int network_default_route(void *context, struct json_value value, struct rsys_error **err)
{
    struct network_keys *keys = context;
    only_veth(keys, "defaultRoute", value);
    return json_get_bool(value, &keys->veth.default_route, err);
}

static const struct json_key network_keys[] = {
    {"mode", network_mode, NULL},     {"ipv4", network_ipv4, NULL}, {"ipv6", network_ipv6, NULL},
    {"interface", network_interface, NULL}, {"bridge", network_bridge, NULL}, {"mtu", network_mtu, NULL},
    {"defaultRoute", network_default_route, NULL}, {0},
};

static int check_bridged(const struct network_keys *keys, struct rsys_error **err)
{
    for (int i = RSYS_IPV4; i <= RSYS_IPV6; i++) {
        const struct rsys_subnet *subnet = &keys->veth.subnet[i];
        if (subnet->prefix != 0 && !is_inside(subnet, subnet->gateway))
            return json_key_error(keys->bridge, err, "on a bridge, the %s gateway has to be in the network of the sandbox's address",
                                  family_name(i == RSYS_IPV4 ? AF_INET : AF_INET6));
    }
    return 0;
}

int policy_read_network(struct rsys_sandbox_spec *sandbox, struct json_value value, struct rsys_error **err)
{
    struct network_keys keys = {.veth = {.interface = "eth0", .default_route = true}};
    if (json_is_string(value.json)) {
        if (json_get_word(value, "network", modes, &keys.mode, err) < 0)
            return -1;
    } else if (json_read_object(value, "\"network\"", network_keys, &keys, err) < 0) {
        return -1;
    } else if (!keys.has_mode) {
        return json_error(value, err, "\"network\" needs \"mode\"");
    }
    sandbox->network = (uint8_t)(RSYS_NETWORK_NONE + keys.mode);
    if (sandbox->network != RSYS_NETWORK_VETH && keys.of_veth_name != NULL)
        return json_key_error(keys.of_veth, err, "\"%s\" is for the network \"veth\"", keys.of_veth_name);
    if (sandbox->network == RSYS_NETWORK_VETH && keys.veth.subnet[RSYS_IPV4].prefix == 0 && keys.veth.subnet[RSYS_IPV6].prefix == 0)
        return json_error(value, err, "the network \"veth\" needs \"ipv4\" or \"ipv6\": {\"mode\": \"veth\", \"ipv4\": \"10.9.0.0/24\"}");
    if (keys.has_bridge && check_bridged(&keys, err) < 0)
        return -1;
    sandbox->veth = keys.veth;
    return 0;
}

/* ---- told ---- */

static void explain_subnet(const struct rsys_veth_spec *veth, int which, FILE *out)
{
    const struct rsys_subnet *subnet = &veth->subnet[which];
    int family = which == RSYS_IPV4 ? AF_INET : AF_INET6;
    char address[INET6_ADDRSTRLEN], gateway[INET6_ADDRSTRLEN];
    if (subnet->prefix == 0)
        return;
    inet_ntop(family, subnet->address, address, sizeof address);
    inet_ntop(family, subnet->gateway, gateway, sizeof gateway);
    fprintf(out, "    %-22s %s/%u%s; %s %s%s\n", family_name(family), address, subnet->prefix,
            subnet->pool ? ": an address for each session" : ": one session at a time", veth->default_route ? "all else by" : "no further than",
            gateway, veth->bridge[0] == 0 ? ", the server's end" : "");
}

void policy_explain_network(const struct rsys_sandbox_spec *sandbox, FILE *out)
{
    const struct rsys_veth_spec *veth = &sandbox->veth;
    if (sandbox->network != RSYS_NETWORK_VETH) {
        fprintf(out, "  network                  %s\n", sandbox->network == RSYS_NETWORK_HOST ? "THE SERVER'S OWN" : "none but a loopback of its own");
        return;
    }
    fprintf(out, "  network                  %s, connected to an interface of the server, which has to run as root", veth->interface);
    if (veth->bridge[0] != 0)
        fprintf(out, "; that is in the bridge %s", veth->bridge);
    fputc('\n', out);
    explain_subnet(veth, RSYS_IPV4, out);
    explain_subnet(veth, RSYS_IPV6, out);
}

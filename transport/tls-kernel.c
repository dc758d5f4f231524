/* SPDX-License-Identifier: GPL-2.0-only */
/* tls-kernel.c: a session's keys, handed to the kernel (Documentation/networking/tls.rst).
 *
 * The kernel renews no keys, and gives alerts to nobody who does not ask for them.  So the cipher is one whose keys need no renewal (ChaCha20-Poly1305: the
 * record number ends before its bounds do), and neither side sends anything but data once the session's first bytes may come. */
#include "transport/tls-inner.h"

#include "src/core/util.h"

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

bool rsys_tls_kernel_can(void)
{
    /* Only a connected socket can have it: ENOTCONN says that it is known (tls_init); a process with CAP_NET_ADMIN has the module loaded by asking. */
    RSYS_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") < 0 && errno == ENOTCONN;
}

static int give(struct tls_flow *flow, bool receive)
{
    struct tls12_crypto_info_chacha20_poly1305 info = {.info = {.version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_CHACHA20_POLY1305}};
    gnutls_datum_t mac, iv, key;
    int code = gnutls_record_get_state(flow->tls, receive, &mac, &iv, &key, info.rec_seq);
    if (code < 0 || iv.size != sizeof info.iv || key.size != sizeof info.key)
        return -1;
    memcpy(info.iv, iv.data, sizeof info.iv);
    memcpy(info.key, key.data, sizeof info.key);
    int result = setsockopt(flow->wire.fd, SOL_TLS, receive ? TLS_RX : TLS_TX, &info, sizeof info);
    explicit_bzero(&info, sizeof info);
    return result;
}

int tls_kernel_take(struct tls_flow *flow)
{
    if (!flow->kernel || gnutls_cipher_get(flow->tls) != GNUTLS_CIPHER_CHACHA20_POLY1305 || gnutls_record_check_pending(flow->tls) != 0 || flow->wire.waiting.bytes != NULL)
        return 0;
    if (setsockopt(flow->wire.fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") < 0 || give(flow, false) < 0)
        return 0; /* without keys of its own it carries what we encrypt */
    return give(flow, true) < 0 ? -1 : 1;
}

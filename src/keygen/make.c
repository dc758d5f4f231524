/* SPDX-License-Identifier: GPL-2.0-only */
/* make.c: keys and certificates. */
#include "src/keygen/keygen.h"

#include "src/core/util.h"
#include "transport/tls-inner.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY 86400

static char *text_of(gnutls_datum_t *data)
{
    char *text = strndup((const char *)data->data, data->size);
    explicit_bzero(data->data, data->size);
    gnutls_free(data->data);
    return text;
}

/* Trusted for itself: who it is of is told by the file that it stands in, and the name is for people. */
static int fill(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key, const char *name, bool server, int days)
{
    uint8_t serial[16];
    time_t now = time(NULL);
    int code = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] = (serial[0] & 0x7f) | 1; /* a positive number of this size */
    if (code == 0)
        code = gnutls_x509_crt_set_version(certificate, 3);
    if (code == 0)
        code = gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
    if (code == 0)
        code = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
    if (code == 0) /* the other machine's clock may be behind */
        code = gnutls_x509_crt_set_activation_time(certificate, now - DAY);
    if (code == 0)
        code = gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)days * DAY);
    if (code == 0)
        code = gnutls_x509_crt_set_key(certificate, key);
    if (code == 0)
        code = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);
    if (code == 0)
        code = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (code == 0)
        code = gnutls_x509_crt_set_key_purpose_oid(certificate, server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0);
    return code == 0 ? gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA512, 0) : code;
}

static int make_pair(struct made *ret, const char *name, bool server, int days, struct rsys_error **err)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t certificate = NULL;
    gnutls_datum_t secret = {NULL, 0}, public = {NULL, 0};
    int code = gnutls_x509_privkey_init(&key);
    if (code == 0)
        code = gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 0, 0);
    if (code == 0)
        code = gnutls_x509_crt_init(&certificate);
    if (code == 0)
        code = fill(certificate, key, name, server, days);
    if (code == 0)
        code = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &secret);
    if (code == 0)
        code = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &public);
    ret->secret = secret.data != NULL ? text_of(&secret) : NULL;
    ret->public = public.data != NULL ? text_of(&public) : NULL;
    if (key != NULL)
        gnutls_x509_privkey_deinit(key);
    if (certificate != NULL)
        gnutls_x509_crt_deinit(certificate);
    if (code == 0 && ret->secret != NULL && ret->public != NULL)
        return 0;
    made_free(ret);
    return rsys_error_make(err, 0, "make a key for %s: %s", name, gnutls_strerror(code != 0 ? code : GNUTLS_E_MEMORY_ERROR));
}

static int make_shared(struct made *ret, const char *name, struct rsys_error **err)
{
    uint8_t key[TLS_PSK_SIZE];
    char text[2 * TLS_PSK_SIZE + 1];
    int code = gnutls_rnd(GNUTLS_RND_KEY, key, sizeof key);
    for (size_t i = 0; i < sizeof key; i++)
        snprintf(text + 2 * i, 3, "%02x", key[i]);
    *ret = (struct made){NULL, NULL};
    if (code == 0 && asprintf(&ret->secret, "psk %s %s\n", name, text) < 0)
        ret->secret = NULL;
    explicit_bzero(key, sizeof key);
    explicit_bzero(text, sizeof text);
    return ret->secret != NULL ? 0 : rsys_error_make(err, 0, "make a key for %s: %s", name, gnutls_strerror(code != 0 ? code : GNUTLS_E_MEMORY_ERROR));
}

int make_identity(struct made *ret, const char *name, bool server, bool shared, int days, struct rsys_error **err)
{
    return shared ? make_shared(ret, name, err) : make_pair(ret, name, server, days, err);
}

void made_free(struct made *made)
{
    if (made->secret != NULL)
        explicit_bzero(made->secret, strlen(made->secret));
    free(rsys_steal(&made->secret));
    free(rsys_steal(&made->public));
}

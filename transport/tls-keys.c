/* SPDX-License-Identifier: GPL-2.0-only */
/* tls-keys.c: key files: where they are, who may read them, what is in them.
 *
 * One file a side, in PEM: the own private key; the own certificate (the one with that key) and those that lead to its authority; the certificates
 * of the peers that are trusted, each for itself; authorities (self-signed CA certificates), which vouch for others, and their revocation lists; and lines "psk NAME KEY", shared keys. */
#include "transport/tls-inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* ---- the file ---- */

int rsys_tls_default_path(const char *which, char **ret_path, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *own = NULL;
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int made = 0;
    if (geteuid() != 0 && config != NULL && config[0] == '/')
        made = asprintf(&own, "%s/rsys/%s.key", config, which);
    else if (geteuid() != 0 && home != NULL && home[0] == '/')
        made = asprintf(&own, "%s/.config/rsys/%s.key", home, which);
    if (made < 0) {
        own = NULL; /* asprintf has left it undefined */
        return rsys_error_make(err, ENOMEM, "the key file's name");
    }
    if (own != NULL && (access(own, F_OK) == 0 || errno != ENOENT)) {
        *ret_path = rsys_steal(&own);
        return 0;
    }
    if (asprintf(ret_path, "/etc/rsys/%s.key", which) < 0)
        return rsys_error_make(err, ENOMEM, "the key file's name");
    if (own != NULL && access(*ret_path, F_OK) < 0) {
        free(*ret_path);
        *ret_path = rsys_steal(&own);
    }
    return 0;
}

int rsys_tls_file_read(struct rsys_tls_file *file, const char *path, struct rsys_error **err)
{
    struct stat status;
    RSYS_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return rsys_error_make(err, ENOENT, "open the key file %s (rsys-keygen makes the files of both sides; --key names one)", path);
    if (fd < 0 || fstat(fd, &status) < 0)
        return rsys_error_make(err, errno, "open the key file %s", path);
    if (!S_ISREG(status.st_mode) || status.st_size > RSYS_TLS_FILE_MAX)
        return rsys_error_make(err, 0, "the key file %s is no regular file, or larger than %u bytes", path, RSYS_TLS_FILE_MAX);
    if ((status.st_mode & 077) != 0)
        return rsys_error_make(err, 0, "the key file %s can be read or changed by others than its owner (its mode is %04o): chmod 600 %s", path, status.st_mode & 07777, path);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return rsys_error_make(err, 0, "the key file %s belongs to another user (uid %u)", path, status.st_uid);
    size_t room = (size_t)status.st_size;
    RSYS_AUTO_FREE char *text = calloc(1, room + 1), *name = strdup(path);
    if (text == NULL || name == NULL)
        return rsys_error_make(err, ENOMEM, "read the key file %s", path);
    size_t size = 0;
    for (ssize_t n = 1; n != 0 && size < room; size += (size_t)n)
        if ((n = read(fd, text + size, room - size)) < 0)
            return rsys_error_make(err, errno, "read the key file %s", path);
    *file = (struct rsys_tls_file){.path = rsys_steal(&name), .text = rsys_steal(&text), .size = size};
    return 0;
}

void rsys_tls_file_free(struct rsys_tls_file *file)
{
    if (file->text != NULL)
        explicit_bzero(file->text, file->size);
    free(rsys_steal(&file->text));
    free(rsys_steal(&file->path));
}

int rsys_tls_file_check(const struct rsys_tls_file *file, bool server, struct rsys_error **err)
{
    struct tls_keys *keys = tls_keys_parse(file->text, file->size, err);
    int result = keys == NULL ? -1 : 0;
    if (result == 0 && keys->key == NULL && keys->psks == 0)
        result = rsys_error_make(err, 0, "there is neither a private key nor a psk in it");
    else if (result == 0 && !server && keys->psks > 1)
        result = rsys_error_make(err, 0, "it has the psk of more than one client");
    else if (result == 0 && !server && keys->psks == 0 && keys->peers == 0 && keys->authorities == 0)
        result = rsys_error_make(err, 0, "the server's certificate, or its authority's, is missing in it");
    else if (result == 0 && server && keys->psks != 0 && keys->key == NULL && (keys->peers != 0 || keys->authorities != 0))
        result = rsys_error_make(err, 0, "there are clients' certificates, but no private key of the server");
    tls_keys_free(keys);
    return result < 0 ? rsys_error_prefix(err, "the key file %s", file->path) : 0;
}

/* ---- what is in it ---- */

static int crypto_error(struct rsys_error **err, int code, const char *what)
{
    return rsys_error_make(err, 0, "%s: %s", what, gnutls_strerror(code));
}

static bool has_block(const char *text, const char *name)
{
    char mark[64];
    snprintf(mark, sizeof mark, "-----BEGIN %s-----", name);
    return strstr(text, mark) != NULL;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "psk NAME KEY" from the beginning of a line. */
static int parse_psk(struct tls_psk *psk, const char *line, size_t length)
{
    char name[RSYS_TLS_NAME_SIZE], text[2 * TLS_PSK_SIZE + 1], rest;
    char copy[256];
    if (length >= sizeof copy)
        return -1;
    memcpy(copy, line, length);
    copy[length] = 0;
    int got = sscanf(copy, "psk %63[A-Za-z0-9._@-] %64[0-9a-f] %c", name, text, &rest);
    explicit_bzero(copy, sizeof copy);
    if (got != 2 || strlen(text) != 2 * TLS_PSK_SIZE)
        return -1;
    strcpy(psk->name, name);
    for (size_t i = 0; i < TLS_PSK_SIZE; i++)
        psk->key[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    explicit_bzero(text, sizeof text);
    return 0;
}

static int parse_psks(struct tls_keys *keys, const char *text, struct rsys_error **err)
{
    for (const char *line = text, *end; *line != 0; line = *end != 0 ? end + 1 : end) {
        end = strchrnul(line, '\n');
        if (strncmp(line, "psk ", 4) != 0)
            continue;
        struct tls_psk *grown = realloc(keys->psk, (keys->psks + 1) * sizeof *grown);
        if (grown == NULL)
            return rsys_error_make(err, ENOMEM, "shared keys");
        keys->psk = grown;
        if (parse_psk(&keys->psk[keys->psks], line, (size_t)(end - line)) < 0)
            return rsys_error_make(err, 0, "a line \"psk NAME KEY\" is malformed: the key has to be %d hexadecimal digits", 2 * TLS_PSK_SIZE);
        keys->psks++;
    }
    return 0;
}

static bool is_own(gnutls_x509_privkey_t key, gnutls_x509_crt_t certificate)
{
    uint8_t a[32], b[32];
    size_t a_size = sizeof a, b_size = sizeof b;
    return gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, a, &a_size) == 0 &&
           gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, b, &b_size) == 0 && a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* Take the certificates of the list apart; each goes to one place, which owns it. */
static int sort_certificates(struct tls_keys *keys, gnutls_x509_crt_t *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bool authority = gnutls_x509_crt_get_ca_status(list[i], NULL) > 0, itself = gnutls_x509_crt_check_issuer(list[i], list[i]) != 0;
        if (keys->key != NULL && keys->owns == 0 && is_own(keys->key, list[i])) {
            keys->own[keys->owns++] = list[i];
        } else if (authority && itself) {
            int code = gnutls_x509_trust_list_add_cas(keys->trust, &list[i], 1, 0);
            if (code < 0)
                return code;
            keys->authorities++;
        } else if (authority && keys->owns > 0 && keys->owns < TLS_CHAIN_MAX && gnutls_x509_crt_check_issuer(keys->own[keys->owns - 1], list[i])) {
            keys->own[keys->owns++] = list[i];
        } else {
            keys->peer[keys->peers++] = list[i];
        }
        list[i] = NULL;
    }
    return 0;
}

static int parse_certificates(struct tls_keys *keys, const gnutls_datum_t *data, struct rsys_error **err)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    int code = gnutls_x509_crt_list_import2(&list, &count, data, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0)
        return crypto_error(err, code, "its certificates");
    keys->peer = calloc(count, sizeof *keys->peer);
    code = keys->peer == NULL ? GNUTLS_E_MEMORY_ERROR : sort_certificates(keys, list, count);
    for (unsigned i = 0; i < count; i++)
        if (list[i] != NULL)
            gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    return code < 0 ? crypto_error(err, code, "its certificates") : 0;
}

static int parse_revocations(struct tls_keys *keys, const gnutls_datum_t *data, struct rsys_error **err)
{
    gnutls_x509_crl_t *list = NULL;
    unsigned count = 0;
    int code = gnutls_x509_crl_list_import2(&list, &count, data, GNUTLS_X509_FMT_PEM, 0);
    if (code == 0) {
        code = gnutls_x509_trust_list_add_crls(keys->trust, list, count, GNUTLS_TL_VERIFY_CRL, 0);
        gnutls_free(list); /* what is in it is the trust list's */
        if (code >= 0 && (unsigned)code != count)
            return rsys_error_make(err, 0, "one of its revocation lists is of no authority in it");
    }
    return code < 0 ? crypto_error(err, code, "its revocation lists") : 0;
}

static int parse_all(struct tls_keys *keys, const char *text, size_t size, struct rsys_error **err)
{
    const gnutls_datum_t data = {(unsigned char *)(uintptr_t)text, (unsigned)size};
    int code = gnutls_x509_trust_list_init(&keys->trust, 0);
    if (code < 0)
        return crypto_error(err, code, "certificates");
    if (strstr(text, "PRIVATE KEY-----") != NULL) {
        if ((code = gnutls_x509_privkey_init(&keys->key)) < 0 || (code = gnutls_x509_privkey_import2(keys->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0)) < 0)
            return crypto_error(err, code, "its private key");
    }
    if (has_block(text, "CERTIFICATE") && parse_certificates(keys, &data, err) < 0)
        return -1;
    if (keys->key != NULL && keys->owns == 0)
        return rsys_error_make(err, 0, "the certificate of its private key is missing");
    if (has_block(text, "X509 CRL") && parse_revocations(keys, &data, err) < 0)
        return -1;
    return parse_psks(keys, text, err);
}

struct tls_keys *tls_keys_parse(const char *text, size_t size, struct rsys_error **err)
{
    struct tls_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL) {
        rsys_error_make(err, ENOMEM, "keys");
        return NULL;
    }
    if (strlen(text) != size) {
        rsys_error_make(err, 0, "it is not text");
    } else if (parse_all(keys, text, size, err) == 0) {
        return keys;
    }
    tls_keys_free(keys);
    return NULL;
}

void tls_keys_free(struct tls_keys *keys)
{
    if (keys == NULL)
        return;
    for (unsigned i = 0; i < keys->owns; i++)
        gnutls_x509_crt_deinit(keys->own[i]);
    for (unsigned i = 0; i < keys->peers; i++)
        gnutls_x509_crt_deinit(keys->peer[i]);
    if (keys->key != NULL)
        gnutls_x509_privkey_deinit(keys->key);
    if (keys->trust != NULL)
        gnutls_x509_trust_list_deinit(keys->trust, 1);
    if (keys->psk != NULL)
        explicit_bzero(keys->psk, keys->psks * sizeof *keys->psk);
    free(keys->psk);
    free(keys->peer);
    free(keys);
}

/* ---- whether a peer is trusted ---- */

void tls_fingerprint(const gnutls_datum_t *der, char text[TLS_FINGERPRINT_SIZE])
{
    uint8_t digest[32] = {0};
    strcpy(text, "sha256:");
    (void)gnutls_hash_fast(GNUTLS_DIG_SHA256, der->data, der->size, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 7 + 2 * i, 3, "%02x", digest[i]);
}

void tls_certificate_name(gnutls_x509_crt_t certificate, char name[RSYS_TLS_NAME_SIZE])
{
    size_t size = RSYS_TLS_NAME_SIZE;
    if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) < 0)
        strcpy(name, "?");
    for (char *at = name; *at != 0; at++) /* it is printed in logs and on terminals */
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-", *at) == NULL)
            *at = '?';
}

static void day(time_t when, char text[16])
{
    struct tm parts;
    if (gmtime_r(&when, &parts) == NULL || strftime(text, 16, "%Y-%m-%d", &parts) == 0)
        strcpy(text, "?");
}

/* A certificate that is itself in the file: its time alone is left to be looked at. */
static int check_time(gnutls_x509_crt_t certificate, char *why, size_t size)
{
    time_t now = time(NULL), from = gnutls_x509_crt_get_activation_time(certificate), until = gnutls_x509_crt_get_expiration_time(certificate);
    char when[16];
    if (from == (time_t)-1 || until == (time_t)-1) {
        snprintf(why, size, "its certificate tells no time");
        return -1;
    }
    if (now >= from && now <= until)
        return 0;
    day(now < from ? from : until, when);
    snprintf(why, size, now < from ? "its certificate is not valid before %s (is this machine's clock right?)" : "its certificate has expired on %s (make new keys with rsys-keygen)", when);
    return -1;
}

/* Whether an authority vouches for it. */
static int check_authority(const struct tls_keys *keys, gnutls_x509_crt_t *chain, unsigned count, const char *host, bool is_server, char *why, size_t size)
{
    gnutls_typed_vdata_st data[2] = {{.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)(uintptr_t)(is_server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT)},
                                     {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (void *)(uintptr_t)host}};
    unsigned status = 0;
    gnutls_datum_t text = {NULL, 0};
    int code = gnutls_x509_trust_list_verify_crt2(keys->trust, chain, count, data, host != NULL ? 2 : 1, 0, &status, NULL);
    if (code == 0 && status == 0)
        return 0;
    if (code < 0 || gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
        snprintf(why, size, "its certificate cannot be verified: %s", gnutls_strerror(code));
    else
        snprintf(why, size, "%s", (const char *)text.data);
    gnutls_free(text.data);
    return -1;
}

int tls_keys_trust(const struct tls_keys *keys, const gnutls_datum_t *der, unsigned count, const char *host, bool is_server, char name[RSYS_TLS_NAME_SIZE], char *why, size_t size)
{
    gnutls_x509_crt_t chain[TLS_CHAIN_MAX] = {NULL};
    char print[TLS_FINGERPRINT_SIZE];
    int result = -1;
    unsigned have = 0;
    if (count == 0 || count > TLS_CHAIN_MAX) {
        snprintf(why, size, count == 0 ? "it has sent no certificate" : "it has sent too many certificates");
        return -1;
    }
    for (; have < count; have++)
        if (gnutls_x509_crt_init(&chain[have]) < 0 || gnutls_x509_crt_import(chain[have], &der[have], GNUTLS_X509_FMT_DER) < 0) {
            snprintf(why, size, "it has sent a malformed certificate");
            goto out;
        }
    tls_fingerprint(&der[0], print);
    tls_certificate_name(chain[0], name);
    for (unsigned i = 0; i < keys->peers; i++)
        if (gnutls_x509_crt_equals2(keys->peer[i], &der[0])) {
            result = check_time(chain[0], why, size);
            goto out;
        }
    if (keys->authorities > 0)
        result = check_authority(keys, chain, count, host, is_server, why, size);
    else
        snprintf(why, size, "its certificate, %s, is not in the key file", print);
out:
    for (unsigned i = 0; i < TLS_CHAIN_MAX; i++)
        if (chain[i] != NULL)
            gnutls_x509_crt_deinit(chain[i]);
    return result;
}

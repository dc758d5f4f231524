/* SPDX-License-Identifier: GPL-2.0-only */
/* files.c: the key files of a folder: the server's, server.key, and each client's.
 *
 * A file is written whole beside its place and then put there, so that nobody reads half of one; whoever changes the server's holds a lock on the folder. */
#include "src/keygen/keygen.h"

#include "src/core/util.h"
#include "transport/tls-inner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define SERVER_HEAD "# rsys: the server's key and certificate, and the clients that may connect.  Keep it secret.\n"
#define CLIENT_HEAD "# rsys: %s's key, to the server whose certificate follows.  Keep it secret.\n"
#define CLIENT_MARK "# client "
#define CERTIFICATE_BEGIN "-----BEGIN CERTIFICATE-----"
#define CERTIFICATE_END "-----END CERTIFICATE-----"

static int path_of(char **ret, const char *folder, const char *name, struct rsys_error **err)
{
    if (asprintf(ret, "%s/%s.key", folder, name) < 0) {
        *ret = NULL;
        return rsys_error_make(err, ENOMEM, "%s/%s.key", folder, name);
    }
    return 0;
}

/* fresh: nothing is to be there yet. */
static int write_file(const char *path, const char *text, bool fresh, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *beside = NULL;
    if (asprintf(&beside, "%s.XXXXXX", path) < 0) {
        beside = NULL;
        return rsys_error_make(err, ENOMEM, "write %s", path);
    }
    RSYS_AUTO_FD fd = mkostemp(beside, O_CLOEXEC); /* its mode is 0600 */
    size_t size = strlen(text), done = 0;
    if (fd < 0)
        return rsys_error_make(err, errno, "write %s", path);
    int result = 0;
    while (result == 0 && done < size) {
        ssize_t n = write(fd, text + done, size - done);
        if (n < 0)
            result = rsys_error_make(err, errno, "write %s", path);
        else
            done += (size_t)n;
    }
    if (result == 0 && fsync(fd) < 0)
        result = rsys_error_make(err, errno, "write %s", path);
    if (result == 0 && renameat2(AT_FDCWD, beside, AT_FDCWD, path, fresh ? RENAME_NOREPLACE : 0) < 0)
        result = errno == EEXIST ? rsys_error_make(err, EEXIST, "%s", path) : rsys_error_make(err, errno, "write %s", path);
    if (result < 0)
        unlink(beside);
    return result;
}

static int lock_folder(const char *folder, struct rsys_error **err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) < 0) {
        rsys_error_make(err, errno, "open the folder %s", folder);
        rsys_close(fd);
        return -1;
    }
    return fd;
}

struct server {
    struct rsys_tls_file file;
    struct tls_keys *keys;
};

static void server_free(struct server *server)
{
    tls_keys_free(server->keys);
    rsys_tls_file_free(&server->file);
}

static int server_read(struct server *server, const char *path, struct rsys_error **err)
{
    if (rsys_tls_file_read(&server->file, path, err) < 0)
        return -1;
    server->keys = tls_keys_parse(server->file.text, server->file.size, err);
    if (server->keys == NULL)
        return rsys_error_prefix(err, "the key file %s", path);
    if (server->keys->owns == 0)
        return rsys_error_make(err, 0, "the key file %s has no certificate of the server", path);
    return 0;
}

/* ---- to add ---- */

static bool has_client(const struct tls_keys *keys, const char *name)
{
    char peer[RSYS_TLS_NAME_SIZE];
    for (size_t i = 0; i < keys->psks; i++)
        if (strcmp(keys->psk[i].name, name) == 0)
            return true;
    for (unsigned i = 0; i < keys->peers; i++) {
        tls_certificate_name(keys->peer[i], peer);
        if (strcmp(peer, name) == 0)
            return true;
    }
    return false;
}

/* The server's own certificate as text. */
static char *own_certificate(const struct tls_keys *keys)
{
    gnutls_datum_t data = {NULL, 0};
    if (gnutls_x509_crt_export2(keys->own[0], GNUTLS_X509_FMT_PEM, &data) < 0)
        return NULL;
    char *text = strndup((const char *)data.data, data.size);
    gnutls_free(data.data);
    return text;
}

/* The client's file first: a server that does not know its client is harmless, a client that was never told is not to be known. */
static int write_both(const char *folder, const char *path, const char *name, const struct made *client, const char *before, const char *certificate, bool fresh,
                      struct rsys_error **err)
{
    RSYS_AUTO_FREE char *client_path = NULL, *server_text = NULL, *client_text = NULL;
    const char *gap = before[0] != 0 && before[strlen(before) - 1] != '\n' ? "\n" : "";
    if (path_of(&client_path, folder, name, err) < 0)
        return -1;
    if (asprintf(&client_text, CLIENT_HEAD "%s%s%s", name, client->secret, client->public != NULL ? client->public : "", client->public != NULL ? certificate : "") < 0) {
        client_text = NULL;
        return rsys_error_make(err, ENOMEM, "%s", client_path);
    }
    if (asprintf(&server_text, "%s%s" CLIENT_MARK "%s\n%s", before, gap, name, client->public != NULL ? client->public : client->secret) < 0) {
        server_text = NULL;
        return rsys_error_make(err, ENOMEM, "%s", path);
    }
    int result = write_file(client_path, client_text, true, err);
    if (result == 0 && write_file(path, server_text, fresh, err) < 0) {
        unlink(client_path);
        result = -1;
    }
    explicit_bzero(client_text, strlen(client_text));
    explicit_bzero(server_text, strlen(server_text));
    return result;
}

static int add_first(const char *folder, const char *path, const char *name, const struct made *client, int days, struct rsys_error **err)
{
    struct made own = {0};
    RSYS_AUTO_FREE char *before = NULL;
    if (make_identity(&own, "server", true, false, days, err) < 0)
        return -1;
    int result = asprintf(&before, SERVER_HEAD "%s%s", own.secret, own.public);
    if (result < 0) {
        before = NULL;
        rsys_error_make(err, ENOMEM, "%s", path);
    } else {
        result = write_both(folder, path, name, client, before, own.public, true, err);
        explicit_bzero(before, strlen(before));
    }
    made_free(&own);
    return result < 0 ? -1 : 0;
}

static int add_another(const char *folder, const char *path, const char *name, const struct made *client, struct rsys_error **err)
{
    struct server server = {0};
    RSYS_AUTO_FREE char *certificate = NULL;
    int result = server_read(&server, path, err);
    if (result == 0 && has_client(server.keys, name))
        result = rsys_error_make(err, 0, "%s has a client %s already (--revoke takes it out)", path, name);
    if (result == 0 && (certificate = own_certificate(server.keys)) == NULL)
        result = rsys_error_make(err, 0, "the certificate of %s cannot be copied", path);
    if (result == 0)
        result = write_both(folder, path, name, client, server.file.text, certificate, false, err);
    server_free(&server);
    return result;
}

int files_add(const char *folder, const char *name, bool shared, int days, bool fresh, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *path = NULL;
    struct made client = {0};
    if (fresh && mkdir(folder, 0700) < 0 && errno != EEXIST)
        return rsys_error_make(err, errno, "make the folder %s", folder);
    RSYS_AUTO_FD lock = lock_folder(folder, err);
    if (lock < 0 || path_of(&path, folder, "server", err) < 0)
        return -1;
    if (fresh && access(path, F_OK) == 0)
        return rsys_error_make(err, 0, "%s is there already (--add-client NAME adds a client to it)", path);
    if (make_identity(&client, name, false, shared, days, err) < 0)
        return -1;
    int result = fresh ? add_first(folder, path, name, &client, days, err) : add_another(folder, path, name, &client, err);
    made_free(&client);
    return result;
}

/* ---- to revoke ---- */

/* Whether the block of text is the certificate of a client of this name. */
static bool is_certificate_of(const struct tls_keys *keys, const char *block, size_t size, const char *name)
{
    const gnutls_datum_t data = {(unsigned char *)(uintptr_t)block, (unsigned)size};
    gnutls_x509_crt_t certificate;
    char owner[RSYS_TLS_NAME_SIZE] = "";
    if (gnutls_x509_crt_init(&certificate) < 0)
        return false;
    if (gnutls_x509_crt_import(certificate, &data, GNUTLS_X509_FMT_PEM) == 0 && !gnutls_x509_crt_equals(certificate, keys->own[0]) &&
        gnutls_x509_crt_get_ca_status(certificate, NULL) <= 0)
        tls_certificate_name(certificate, owner);
    gnutls_x509_crt_deinit(certificate);
    return strcmp(owner, name) == 0;
}

/* Copy text to out without what is the client's: how many things were left out. */
static unsigned leave_out(const struct tls_keys *keys, const char *text, const char *name, char *out)
{
    unsigned left_out = 0;
    size_t length = strlen(name);
    for (const char *at = text; *at != 0;) {
        const char *end = strchrnul(at, '\n');
        bool certificate = strncmp(at, CERTIFICATE_BEGIN, strlen(CERTIFICATE_BEGIN)) == 0, mark = false, drop = false;
        if (certificate) {
            const char *last = strstr(at, CERTIFICATE_END);
            end = last != NULL ? strchrnul(last, '\n') : end;
            drop = is_certificate_of(keys, at, (size_t)(end - at), name);
        } else if (strncmp(at, "psk ", 4) == 0) {
            drop = strncmp(at + 4, name, length) == 0 && at[4 + length] == ' ';
        } else if (strncmp(at, CLIENT_MARK, strlen(CLIENT_MARK)) == 0) {
            mark = strncmp(at + strlen(CLIENT_MARK), name, length) == 0 && at + strlen(CLIENT_MARK) + length == end;
        }
        end += *end == '\n';
        left_out += drop;
        if (!drop && !mark) {
            memcpy(out, at, (size_t)(end - at));
            out += end - at;
        }
        at = end;
    }
    *out = 0;
    return left_out;
}

int files_revoke(const char *folder, const char *name, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *path = NULL, *text = NULL;
    struct server server = {0};
    RSYS_AUTO_FD lock = lock_folder(folder, err);
    if (lock < 0 || path_of(&path, folder, "server", err) < 0)
        return -1;
    int result = server_read(&server, path, err);
    if (result == 0 && (text = malloc(server.file.size + 1)) == NULL)
        result = rsys_error_make(err, ENOMEM, "%s", path);
    if (result == 0 && leave_out(server.keys, server.file.text, name, text) == 0)
        result = rsys_error_make(err, 0, "%s has no client %s (--list shows them)", path, name);
    if (result == 0)
        result = write_file(path, text, false, err);
    if (text != NULL)
        explicit_bzero(text, server.file.size);
    server_free(&server);
    return result;
}

/* ---- to list ---- */

static void print_certificate(const char *what, gnutls_x509_crt_t certificate)
{
    gnutls_datum_t der = {NULL, 0};
    char name[RSYS_TLS_NAME_SIZE], print[TLS_FINGERPRINT_SIZE] = "?", until[16] = "?";
    time_t end = gnutls_x509_crt_get_expiration_time(certificate);
    struct tm parts;
    tls_certificate_name(certificate, name);
    if (gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der) == 0)
        tls_fingerprint(&der, print);
    gnutls_free(der.data);
    if (gmtime_r(&end, &parts) != NULL)
        strftime(until, sizeof until, "%Y-%m-%d", &parts);
    printf("%s %s  %s  until %s%s\n", what, name, print, until, end < time(NULL) ? " (expired)" : "");
}

int files_list(const char *folder, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *path = NULL;
    struct server server = {0};
    if (path_of(&path, folder, "server", err) < 0)
        return -1;
    int result = server_read(&server, path, err);
    if (result == 0) {
        print_certificate("server", server.keys->own[0]);
        for (unsigned i = 0; i < server.keys->peers; i++)
            print_certificate("client", server.keys->peer[i]);
        for (size_t i = 0; i < server.keys->psks; i++)
            printf("client %s  shared key\n", server.keys->psk[i].name);
        if (server.keys->authorities != 0)
            printf("and whoever has a certificate of %s in it\n", server.keys->authorities == 1 ? "the authority" : "an authority");
    }
    server_free(&server);
    return result;
}

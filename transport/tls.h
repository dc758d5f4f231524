/* SPDX-License-Identifier: GPL-2.0-only */
/* tls.h: keys, and the process that speaks TLS, for what is above transport/.
 *
 * TLS is spoken by a process of its own (a TLS process), one for each session and side, because it reads hostile bytes with a large library and holds the keys.
 * What carries the session afterwards is a plain descriptor: the socket itself, when the kernel has taken over its encryption, or one end of a
 * socket pair whose other end the TLS process relays.  rsys-protocol(7) tells what crosses the wire. */
#ifndef RSYS_TRANSPORT_TLS_H
#define RSYS_TRANSPORT_TLS_H

#include "src/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- key files (tls-keys.c) ---- */

#define RSYS_TLS_NAME_SIZE 64 /* of a key's owner, terminated */
#define RSYS_TLS_FILE_MAX (4u << 20)

/* A key file's text, checked; the text holds secrets. */
struct rsys_tls_file {
    char *path, *text; /* owned; text is terminated */
    size_t size;
};

/* Where a side's key file is when none is named: of the user (XDG_CONFIG_HOME, ~/.config) unless we are root, else /etc/rsys; which: "server" or "client".  *ret_path is malloc'd: the first that
 * exists, or the one that should. */
int rsys_tls_default_path(const char *which, char **ret_path, struct rsys_error **err);
/* Read a key file.  One that is not its owner's alone is refused.  0; or -1: nothing is owned. */
int rsys_tls_file_read(struct rsys_tls_file *file, const char *path, struct rsys_error **err);
/* Whether the file holds what a side needs. */
int rsys_tls_file_check(const struct rsys_tls_file *file, bool server, struct rsys_error **err);
void rsys_tls_file_free(struct rsys_tls_file *file);

/* ---- the TLS process (tls-process.c) ---- */

/* How a connection came out: the first bytes on the plain end that was given with it. */
enum rsys_tls_status {
    RSYS_TLS_FAILED = 1,  /* text says why; the connection is closed */
    RSYS_TLS_RELAYED = 2, /* the plain end carries the session's bytes from here on */
    RSYS_TLS_KERNEL = 3,  /* the connection itself does, as a plain one: the kernel has its keys */
};
struct rsys_tls_result {
    uint32_t status;               /* enum rsys_tls_status */
    uint8_t id[16];                /* names the session to further connections' preambles; public */
    char name[RSYS_TLS_NAME_SIZE]; /* whose key it was: of the client, on the server */
    char text[428];                /* printable, terminated */
};

/* Be a TLS process until control ends, see tls-process.c.  confine (rsys_sandbox_confine_worker; NULL: a test): called before the first foreign byte is read. */
typedef int rsys_tls_confine(const char *name, const int *keep, size_t count, struct rsys_error **err);
void rsys_tls_process_run(int control_fd, bool server, rsys_tls_confine *confine) __attribute__((noreturn));

/* Give it its keys, or new ones: on the server, a client that these no longer let in loses its connections.  host (may be NULL): the name that a server's certificate of an authority has to be for. */
int rsys_tls_process_keys(int control_fd, const struct rsys_tls_file *file, const char *host, struct rsys_error **err);
/* Hand a connection over, and the end of a socket pair (both stay the caller's; close the latter).  kernel: the kernel may take the encryption over.  0, or -1 with errno. */
int rsys_tls_process_connection(int control_fd, int connection, int plain, bool kernel);
/* Whether our kernel can encrypt sockets (asking loads its module, where that is allowed). */
bool rsys_tls_kernel_can(void);

#endif

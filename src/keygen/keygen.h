/* SPDX-License-Identifier: GPL-2.0-only */
/* keygen.h: what the files of rsys-keygen share. */
#ifndef RSYS_KEYGEN_KEYGEN_H
#define RSYS_KEYGEN_KEYGEN_H

#include "src/core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- make.c ---- */

/* What identifies one side: PEM text, owned.  secret holds a private key or a psk line. */
struct made {
    char *secret, *public; /* public: its certificate; NULL for a psk */
};
/* A key pair and a self-signed certificate for name, valid for so many days; with shared, a shared key instead. */
int make_identity(struct made *ret, const char *name, bool server, bool shared, int days, struct rsys_error **err);
void made_free(struct made *made);

/* ---- files.c ---- */

/* Add a client to the server's file in folder (made with it when there is none yet), and write its own file, NAME.key. */
int files_add(const char *folder, const char *name, bool shared, int days, bool fresh, struct rsys_error **err);
/* Take a client out of the server's file. */
int files_revoke(const char *folder, const char *name, struct rsys_error **err);
/* Print who may connect. */
int files_list(const char *folder, struct rsys_error **err);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* program.h: the executor program that is linked into rsys-sandboxd as bytes (program-bytes.S). */
#ifndef RSYS_SERVER_PROGRAM_H
#define RSYS_SERVER_PROGRAM_H

#include "src/core/error.h"

extern const unsigned char server_program_start[], server_program_end[];

/* A sealed memfd with the program, close-on-exec; -1 on failure.  Each session gets its own: sessions share no open file and no inode. */
int server_program_open(struct rsys_error **err);

#endif

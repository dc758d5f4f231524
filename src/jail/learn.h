/* SPDX-License-Identifier: GPL-2.0-only */
/* learn.h: --learn: what the run needs is gathered while it runs, and written as a policy at its end. */
#ifndef RSYS_JAIL_LEARN_H
#define RSYS_JAIL_LEARN_H

#include "src/core/error.h"
#include "src/core/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct call;

/* ---- learn.c: from any thread ---- */

/* Read the file, which may be empty, and gather from now on.  fd is kept, and written to at the end. */
int rsys_learn_start(int fd, const char *name, struct rsys_error **err);
bool rsys_learns(void);
/* The file's new text.  -1 and err. */
int rsys_learn_finish(struct rsys_error **err);
/* A guest's call that the policy allows. */
void rsys_learn_call(const struct call *call);
/* A birth, which nobody notifies. */
void rsys_learn_birth(uint64_t nr);
/* A request to an executor: the policy has to let the session's own executors make it, whoever asked for it. */
void rsys_learn_request(const struct rsys_wire_request *head);
void rsys_learn_path(const char *path, uint64_t access);
void rsys_learn_made(const char *directory, const char *name);

/* ---- learn-paths.c: the supervisor ---- */

/* The call has succeeded and is about to be answered: true when that has to wait, because the executor is asked first which files it was about; then it comes once more. */
bool rsys_learn_asks(struct call *call);

#endif

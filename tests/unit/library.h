/* SPDX-License-Identifier: GPL-2.0-only */
/* library.h: a server and a session of the library with it, for the tests of librsys.  Everything asserts (check.h). */
#ifndef RSYS_TESTS_LIBRARY_H
#define RSYS_TESTS_LIBRARY_H

#include "src/client/rsys.h"
#include "tests/unit/server-client.h"
#include "tests/unit/who.h"

#define MEBIBYTE (1u << 20)

extern struct server server;
extern struct rsys_session *session;

struct rsys_session *open_session(const struct rsys_connect_options *options);
/* A server of that kind of user, and a session. */
void start(int who);
void stop(void);
/* How many entries a directory has, those that begin with a dot not counted. */
int entries_of(const char *path);

#endif

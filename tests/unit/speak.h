/* SPDX-License-Identifier: GPL-2.0-only */
/* speak.h: for the tests of transports. */
#ifndef RSYS_TESTS_UNIT_SPEAK_H
#define RSYS_TESTS_UNIT_SPEAK_H

#include "transport/transport.h"

struct rsys_address *parse(const char *text); /* has to be an address */
void wait_for(int fd);                        /* until it can be read */
/* Listen, connect (to connect_text, or NULL: to the listener's name), accept, speak both ways, be gone. */
void speak(const char *listen_text, const char *connect_text);
/* Some megabytes from one end of a connection, sent by a child, to the other; mode 0: blocking, 1: non-blocking descriptors, 2: these with a limit of time.  Takes both. */
void speak_large(int one, int two, int mode);

#endif

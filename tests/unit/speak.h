/* SPDX-License-Identifier: GPL-2.0-only */
/* speak.h: for the tests of transports. */
#ifndef RSYS_TESTS_UNIT_SPEAK_H
#define RSYS_TESTS_UNIT_SPEAK_H

#include "transport/transport.h"

struct rsys_address *parse(const char *text); /* has to be an address */
void wait_for(int fd);                        /* until it can be read */
/* Listen, connect (to connect_text, or NULL: to the listener's name), accept, speak both ways, be gone. */
void speak(const char *listen_text, const char *connect_text);

#endif

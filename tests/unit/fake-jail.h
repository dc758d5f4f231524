/* SPDX-License-Identifier: GPL-2.0-only */
/* fake-jail.h: a supervisor of one guest for unit tests of handlers.
 *
 * The guest's memory is the test's own, and the executor is the test too: a request is decoded as an executor would and the call made
 * with the test's own descriptors.  Descriptors that the test declares local are local.  VERDICT_CONTINUE makes the call natively. */
#ifndef RSYS_TESTS_FAKE_JAIL_H
#define RSYS_TESTS_FAKE_JAIL_H

#include "src/jail/jail.h"

/* Make a call through its row's handler, from the notification to the answer. */
int64_t fake_call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
#define FAKE_ARG(x) ((uint64_t)(uintptr_t)(x))

void fake_local(int fd, bool local);
extern unsigned fake_requests;   /* that went to the executor since the last fake_call */
extern unsigned fake_posts;      /* that nobody waited for */
extern bool fake_continued;      /* whether the last call was the guest's own kernel's */
extern unsigned fake_cancel_at;  /* the request of this number (from 1) of each call is cancelled instead of made; 0: none */
extern uint16_t fake_numbers[16]; /* the first requests' call numbers */
extern enum rsys_action fake_placed; /* where the policy has the calls; 0: remote */
extern uint64_t fake_mask;       /* the mask that the last call waited with */
extern unsigned fake_interrupted; /* so many times the guest is found to be interrupted when a descriptor is to be installed */
extern struct guest fake_guest;
extern struct rsys_session *fake_session;
void fake_free(void);

#endif

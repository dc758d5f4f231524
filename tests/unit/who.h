/* SPDX-License-Identifier: GPL-2.0-only */
/* who.h: the kinds of user that make sandboxes: every test of them runs as each. */
#ifndef RSYS_TESTS_WHO_H
#define RSYS_TESTS_WHO_H

enum who {
    WHO_ROOT,     /* or whoever runs the tests */
    WHO_ORDINARY, /* an ordinary user */
    WHO_NESTED,   /* root of a user namespace with one id, as `unshare -Ur` makes it */
};
extern const char *const who_names[];

/* How many of them this test run can be: root can be all, an ordinary user only itself. */
int who_count(void);
/* Become it, in a child process.  Exits with status 1 when that fails. */
void who_become(enum who who);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* rights.h: local descriptors in messages over remote sockets (rights.c). */
#ifndef RSYS_JAIL_RIGHTS_H
#define RSYS_JAIL_RIGHTS_H

#include "src/jail/jail.h"

#define RSYS_RIGHTS_MAX 253 /* SCM_MAX_FD: descriptors in one message */

/* Where a walk over control data is. */
struct rsys_rights_cursor {
    uint64_t header, number;
};

/* The descriptors of one message, while they are seen to.  In call->scratch: the call's own.pointer[0] points at it. */
struct rsys_rights {
    uint8_t *control; /* a copy of ours of the message's control data, which is somebody else's word: every length is looked at before it is used */
    uint64_t size;
    struct rsys_rights_cursor cursor;
    uint32_t at;      /* in control: the number at hand */
    int pending;      /* a descriptor of ours that is not kept yet, or -1 */
    unsigned flags;   /* of it: enum rsys_fd_flag */
    bool peeks, cloexec, failed;
    uint32_t count;   /* tokens that were made on the executor */
    int32_t tokens[RSYS_RIGHTS_MAX];
    uint64_t kept[RSYS_RIGHTS_MAX];       /* what they are known by here */
    enum verdict (*next)(struct call *call, int64_t failed);
};

/* Put tokens in the place of the local numbers in rights->control, which is about to be sent; then next(call, 0), or next(call, -errno).  VERDICT as next's. */
enum verdict rsys_rights_send(struct call *call, struct rsys_rights *rights, enum verdict (*next)(struct call *call, int64_t failed));
/* The message has been sent, or could not be: the executor's tokens are closed. */
void rsys_rights_sent(struct call *call, struct rsys_rights *rights, bool sent);
/* rights->control has been received: what are tokens in it become local descriptors at their numbers; then next(call, 0), or next(call, -EMFILE): some could not. */
enum verdict rsys_rights_receive(struct call *call, struct rsys_rights *rights, enum verdict (*next)(struct call *call, int64_t failed));
/* Whether any token is on its way in the session. */
bool rsys_rights_any(const struct jail *jail);
void rsys_rights_free(struct jail *jail);

/* The offset in the control data of the next descriptor's number (the cursor is at it from then on), or -1; and the number there. */
int64_t rsys_rights_next(struct rsys_rights *rights);
int32_t rsys_rights_number(const struct rsys_rights *rights, int64_t at);
/* Whether all descriptors in control data that is to be sent are remote. */
bool rsys_rights_are_remote(const struct call *call, const struct rsys_rights *rights);

#endif

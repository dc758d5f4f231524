/* SPDX-License-Identifier: GPL-2.0-only */
/* message.h: sendmsg and recvmsg, in requests that fit the arena.
 *
 * The header goes over with one buffer in the place of the vector, and with name and control data beside it.  More than 1 MiB of a stream goes in pieces, as with write
 * (transfer.h); MSG_ZEROCOPY is ignored, since the data is copied anyway.  No I/O here. */
#ifndef RSYS_CORE_MESSAGE_H
#define RSYS_CORE_MESSAGE_H

#include "src/core/encode.h"
#include "src/core/vector.h"

#define RSYS_CONTROL_MAX 32768u

/* struct user_msghdr, as guests have it and as the executor's kernel reads it. */
struct rsys_message_header {
    uint64_t name;
    int32_t namelen;
    uint32_t pad;
    uint64_t vector, count, control, controllen;
    uint32_t flags, pad2;
};
_Static_assert(sizeof(struct rsys_message_header) == 56, "struct user_msghdr of x86-64");

/* Zero-initialise, then set what is the caller's. */
struct rsys_message {
    struct iovec *vector;  /* the caller's: room for UIO_MAXIOV entries, which change as they are used up */
    uint8_t *control;      /* the caller's: room for RSYS_CONTROL_MAX bytes, a copy of the message's control data */
    uint64_t fd;           /* the caller's */
    uint64_t address;      /* the caller's: of the guest's header, 0: there is none, and head, total, count and the vector are the caller's too */
    uint32_t flags;        /* the caller's: sendmsg's or recvmsg's */
    bool sends;            /* the caller's */
    struct rsys_message_header head; /* the guest's, bounded */
    uint64_t total, done, piece;
    uint64_t control_size; /* of control */
    uint32_t count;        /* of the vector */
};

/* Read the guest's header at message->address, its vector and the control data that it sends.  0 or the guest's result. */
int64_t rsys_message_read(struct rsys_message *message, struct rsys_memory *memory);
/* Make the next request.  0; or an error, with which the message is over. */
int64_t rsys_message_request(struct rsys_message *message, struct rsys_request *request, struct rsys_memory *memory);
/* Take its reply: what has been received is stored.  1: make another request; 0: the message is over, *ret_result is what has come of it. */
int rsys_message_reply(struct rsys_message *message, struct rsys_request *request, const struct rsys_wire_reply *reply, const uint8_t *data,
                       struct rsys_memory *memory, int64_t *ret_result);
/* recvfrom with MSG_TRUNC and no address.  A stream throws away what it says to have received: the buffer goes along, so that what the kernel leaves alone stays what
 * it was.  0 or the guest's result. */
int64_t rsys_encode_receive_truncated(struct rsys_request *request, const uint64_t args[6], struct rsys_memory *memory);

#endif

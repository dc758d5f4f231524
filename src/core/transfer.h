/* SPDX-License-Identifier: GPL-2.0-only */
/* transfer.h: read and write, plain, positioned and vectored, in requests that fit the arena.
 *
 * A transfer is one request while it fits (1 MiB).  A vector is gathered into one buffer, and what comes back is scattered from the receive buffer
 * straight into the guest.  What is larger than the arena is cut into several requests:
 *
 *   write  goes on after each full piece until everything is written, as the kernel does for files, pipes and stream sockets
 *   pread  goes on after each full piece
 *   read   goes on after a full piece only when the descriptor can seek: a pipe or a socket gives what it has, and waiting for more of it
 *          after the first piece would be wrong
 *
 * An error or a signal after the first piece makes the result what has been done so far.  Between two pieces another
 * process may read or write the same file: a single transfer above 1 MiB is not atomic as it is on one machine.
 *
 * No I/O here: the caller sends the requests and hands in the replies, and may wait for them in any way.
 *
 *     rsys_transfer_start();
 *     do { rsys_transfer_request(); ...send, receive... } while (rsys_transfer_reply() == RSYS_TRANSFER_MORE);
 *     result = rsys_transfer_result(); */
#ifndef RSYS_CORE_TRANSFER_H
#define RSYS_CORE_TRANSFER_H

#include "src/core/encode.h"
#include "src/core/vector.h"

/* What is kept between pieces.  Plain data. */
struct rsys_transfer {
    struct iovec *vector;  /* the caller's; entries change as they are used up */
    uint64_t done;         /* bytes so far */
    uint64_t total;
    uint64_t position;     /* of a positioned transfer; UINT64_MAX: the file's own */
    uint64_t skip;         /* bytes of vector[at] that are used up */
    uint32_t piece;        /* asked for in the request under way */
    int32_t fd;
    int32_t flags;         /* preadv2's */
    uint16_t count;        /* of the vector */
    uint16_t at;           /* first vector entry that is not used up */
    uint8_t how;
    bool reads, seeks, asks; /* whether the descriptor is known to seek; the request under way asks that */
};

/* How many entries the vector of such a call has: 1 where it has none, or -EINVAL. */
int64_t rsys_transfer_entries(uint64_t nr, const uint64_t args[6]);
/* Begin one of read, pread64, readv, preadv, preadv2 and their likes.  vector: room for so many entries, until the end.  0; 1: the address is one that no
 * process can have, and request is the whole call, for the kernel to refuse; or the guest's result. */
int64_t rsys_transfer_start(struct rsys_transfer *transfer, struct iovec *vector, uint64_t nr, const uint64_t args[6], struct rsys_memory *memory,
                            struct rsys_request *request);
/* Make the next request.  0; or an error, with which the transfer is over. */
int64_t rsys_transfer_request(struct rsys_transfer *transfer, struct rsys_request *request, struct rsys_memory *memory);

enum rsys_transfer_step {
    RSYS_TRANSFER_OVER,
    RSYS_TRANSFER_MORE, /* make the next request */
    RSYS_TRANSFER_BACK, /* over; request is one to be sent that nobody has to wait for: it puts the file's position back to where the guest's memory ends */
};
/* Take a reply.  *ret_error: what the transfer's end is if nothing has been done. */
enum rsys_transfer_step rsys_transfer_reply(struct rsys_transfer *transfer, struct rsys_request *request, const struct rsys_wire_reply *reply,
                                            const uint8_t *data, struct rsys_memory *memory, int64_t *ret_error);
/* The call's result: what has been done, or why nothing was. */
static inline int64_t rsys_transfer_result(const struct rsys_transfer *transfer, int64_t error)
{
    return transfer->done > 0 ? (int64_t)transfer->done : error;
}

#endif

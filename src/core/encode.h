/* SPDX-License-Identifier: GPL-2.0-only */
/* encode.h: a call's arguments to a request's bytes, and a reply's bytes to results.
 *
 * A struct rsys_request is a builder.  rsys_request_start() begins; the others add what the arguments point at; rsys_request_frame() hands out
 * the bytes to send.  After the reply has come, rsys_request_finish() stores every out-range where it belongs.  Regular rows need only
 * rsys_encode_call() and rsys_request_finish(); irregular handlers build by hand.  No I/O here. */
#ifndef RSYS_CORE_ENCODE_H
#define RSYS_CORE_ENCODE_H

#include "src/core/memory.h"
#include "src/core/table.h"
#include "src/core/wire.h"

#include <stdbool.h>
#include <sys/uio.h>

/* Where the bytes of an out-range go when the reply has come. */
struct rsys_out_target {
    uint64_t guest; /* a guest address, or 0 */
    void *own;      /* or memory of ours, or NULL: dropped */
    uint32_t got;   /* bytes that came back; valid after rsys_request_finish */
};

/* Zero-initialise once; reused for call after call (the buffer grows and is kept).  rsys_request_free at the end. */
struct rsys_request {
    struct rsys_wire_request head;
    struct rsys_wire_reloc relocs[RSYS_RELOCS_MAX];
    struct rsys_wire_out outs[RSYS_OUTS_MAX];
    struct rsys_out_target targets[RSYS_OUTS_MAX];
    uint8_t *in;        /* in-data, head.in_size bytes of in_room */
    uint32_t in_room;
    uint32_t out_size;  /* bytes of out-areas asked for so far */
    uint16_t flags;     /* RSYS_REQUEST_*, beside those of rsys_request_frame */
};

void rsys_request_free(struct rsys_request *request);

/* Begin anew: all args as given, nothing pointed at. */
void rsys_request_start(struct rsys_request *request, uint16_t nr, const uint64_t args[6]);

/* Append in-data (aligned to 8) and let args[arg] point at it (arg = -1: nothing points at it).  Returns the offset in the arena (>= 0) or -errno: -E2BIG when the arena is
 * full, -ENOMEM.  data NULL: n zero bytes. */
int64_t rsys_request_in(struct rsys_request *request, int arg, const void *data, size_t n);
/* The same from guest memory; -EFAULT when not all of it can be read. */
int64_t rsys_request_in_guest(struct rsys_request *request, int arg, struct rsys_memory *memory, uint64_t address, size_t n);
/* In-data that somebody fills in place (a read from the guest whose length is not known before): room for n bytes, at the offset that is
 * returned (request->in + offset); then what was filled, with that offset.  Nothing else may be added in between. */
int64_t rsys_request_in_room(struct rsys_request *request, size_t n);
int64_t rsys_request_in_taken(struct rsys_request *request, int arg, uint32_t offset, size_t n);
/* A pointer within the in-data: the 8 bytes at offset `at` of the arena will hold the address of offset `to`.  0 or -errno. */
int rsys_request_pointer(struct rsys_request *request, uint32_t at, uint32_t to);
/* An out-area of n bytes behind the in-data.  All in-data has to be there before the first out-area.  Returns its offset or -errno. */
int64_t rsys_request_out(struct rsys_request *request, int arg, size_t n, enum rsys_out_how how, uint16_t unit, struct rsys_out_target target);
/* An out-range over in-data that is already there (in-out structs, value-result lengths).  at: for RSYS_OUT_VALUE. */
int64_t rsys_request_out_at(struct rsys_request *request, uint32_t offset, size_t n, enum rsys_out_how how, uint32_t at, struct rsys_out_target target);

/* A regular row: everything by its shapes.  args as in the trap.  0, or the guest's result: -EFAULT, -ENAMETOOLONG, -E2BIG (does not fit the arena), -EINVAL. */
int rsys_encode_call(struct rsys_request *request, const struct rsys_call *call, const uint64_t args[6], struct rsys_memory *memory);
/* The same with another path in the place of each PATH argument; NULL: the guest's. */
int rsys_encode_call_on(struct rsys_request *request, const struct rsys_call *call, const uint64_t args[6], struct rsys_memory *memory, const char *path);
/* Numbers from nofile on are none that a guest can have: executors keep what is theirs there, and an honest program that closes everything would cut its executor's channel.  Such
 * ones in the request's FD and DIRFD arguments become -1. */
void rsys_request_fence(struct rsys_request *request, const struct rsys_call *call, uint32_t nofile);

/* Number the request and lay out what to send: up to 4 iovecs (header; relocs and outs; in-data).  Valid until the request changes.
 * Returns the count; *ret_size gets the sum. */
int rsys_request_frame(struct rsys_request *request, uint32_t seq, uint16_t flags, struct iovec iov[4], size_t *ret_size);

/* Check a reply (its header, and `data`: reply->size bytes from the other side, hostile) against the request and store the out-ranges: guest
 * targets through memory, own targets by memcpy.  Returns 0, -EFAULT when a guest target could not be written, or -EPROTO when
 * the reply does not fit the request (then the connection is not to be used any more, and nothing was stored). */
int rsys_request_finish(struct rsys_request *request, const struct rsys_wire_reply *reply, const uint8_t *data, struct rsys_memory *memory);

/* The most bytes that a reply to this request may carry behind its header. */
size_t rsys_request_reply_max(const struct rsys_request *request);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* decode.h: the executor's side of a request: check every bound, relocate, collect what goes back.
 *
 * Freestanding (no libc, no thread-local storage): it is linked into the executor, and into the unit tests and the fuzzer as it is.
 * The sender is hostile.  Functions return 0 or -1 (the frame is malformed: the channel is to be closed). */
#ifndef RSYS_CORE_DECODE_H
#define RSYS_CORE_DECODE_H

#include "src/core/wire.h"

#include <stddef.h>

/* Check a header by itself: counts, sizes, in_size <= arena <= ARENA_SIZE + SLACK.  After it, the bytes to receive are
 * rsys_decode_table_size() of tables and head->in_size of in-data (which goes to the arena's start). */
int rsys_decode_head(const struct rsys_wire_request *head);
uint32_t rsys_decode_table_size(const struct rsys_wire_request *head);

/* Check the tables and apply the relocations to args and the arena.  relocs and outs are head->relocs and head->outs entries; the arena has at least head->arena bytes. */
int rsys_decode_relocate(const struct rsys_wire_request *head, const struct rsys_wire_reloc *relocs, const struct rsys_wire_out *outs,
                         uint8_t *arena, uint64_t args[6]);

/* The results of the last requests of a channel.  Zero-initialise. */
struct rsys_results {
    uint32_t count; /* of requests so far; wraps */
    uint32_t padding;
    int64_t result[RSYS_RESULTS];
};
/* Behind rsys_decode_relocate: put earlier requests' results into args.  0; 1: the request is not to be made, its result is RSYS_SKIPPED. */
int rsys_decode_results(const struct rsys_wire_request *head, const struct rsys_wire_reloc *relocs, const struct rsys_results *results, uint64_t args[6]);
/* A request has come to its end. */
void rsys_results_note(struct rsys_results *results, int64_t result);

/* How many bytes of out go back, given the result.  Never more than out->length; never reads outside of the first head->arena bytes. */
uint32_t rsys_decode_out_length(const struct rsys_wire_request *head, const struct rsys_wire_out *out, int64_t result, const uint8_t *arena);

#endif

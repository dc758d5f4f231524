/* SPDX-License-Identifier: GPL-2.0-only */
/* decode.c: the executor's side of a request: bounds, relocations, what goes back.
 *
 * Freestanding: the executor has no libc and its threads have no thread-local storage.  The sender is hostile; every number of the frame is
 * compared with a bound before it is used, in forms that cannot wrap (a <= b - c after c <= b). */
#include "src/core/decode.h"

#define ARENA_MAX (RSYS_ARENA_SIZE + RSYS_ARENA_SLACK)

int rsys_decode_head(const struct rsys_wire_request *head)
{
    if (head->relocs > RSYS_RELOCS_MAX || head->outs > RSYS_OUTS_MAX)
        return -1;
    if (head->arena > ARENA_MAX || head->in_size > head->arena)
        return -1;
    if ((head->flags & ~(RSYS_REQUEST_NOREPLY | RSYS_REQUEST_LOOK | RSYS_REQUEST_KEEP | RSYS_REQUEST_AFTER)) != 0)
        return -1;
    return 0;
}

uint32_t rsys_decode_table_size(const struct rsys_wire_request *head)
{
    /* At most 64 * 8 + 16 * 16 bytes after rsys_decode_head. */
    return head->relocs * (uint32_t)sizeof(struct rsys_wire_reloc) + head->outs * (uint32_t)sizeof(struct rsys_wire_out);
}

static int check_reloc(const struct rsys_wire_reloc *reloc, uint32_t arena)
{
    if (reloc->at >= RSYS_RELOC_RESULT)
        return reloc->at - RSYS_RELOC_RESULT < 6 && reloc->to >= 1 && reloc->to < RSYS_RESULTS ? 0 : -1;
    if (reloc->to > arena)
        return -1;
    if (reloc->at < 6)
        return 0;
    if (reloc->at < 8 || arena < 8 || reloc->at - 8 > arena - 8)
        return -1;
    return 0;
}

static int check_out(const struct rsys_wire_out *out, uint32_t arena)
{
    if (out->offset > arena || out->length > arena - out->offset)
        return -1;
    switch (out->how) {
    case RSYS_OUT_SUCCESS:
    case RSYS_OUT_ALWAYS:
        return 0;
    case RSYS_OUT_RESULT:
        return out->unit >= 1 ? 0 : -1;
    case RSYS_OUT_VALUE:
        return arena >= 4 && out->at <= arena - 4 ? 0 : -1;
    default:
        return -1;
    }
}

int rsys_decode_relocate(const struct rsys_wire_request *head, const struct rsys_wire_reloc *relocs, const struct rsys_wire_out *outs,
                         uint8_t *arena, uint64_t args[6])
{
    for (uint32_t i = 0; i < head->relocs; i++)
        if (check_reloc(&relocs[i], head->arena) < 0)
            return -1;
    for (uint32_t i = 0; i < head->outs; i++)
        if (check_out(&outs[i], head->arena) < 0)
            return -1;

    for (int i = 0; i < 6; i++)
        args[i] = head->args[i];
    for (uint32_t i = 0; i < head->relocs; i++) {
        if (relocs[i].at >= RSYS_RELOC_RESULT)
            continue; /* rsys_decode_results */
        uint64_t address = (uint64_t)(uintptr_t)arena + relocs[i].to;
        if (relocs[i].at < 6)
            args[relocs[i].at] = address;
        else /* any alignment: the sender chose it */
            __builtin_memcpy(arena + (relocs[i].at - 8), &address, sizeof address);
    }
    return 0;
}

/* The one that many requests ago; 0 from before the first. */
static int64_t result_of(const struct rsys_results *results, uint32_t back) { return results->result[(results->count - back) % RSYS_RESULTS]; }

static int is_failure(int64_t result) { return result < 0 && result >= -4095; }

int rsys_decode_results(const struct rsys_wire_request *head, const struct rsys_wire_reloc *relocs, const struct rsys_results *results, uint64_t args[6])
{
    if ((head->flags & RSYS_REQUEST_AFTER) != 0 && is_failure(result_of(results, 1)))
        return 1;
    for (uint32_t i = 0; i < head->relocs; i++) {
        if (relocs[i].at < RSYS_RELOC_RESULT)
            continue;
        int64_t result = result_of(results, relocs[i].to);
        if (is_failure(result))
            return 1;
        args[relocs[i].at - RSYS_RELOC_RESULT] = (uint64_t)result;
    }
    return 0;
}

void rsys_results_note(struct rsys_results *results, int64_t result) { results->result[results->count++ % RSYS_RESULTS] = result; }

uint32_t rsys_decode_out_length(const struct rsys_wire_request *head, const struct rsys_wire_out *out, int64_t result, const uint8_t *arena)
{
    if (out->how == RSYS_OUT_ALWAYS)
        return out->length;
    if (result < 0 && result >= -4095)
        return 0;
    switch (out->how) {
    case RSYS_OUT_SUCCESS:
        return out->length;
    case RSYS_OUT_RESULT:
        /* Without multiplying: the result is any 64 bits (an address of mmap, say). */
        if ((uint64_t)result >= out->length / out->unit + 1u)
            return out->length;
        {
            uint64_t bytes = (uint64_t)result * out->unit;
            return bytes < out->length ? (uint32_t)bytes : out->length;
        }
    case RSYS_OUT_VALUE: {
        uint32_t value;
        if (head->arena < 4 || out->at > head->arena - 4)
            return 0;
        __builtin_memcpy(&value, arena + out->at, sizeof value);
        return value < out->length ? value : out->length;
    }
    default:
        return 0;
    }
}

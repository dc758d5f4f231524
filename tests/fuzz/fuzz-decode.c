/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz-decode.c: the two readers of untrusted bytes: the executor's decoder, and the client's reading of replies.
 *
 * With --enable-fuzzing it is a libFuzzer target.  Otherwise it is a program: it runs over the files it is given, or, given
 * nothing, over a fixed number of inputs from a seeded generator (RSYS_FUZZ_RUNS and RSYS_FUZZ_SEED change both), so that `make check` runs it.
 * The arena ends at a page that cannot be touched: a step outside is a fault also without a sanitizer. */
#include "src/core/decode.h"
#include "src/core/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_MAX (RSYS_ARENA_SIZE + RSYS_ARENA_SLACK)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *arena_end(void)
{
    static uint8_t *end;
    if (end == NULL) {
        uint8_t *pages = mmap(NULL, ARENA_MAX + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED || mprotect(pages + ARENA_MAX, 4096, PROT_NONE) < 0)
            abort();
        end = pages + ARENA_MAX;
    }
    return end;
}

static void must(int holds)
{
    if (!holds)
        abort();
}

/* The bytes as a request, the way the executor reads it. */
static void fuzz_request(const uint8_t *data, size_t size)
{
    static const int64_t results[] = {0, 1, 7, 4096, INT64_MAX, INT64_MIN, -1, -512, -4095, -4096};
    struct rsys_wire_request head;
    if (size < sizeof head)
        return;
    memcpy(&head, data, sizeof head);
    data += sizeof head, size -= sizeof head;
    if (rsys_decode_head(&head) < 0)
        return;
    must(head.in_size <= head.arena && head.arena <= ARENA_MAX);
    uint32_t tables = rsys_decode_table_size(&head);
    struct rsys_wire_reloc relocs[RSYS_RELOCS_MAX] = {0};
    struct rsys_wire_out outs[RSYS_OUTS_MAX] = {0};
    must(tables <= sizeof relocs + sizeof outs);
    if (size < tables)
        return;
    memcpy(relocs, data, head.relocs * sizeof relocs[0]);
    memcpy(outs, data + head.relocs * sizeof relocs[0], head.outs * sizeof outs[0]);
    data += tables, size -= tables;
    uint8_t *arena = arena_end() - head.arena;
    memcpy(arena, data, size < head.in_size ? size : head.in_size);

    uint64_t args[6];
    if (rsys_decode_relocate(&head, relocs, outs, arena, args) < 0)
        return;
    for (uint32_t i = 0; i < head.relocs; i++)
        must(relocs[i].at >= 6 || args[relocs[i].at] - (uint64_t)(uintptr_t)arena <= head.arena);
    static struct rsys_results earlier;
    rsys_results_note(&earlier, (int64_t)head.args[0]);
    if (rsys_decode_results(&head, relocs, &earlier, args) == 0)
        for (uint32_t i = 0; i < head.relocs; i++)
            must(relocs[i].at < RSYS_RELOC_RESULT || relocs[i].at - RSYS_RELOC_RESULT < 6);
    for (uint32_t i = 0; i < head.outs; i++)
        for (size_t r = 0; r < sizeof results / sizeof results[0]; r++) {
            uint32_t length = rsys_decode_out_length(&head, &outs[i], results[r], arena);
            must(length <= outs[i].length);
            volatile uint8_t last = length > 0 ? arena[outs[i].offset + length - 1] : 0;
            (void)last;
        }
}

/* The bytes as a reply to a call with every kind of out-range, the way the client reads it. */
static void fuzz_reply(const uint8_t *data, size_t size)
{
    static struct rsys_request request;
    static uint8_t own[4][64 + 1];
    struct rsys_wire_reply reply;
    if (size < sizeof reply)
        return;
    memcpy(&reply, data, sizeof reply);
    data += sizeof reply, size -= sizeof reply;
    rsys_request_start(&request, 1, (uint64_t[6]){0});
    int64_t value = rsys_request_in(&request, 0, "\x40\0\0", 4);
    must(value == 0);
    for (int i = 0; i < 4; i++) {
        rsys_request_out(&request, i, 64, (enum rsys_out_how)(i + 1), 3, (struct rsys_out_target){.own = own[i]});
        own[i][64] = 0x5a;
    }
    request.head.seq = reply.seq;
    if (reply.size > size || reply.size > rsys_request_reply_max(&request))
        return; /* the channel's reader refuses it before */
    uint8_t *exact = malloc(reply.size + 1u);
    must(exact != NULL);
    memcpy(exact, data, reply.size);
    int failed = rsys_request_finish(&request, &reply, exact, &rsys_memory_own);
    free(exact);
    uint32_t total = 16;
    for (int i = 0; i < 4; i++) {
        must(own[i][64] == 0x5a);
        total += failed < 0 ? 0 : request.targets[i].got;
    }
    must(failed < 0 || total == reply.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] & 1)
        fuzz_reply(data + 1, size - 1);
    else
        fuzz_request(data + 1, size - 1);
    return 0;
}

#ifndef RSYS_LIBFUZZER
static uint64_t state;

static uint64_t next(void) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dull;
}

/* A number near an edge more often than not. */
static uint32_t edge(uint32_t bound)
{
    switch (next() % 8) {
    case 0: return bound;
    case 1: return bound + 1;
    case 2: return bound == 0 ? 0 : bound - 1;
    case 3: return 0xffffffffu - (uint32_t)(next() % 16);
    case 4: return (uint32_t)next();
    default: return bound == 0 ? 0 : (uint32_t)(next() % bound);
    }
}

/* A frame that is nearly right, so that the checks behind the first are reached. */
static size_t make_request(uint8_t *to)
{
    struct rsys_wire_request head = {.seq = (uint32_t)next(), .nr = (uint16_t)next()};
    uint32_t arena = (uint32_t)(next() % 4) ? (uint32_t)(next() % 256) : (uint32_t)(next() % ARENA_MAX);
    size_t at = sizeof head;
    head.relocs = (uint16_t)(next() % 16 ? next() % 5 : edge(RSYS_RELOCS_MAX));
    head.outs = (uint16_t)(next() % 16 ? next() % 5 : edge(RSYS_OUTS_MAX));
    head.arena = next() % 16 ? arena : edge(ARENA_MAX);
    head.in_size = next() % 16 ? (uint32_t)(next() % (head.arena % 4096 + 1)) : edge(head.arena);
    for (int i = 0; i < (head.relocs & 127); i++) {
        struct rsys_wire_reloc reloc = {next() % 2 ? (uint32_t)(next() % 6) : 8 + edge(arena < 8 ? 0 : arena - 8), edge(arena)};
        memcpy(to + at, &reloc, sizeof reloc);
        at += sizeof reloc;
    }
    for (int i = 0; i < (head.outs & 127); i++) {
        struct rsys_wire_out out = {.offset = (uint32_t)(next() % (arena + 1)), .how = (uint16_t)(next() % 16 ? 1 + next() % 4 : next())};
        out.length = edge(arena - out.offset);
        out.unit = (uint16_t)(next() % 4 ? 1 + next() % 8 : next());
        out.at = edge(arena < 4 ? 0 : arena - 4);
        memcpy(to + at, &out, sizeof out);
        at += sizeof out;
    }
    memcpy(to, &head, sizeof head);
    for (int i = (int)(next() % 256); i > 0; i--)
        to[at++] = (uint8_t)next();
    return at;
}

static size_t make_reply(uint8_t *to)
{
    struct rsys_wire_reply reply = {.seq = (uint32_t)next(), .result = next() % 2 ? (int64_t)(next() % 70) : (int64_t)next()};
    uint32_t size = 16;
    for (int i = 0; i < 4; i++) {
        uint32_t got = next() % 2 ? 64 : edge(64);
        memcpy(to + sizeof reply + 4 * i, &got, 4);
        size += got;
    }
    reply.size = next() % 8 ? size : edge(size);
    memcpy(to, &reply, sizeof reply);
    for (size_t i = sizeof reply + 16; i < sizeof reply + 512; i++)
        to[i] = (uint8_t)next();
    return sizeof reply + 512;
}

static int run_file(const char *name)
{
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        perror(name);
        return 1;
    }
    static uint8_t data[2 * ARENA_MAX];
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    return 0;
}

int main(int argc, char **argv)
{
    const char *runs_text = getenv("RSYS_FUZZ_RUNS"), *seed_text = getenv("RSYS_FUZZ_SEED");
    unsigned long runs = runs_text != NULL ? strtoul(runs_text, NULL, 0) : 200000;
    if (argc > 1) {
        int failed = 0;
        for (int i = 1; i < argc; i++)
            failed |= run_file(argv[i]);
        return failed;
    }
    static uint8_t data[65536];
    state = seed_text != NULL ? strtoull(seed_text, NULL, 0) | 1 : 0x7273797364656331ull;
    for (unsigned long i = 0; i < runs; i++) {
        data[0] = (uint8_t)(next() % 2);
        size_t size = 1 + (data[0] & 1 ? make_reply(data + 1) : make_request(data + 1));
        if (next() % 4 == 0)
            data[1 + next() % (size - 1)] ^= (uint8_t)(1u << next() % 8);
        LLVMFuzzerTestOneInput(data, size);
    }
    printf("%lu inputs\n", runs);
    return 0;
}
#endif

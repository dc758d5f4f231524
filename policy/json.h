/* SPDX-License-Identifier: GPL-2.0-only */
/* json.h: a JSON text whose values know where they stand.
 *
 * jansson reads the text and tells the place of a syntax error, but not of a value.  A second, light scan of the (by then correct) text
 * notes the places; both keep the order of the text, so the nth member of one is the nth of the other. */
#ifndef RSYS_POLICY_JSON_H
#define RSYS_POLICY_JSON_H

#include "src/core/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_place;

struct json_document {
    const char *text; /* the caller's; has to outlive the document */
    size_t size;
    const char *name; /* of the file, for messages; the caller's */
    json_t *root;     /* owned */
    struct json_place *places; /* owned */
    size_t count;
};

/* A value, and where it stands.  Plain data, valid as long as its document. */
struct json_value {
    const struct json_document *document;
    json_t *json;
    size_t place;
};

/* Parse.  Returns 0, or -1 and err "NAME:LINE:COLUMN: what". */
int json_document_parse(struct json_document *document, const char *text, size_t size, const char *name, struct rsys_error **err);
void json_document_free(struct json_document *document);
struct json_value json_document_root(const struct json_document *document);

/* Going through the members of an object or the elements of an array, in the order of the text:
 * for (struct json_cursor c = json_begin(value); json_next(&c);) use c.key (NULL in an array), c.value. */
struct json_cursor {
    struct json_value parent;
    void *iterator;
    size_t index, next_place;
    const char *key;
    struct json_value value;
};
struct json_cursor json_begin(struct json_value parent);
bool json_next(struct json_cursor *cursor);

/* The line of a value, from 1. */
size_t json_line(struct json_value value);
/* Fill err with "NAME:LINE:COLUMN: message", the place being the value's, or (json_key_error) its key's.  Return -1. */
int json_error(struct json_value value, struct rsys_error **err, const char *format, ...) __attribute__((format(printf, 3, 4)));
int json_key_error(struct json_value value, struct rsys_error **err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- typed values: 0, or -1 and what was expected ---- */
const char *json_type_text(const json_t *json); /* "a string", "an object", ... */
int json_get_string(struct json_value value, const char **ret, struct rsys_error **err); /* the document's */
int json_get_bool(struct json_value value, bool *ret, struct rsys_error **err);
/* A number from 0 to max: an integer, or a string with one in decimal, hexadecimal (0x) or octal (0) digits. */
int json_get_number(struct json_value value, uint64_t max, uint64_t *ret, struct rsys_error **err);
/* Bytes: an integer, or a string with K, M, G or T (powers of 1024) after the digits. */
int json_get_size(struct json_value value, uint64_t *ret, struct rsys_error **err);
int json_expect_array(struct json_value value, struct rsys_error **err);

/* ---- objects with known keys ---- */
struct json_key {
    const char *name;
    /* What the key means.  NULL: refused, with `refused` as the reason. */
    int (*read)(void *context, struct json_value value, struct rsys_error **err);
    const char *refused;
};
/* Read an object (`what` names it in messages): each member by its key; one that is not in keys is an error that suggests the nearest.  keys
 * ends with a NULL name. */
int json_read_object(struct json_value value, const char *what, const struct json_key *keys, void *context, struct rsys_error **err);
/* A word to one of the names of an array that ends with NULL; *ret gets its index. */
int json_get_word(struct json_value value, const char *what, const char *const *names, size_t *ret, struct rsys_error **err);

/* ---- suggestions ---- */
/* Keeps the nearest of the offered names. */
struct near_name {
    const char *wanted;
    const char *best;
    size_t distance;
};
void near_offer(struct near_name *near, const char *candidate);
/* ": did you mean "X"?" or "", in a static buffer. */
const char *near_text(const struct near_name *near);

#endif

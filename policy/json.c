/* SPDX-License-Identifier: GPL-2.0-only */
/* json.c: jansson's values with their places, and messages that name them. */
#include "policy/json.h"

#include "src/core/util.h"

#include <stdio.h>
#include <string.h>

#define NO_KEY SIZE_MAX

/* A value of the text, in the order of the text: the children of an object or array follow it. */
struct json_place {
    size_t value; /* offset of its first character */
    size_t key;   /* offset of its key's quote, or NO_KEY */
    size_t end;   /* index of the first place behind it and its children */
};

/* ---- the scan ---- */

struct scan {
    struct json_document *document;
    size_t at, room;
};

static bool add_place(struct scan *scan, size_t key)
{
    struct json_document *document = scan->document;
    if (document->count == scan->room) {
        size_t room = scan->room == 0 ? 256 : scan->room * 2;
        struct json_place *places = reallocarray(document->places, room, sizeof *places);
        if (places == NULL)
            return false;
        document->places = places;
        scan->room = room;
    }
    document->places[document->count++] = (struct json_place){scan->at, key, 0};
    return true;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->document->size && strchr(" \t\r\n", scan->document->text[scan->at]) != NULL)
        scan->at++;
}

static void skip_string(struct scan *scan)
{
    const struct json_document *document = scan->document;
    for (scan->at++; scan->at < document->size && document->text[scan->at] != '"'; scan->at++)
        if (document->text[scan->at] == '\\')
            scan->at++;
    scan->at++;
}

/* One value and what is in it.  The text is correct (jansson has read it, and not deeper than its own limit of 2048), so what is skipped is what
 * it has to be; the bounds hold all the same. */
static bool scan_value(struct scan *scan, size_t key)
{
    const struct json_document *document = scan->document;
    size_t index = document->count;
    skip_space(scan);
    if (!add_place(scan, key))
        return false;
    char first = scan->at < document->size ? document->text[scan->at] : 0;
    if (first == '"') {
        skip_string(scan);
    } else if (first == '{' || first == '[') {
        scan->at++;
        for (;;) {
            size_t child_key = NO_KEY;
            while (scan->at < document->size && strchr(" \t\r\n,", document->text[scan->at]) != NULL)
                scan->at++;
            if (scan->at >= document->size || document->text[scan->at] == '}' || document->text[scan->at] == ']')
                break;
            if (first == '{') {
                child_key = scan->at;
                skip_string(scan);
                skip_space(scan);
                scan->at++; /* the colon */
            }
            if (!scan_value(scan, child_key))
                return false;
        }
        scan->at++;
    } else {
        while (scan->at < document->size && strchr(" \t\r\n,]}", document->text[scan->at]) == NULL)
            scan->at++;
    }
    document->places[index].end = document->count;
    return true;
}

int json_document_parse(struct json_document *document, const char *text, size_t size, const char *name, struct rsys_error **err)
{
    *document = (struct json_document){.text = text, .size = size, .name = name};
    json_error_t failure;
    document->root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &failure);
    if (document->root == NULL)
        return rsys_error_make(err, 0, "%s:%d:%d: %s", name, RSYS_MAX(failure.line, 1), RSYS_MAX(failure.column, 1), failure.text);
    struct scan scan = {.document = document};
    if (!scan_value(&scan, NO_KEY)) {
        json_document_free(document);
        return rsys_error_make(err, ENOMEM, "%s", name);
    }
    return 0;
}

void json_document_free(struct json_document *document)
{
    json_decref(document->root);
    free(document->places);
    document->root = NULL;
    document->places = NULL;
}

struct json_value json_document_root(const struct json_document *document) { return (struct json_value){document, document->root, 0}; }

/* ---- members and elements ---- */

struct json_cursor json_begin(struct json_value parent)
{
    return (struct json_cursor){.parent = parent, .next_place = parent.place + 1,
                                .iterator = json_is_object(parent.json) ? json_object_iter(parent.json) : NULL};
}

bool json_next(struct json_cursor *cursor)
{
    json_t *json = NULL;
    cursor->key = NULL;
    if (json_is_object(cursor->parent.json) && cursor->iterator != NULL) {
        cursor->key = json_object_iter_key(cursor->iterator);
        json = json_object_iter_value(cursor->iterator);
        cursor->iterator = json_object_iter_next(cursor->parent.json, cursor->iterator);
    } else if (json_is_array(cursor->parent.json)) {
        json = json_array_get(cursor->parent.json, cursor->index++);
    }
    if (json == NULL || cursor->next_place >= cursor->parent.document->count)
        return false;
    cursor->value = (struct json_value){cursor->parent.document, json, cursor->next_place};
    cursor->next_place = cursor->parent.document->places[cursor->next_place].end;
    return true;
}

/* ---- messages ---- */

static int error_at(const struct json_document *document, size_t offset, struct rsys_error **err, const char *format, va_list arguments)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < document->size; i++) {
        if (document->text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)document->text[i] & 0xc0) != 0x80) { /* a character, not the rest of one in UTF-8 */
            column++;
        }
    }
    RSYS_AUTO_FREE char *message = NULL;
    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    return rsys_error_make(err, 0, "%s:%zu:%zu: %s", document->name, line, column, message != NULL ? message : "out of memory");
}

int json_error(struct json_value value, struct rsys_error **err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_at(value.document, value.document->places[value.place].value, err, format, arguments);
    va_end(arguments);
    return -1;
}

int json_key_error(struct json_value value, struct rsys_error **err, const char *format, ...)
{
    const struct json_place *place = &value.document->places[value.place];
    va_list arguments;
    va_start(arguments, format);
    error_at(value.document, place->key != NO_KEY ? place->key : place->value, err, format, arguments);
    va_end(arguments);
    return -1;
}

size_t json_line(struct json_value value)
{
    size_t line = 1;
    for (size_t i = 0; i < value.document->places[value.place].value; i++)
        line += value.document->text[i] == '\n';
    return line;
}

/* ---- typed values ---- */

const char *json_type_text(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "null";
    }
}

int json_get_string(struct json_value value, const char **ret, struct rsys_error **err)
{
    if (!json_is_string(value.json))
        return json_error(value, err, "a string is expected here, not %s", json_type_text(value.json));
    *ret = json_string_value(value.json); /* jansson refuses \u0000 in it */
    return 0;
}

int json_get_bool(struct json_value value, bool *ret, struct rsys_error **err)
{
    if (!json_is_boolean(value.json))
        return json_error(value, err, "true or false is expected here, not %s", json_type_text(value.json));
    *ret = json_is_true(value.json);
    return 0;
}

/* Digits, then at most one of the suffixes (with "" none is allowed). */
static bool number_from_text(const char *text, const char *suffixes, uint64_t *ret)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 0);
    if (errno != 0)
        return false;
    const char *suffix = *end != 0 && end[1] == 0 ? strchr(suffixes, *end) : NULL;
    if (*end != 0 && suffix == NULL)
        return false;
    unsigned shift = suffix == NULL ? 0 : (unsigned)(suffix - suffixes + 1) * 10;
    if (number > UINT64_MAX >> shift)
        return false;
    *ret = (uint64_t)number << shift;
    return true;
}

static int get_number(struct json_value value, const char *what, const char *suffixes, uint64_t max, uint64_t *ret, struct rsys_error **err)
{
    uint64_t number;
    if (json_is_integer(value.json)) {
        if (json_integer_value(value.json) < 0)
            return json_error(value, err, "%s is expected here, not a negative number", what);
        number = (uint64_t)json_integer_value(value.json);
    } else if (json_is_string(value.json)) {
        if (!number_from_text(json_string_value(value.json), suffixes, &number))
            return json_error(value, err, "%s is expected here, not \"%s\"", what, json_string_value(value.json));
    } else {
        return json_error(value, err, "%s is expected here, not %s", what, json_type_text(value.json));
    }
    if (number > max)
        return json_error(value, err, "%llu is too large: at most %llu", (unsigned long long)number, (unsigned long long)max);
    *ret = number;
    return 0;
}

int json_get_number(struct json_value value, uint64_t max, uint64_t *ret, struct rsys_error **err)
{
    return get_number(value, "a number", "", max, ret, err);
}

int json_get_size(struct json_value value, uint64_t *ret, struct rsys_error **err)
{
    return get_number(value, "a number of bytes (\"64M\")", "KMGT", INT64_MAX, ret, err);
}

int json_expect_array(struct json_value value, struct rsys_error **err)
{
    if (!json_is_array(value.json))
        return json_error(value, err, "an array is expected here, not %s", json_type_text(value.json));
    return 0;
}

int json_read_object(struct json_value value, const char *what, const struct json_key *keys, void *context, struct rsys_error **err)
{
    if (!json_is_object(value.json))
        return json_error(value, err, "%s has to be an object, not %s", what, json_type_text(value.json));
    for (struct json_cursor member = json_begin(value); json_next(&member);) {
        struct near_name near = {.wanted = member.key};
        const struct json_key *key = keys;
        for (; key->name != NULL && strcmp(key->name, member.key) != 0; key++)
            near_offer(&near, key->name);
        if (key->name == NULL)
            return json_key_error(member.value, err, "unknown key \"%s\" in %s%s", member.key, what, near_text(&near));
        if (key->read == NULL)
            return json_key_error(member.value, err, "\"%s\": %s", member.key, key->refused);
        if (key->read(context, member.value, err) < 0)
            return -1;
    }
    return 0;
}

int json_get_word(struct json_value value, const char *what, const char *const *names, size_t *ret, struct rsys_error **err)
{
    const char *word = NULL;
    if (json_get_string(value, &word, err) < 0)
        return -1;
    struct near_name near = {.wanted = word};
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], word) == 0) {
            *ret = i;
            return 0;
        }
        near_offer(&near, names[i]);
    }
    if (near_text(&near)[0] != 0)
        return json_error(value, err, "unknown %s \"%s\"%s", what, word, near_text(&near));
    char list[256] = "";
    for (size_t i = 0; names[i] != NULL && strlen(list) + strlen(names[i]) + 4 < sizeof list; i++)
        strcat(strcat(list, i == 0 ? "" : names[i + 1] != NULL ? ", " : " or "), names[i]);
    return json_error(value, err, "unknown %s \"%s\": it may be %s", what, word, list);
}

/* ---- suggestions ---- */

/* How many characters have to be added, left out, changed or swapped with their neighbour to make b from a. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { MOST = 48 };
    size_t n = strlen(a), m = strlen(b), row[3][MOST + 1];
    if (n > MOST || m > MOST)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t changed = last[j - 1] + (a[i - 1] != b[j - 1]), longer = RSYS_MIN(last[j], now[j - 1]) + 1;
            now[j] = RSYS_MIN(changed, longer);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = RSYS_MIN(now[j], before[j - 2] + 1);
        }
    }
    return row[n % 3][m];
}

void near_offer(struct near_name *near, const char *candidate)
{
    size_t distance = edit_distance(near->wanted, candidate);
    size_t most = strlen(near->wanted) < 4 ? 1 : strlen(near->wanted) / 3;
    if (distance > RSYS_MIN(most, (size_t)3) || (near->best != NULL && distance >= near->distance))
        return;
    near->best = candidate;
    near->distance = distance;
}

const char *near_text(const struct near_name *near)
{
    static char text[96];
    if (near->best == NULL)
        return "";
    snprintf(text, sizeof text, ": did you mean \"%s\"?", near->best);
    return text;
}

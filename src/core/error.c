/* SPDX-License-Identifier: GPL-2.0-only */
/* error.c: our own failures, as messages for a person. */
#include "src/core/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int rsys_error_make(struct rsys_error **err, int code, const char *format, ...)
{
    if (err == NULL || *err != NULL)
        return -1;
    struct rsys_error *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -1;
    made->code = code;
    va_list args;
    va_start(args, format);
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (text != NULL && code != 0) {
        char *whole = NULL;
        if (asprintf(&whole, "%s: %s", text, strerror(code)) >= 0) {
            free(text);
            text = whole;
        }
    }
    made->message = text;
    *err = made;
    return -1;
}

int rsys_error_prefix(struct rsys_error **err, const char *format, ...)
{
    if (err == NULL || *err == NULL)
        return -1;
    char *context = NULL, *whole = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&context, format, args) < 0)
        context = NULL;
    va_end(args);
    if (context != NULL && asprintf(&whole, "%s: %s", context, rsys_error_text(*err)) >= 0) {
        free((*err)->message);
        (*err)->message = whole;
    }
    free(context);
    return -1;
}

const char *rsys_error_text(const struct rsys_error *err)
{
    return err != NULL && err->message != NULL ? err->message : "out of memory";
}

void rsys_error_free(struct rsys_error *err)
{
    if (err == NULL)
        return;
    free(err->message);
    free(err);
}

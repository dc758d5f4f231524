/* SPDX-License-Identifier: GPL-2.0-only */
/* load.c: a policy from a file, from text, or from this library. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A policy is written by a person; what is larger is not one. */
#define POLICY_SIZE_MAX (4u << 20)

struct rsys_spec *rsys_policy_parse(const char *text, size_t size, const char *name, struct rsys_error **err)
{
    struct json_document document;
    if (json_document_parse(&document, text, size, name, err) < 0)
        return NULL;
    struct rsys_spec *spec = calloc(1, sizeof *spec);
    if (spec == NULL) {
        rsys_error_make(err, ENOMEM, "%s", name);
    } else if (policy_compile(json_document_root(&document), spec, err) < 0) {
        rsys_policy_free(spec);
        spec = NULL;
    }
    json_document_free(&document);
    return spec;
}

/* Until its end, at most POLICY_SIZE_MAX bytes (a pipe's size is not known beforehand). */
static int read_all(int fd, const char *path, char **ret_text, size_t *ret_size, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *text = NULL;
    size_t size = 0, room = 0;
    for (;;) {
        if (size == room) {
            char *grown = room < POLICY_SIZE_MAX ? realloc(text, room = room == 0 ? 65536 : room * 2) : NULL;
            if (grown == NULL)
                return rsys_error_make(err, room <= POLICY_SIZE_MAX ? ENOMEM : EFBIG, "read the policy %s", path);
            text = grown;
        }
        ssize_t got = read(fd, text + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return rsys_error_make(err, errno, "read the policy %s", path);
        if (got == 0)
            break;
        size += (size_t)got;
    }
    *ret_size = size;
    *ret_text = rsys_steal(&text);
    return 0;
}

struct rsys_spec *rsys_policy_load(const char *path, struct rsys_error **err)
{
    RSYS_AUTO_FREE char *text = NULL;
    size_t size = 0;
    RSYS_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        rsys_error_make(err, errno, "open the policy %s", path);
        return NULL;
    }
    if (read_all(fd, path, &text, &size, err) < 0)
        return NULL;
    return rsys_policy_parse(text, size, path, err);
}

struct rsys_spec *rsys_policy_default(struct rsys_error **err)
{
    return rsys_policy_parse(rsys_policy_default_text, strlen(rsys_policy_default_text), "the built-in policy", err);
}

void rsys_policy_free(struct rsys_spec *spec)
{
    rsys_spec_free(spec);
    free(spec);
}

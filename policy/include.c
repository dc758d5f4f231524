/* SPDX-License-Identifier: GPL-2.0-only */
/* include.c: a policy's file, and those that it includes.
 *
 * `include` names files by their paths, from the directory of the file that it stands in, or profiles of the installed ones by their names alone. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A policy is written by a person; what is larger is not one. */
#define POLICY_SIZE_MAX (4u << 20)

static int add_file(struct policy_files *files, struct policy_file *file, struct rsys_error **err);

/* Until its end, at most POLICY_SIZE_MAX bytes (a pipe's size is not known beforehand). */
static int read_all(int fd, struct policy_file *file, struct rsys_error **err)
{
    size_t room = 0;
    for (;;) {
        if (file->size == room) {
            char *grown = room < POLICY_SIZE_MAX ? realloc(file->text, room = room == 0 ? 65536 : room * 2) : NULL;
            if (grown == NULL)
                return rsys_error_make(err, room <= POLICY_SIZE_MAX ? ENOMEM : EFBIG, "read the policy %s", file->path);
            file->text = grown;
        }
        ssize_t got = read(fd, file->text + file->size, room - file->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return rsys_error_make(err, errno, "read the policy %s", file->path);
        if (got == 0)
            return 0;
        file->size += (size_t)got;
    }
}

static void file_free(struct policy_file *file)
{
    if (file == NULL)
        return;
    json_document_free(&file->document);
    free(file->path);
    free(file->text);
    free(file);
}

static struct policy_file *file_new(const char *path, struct rsys_error **err)
{
    struct policy_file *file = calloc(1, sizeof *file);
    if (file != NULL && (file->path = strdup(path)) != NULL)
        return file;
    free(file);
    rsys_error_make(err, ENOMEM, "read the policy %s", path);
    return NULL;
}

/* NULL with an errno in *ret_code, when the file cannot be opened, or with err alone. */
static struct policy_file *file_open(const char *path, int *ret_code, struct rsys_error **err)
{
    struct stat st;
    RSYS_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    *ret_code = fd < 0 ? errno : 0;
    struct policy_file *file = fd < 0 ? NULL : file_new(path, err);
    if (file == NULL)
        return NULL;
    if (fstat(fd, &st) == 0) {
        file->device = st.st_dev;
        file->inode = st.st_ino;
    }
    if (read_all(fd, file, err) == 0)
        return file;
    file_free(file);
    return NULL;
}

/* Where an include's name leads: a path, from the includer's directory; a name without a directory is looked for there and then among the installed profiles. */
static struct policy_file *find(const struct policy_file *includer, struct json_value value, const char *name, struct rsys_error **err)
{
    const char *installed = getenv("RSYS_PROFILES");
    const char *slash = strrchr(includer->path, '/');
    char beside[PATH_MAX], profile[PATH_MAX] = "";
    int directory = name[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - includer->path), code = ENAMETOOLONG;
    bool alone = strchr(name, '/') == NULL;
    const char *ending = strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".json") == 0 ? "" : ".json";
    if (snprintf(beside, sizeof beside, "%.*s%s", directory, includer->path, name) >= (int)sizeof beside ||
        (alone && snprintf(profile, sizeof profile, "%s/%s%s", installed != NULL ? installed : RSYS_PROFILES_DIR, name, ending) >= (int)sizeof profile)) {
        json_error(value, err, "the path is too long");
        return NULL;
    }
    struct policy_file *file = file_open(beside, &code, err);
    if (file == NULL && code == ENOENT && alone) {
        file = file_open(profile, &code, err);
        if (file == NULL && code == ENOENT) {
            json_error(value, err, "there is neither a file %s nor an installed profile %s", beside, profile);
            return NULL;
        }
    }
    if (file == NULL && code != 0)
        json_error(value, err, "open %s: %s", profile[0] != 0 && code != ENOENT ? profile : beside, strerror(code));
    return file;
}

static int include_one(struct policy_files *files, size_t includer, struct json_value value, struct rsys_error **err)
{
    const char *name = NULL;
    const struct policy_file *by = files->file[includer];
    if (json_get_string(value, &name, err) < 0)
        return -1;
    if (name[0] == 0)
        return json_error(value, err, "the name of a profile, or a path, is expected here");
    if (by->depth + 1 > POLICY_DEPTH_MAX)
        return json_error(value, err, "profiles include each other more than %d deep", POLICY_DEPTH_MAX);
    if (files->count == POLICY_FILES_MAX)
        return json_error(value, err, "a policy may have at most %d files", POLICY_FILES_MAX);
    struct policy_file *file = find(by, value, name, err);
    if (file == NULL)
        return -1;
    file->includer = includer;
    file->depth = by->depth + 1;
    /* Round in a circle: the same file is on the way to here. */
    for (size_t at = includer;; at = files->file[at]->includer) {
        const struct policy_file *above = files->file[at];
        if (above->inode == file->inode && above->device == file->device && file->inode != 0) {
            int result = json_error(value, err, "%s is included by itself", file->path);
            file_free(file);
            return result;
        }
        if (at == 0)
            break;
    }
    return add_file(files, file, err);
}

/* Takes the file over.  Then what it includes. */
static int add_file(struct policy_files *files, struct policy_file *file, struct rsys_error **err)
{
    size_t index = files->count;
    files->file[files->count++] = file;
    if (json_document_parse(&file->document, file->text, file->size, file->path, err) < 0 ||
        policy_read_top(json_document_root(&file->document), &file->top, err) < 0)
        return -1;
    struct json_value include = file->top.include;
    if (include.json == NULL)
        return 0;
    if (json_is_string(include.json))
        return include_one(files, index, include, err);
    if (json_expect_array(include, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(include); json_next(&element);)
        if (include_one(files, index, element.value, err) < 0)
            return -1;
    return 0;
}

int policy_files_read(struct policy_files *files, char *text, size_t size, const char *path, struct rsys_error **err)
{
    struct policy_file *file = file_new(path, err);
    if (file == NULL) {
        free(text);
        return -1;
    }
    file->text = text;
    file->size = size;
    return add_file(files, file, err);
}

int policy_files_open(struct policy_files *files, const char *path, struct rsys_error **err)
{
    int code = 0;
    struct policy_file *file = file_open(path, &code, err);
    if (file == NULL)
        return code != 0 ? rsys_error_make(err, code, "open the policy %s", path) : -1;
    return add_file(files, file, err);
}

void policy_files_free(struct policy_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        file_free(files->file[i]);
    files->count = 0;
}

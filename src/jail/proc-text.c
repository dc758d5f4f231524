/* SPDX-License-Identifier: GPL-2.0-only */
/* proc-text.c: texts of /proc that are made of what both sides know (fs/proc/array.c, base.c and task_mmu.c have the forms). */
#include "src/jail/proc-text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "src/core/util.h"
#include "src/core/wire.h"

static struct rsys_text finish(FILE *out, struct rsys_text *text)
{
    if (out == NULL || fclose(out) != 0) {
        free(text->data);
        *text = (struct rsys_text){NULL, 0};
    }
    return *text;
}

/* The line that starts at `at`: its length with its end. */
static size_t line_length(const char *at)
{
    const char *end = strchr(at, '\n');
    return end != NULL ? (size_t)(end - at) + 1 : strlen(at);
}

/* The line of a text that begins with key, or NULL. */
static const char *line_of(const char *text, const char *key, size_t length)
{
    for (; *text != 0; text += line_length(text))
        if (strncmp(text, key, length) == 0)
            return text;
    return NULL;
}

/* ---- status ---- */

int64_t rsys_text_number(const char *status, const char *key)
{
    const char *line = line_of(status, key, strlen(key));
    return line != NULL ? strtoll(line + strlen(key), NULL, 10) : -1;
}

/* "CapInh:\t00000100000000db", without what is the executor's alone. */
static void put_capabilities(FILE *out, const char *line)
{
    fprintf(out, "%.7s\t%016" PRIx64 "\n", line, (uint64_t)strtoull(line + RSYS_MIN(line_length(line), (size_t)7), NULL, 16) & ~RSYS_EXECUTOR_CAPABILITIES);
}

struct rsys_text rsys_text_status(const char *client, const char *server, unsigned filters, int running)
{
    static const char *const servers[] = {"Umask:", "TracerPid:", "Uid:", "Gid:", "FDSize:", "Groups:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:"};
    struct rsys_text text = {NULL, 0};
    FILE *out = open_memstream(&text.data, &text.size);
    for (const char *line = client; out != NULL && *line != 0; line += line_length(line)) {
        const char *use = line;
        for (size_t i = 0; i < RSYS_ARRAY_SIZE(servers); i++) {
            size_t length = strlen(servers[i]);
            const char *theirs = strncmp(line, servers[i], length) == 0 ? line_of(server, servers[i], length) : NULL;
            use = theirs != NULL ? theirs : use;
        }
        if (strncmp(line, "Cap", 3) == 0)
            put_capabilities(out, use);
        else if (strncmp(line, "Seccomp:", 8) == 0)
            fprintf(out, "Seccomp:\t%d\n", filters > 0 ? 2 : 0);
        else if (strncmp(line, "Seccomp_filters:", 16) == 0)
            fprintf(out, "Seccomp_filters:\t%u\n", filters);
        else if (running && strncmp(line, "State:", 6) == 0)
            fputs("State:\tR (running)\n", out);
        else
            fwrite(use, 1, line_length(use), out);
    }
    return finish(out, &text);
}

/* ---- limits ---- */

struct rsys_text rsys_text_limits(const char *client, const char *server, uint64_t nofile_max)
{
    static const char *const servers[] = {"Max file size ", "Max file locks ", "Max msgqueue size "};
    struct rsys_text text = {NULL, 0};
    FILE *out = open_memstream(&text.data, &text.size);
    for (const char *line = client; out != NULL && *line != 0; line += line_length(line)) {
        const char *use = line, *theirs;
        for (size_t i = 0; i < RSYS_ARRAY_SIZE(servers); i++)
            if (strncmp(line, servers[i], strlen(servers[i])) == 0 && (theirs = line_of(server, servers[i], strlen(servers[i]))) != NULL)
                use = theirs;
        if (strncmp(line, "Max open files ", 15) == 0) {
            theirs = line_of(server, "Max open files ", 15);
            uint64_t soft = theirs != NULL ? strtoull(theirs + 15, NULL, 10) : nofile_max;
            fprintf(out, "%-25s %-20" PRIu64 " %-20" PRIu64 " %-10s\n", "Max open files", RSYS_MIN(soft, nofile_max), nofile_max, "files");
        } else if (strncmp(line, "Max core file size ", 19) == 0) {
            fprintf(out, "%-25s %-20d %-20d %-10s\n", "Max core file size", 0, 0, "bytes"); /* as getrlimit tells it */
        } else {
            fwrite(use, 1, line_length(use), out);
        }
    }
    return finish(out, &text);
}

/* ---- mappings ---- */

struct mapping_line {
    uint64_t start, end, offset, ino, dev;
    char flags[5];
    int path; /* where it begins in the line */
};

/* Whether a line describes a mapping (smaps has others). */
static bool parse(const char *line, struct mapping_line *ret)
{
    unsigned major, minor;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &ret->start, &ret->end, ret->flags, &ret->offset, &major, &minor,
               &ret->ino, &ret->path) != 7)
        return false;
    ret->dev = makedev(major, minor);
    return true;
}

size_t rsys_text_files(const char *maps, uint64_t dev, struct rsys_text_file **ret_files)
{
    struct rsys_text_file *files = NULL;
    struct mapping_line line;
    size_t count = 0, room = 0;
    *ret_files = NULL;
    for (const char *at = maps; *at != 0; at += line_length(at)) {
        /* A file's mappings lie side by side, mostly. */
        if (!parse(at, &line) || line.dev != dev || line.ino == 0)
            continue;
        bool known = false;
        for (size_t i = count; i > 0 && !known; i--)
            known = files[i - 1].ino == line.ino;
        if (known)
            continue;
        if (count == room) {
            struct rsys_text_file *grown = reallocarray(files, room = room == 0 ? 32 : 2 * room, sizeof *files);
            if (grown == NULL)
                break;
            files = grown;
        }
        files[count++] = (struct rsys_text_file){.ino = line.ino};
    }
    *ret_files = files;
    return count;
}

void rsys_text_files_free(struct rsys_text_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(files[i].path);
    free(files);
}

static const struct rsys_text_file *file_of(const struct mapping_line *line, uint64_t dev, const struct rsys_text_file *files, size_t count)
{
    for (size_t i = 0; line->dev == dev && i < count; i++)
        if (files[i].ino == line->ino && files[i].path != NULL)
            return &files[i];
    return NULL;
}

/* As the kernel escapes names (seq_path). */
static void put_path(FILE *out, const char *path, const char *escaped)
{
    for (; *path != 0; path++) {
        if (strchr(escaped, *path) != NULL)
            fprintf(out, "\\%03o", (unsigned char)*path);
        else
            fputc(*path, out);
    }
}

struct rsys_text rsys_text_maps(const char *maps, uint64_t dev, const struct rsys_text_file *files, size_t count)
{
    struct rsys_text text = {NULL, 0};
    struct mapping_line line;
    FILE *out = open_memstream(&text.data, &text.size);
    for (const char *at = maps; out != NULL && *at != 0; at += line_length(at)) {
        const struct rsys_text_file *file = parse(at, &line) ? file_of(&line, dev, files, count) : NULL;
        if (file == NULL) {
            fwrite(at, 1, line_length(at), out);
            continue;
        }
        int n = fprintf(out, "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %02x:%02x %" PRIu64 " ", line.start, line.end, line.flags, line.offset, major(file->dev),
                        minor(file->dev), file->real_ino);
        fprintf(out, "%*s", n < 73 ? 73 - n : 0, "");
        put_path(out, file->path, "\n");
        fputc('\n', out);
    }
    return finish(out, &text);
}

/* The line of a maps text for the mapping that starts there.  Both texts are in the order of addresses: *maps goes along. */
static bool mapping_at(const char **maps, uint64_t start, struct mapping_line *ret)
{
    for (; **maps != 0; *maps += line_length(*maps))
        if (parse(*maps, ret) && ret->start >= start)
            return ret->start == start;
    return false;
}

struct rsys_text rsys_text_numa(const char *numa, const char *maps, uint64_t dev, const struct rsys_text_file *files, size_t count)
{
    struct rsys_text text = {NULL, 0};
    FILE *out = open_memstream(&text.data, &text.size);
    for (const char *at = numa; out != NULL && *at != 0; at += line_length(at)) {
        struct mapping_line line;
        size_t length = line_length(at);
        const char *name = memmem(at, length, " file=", 6);
        const struct rsys_text_file *file = mapping_at(&maps, strtoull(at, NULL, 16), &line) ? file_of(&line, dev, files, count) : NULL;
        if (name == NULL || file == NULL) {
            fwrite(at, 1, length, out);
            continue;
        }
        name += 6;
        fwrite(at, 1, (size_t)(name - at), out);
        put_path(out, file->path, "\n\t= ");
        const char *rest = name + strcspn(name, " \n");
        fwrite(rest, 1, length - (size_t)(rest - at), out);
    }
    return finish(out, &text);
}

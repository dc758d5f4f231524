/* SPDX-License-Identifier: GPL-2.0-only */
/* proc-text.h: texts of /proc that are made of what both sides know. */
#ifndef RSYS_JAIL_PROC_TEXT_H
#define RSYS_JAIL_PROC_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A text of ours; data is malloc'd (terminated), NULL without memory. */
struct rsys_text {
    char *data;
    size_t size;
};

/* /proc/PID/status: what the server says of ids, capabilities and the like among what the client says of the rest.  The server's text is hostile: lines of it are
 * taken as they are, by their keys.  filters: how many seccomp filters are the guest's own; running: the guest reads of itself. */
struct rsys_text rsys_text_status(const char *client, const char *server, unsigned filters, int running);
/* The number behind a key ("Seccomp_filters:") of a status text, or -1. */
int64_t rsys_text_number(const char *status, const char *key);

/* /proc/PID/limits: the limits of files are the server's; nofile_max: the guest's hard limit of descriptors. */
struct rsys_text rsys_text_limits(const char *client, const char *server, uint64_t nofile_max);

/* A mapped file of the view. */
struct rsys_text_file {
    uint64_t ino;           /* in the view */
    char *path;             /* in the sandbox; owned; NULL: not known */
    uint64_t dev, real_ino; /* there */
};
/* The files of the view (st_dev `dev`) that a text in the form of maps or smaps tells of: how many; *ret_files is malloc'd (NULL without memory). */
size_t rsys_text_files(const char *maps, uint64_t dev, struct rsys_text_file **ret_files);
void rsys_text_files_free(struct rsys_text_file *files, size_t count);
/* maps and smaps, with the sandbox's names and numbers for these. */
struct rsys_text rsys_text_maps(const char *maps, uint64_t dev, const struct rsys_text_file *files, size_t count);
/* numa_maps, which has no numbers: by the addresses of a maps text. */
struct rsys_text rsys_text_numa(const char *numa, const char *maps, uint64_t dev, const struct rsys_text_file *files, size_t count);

#endif

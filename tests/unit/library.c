/* SPDX-License-Identifier: GPL-2.0-only */
/* library.c: a server and a session of the library with it. */
#include "tests/unit/library.h"

#include <check.h>

struct server server;
struct rsys_session *session;

struct rsys_session *open_session(const struct rsys_connect_options *options)
{
    struct rsys_error *error = NULL;
    struct rsys_session *opened = rsys_connect(server.address, options, &error);
    ck_assert_msg(opened != NULL, "%s", rsys_error_text(error));
    return opened;
}

void start(int who)
{
    server_start(&server, (enum who)who, NULL, NULL);
    session = open_session(NULL);
}

void stop(void)
{
    rsys_disconnect(session);
    server_stop(&server, 0);
}

int entries_of(const char *path)
{
    struct rsys_dir *dir;
    struct dirent64 *entry;
    int count = 0, got;
    ck_assert_int_eq(rsys_opendir(session, path, &dir), 0);
    while ((got = rsys_readdir(dir, &entry)) == 1)
        count += entry->d_name[0] != '.';
    ck_assert_int_eq(got, 0);
    ck_assert_int_eq(rsys_closedir(dir), 0);
    return count;
}

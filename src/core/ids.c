/* SPDX-License-Identifier: GPL-2.0-only */
/* ids.c: numbers that stand for a peer, and lists of those that are allowed. */
#include "src/core/ids.h"
#include "src/core/spec.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

int rsys_number_parse(const char *text, uint32_t max, uint32_t *ret)
{
    uint64_t number = 0;
    if (*text == 0 || strlen(text) > 10 || (text[0] == '0' && text[1] != 0)) /* octal is not meant, nor is it read */
        return -1;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        number = number * 10 + (uint64_t)(*text - '0');
    }
    if (number > max)
        return -1;
    *ret = (uint32_t)number;
    return 0;
}

int rsys_cid_parse(const char *text, uint32_t *ret_cid)
{
    uint32_t cid;
    if (strcmp(text, "local") == 0)
        cid = RSYS_CID_LOCAL;
    else if (strcmp(text, "host") == 0)
        cid = RSYS_CID_HOST;
    else if (rsys_number_parse(text, RSYS_CID_MAX, &cid) < 0 || cid == 0)
        return -1;
    *ret_cid = cid;
    return 0;
}

int rsys_uid_parse(const char *text, uint32_t *ret_uid)
{
    if (rsys_number_parse(text, RSYS_UID_NOBODYS - 1, ret_uid) == 0)
        return 0;
    const struct passwd *user = getpwnam(text);
    if (user == NULL)
        return -1;
    *ret_uid = user->pw_uid;
    return 0;
}

bool rsys_ids_allow(const struct rsys_ids *ids, uint32_t id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (ids->id[i] == id)
            return true;
    return !ids->given;
}

int rsys_ids_add(struct rsys_ids *ids, uint32_t id)
{
    uint32_t *grown = reallocarray(ids->id, ids->count + 1, sizeof *grown);
    if (grown == NULL)
        return -1;
    ids->id = grown;
    ids->id[ids->count++] = id;
    ids->given = true;
    return 0;
}

void rsys_ids_free(struct rsys_ids *ids)
{
    free(ids->id);
    *ids = (struct rsys_ids){0};
}

void rsys_clients_spec_free(struct rsys_clients_spec *clients)
{
    rsys_ids_free(&clients->cids);
    rsys_ids_free(&clients->uids);
}

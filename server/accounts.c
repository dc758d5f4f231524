/* SPDX-License-Identifier: GPL-2.0-only */
/* accounts.c: what each peer has of the daemon at the moment, so that none has all of it.
 *
 * An account is there while it counts something, so there are never more of them than connections and sessions together. */
#include "server/daemon.h"

#include "src/core/util.h"

#include <string.h>

static struct account **bucket_of(struct daemon *daemon, const struct rsys_party *who)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    const uint8_t *bytes = (const uint8_t *)who;
    for (size_t i = 0; i < sizeof *who; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return &daemon->accounts[(hash >> 32) % ACCOUNTS_BUCKETS];
}

struct account *account_of(struct daemon *daemon, const struct rsys_party *who)
{
    struct account **bucket = bucket_of(daemon, who);
    for (struct account *account = *bucket; account != NULL; account = account->next)
        if (memcmp(&account->who, who, sizeof *who) == 0)
            return account;
    struct account *new = calloc(1, sizeof *new);
    if (new == NULL)
        return NULL;
    new->who = *who;
    new->next = *bucket;
    *bucket = new;
    return new;
}

void account_put(struct daemon *daemon, struct account *account)
{
    if (account->half_open != 0 || account->sessions != 0 || account->held != 0)
        return;
    struct account **at = bucket_of(daemon, &account->who);
    while (*at != account)
        at = &(*at)->next;
    *at = account->next;
    free(account);
}

struct account *account_with_most(const struct daemon *daemon)
{
    struct account *most = NULL;
    for (size_t i = 0; i < ACCOUNTS_BUCKETS; i++)
        for (struct account *account = daemon->accounts[i]; account != NULL; account = account->next)
            if (account->half_open > (most != NULL ? most->half_open : 0))
                most = account;
    return most;
}

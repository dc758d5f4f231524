/* SPDX-License-Identifier: GPL-2.0-only */
/* accounts.c: what each peer has of the daemon at the moment, so that none has all of it.
 *
 * An account is there while it counts something, or for a moment after a sandbox was made for it in vain: so there are never many more of them than
 * connections and sessions together. */
#include "server/daemon.h"

#include "src/core/util.h"

#include <string.h>

/* A sandbox costs some milliseconds of a processor, and about as much to take down: so whoever goes away from those that he asks for takes a tenth of one. */
#define WASTE_PAUSE_MS 100

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
    if (account->half_open != 0 || account->sessions != 0 || account->held != 0 || account->paused_until != 0)
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

void account_pause(struct daemon *daemon, struct account *account)
{
    account->paused_until = server_now() + WASTE_PAUSE_MS;
    if (daemon->pauses_until == 0)
        daemon->pauses_until = account->paused_until; /* all pauses are of one length: those that there are end sooner */
}

void accounts_expire(struct daemon *daemon, int64_t now)
{
    if (daemon->pauses_until == 0 || daemon->pauses_until > now)
        return;
    daemon->pauses_until = 0;
    for (size_t i = 0; i < ACCOUNTS_BUCKETS; i++) {
        for (struct account *account = daemon->accounts[i], *next; account != NULL; account = next) {
            next = account->next;
            if (account->paused_until > now) {
                if (daemon->pauses_until == 0 || daemon->pauses_until > account->paused_until)
                    daemon->pauses_until = account->paused_until;
            } else if (account->paused_until != 0) {
                account->paused_until = 0;
                account_put(daemon, account);
            }
        }
    }
}

void accounts_free(struct daemon *daemon)
{
    for (size_t i = 0; i < ACCOUNTS_BUCKETS; i++) {
        for (struct account *account = daemon->accounts[i], *next; account != NULL; account = next) {
            next = account->next;
            free(account);
        }
        daemon->accounts[i] = NULL;
    }
}

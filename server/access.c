/* SPDX-License-Identifier: GPL-2.0-only */
/* access.c: who may connect: lists of machines (vsock) and of users (unix sockets).
 *
 * What is compared is what the kernel says of the peer (struct rsys_peer), nothing that it says itself.  Over TCP the kernel knows nobody: the lists say
 * nothing of it. */
#include "server/access.h"

#include "src/core/ids.h"
#include "src/core/util.h"

#include <stdio.h>
#include <string.h>

static int read_list(const char *option, const char *text, struct rsys_ids *ids, int (*parse)(const char *, uint32_t *), const char *what)
{
    RSYS_AUTO_FREE char *copy = strdup(text);
    char *rest = copy;
    const char *word;
    bool memory = copy != NULL;
    while (memory && (word = strsep(&rest, ",")) != NULL) {
        uint32_t id;
        if (parse(word, &id) < 0) {
            fprintf(stderr, "rsys-sandboxd: %s=%s: \"%s\" is not %s\n", option, text, word, what);
            return -1;
        }
        memory = rsys_ids_add(ids, id) == 0;
    }
    if (!memory)
        fprintf(stderr, "rsys-sandboxd: %s=%s: out of memory\n", option, text);
    return memory ? 0 : -1;
}

int access_read_cids(const char *option, const char *text, struct rsys_ids *ids)
{
    return read_list(option, text, ids, rsys_cid_parse, "a vsock context id: a number from 1 on, \"host\" or \"local\"");
}

int access_read_uids(const char *option, const char *text, struct rsys_ids *ids)
{
    return read_list(option, text, ids, rsys_uid_parse, "a user of this machine: a number, or a name that is known here");
}

bool access_allows(const struct rsys_clients_spec *command_line, const struct rsys_clients_spec *policy, const struct rsys_peer *peer, char *why, size_t why_size)
{
    switch (peer->kind) {
    case RSYS_PEER_CID:
        if (rsys_ids_allow(&command_line->cids, peer->id) && rsys_ids_allow(&policy->cids, peer->id))
            return true;
        snprintf(why, why_size, "the machine with the context id %u is not allowed here (--allow-cid, and \"cids\" of the policy's \"clients\")", peer->id);
        return false;
    case RSYS_PEER_UID:
        if (rsys_ids_allow(&command_line->uids, peer->id) && rsys_ids_allow(&policy->uids, peer->id))
            return true;
        snprintf(why, why_size, "the user with the id %u is not allowed here (--allow-uid, and \"uids\" of the policy's \"clients\")", peer->id);
        return false;
    default:
        return true;
    }
}

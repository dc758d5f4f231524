/* SPDX-License-Identifier: GPL-2.0-only */
/* clients-keys.c: the `clients` of a policy: who may connect. */
#include "policy/internal.h"

#include "src/core/ids.h"
#include "src/core/util.h"

#define IDS_MOST 4096 /* nobody lists more by hand */

/* Each element is a number, or a name that `parse` knows. */
static int read_ids(struct rsys_ids *ids, struct json_value value, int (*parse)(const char *, uint32_t *), const char *what, struct rsys_error **err)
{
    if (json_expect_array(value, err) < 0)
        return -1;
    ids->given = true;
    for (struct json_cursor element = json_begin(value); json_next(&element);) {
        uint64_t number = 0;
        uint32_t id;
        char digits[24];
        const char *text = digits;
        if (json_is_integer(element.value.json)) {
            if (json_get_number(element.value, UINT32_MAX, &number, err) < 0)
                return -1;
            snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
        } else if (json_get_string(element.value, &text, err) < 0) {
            return -1;
        }
        if (parse(text, &id) < 0)
            return json_error(element.value, err, "\"%s\" is not %s", text, what);
        if (ids->count == IDS_MOST)
            return json_error(element.value, err, "%d are the most", IDS_MOST);
        if (rsys_ids_add(ids, id) < 0)
            return rsys_error_make(err, ENOMEM, "compile the policy");
    }
    return 0;
}

static int clients_cids(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_clients_spec *clients = context;
    return read_ids(&clients->cids, value, rsys_cid_parse, "a vsock context id: a number from 1 on, \"host\" or \"local\"", err);
}

static int clients_uids(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_clients_spec *clients = context;
    return read_ids(&clients->uids, value, rsys_uid_parse, "a user of this machine: a number, or a name that is known here", err);
}

static int clients_comment(void *context, struct json_value value, struct rsys_error **err)
{
    const char *text;
    return json_get_string(value, &text, err);
}

static const struct json_key keys[] = {{"cids", clients_cids, NULL}, {"uids", clients_uids, NULL}, {"comment", clients_comment, NULL}, {0}};

int policy_read_clients(struct rsys_clients_spec *clients, struct json_value value, struct rsys_error **err)
{
    return json_read_object(value, "\"clients\"", keys, clients, err);
}

static void explain_ids(const char *who, const struct rsys_ids *ids, FILE *out)
{
    if (!ids->given)
        return;
    fprintf(out, "  %-24s ", who);
    for (size_t i = 0; i < ids->count; i++)
        fprintf(out, "%s%u", i == 0 ? "" : " ", ids->id[i]);
    fprintf(out, "%s\n", ids->count == 0 ? "none" : "");
}

void policy_explain_clients(const struct rsys_clients_spec *clients, FILE *out)
{
    if (!clients->cids.given && !clients->uids.given)
        return;
    fprintf(out, "clients\n");
    explain_ids("machines, over vsock", &clients->cids, out);
    explain_ids("users, over unix", &clients->uids, out);
    fputc('\n', out);
}

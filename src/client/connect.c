/* SPDX-License-Identifier: GPL-2.0-only */
/* connect.c: rsys_connect and rsys_disconnect. */
#include "src/client/rsys.h"

#include "src/client/internal.h"

#include <errno.h>
#include <string.h>

#define TIMEOUT_MS 10000
#define FLAGS (RSYS_CONNECT_PRIVATE | RSYS_CONNECT_NO_FORK)

/* What the program's struct has, which may be another version's.  Later fields count where they are; zero is every field's default. */
static int take_options(struct rsys_connect_options *ret, const struct rsys_connect_options *options, struct rsys_error **err)
{
    memset(ret, 0, sizeof *ret);
    if (options != NULL && (options->size < sizeof options->size || options->size > sizeof *ret))
        return rsys_error_make(err, EINVAL, "rsys_connect: options of %zu bytes (size is to be sizeof(struct rsys_connect_options))", options->size);
    if (options != NULL)
        memcpy(ret, options, options->size);
    if ((ret->flags & ~(unsigned)FLAGS) != 0 || ret->timeout_ms < 0)
        return rsys_error_make(err, EINVAL, "rsys_connect: options");
    return 0;
}

struct rsys_session *rsys_connect(const char *address, const struct rsys_connect_options *options, struct rsys_error **ret_error)
{
    struct rsys_connect_options own;
    struct rsys_session *session = NULL;
    struct guard guard;
    guard_enter(&guard);
    if (ret_error != NULL)
        *ret_error = NULL;
    if (take_options(&own, options, ret_error) == 0) {
        if ((address == NULL) != ((own.flags & RSYS_CONNECT_PRIVATE) != 0))
            rsys_error_make(ret_error, EINVAL, "rsys_connect: %s", address == NULL ? "an address is needed, or RSYS_CONNECT_PRIVATE" : "an address, and RSYS_CONNECT_PRIVATE");
        else
            session = session_open(&(struct session_wish){.address = address, .key = own.key, .no_fork = (own.flags & RSYS_CONNECT_NO_FORK) != 0,
                                                          .timeout_ms = own.timeout_ms != 0 ? own.timeout_ms : TIMEOUT_MS}, ret_error);
    }
    guard_leave(&guard);
    return session;
}

void rsys_disconnect(struct rsys_session *session)
{
    struct guard guard;
    if (session == NULL)
        return;
    guard_enter(&guard);
    session_close(session);
    guard_leave(&guard);
}

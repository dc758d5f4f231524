/* SPDX-License-Identifier: GPL-2.0-only */
/* capabilities.c: give up every capability that is not to be kept, for good. */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>

int sandbox_drop_bounding(uint64_t keep, struct rsys_error **err)
{
    for (unsigned cap = 0; cap < 64; cap++) {
        int bound = cap_get_bound((cap_value_t)cap);
        if (bound < 0)
            break; /* the kernel has no more capabilities than those before */
        if (bound > 0 && (keep & 1ull << cap) == 0 && cap_drop_bound((cap_value_t)cap) < 0)
            return rsys_error_make(err, errno, "stage capabilities: drop capability %u from the bounding set", cap);
    }
    return 0;
}

int rsys_sandbox_drop_capabilities(uint64_t keep, struct rsys_error **err)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return rsys_error_make(err, errno, "stage capabilities: empty the ambient set");
    /* The bounding set first, while there is CAP_SETPCAP to do it with. */
    if (sandbox_drop_bounding(keep, err) < 0)
        return -1;
    /* libcap's cap_t for all three sets at once; a capability that we do not have cannot be kept. */
    cap_t old = cap_get_proc(), new = cap_init();
    int result = old != NULL && new != NULL ? 0 : -1;
    for (unsigned cap = 0; result == 0 && cap < 64; cap++) {
        cap_value_t value = (cap_value_t)cap;
        cap_flag_value_t have = CAP_CLEAR;
        if ((keep & 1ull << cap) == 0 || cap_get_flag(old, value, CAP_PERMITTED, &have) < 0 || have != CAP_SET)
            continue;
        result = cap_set_flag(new, CAP_PERMITTED, 1, &value, CAP_SET);
        if (result == 0)
            result = cap_set_flag(new, CAP_EFFECTIVE, 1, &value, CAP_SET);
        if (result == 0)
            result = cap_set_flag(new, CAP_INHERITABLE, 1, &value, CAP_SET);
    }
    if (result == 0)
        result = cap_set_proc(new);
    if (result < 0)
        rsys_error_make(err, errno, "stage capabilities: set the capabilities that are kept");
    cap_free(old);
    cap_free(new);
    if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        result = rsys_error_make(err, errno, "stage capabilities: set no_new_privs");
    return result;
}

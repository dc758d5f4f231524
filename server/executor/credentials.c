/* SPDX-License-Identifier: GPL-2.0-only */
/* credentials.c: the guest changes its user ids, and the executor still has to be able to choose its children's pids.
 *
 * The kernel clears the permitted and ambient sets when the last of the three ids leaves 0 (capabilities(7), "Effect of user ID changes"), which is right for the
 * policy's capabilities and wrong for CAP_CHECKPOINT_RESTORE.  So the sets are kept over such a call (PR_SET_KEEPCAPS) and then put as the kernel
 * would have left them, but for that one capability. */
#include "server/executor/internal.h"

#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/prctl.h>

#define OWN (1ull << CAP_CHECKPOINT_RESTORE)

struct sets {
    uint64_t effective, permitted, inheritable;
};

static void get_sets(struct sets *sets)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    sys2(__NR_capget, &head, data);
    sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
}

static void set_sets(const struct sets *sets)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)sets->effective, (uint32_t)sets->permitted, (uint32_t)sets->inheritable},
        {(uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32), (uint32_t)(sets->inheritable >> 32)}};
    sys2(__NR_capset, &head, data);
}

/* In a new executor: what init alone may do goes.  The bounding set can be left when dropping from it is not permitted: with no_new_privs
 * nothing is gained from it at an execution. */
void credentials_limit(uint64_t capabilities)
{
    struct sets sets;
    get_sets(&sets);
    for (unsigned capability = 0; capability < 64; capability++)
        if ((sets.permitted & ~capabilities & 1ull << capability) != 0)
            sys2(__NR_prctl, PR_CAPBSET_DROP, capability);
    sets.effective &= capabilities;
    sets.permitted &= capabilities;
    sets.inheritable &= capabilities; /* takes them out of the ambient set too */
    set_sets(&sets);
}

int credentials_is(uint64_t nr) { return nr == __NR_setuid || nr == __NR_setreuid || nr == __NR_setresuid; }

int64_t credentials_call(struct thread *thread, uint64_t nr, const uint64_t args[6], uint32_t seq)
{
    uint32_t before[3] = {0}, after[3] = {0};
    struct sets sets, now;
    int64_t keep = sys1(__NR_prctl, PR_GET_KEEPCAPS);
    sys3(__NR_getresuid, &before[0], &before[1], &before[2]);
    get_sets(&sets);
    sys2(__NR_prctl, PR_SET_KEEPCAPS, 1);
    int64_t result = rsys_stub(nr, args, &thread->cancel, seq);
    sys2(__NR_prctl, PR_SET_KEEPCAPS, keep > 0);
    if (result < 0)
        return result;
    sys3(__NR_getresuid, &after[0], &after[1], &after[2]);
    get_sets(&now);
    int was_root = before[0] == 0 || before[1] == 0 || before[2] == 0, is_root = after[0] == 0 || after[1] == 0 || after[2] == 0;
    if (was_root && !is_root && keep <= 0)
        now.effective = now.permitted = sets.permitted & OWN;
    now.effective |= now.permitted & OWN;
    now.inheritable |= now.permitted & OWN;
    set_sets(&now);
    if ((now.permitted & OWN) != 0)
        sys3(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHECKPOINT_RESTORE);
    return result;
}

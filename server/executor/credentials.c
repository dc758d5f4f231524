/* SPDX-License-Identifier: GPL-2.0-only */
/* credentials.c: the guest changes its user ids or capabilities, and the executor still has to be able to choose its children's pids.
 *
 * CAP_CHECKPOINT_RESTORE stays: whatever a guest gives up (capset, its ambient set), that one is kept, and the client does not show it (calls-misc.c).  It is
 * worth nothing but what every guest may do anyway: choose pids in the sandbox.
 *
 * The kernel clears the permitted and ambient sets when the last of the three ids leaves 0 (capabilities(7), "Effect of user ID changes"), which is right for the
 * policy's capabilities and wrong for CAP_CHECKPOINT_RESTORE.  So the sets are kept over such a call (PR_SET_KEEPCAPS) and then put as the kernel
 * would have left them, but for that one capability. */
#include "server/executor/internal.h"

#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

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

/* Some calls of prctl too; the rest of it is made as it is. */
int credentials_is(uint64_t nr) { return nr == __NR_setuid || nr == __NR_setreuid || nr == __NR_setresuid || nr == __NR_capset || nr == __NR_prctl; }

static void raise_own(void) { sys3(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHECKPOINT_RESTORE); }

/* capset: the same with the one that stays.  The structs are read where the honest client puts them, within the arena; anything else is the kernel's to refuse. */
static int64_t call_capset(struct thread *thread, const uint64_t args[6], uint32_t seq)
{
    uint64_t start = SYS_ARG(thread->arena), end = start + RSYS_ARENA_SIZE + RSYS_ARENA_SLACK;
    struct __user_cap_header_struct head;
    struct __user_cap_data_struct data[2];
    struct sets sets;
    if (args[0] < start || args[0] > end - sizeof head || args[1] < start || args[1] > end - sizeof data)
        return rsys_stub(__NR_capset, args, &thread->cancel, seq);
    memcpy(&head, (const void *)args[0], sizeof head);
    memcpy(data, (const void *)args[1], sizeof data);
    get_sets(&sets);
    if (head.version == _LINUX_CAPABILITY_VERSION_1)
        data[1] = (struct __user_cap_data_struct){0, 0, 0}; /* as the kernel takes it */
    else if (head.version != _LINUX_CAPABILITY_VERSION_3 && head.version != _LINUX_CAPABILITY_VERSION_2)
        return rsys_stub(__NR_capset, args, &thread->cancel, seq);
    head.version = _LINUX_CAPABILITY_VERSION_3;
    data[1].effective |= (uint32_t)((sets.permitted & OWN) >> 32);
    data[1].permitted |= (uint32_t)((sets.permitted & OWN) >> 32);
    data[1].inheritable |= (uint32_t)((sets.permitted & OWN) >> 32);
    const uint64_t own[6] = {SYS_ARG(&head), SYS_ARG(data)};
    int64_t result = rsys_stub(__NR_capset, own, &thread->cancel, seq);
    if (result >= 0)
        raise_own();
    return result;
}

static int64_t call_prctl(struct thread *thread, const uint64_t args[6], uint32_t seq)
{
    int ambient = (uint32_t)args[0] == PR_CAP_AMBIENT;
    if (ambient && args[1] == PR_CAP_AMBIENT_LOWER && args[2] == CAP_CHECKPOINT_RESTORE && (args[3] | args[4]) == 0)
        return 0;
    if (!ambient || args[1] != PR_CAP_AMBIENT_CLEAR_ALL || (args[2] | args[3] | args[4]) != 0)
        return rsys_stub(__NR_prctl, args, &thread->cancel, seq);
    for (unsigned capability = 0; capability < 64; capability++)
        if (capability != CAP_CHECKPOINT_RESTORE)
            sys3(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, capability); /* EINVAL: there is none of that number */
    return 0;
}

static int64_t call_ids(struct thread *thread, uint64_t nr, const uint64_t args[6], uint32_t seq)
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
    int fixup = (sys1(__NR_prctl, PR_GET_SECUREBITS) & 1 << SECURE_NO_SETUID_FIXUP) == 0;
    if (was_root && !is_root && keep <= 0 && fixup)
        now.effective = now.permitted = sets.permitted & OWN;
    now.effective |= now.permitted & OWN;
    now.inheritable |= now.permitted & OWN;
    set_sets(&now);
    if ((now.permitted & OWN) != 0)
        raise_own();
    return result;
}

int64_t credentials_call(struct thread *thread, uint64_t nr, const uint64_t args[6], uint32_t seq)
{
    return nr == __NR_capset ? call_capset(thread, args, seq) : nr == __NR_prctl ? call_prctl(thread, args, seq) : call_ids(thread, nr, args, seq);
}

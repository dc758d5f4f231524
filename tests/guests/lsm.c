// SPDX-License-Identifier: GPL-2.0-only
/* lsm.c: the security modules' names and attributes */
// also: preload
#include "guest.h"

int main(void)
{
    uint64_t ids[64];
    uint32_t size = sizeof ids;
    long count = syscall(461, ids, &size, 0); /* lsm_list_modules */
    say("%ld %s", count, count < 0 ? error_name(errno) : "");
    if (count < 0)
        return 0;
    for (long i = 0; i < count; i++)
        say("%lu", (unsigned long)ids[i]);
    say("size %u", size);
    size = 1;
    TRY(syscall(461, ids, &size, 0));
    say("size %u", size);
    TRY(syscall(461, ids, NULL, 0));
    TRY(syscall(461, ids, &size, 1));
    size = 0;
    TRY(syscall(459, 100, NULL, &size, 0)); /* lsm_get_self_attr */
    say("size %u", size);
    return 0;
}

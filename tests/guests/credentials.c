// SPDX-License-Identifier: GPL-2.0-only
/* credentials.c: ids, groups, and what may not be changed */
// also: preload
#include "guest.h"

int main(void)
{
    gid_t groups[64];
    uid_t r, e, s;
    say("%d %d %d %d", getuid(), geteuid(), getgid(), getegid());
    TRY(getgroups(0, NULL) <= 1);
    TRY(getresuid(&r, &e, &s));
    say("%d %d %d", r, e, s);
    TRY(setuid(getuid()));
    TRY(setgid(getgid()));
    TRY(setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1));
    TRY(setreuid(getuid(), getuid()));
    TRY(getgroups(64, groups) <= 1);
    TRY(getpgid(0) > 0);
    CHECK(getsid(0) >= 0);
    return 0;
}

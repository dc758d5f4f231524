// SPDX-License-Identifier: GPL-2.0-only
/* statfs.c: statfs and fstatfs */
// also: preload
#include "guest.h"

#include <sys/statfs.h>
#include <sys/statvfs.h>

int main(void)
{
    struct statfs s;
    struct statvfs v;
    TRY(statfs("/work", &s));
    say("type %lx, names to %ld", (long)s.f_type, (long)s.f_namelen);
    TRY(statfs("/proc", &s));
    say("type %lx", (long)s.f_type);
    TRY(statfs("/", &s));
    say("type %lx", (long)s.f_type);
    TRY(statfs("/none", &s));
    int fd = (int)MUST(open("/work", O_RDONLY));
    TRY(fstatfs(fd, &s));
    say("type %lx", (long)s.f_type);
    TRY(statvfs("/work", &v));
    CHECK((v.f_flag & ST_NOSUID) != 0);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* identity.c: uname, sysinfo, sched: what programs ask first */
// also: preload
#include "guest.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void)
{
    struct utsname u;
    struct sysinfo s;
    char name[65];
    cpu_set_t cpus;
    TRY(uname(&u));
    say("%s %s %s", u.sysname, u.nodename, u.machine);
    TRY(gethostname(name, sizeof name));
    say("%s", name);
    TRY(sysinfo(&s));
    CHECK(s.totalram > 0);
    TRY(sched_getaffinity(0, sizeof cpus, &cpus));
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) == CPU_COUNT(&cpus));
    TRY(sched_yield());
    TRY(getpriority(PRIO_PROCESS, 0));
    TRY(setpriority(PRIO_PROCESS, 0, 5));
    TRY(sched_getscheduler(0));
    TRY(sethostname("other", 5));
    unsigned cpu;
    TRY(syscall(SYS_getcpu, &cpu, NULL, NULL));
    TRY(syscall(9999));
    return 0;
}

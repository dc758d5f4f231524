// SPDX-License-Identifier: GPL-2.0-only
/* exit-signal.c: the first guest is killed by a signal */
// also: preload
#include "guest.h"

int main(void)
{
    say("about to abort");
    raise(SIGTERM);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* exit-codes.c: the first guest's own exit status is the program's */
// also: preload
#include "guest.h"

int main(void)
{
    say("leaving with 73");
    exit(73);
    return 0;
}

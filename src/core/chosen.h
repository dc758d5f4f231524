/* SPDX-License-Identifier: GPL-2.0-only */
/* chosen.h: what becomes of each call where only chosen ones go to the server, and everything else stays the program's own kernel's. */
#ifndef RSYS_CORE_CHOSEN_H
#define RSYS_CORE_CHOSEN_H

#include "src/core/table.h"

#include <stdbool.h>
#include <stdint.h>

/* By what it is decided. */
enum rsys_choice {
    RSYS_CHOICE_OWN,    /* always the program's own kernel's, which it goes to without a stop */
    RSYS_CHOICE_NEVER,  /* refused with the row's errno: it would pass by the descriptors that are at home on the server, or by who counts the processes */
    RSYS_CHOICE_NAMED,  /* it may be chosen; the only calls that may */
    RSYS_CHOICE_AT,     /* the same, but a relative name goes where the directory is that it starts at */
    RSYS_CHOICE_BY_FD,  /* it goes where its first descriptor is at home */
    RSYS_CHOICE_BOTH,   /* its handler decides: it takes several descriptors, or changes the table of them */
};
enum rsys_choice rsys_choice_of(const struct rsys_call *call);
/* Whether such a call may be chosen (RSYS_CHOICE_NAMED, RSYS_CHOICE_AT). */
bool rsys_is_choosable(const struct rsys_call *call);
/* Why a call may not, as the end of a sentence. */
const char *rsys_choice_why_not(const struct rsys_call *call);
/* Whether the supervisor has to see a call that is not chosen: as far as its registers tell, a descriptor takes part that may be at home on the server. */
bool rsys_choice_is_seen(const struct rsys_call *call, const uint64_t args[6]);

#endif

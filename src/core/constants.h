/* SPDX-License-Identifier: GPL-2.0-only */
/* constants.h: flags and numbers of calls by name.  Expanded from constants.def. */
#ifndef RSYS_CORE_CONSTANTS_H
#define RSYS_CORE_CONSTANTS_H

#include <stddef.h>
#include <stdint.h>

enum rsys_list {
#define RSYS_LIST(id) RSYS_LIST_##id,
#define RSYS_FLAG(list, name)
#define RSYS_FIELD(list, mask, name)
#define RSYS_NAME(list, name)
#include "src/core/constants.def"
#undef RSYS_LIST
#undef RSYS_FLAG
#undef RSYS_FIELD
#undef RSYS_NAME
    RSYS_LISTS
};

/* Write a value by the names of a list, `|` between them and what has none as a number in hexadecimal: "O_WRONLY|O_CREAT", "0".  The text is cut to room bytes
 * with its end.  Returns its length. */
size_t rsys_names_write(enum rsys_list list, uint64_t value, char *text, size_t room);

#endif

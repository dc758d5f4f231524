/* SPDX-License-Identifier: GPL-2.0-only */
/* program.h: whether a file can be executed with the library in it. */
#ifndef RSYS_PRELOAD_PROGRAM_H
#define RSYS_PRELOAD_PROGRAM_H

#include <stddef.h>

/* Why the loader would not bring the library into path, which is then named in file (size bytes; the interpreter of a script, perhaps); NULL: it would,
 * or the kernel itself will say why path cannot be executed. */
const char *program_obstacle(const char *path, char *file, size_t size);

#endif

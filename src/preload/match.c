/* SPDX-License-Identifier: GPL-2.0-only */
/* match.c: the patterns of --paths. */
#include "src/preload/preload.h"

#include <string.h>

/* * is any characters but /, ** any at all, ? one but /.  What lies below a match matches as well. */
static bool matches(const char *pattern, const char *path)
{
    for (; *pattern != 0; pattern++, path++) {
        if (*pattern == '*') {
            bool deep = pattern[1] == '*';
            for (pattern += deep ? 2 : 1;; path++) {
                if (matches(pattern, path))
                    return true;
                if (*path == 0 || (*path == '/' && !deep))
                    return false;
            }
        }
        if (*pattern != *path && !(*pattern == '?' && *path != 0 && *path != '/'))
            return pattern[0] == '/' && pattern[1] == 0 && *path == 0; /* "/a/" is "/a" */
    }
    return *path == 0 || *path == '/' || path[-1] == '/';
}

bool path_chosen(const struct preload_config *config, const char *path)
{
    bool chosen = config->paths_given == 0;
    for (uint32_t at = 0; at < config->paths_size; at += (uint32_t)strlen(config->paths + at) + 1) {
        const char *pattern = config->paths + at;
        if (matches(pattern + (*pattern == '!'), path))
            chosen = *pattern != '!';
    }
    return chosen;
}

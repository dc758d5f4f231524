/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: rsys-jail: run a program here and its system calls in a sandbox on a server. */
#include "src/jail/launch.h"
#include "src/jail/options.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct rsys_options options;
    RSYS_AUTO_ERROR err = NULL;
    int status = RSYS_EXIT_OURS;
    switch (rsys_options_parse(&options, argc, argv, &err)) {
    case RSYS_OPTIONS_RUN:
        status = rsys_launch(&options, &err);
        break;
    case RSYS_OPTIONS_DONE:
        status = fflush(stdout) == 0 ? 0 : RSYS_EXIT_OURS;
        break;
    case RSYS_OPTIONS_USAGE:
        break;
    }
    if (err != NULL)
        fprintf(stderr, "rsys-jail: %s\n", rsys_error_text(err));
    rsys_options_free(&options);
    return status;
}

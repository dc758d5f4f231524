/* SPDX-License-Identifier: GPL-2.0-only */
/* tls-main.c: rsys-tls: the TLS process of the library's sessions.  The library starts it; it ends with the last process that uses the session.
 *
 *     rsys-tls --control FD */
#include "sandbox/sandbox.h"
#include "transport/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[1], "--control") != 0) {
        fprintf(stderr, "rsys-tls: it is for librsys to start\n");
        return 2;
    }
    rsys_tls_process_run(atoi(argv[2]), false, rsys_sandbox_confine_worker);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: rsys-sandboxd(8). */
#include "server/daemon.h"

#include "policy/policy.h"
#include "sandbox/sandbox.h"
#include "server/control.h"
#include "src/core/util.h"

#include <fcntl.h>
#include <stdio.h>

static int check(const char *path, bool json)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_spec *spec = rsys_policy_load(path, &err);
    if (spec == NULL) {
        fprintf(stderr, "rsys-sandboxd: %s\n", rsys_error_text(err));
        return 1;
    }
    int result = 0;
    if (json)
        result = rsys_policy_explain_json(spec, stdout);
    else
        rsys_policy_explain(spec, stdout);
    rsys_policy_free(spec);
    return result == 0 && fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    /* No descriptor of ours is to land on 0, 1 or 2 because whoever started us closed them. */
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
        ;
    rsys_close(fd);
    struct options options;
    int status = server_options(&options, argc, argv);
    if (status < 0 && options.tls_fd >= 0)
        rsys_tls_process_run(options.tls_fd, true, rsys_sandbox_confine_worker);
    if (status < 0)
        status = options.status ? control_ask(&options) : options.check != NULL ? check(options.check, options.json) : server_run(&options);
    rsys_clients_spec_free(&options.clients);
    return status;
}

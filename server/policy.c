/* SPDX-License-Identifier: GPL-2.0-only */
/* policy.c: the policy as sessions need it: compiled, with the executors' filter. */
#include "server/daemon.h"

#include "policy/policy.h"
#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"
#include "server/log.h"
#include "src/core/util.h"

int server_policy_load(struct server_policy *policy, const char *path, struct rsys_error **err)
{
    struct server_policy new = {.spec = path != NULL ? rsys_policy_load(path, err) : rsys_policy_default(err)};
    if (new.spec == NULL)
        return -1;
    if (new.spec->sandbox.network == RSYS_NETWORK_VETH && !rsys_sandbox_may_make_links()) {
        server_policy_free(&new);
        return rsys_error_make(err, 0, "the policy %s has the network \"veth\", which takes CAP_NET_ADMIN: run rsys-sandboxd as root, or use the network \"none\" or \"host\"", path);
    }
    if (rsys_sandbox_check_paths(&new.spec->sandbox, err) < 0) {
        server_policy_free(&new);
        return -1;
    }
    if (rsys_filter_executor(&new.spec->rules, &new.filter, &new.filter_count, err) < 0) {
        server_policy_free(&new);
        return -1;
    }
    if (rsys_cgroups_prepare(&policy->groups, &new.spec->sandbox.group, err) < 0) {
        server_policy_free(&new);
        return -1;
    }
    new.groups = policy->groups;
    for (size_t i = 0; i < new.spec->warnings; i++)
        server_log(LOG_LEVEL_INFO, "policy: %s", new.spec->warning[i]);
    server_policy_free(policy);
    *policy = new;
    return 0;
}

void server_policy_free(struct server_policy *policy)
{
    if (policy->spec != NULL)
        rsys_policy_free(policy->spec);
    free(policy->filter);
    *policy = (struct server_policy){.groups = policy->groups};
}

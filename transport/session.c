/* SPDX-License-Identifier: GPL-2.0-only */
/* session.c: the first steps of every client: the welcome, a first executor. */
#include "transport/session.h"

#include "src/core/util.h"

#include <string.h>

int rsys_welcome_take(const void *payload, size_t size, struct rsys_welcome *ret_welcome, struct rsys_rules *ret_rules, struct rsys_error **err)
{
    struct rsys_welcome welcome;
    if (size < sizeof welcome)
        return rsys_error_make(err, 0, "the server's welcome is too short");
    memcpy(&welcome, payload, sizeof welcome);
    welcome.hostname[sizeof welcome.hostname - 1] = 0;
    size_t rest = size - sizeof welcome;
    if (rest != (uint64_t)welcome.rules * sizeof(struct rsys_wire_rule) || welcome.nofile < 16 || welcome.nofile > 1u << 20)
        return rsys_error_make(err, 0, "the server's welcome contradicts itself");
    struct rsys_rules rules = {.default_action = welcome.default_action, .default_error = (uint16_t)welcome.default_errno, .count = welcome.rules};
    rules.rules = malloc(rest + 1);
    if (rules.rules == NULL)
        return rsys_error_make(err, ENOMEM, "rules");
    memcpy(rules.rules, (const char *)payload + sizeof welcome, rest);
    if (rsys_rules_check(&rules) < 0) {
        rsys_rules_free(&rules);
        return rsys_error_make(err, 0, "the server's rules are malformed");
    }
    *ret_welcome = welcome;
    *ret_rules = rules;
    return 0;
}

int rsys_spawn(int control_fd, uint32_t seq, int channel_fd, pid_t pid, bool pager, int timeout_ms, const char *what, struct rsys_error **err)
{
    struct rsys_wire_request request = {.seq = seq, .nr = RSYS_OP_SPAWN, .args = {(uint64_t)pid, pager}};
    struct rsys_wire_reply reply, greeting;
    if (rsys_send_all(control_fd, &request, sizeof request, timeout_ms) < 0 || rsys_receive_all(control_fd, &reply, sizeof reply, timeout_ms) < 0)
        return rsys_error_make(err, errno, "ask the server for %s", what);
    if (reply.seq != seq || reply.size != 0)
        return rsys_error_make(err, EPROTO, "ask the server for %s", what);
    if (reply.result < 0)
        return rsys_error_make(err, (int)-reply.result, "the server cannot make an executor");
    if (rsys_receive_all(channel_fd, &greeting, sizeof greeting, timeout_ms) < 0)
        return rsys_error_make(err, errno, "wait for %s", what);
    if (greeting.seq != 0 || greeting.size != 0 || greeting.result != pid)
        return rsys_error_make(err, EPROTO, "%s", what);
    return 0;
}

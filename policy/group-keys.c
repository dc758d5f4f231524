/* SPDX-License-Identifier: GPL-2.0-only */
/* group-keys.c: those of a policy's `limits` that hold for a session as a whole, by a control group. */
#include "policy/internal.h"

#include "src/core/util.h"

#include <stdio.h>
#include <string.h>

#define PERCENT_MAX 1000000u

int policy_limit_memory(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    if (json_get_size(value, &sandbox->group.memory, err) < 0)
        return -1;
    if (sandbox->group.memory < RSYS_GROUP_MEMORY_MIN)
        return json_error(value, err, "less than 4M is not enough for the executors themselves");
    return 0;
}

int policy_limit_swap(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    sandbox->group.has_swap = true;
    return json_get_size(value, &sandbox->group.swap, err);
}

int policy_limit_pids(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    uint64_t number;
    if (json_get_number(value, UINT32_MAX, &number, err) < 0)
        return -1;
    if (number < 4)
        return json_error(value, err, "fewer than 4 processes are not enough: two of them are rsys's own");
    sandbox->group.pids = (uint32_t)number;
    return 0;
}

/* "150%" of one processor, or a number of them. */
int policy_limit_cpu(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    uint64_t number = 0;
    unsigned percent;
    char sign, rest;
    if (json_is_string(value.json)) {
        const char *text = json_string_value(value.json);
        if (strspn(text, "0123456789") == 0 || sscanf(text, "%7u%c%c", &percent, &sign, &rest) != 2 || sign != '%')
            return json_error(value, err, "a share of one processor (\"150%%\") or a number of processors is expected here, not \"%s\"", text);
        number = percent;
    } else {
        if (json_get_number(value, PERCENT_MAX / 100, &number, err) < 0)
            return -1;
        number *= 100;
    }
    if (number == 0 || number > PERCENT_MAX)
        return json_error(value, err, "a share of processors is from 1%% to %u%%", PERCENT_MAX);
    sandbox->group.cpu = (uint32_t)number;
    return 0;
}

/* ---- io ---- */

static int io_device(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_io_spec *io = context;
    return policy_get_path(value, &io->device, err);
}
static int io_read(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_io_spec *io = context;
    return json_get_size(value, &io->read_bytes, err);
}
static int io_write(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_io_spec *io = context;
    return json_get_size(value, &io->write_bytes, err);
}
static int io_read_ops(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_io_spec *io = context;
    return json_get_number(value, UINT32_MAX, &io->read_ops, err);
}
static int io_write_ops(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_io_spec *io = context;
    return json_get_number(value, UINT32_MAX, &io->write_ops, err);
}

static const struct json_key io_keys[] = {
    {"device", io_device, NULL}, {"read", io_read, NULL}, {"write", io_write, NULL}, {"readOps", io_read_ops, NULL}, {"writeOps", io_write_ops, NULL}, {0},
};

static int read_io(struct rsys_group_spec *group, struct json_value value, struct rsys_error **err)
{
    struct rsys_io_spec io = {0};
    int result = json_read_object(value, "an \"io\"", io_keys, &io, err);
    if (result == 0 && io.device == NULL)
        result = json_error(value, err, "an \"io\" needs \"device\": a disk (\"/dev/vda\"), or any path on its file system");
    if (result == 0 && (io.read_bytes | io.write_bytes | io.read_ops | io.write_ops) == 0)
        result = json_error(value, err, "an \"io\" needs \"read\", \"write\" (bytes a second), \"readOps\" or \"writeOps\"");
    struct rsys_io_spec *grown = result == 0 ? reallocarray(group->io, group->ios + 1, sizeof *grown) : NULL;
    if (grown == NULL) {
        free(io.device);
        return result < 0 ? -1 : rsys_error_make(err, ENOMEM, "compile the policy");
    }
    group->io = grown;
    group->io[group->ios++] = io;
    return 0;
}

int policy_limit_io(void *context, struct json_value value, struct rsys_error **err)
{
    struct rsys_sandbox_spec *sandbox = context;
    if (json_expect_array(value, err) < 0)
        return -1;
    for (struct json_cursor element = json_begin(value); json_next(&element);)
        if (read_io(&sandbox->group, element.value, err) < 0)
            return -1;
    return 0;
}

/* ---- --check ---- */

static void explain_rate(FILE *out, const char *what, uint64_t rate, bool bytes)
{
    if (rate == 0)
        return;
    fprintf(out, ", %s ", what);
    if (bytes)
        policy_print_size(out, rate);
    else
        fprintf(out, "%llu times", (unsigned long long)rate);
    fprintf(out, " a second");
}

void policy_explain_group(const struct rsys_sandbox_spec *sandbox, FILE *out)
{
    const struct rsys_group_spec *group = &sandbox->group;
    if (group->memory != 0) {
        fprintf(out, "  memory                   ");
        policy_print_size(out, group->memory);
        fprintf(out, " in all: the session ends when it needs more\n");
    }
    if (group->memory != 0 || group->has_swap) {
        fprintf(out, "  swapped out              at most ");
        policy_print_size(out, group->swap);
        fputc('\n', out);
    }
    if (group->cpu != 0)
        fprintf(out, "  processors               %u%% of one\n", group->cpu);
    if (group->pids != 0)
        fprintf(out, "  processes, by its group  %u in all\n", group->pids);
    for (size_t i = 0; i < group->ios; i++) {
        const struct rsys_io_spec *io = &group->io[i];
        fprintf(out, "  the disk of %s", io->device);
        explain_rate(out, "read", io->read_bytes, true);
        explain_rate(out, "written", io->write_bytes, true);
        explain_rate(out, "read", io->read_ops, false);
        explain_rate(out, "written", io->write_ops, false);
        fputc('\n', out);
    }
}

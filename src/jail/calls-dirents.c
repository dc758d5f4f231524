/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-dirents.c: getdents and getdents64: what a directory of the server shows that no guest has.
 *
 * The view's executor is a process of the sandbox, but no guest: /proc does not list it.
 *
 * An executor's own descriptors (its channel, the broker) lie above the guest's limit, and /proc/PID/fd of the sandbox lists them.  An entry whose name
 * is a number above the limit is rare; only when one is met, the directory is asked whether it is of a procfs, and then such entries are left out. */
#include "src/jail/internal.h"
#include "src/jail/names.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

/* What a call has at call->scratch: the answer as it came. */
struct listing {
    struct statfs of;
    uint32_t size;
    uint8_t entries[];
};

/* An entry's parts in either call's form.  Returns its size, or 0: no entry of such a form, as only a broken server sends. */
static uint32_t entry_at(const struct call *call, const uint8_t *at, uint32_t rest, const char **ret_name, uint8_t *ret_type)
{
    uint32_t head = call->nr == SYS_getdents64 ? 19 : 18;
    uint16_t size;

    if (rest < head + 1)
        return 0;
    memcpy(&size, at + 16, sizeof(size));
    if (size <= head || size > rest || !memchr(at + head, 0, size - head))
        return 0;
    *ret_name = (const char *)at + head;
    *ret_type = head == 19 ? at[18] : at[size - 1];
    return size;
}

static bool is_hidden(const struct call *call, const char *name, uint8_t type)
{
    char *end;
    unsigned long number;

    if (type == DT_DIR)
        return strcmp(name, RSYS_PAGER_NAME) == 0;
    if ((type != DT_LNK && type != DT_REG) || name[0] < '1' || name[0] > '9')
        return false;
    number = strtoul(name, &end, 10);
    return *end == '\0' && number >= rsys_jail_session(call->guest->process->jail)->welcome.nofile;
}

static bool any_hidden(const struct call *call, const uint8_t *entries, uint32_t size)
{
    const char *name;
    uint8_t type;
    uint32_t step;

    for (uint32_t at = 0; (step = entry_at(call, entries + at, size - at, &name, &type)) != 0; at += step)
        if (is_hidden(call, name, type))
            return true;
    return false;
}

/* Whether an entry is the directory itself and that is the root of a procfs (PROC_ROOT_INO in fs/proc/root.c). */
static bool is_root(const uint8_t *entry, const char *name)
{
    uint64_t ino;

    memcpy(&ino, entry, sizeof(ino));
    return strcmp(name, ".") == 0 && ino == 1;
}

static uint32_t leave_out(const struct call *call, uint8_t *entries, uint32_t size)
{
    const char *name;
    uint8_t type;
    uint32_t step, kept = 0;
    bool root = false;

    for (uint32_t at = 0; (step = entry_at(call, entries + at, size - at, &name, &type)) != 0; at += step) {
        root |= is_root(entries + at, name);
        if (is_hidden(call, name, type) && (type != DT_DIR || root))
            continue;
        memmove(entries + kept, entries + at, step);
        kept += step;
    }
    return kept;
}

static enum verdict list(struct call *call);

static enum verdict got_system(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct listing *listing = call->scratch;

    if (reply->result == 0 && rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest)) == 0 &&
        listing->of.f_type == PROC_SUPER_MAGIC) {
        listing->size = leave_out(call, listing->entries, listing->size);
        if (!listing->size) /* 0 would be the directory's end */
            return list(call);
    }
    if (rsys_memory_write(rsys_guest_memory(call->guest), call->args[1], listing->entries, listing->size) < 0)
        return rsys_call_done(call, -EFAULT);
    return rsys_call_done(call, listing->size);
}

static enum verdict got_entries(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    uint32_t size = reply->size >= 4 ? reply->size - 4 : 0; /* behind the one range's length */
    struct listing *listing;
    int result;

    if (reply->result <= 0 || (uint64_t)reply->result != size || !any_hidden(call, data + 4, size)) {
        result = rsys_request_finish(&call->request, reply, data, rsys_guest_memory(call->guest));
        return rsys_call_done(call, result == -EPROTO ? -EIO : result < 0 ? result : reply->result);
    }
    listing = rsys_call_scratch(call, sizeof(*listing) + size);
    if (!listing)
        return rsys_call_done(call, -ENOMEM);
    listing->size = size;
    memcpy(listing->entries, data + 4, size);
    rsys_request_start(&call->request, SYS_fstatfs, (uint64_t[6]){call->args[0]});
    rsys_request_out(&call->request, 1, sizeof(listing->of), RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){.own = &listing->of});
    call->on_reply = got_system;
    return rsys_call_send(call);
}

static enum verdict list(struct call *call)
{
    call->on_reply = got_entries;
    return rsys_call_forward(call);
}

enum verdict rsys_handle_GETDENTS(struct call *call)
{
    const struct fdtable *fds = call->guest->process->fds;

    if (rsys_fd_is_users(fds, (int32_t)call->args[0]))
        return rsys_call_done(call, -ENOTDIR); /* the user's are none: launch.c refuses directories */
    if (rsys_fd_is_local(fds, (int32_t)call->args[0]))
        return VERDICT_CONTINUE; /* /dev/pts */
    return list(call);
}

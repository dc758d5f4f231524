/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-sockopt.c: setsockopt and getsockopt: the options of sockopts.def, whose values hold pointers or are counted in something else than bytes.
 *
 * A local descriptor is a socket that the user left open for the guest: its own kernel follows the guest's pointers in the guest's memory. */
#include "src/core/sockopts.h"
#include "src/core/util.h"
#include "src/jail/jail.h"

#include <asm/unistd.h>
#include <limits.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

/* struct sock_fprog: a count and a pointer to as many instructions.  What cannot be read or is too long is the kernel's to refuse, in its own order: its
 * pointer then leads nowhere. */
static enum verdict set_program(struct call *call)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    struct rsys_request *request = &call->request;
    struct sock_fprog program;
    if (call->args[4] != sizeof program)
        return rsys_call_forward(call);
    int failed = rsys_memory_read(memory, call->args[3], &program, sizeof program);
    if (failed < 0)
        return rsys_call_done(call, failed);
    uint64_t address = (uint64_t)(uintptr_t)program.filter;
    size_t size = program.len <= BPF_MAXINSNS ? program.len * sizeof *program.filter : 0;
    program.filter = address != 0 ? (struct sock_filter *)UINTPTR_MAX : NULL;
    rsys_request_start(request, __NR_setsockopt, call->args);
    int64_t at = rsys_request_in(request, 3, &program, sizeof program);
    int64_t filter = at >= 0 && size > 0 && address != 0 ? rsys_request_in_guest(request, -1, memory, address, size) : -EFAULT;
    if (filter >= 0)
        filter = rsys_request_pointer(request, (uint32_t)at + offsetof(struct sock_fprog, filter), (uint32_t)filter);
    if (at < 0 || (filter < 0 && filter != -EFAULT))
        return rsys_call_done(call, at < 0 ? at : filter);
    return rsys_call_send(call);
}

/* The length counts instructions: as many as there are, or 0 to ask how many. */
static enum verdict instructions_reply(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    uint32_t room = (uint32_t)call->own.word[0], count;
    int failed = rsys_request_finish(&call->request, reply, data, memory);
    if (failed < 0 || reply->result < 0)
        return rsys_call_done(call, failed < 0 ? failed : reply->result);
    /* The server's word, bounded by what there was room for; the length, as the first out-range, comes always. */
    memcpy(&count, data + 2 * sizeof(uint32_t), sizeof count);
    if (room > 0 && count <= room)
        failed = rsys_memory_write(memory, call->args[3], data + 3 * sizeof(uint32_t), count * sizeof(struct sock_filter));
    if (failed == 0)
        failed = rsys_memory_write(memory, call->args[4], &count, sizeof count);
    return rsys_call_done(call, failed);
}

static enum verdict get_instructions(struct call *call)
{
    struct rsys_request *request = &call->request;
    uint32_t room;
    int failed = rsys_memory_read(rsys_guest_memory(call->guest), call->args[4], &room, sizeof room);
    if (failed < 0)
        return rsys_call_done(call, failed);
    if (room <= INT_MAX && room > BPF_MAXINSNS)
        room = BPF_MAXINSNS; /* no filter is longer */
    call->own.word[0] = room;
    rsys_request_start(request, __NR_getsockopt, call->args);
    int64_t at = rsys_request_in(request, 4, &room, sizeof room);
    if (at >= 0)
        at = rsys_request_out_at(request, (uint32_t)at, sizeof room, RSYS_OUT_SUCCESS, 0, (struct rsys_out_target){0});
    if (at >= 0)
        at = rsys_request_out(request, 3, room <= INT_MAX ? room * sizeof(struct sock_filter) : 0, RSYS_OUT_SUCCESS, 1, (struct rsys_out_target){0});
    call->on_reply = instructions_reply;
    return at < 0 ? rsys_call_done(call, at) : rsys_call_send(call);
}

static enum verdict get_bytes(struct call *call)
{
    uint32_t room;
    /* What the kernel refuses by itself. */
    if (call->args[3] == 0 || call->args[4] == 0 ||
        (rsys_memory_read(rsys_guest_memory(call->guest), call->args[4], &room, sizeof room) == 0 && room > INT_MAX))
        return rsys_call_forward(call);
    int64_t failed = rsys_encode_getsockopt(&call->request, call->args, rsys_guest_memory(call->guest));
    return failed < 0 ? rsys_call_done(call, failed) : rsys_call_send(call);
}

enum verdict rsys_handle_SOCKOPT(struct call *call)
{
    const struct rsys_sockopt *option = rsys_sockopt_find(call->nr == __NR_setsockopt, call->args[1], call->args[2]);
    uint64_t args[6];
    if (rsys_fd_is_local(call->guest->process->fds, (int64_t)call->args[0]))
        return VERDICT_CONTINUE;
    if (option != NULL && option->how == RSYS_OPTION_REFUSED)
        return rsys_call_done(call, -(int64_t)option->refusal);
    if (option != NULL && option->how == RSYS_OPTION_PROGRAM)
        return set_program(call);
    if (option != NULL)
        return get_instructions(call);
    if (call->nr == __NR_getsockopt)
        return get_bytes(call);
    if ((int32_t)call->args[4] < 0)
        return rsys_call_done(call, -EINVAL);
    memcpy(args, call->args, sizeof args);
    args[4] = RSYS_MIN((uint64_t)(uint32_t)args[4], (uint64_t)RSYS_SOCKOPT_MAX);
    return rsys_call_forward_args(call, args);
}

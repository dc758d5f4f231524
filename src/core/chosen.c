/* SPDX-License-Identifier: GPL-2.0-only */
/* chosen.c: what becomes of each call where only chosen ones go to the server.
 *
 * The table says it, but for what is here: rows that never run in a session's sandbox are ordinary calls for a program that is not in one. */
#include "src/core/chosen.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <sys/mman.h>

/* The first argument of a shape, or -1. */
static int argument_of(const struct rsys_call *call, uint8_t shape)
{
    for (int i = 0; i < call->nargs; i++)
        if (call->args[i].shape == shape)
            return i;
    return -1;
}

static enum rsys_choice choice_of_special(const struct rsys_call *call)
{
    switch (call->handler) {
    case RSYS_HANDLER_CLOSE_RANGE:
    case RSYS_HANDLER_POLL:
    case RSYS_HANDLER_SELECT:
    case RSYS_HANDLER_EPOLL:
    case RSYS_HANDLER_SENDFILE:
    case RSYS_HANDLER_MMAP:
    case RSYS_HANDLER_UNSHARE:
    case RSYS_HANDLER_SIGNALFD: /* whoever waits over one and a remote descriptor has to be woken by signals */
    case RSYS_HANDLER_PRCTL:
        return RSYS_CHOICE_BOTH;
    case RSYS_HANDLER_MQ_NOTIFY:
        return RSYS_CHOICE_BY_FD;
    default:
        return RSYS_CHOICE_OWN;
    }
}

enum rsys_choice rsys_choice_of(const struct rsys_call *call)
{
    switch (call->where) {
    case RSYS_NEVER:
        /* Requests of io_uring are made unseen; clone3's flags tell whether a table of descriptors is shared, and lie in memory. */
        return call->nr == __NR_clone3 || call->nr == __NR_io_uring_setup || call->nr == __NR_io_uring_enter || call->nr == __NR_io_uring_register
                   ? RSYS_CHOICE_NEVER : RSYS_CHOICE_OWN;
    case RSYS_LOCAL:
        return RSYS_CHOICE_OWN;
    case RSYS_SPECIAL:
        return choice_of_special(call);
    default:
        break;
    }
    if (call->where == RSYS_BY_FD || argument_of(call, RSYS_ARG_FD) >= 0)
        return RSYS_CHOICE_BY_FD;
    if (call->handler == RSYS_HANDLER_SOCKETPAIR) /* two ends of something here, or nothing that anybody there could use */
        return RSYS_CHOICE_OWN;
    if (call->handler == RSYS_HANDLER_EPOLL) /* whatever will be put into it: sets are the server's, with a local part */
        return RSYS_CHOICE_BOTH;
    return argument_of(call, RSYS_ARG_DIRFD) >= 0 ? RSYS_CHOICE_AT : RSYS_CHOICE_NAMED;
}

bool rsys_is_choosable(const struct rsys_call *call)
{
    enum rsys_choice choice = rsys_choice_of(call);
    return choice == RSYS_CHOICE_NAMED || choice == RSYS_CHOICE_AT;
}

const char *rsys_choice_why_not(const struct rsys_call *call)
{
    switch (rsys_choice_of(call)) {
    case RSYS_CHOICE_NEVER:
        return "it never runs";
    case RSYS_CHOICE_BY_FD:
    case RSYS_CHOICE_BOTH:
        return "it goes where its descriptors are at home: choose the calls that make these";
    default:
        return "it is always this machine's";
    }
}

bool rsys_choice_is_seen(const struct rsys_call *call, const uint64_t args[6])
{
    switch (rsys_choice_of(call)) {
    case RSYS_CHOICE_BY_FD:
        return true;
    case RSYS_CHOICE_BOTH:
        return call->nr != __NR_mmap || (args[3] & MAP_ANONYMOUS) == 0;
    case RSYS_CHOICE_AT:
        for (int i = 0; i < call->nargs; i++)
            if (call->args[i].shape == RSYS_ARG_DIRFD && (int32_t)args[i] != AT_FDCWD)
                return true;
        return false;
    default:
        return false;
    }
}

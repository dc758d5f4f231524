/* SPDX-License-Identifier: GPL-2.0-only */
/* calls-mqueue.c: mq_notify: the other calls of message queues are rows.
 *
 * A signal is raised on the executor, and told as others are (signals.c).  SIGEV_THREAD is of libc's making: the kernel sends a cookie, which the
 * struct points at, to a netlink socket whose number stands where the signal's does; libc's thread reads it there. */
#include "src/jail/calls-fd.h"

#include <asm/unistd.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#define COOKIE 32 /* NOTIFY_COOKIE_LEN */

enum verdict rsys_handle_MQ_NOTIFY(struct call *call)
{
    struct rsys_memory *memory = rsys_guest_memory(call->guest);
    struct rsys_request *request = &call->request;
    struct sigevent event;
    int64_t at, cookie;
    if (rsys_fd_is_beyond(call, call->args[0]))
        return rsys_call_done(call, -EBADF);
    rsys_request_start(request, __NR_mq_notify, (uint64_t[6]){call->args[0]});
    if (call->args[1] == 0)
        return rsys_call_send(call);
    if (rsys_memory_read(memory, call->args[1], &event, sizeof event) < 0)
        return rsys_call_done(call, -EFAULT);
    if (event.sigev_notify == SIGEV_SIGNAL && rsys_call_owner_signal((uint32_t)event.sigev_signo) < 0)
        return rsys_call_done(call, -EINVAL);
    if (event.sigev_notify == SIGEV_THREAD && (rsys_fd_is_beyond(call, (uint32_t)event.sigev_signo) ||
                                               rsys_fd_is_local(call->guest->process->fds, event.sigev_signo)))
        return rsys_call_done(call, -EBADF);
    at = rsys_request_in(request, 1, &event, sizeof event);
    if (at < 0)
        return rsys_call_done(call, at);
    if (event.sigev_notify == SIGEV_THREAD) {
        cookie = rsys_request_in_guest(request, -1, memory, (uintptr_t)event.sigev_value.sival_ptr, COOKIE);
        if (cookie >= 0)
            cookie = rsys_request_pointer(request, (uint32_t)at + offsetof(struct sigevent, sigev_value), (uint32_t)cookie);
        if (cookie < 0)
            return rsys_call_done(call, cookie);
    }
    return rsys_call_send(call);
}

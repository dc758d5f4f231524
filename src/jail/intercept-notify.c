/* SPDX-License-Identifier: GPL-2.0-only */
/* intercept-notify.c: calls by seccomp's user notifications.
 *
 * The guest sleeps in the kernel until we answer, or a signal wakes it: then its notification is void.  No ptrace stop on this path. */
#include "src/jail/intercept.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#define ERESTARTSYS 512 /* of the kernel's own headers: it never reaches a program */

static bool valid(const struct call *call)
{
    uint64_t id = call->id;

    return ioctl(call->guest->process->jail->notify.fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* Tell the kernel.  False: the guest has been interrupted or killed meanwhile. */
static bool notify_send(struct jail *jail, uint64_t id, int64_t result, uint32_t flags)
{
    struct seccomp_notif_resp *response = jail->response;

    memset(response, 0, sizeof(*response));
    response->id = id;
    response->flags = flags;
    if (!flags && result < 0 && result >= -4095)
        response->error = (int32_t)result;
    else if (!flags)
        response->val = result;
    return ioctl(jail->notify.fd, SECCOMP_IOCTL_NOTIF_SEND, response) == 0;
}

static bool answer(struct call *call, int64_t result, bool pass)
{
    return notify_send(call->guest->process->jail, call->id, result, pass ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0);
}

static int add_fd(struct call *call, int fd, int at, bool cloexec)
{
    struct seccomp_notif_addfd add = {
        .id = call->id,
        .flags = at >= 0 ? SECCOMP_ADDFD_FLAG_SETFD : 0,
        .srcfd = (uint32_t)fd,
        .newfd = at >= 0 ? (uint32_t)at : 0,
        .newfd_flags = cloexec ? O_CLOEXEC : 0,
    };
    int number;

    do
        number = ioctl(call->guest->process->jail->notify.fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    while (number < 0 && errno == EINTR);
    /* Interrupted, there is no notification to act on, but the guest will make the call again. */
    if (number < 0)
        return errno == ENOENT ? -ERESTARTSYS : -errno;
    return number;
}

/* Nothing closes a descriptor from outside.  A tombstone over it does the same. */
static int drop_fd(struct call *call, int fd)
{
    static int tombstone = -1;

    if (tombstone < 0 && (tombstone = eventfd(0, EFD_CLOEXEC)) < 0)
        return -errno;
    return add_fd(call, tombstone, fd, true);
}

static void interrupt(struct guest *guest)
{
    ptrace(PTRACE_INTERRUPT, guest->tid, NULL, NULL);
}

const struct rsys_intercept rsys_intercept_notify = {
    .loses_answers = true, .valid = valid, .answer = answer, .add_fd = add_fd, .drop_fd = drop_fd, .interrupt = interrupt,
};

int rsys_notify_prepare(struct jail *jail, struct rsys_error **err)
{
    struct seccomp_notif_sizes sizes;

    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return rsys_error_make(err, errno, "ask for seccomp's notifications (--intercept=ptrace does without)");
    /* The kernel's structs may be larger than those we were built with. */
    jail->request_size = RSYS_MAX((size_t)sizes.seccomp_notif, sizeof(struct seccomp_notif));
    jail->request = calloc(1, jail->request_size);
    jail->response = calloc(1, RSYS_MAX((size_t)sizes.seccomp_notif_resp, sizeof(struct seccomp_notif_resp)));
    return jail->request && jail->response ? 0 : rsys_error_make(err, ENOMEM, "start the supervisor");
}

int rsys_notify_start(struct guest *first, int number)
{
    struct jail *jail = first->process->jail;

    jail->intercept = &rsys_intercept_notify;
    jail->notify.kind = SOURCE_NOTIFY;
    jail->notify.fd = rsys_guest_get_fd(first, number);
    if (jail->notify.fd < 0 || rsys_source_watch(jail, &jail->notify, false) < 0)
        return jail->notify.fd < 0 ? jail->notify.fd : -errno;
    /* Wakes the guest on our CPU, at once; kernels before 6.6 do not know it. */
    ioctl(jail->notify.fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    return 0;
}

void rsys_notify_event(struct jail *jail)
{
    struct seccomp_notif *notif = jail->request;
    struct guest *guest;

    memset(notif, 0, jail->request_size);
    if (ioctl(jail->notify.fd, SECCOMP_IOCTL_NOTIF_RECV, notif) < 0)
        return; /* ENOENT: interrupted before we came; it comes again */
    jail->last_id = notif->id;
    jail->received++;
    guest = rsys_guest_find(jail, (pid_t)notif->pid);
    if (!guest || !guest->channel) /* killed, and reaped before its call was read; or killed because the server has ended its side */
        notify_send(jail, notif->id, -ENOSYS, 0);
    else if (guest->state == GUEST_STARTING) /* our own code, before the program */
        notify_send(jail, notif->id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    else if (rsys_injection_is(guest, notif)) /* descriptors that we have put there, and a word of the vdso */
        notify_send(jail, notif->id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    else
        rsys_call_arrives(guest, notif);
}

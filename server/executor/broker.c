/* SPDX-License-Identifier: GPL-2.0-only */
/* broker.c: spare channels out of the session's broker, and back into it: one descriptor a message (SCM_RIGHTS, unix(7)). */
#include "server/executor/internal.h"

#include <asm/unistd.h>

#define MSG_DONTWAIT 0x40
#define MSG_CMSG_CLOEXEC 0x40000000
#define MSG_CTRUNC 8
#define SOL_SOCKET 1
#define SCM_RIGHTS 1

/* The kernel's struct user_msghdr, with room for one byte and one descriptor. */
struct message {
    struct {
        void *name;
        int name_length;
        void *vectors;
        size_t count;
        void *control;
        size_t control_length;
        unsigned flags;
    } header;
    struct {
        void *base;
        size_t length;
    } vector;
    struct {
        size_t length;
        int level, type;
        int fd;
        int pad;
    } control;
    char byte;
};
#define CONTROL_LENGTH 20 /* CMSG_LEN(sizeof(int)) */

static void message_prepare(struct message *message, int fd)
{
    message->byte = 0;
    message->vector.base = &message->byte;
    message->vector.length = 1;
    message->control.length = CONTROL_LENGTH;
    message->control.level = SOL_SOCKET;
    message->control.type = SCM_RIGHTS;
    message->control.fd = fd;
    message->control.pad = 0;
    message->header.name = 0;
    message->header.name_length = 0;
    message->header.vectors = &message->vector;
    message->header.count = 1;
    message->header.control = &message->control;
    message->header.control_length = sizeof message->control;
    message->header.flags = 0;
}

static int take(int *ret_for_view)
{
    struct message message;
    message_prepare(&message, -1);
    int64_t got = sys3(__NR_recvmsg, process.nofile + RSYS_FD_BROKER_TAKE, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return (int)got;
    *ret_for_view = message.byte == RSYS_EXECUTOR_FOR_VIEW;
    return message.header.control_length >= CONTROL_LENGTH && (message.header.flags & MSG_CTRUNC) == 0 ? message.control.fd : -E_AGAIN;
}

/* What is somebody else's goes to the end again.  So often at a time at most; there are seldom more than a few. */
#define TRIES 64

int broker_take(int for_view)
{
    for (int tries = 0; tries < TRIES; tries++) {
        int is_for_view = 0, fd = take(&is_for_view);
        if (fd < 0 || is_for_view == for_view)
            return fd;
        if (!mirror_is_dead(fd))
            broker_give(fd, is_for_view);
        sys1(__NR_close, fd);
    }
    return -E_AGAIN;
}

void broker_drain(void)
{
    for (int views = 0; views < TRIES;) {
        int is_for_view = 0, fd = take(&is_for_view);
        if (fd < 0)
            return;
        if (is_for_view) {
            broker_give(fd, is_for_view);
            views++;
        }
        sys1(__NR_close, fd);
    }
}

void broker_give(int channel, int for_view)
{
    struct message message;
    message_prepare(&message, channel);
    message.byte = for_view ? RSYS_EXECUTOR_FOR_VIEW : 0;
    sys3(__NR_sendmsg, process.nofile + RSYS_FD_BROKER_GIVE, &message.header, MSG_DONTWAIT);
}
